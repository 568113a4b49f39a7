"""Write what the portal's policy wizard knows about criteria: `ui/src/api/criteria.json`.

Run after a change of `pyrox.policy.fields`; a test compares. The engine's catalogue is the
only source of names and rules; how the portal groups and captions criteria stands in the
portal itself.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

from pyrox.pb.storage.policy_pb2 import EventSource
from pyrox.policy import grammars
from pyrox.policy.fields import CRITERIA, Criterion, Kind

TARGET = Path(__file__).resolve().parent.parent / "ui" / "src" / "api" / "criteria.json"
_INPUTS = {
    grammars.KEY_VALUE: "KEY_VALUE",
    grammars.BOOLEAN: "BOOLEAN",
    grammars.STRING: "TEXT",
    grammars.INTEGER: "DAYS",
    grammars.COMPARISON: "COMPARISON",
    grammars.SEVERITY: "SEVERITY",
    grammars.ENVIRONMENT: "ENVIRONMENT",
    grammars.DOCKERFILE: "DOCKERFILE",
    grammars.SIGNATURE_INTEGRATION: "SIGNATURE",
    grammars.KUBERNETES_NAME: "TEXT",
    grammars.IP_ADDRESS: "TEXT",
    grammars.FILE_PATH: "PATH",
}
_CHOICES = re.compile(r"[A-Z_]+(?:\|[A-Z_]+)+")
_EVENT_SOURCES = (EventSource.DEPLOYMENT_EVENT, EventSource.AUDIT_LOG_EVENT, EventSource.NODE_EVENT)


def choices(expression: str) -> list[str]:
    """The names that a closed grammar allows, in its order."""
    found = _CHOICES.search(expression)
    return found.group().split("|") if found else []


def described(criterion: Criterion) -> dict[str, Any]:
    """One criterion for the portal."""
    entry: dict[str, Any] = {
        "name": criterion.name,
        "kind": criterion.kind.name,
        "input": _INPUTS.get(criterion.grammar, "CHOICE"),
        "negatable": criterion.negatable,
        "single": criterion.single,
        "orOnly": criterion.or_only,
        "needs": list(criterion.needs),
        "eventSources": [
            EventSource.Name(source)
            for source in _EVENT_SOURCES
            if criterion.at_run_time and criterion.allowed_for(source)
        ],
    }
    if options := choices(
        criterion.grammar_for(EventSource.NOT_APPLICABLE, strict_environment=False, allow_from=False)
    ):
        entry["options"] = options
    if criterion.kind is Kind.KUBE_OR_AUDIT and criterion.grammar == grammars.KUBERNETES_RESOURCE:
        entry["auditOptions"] = choices(grammars.AUDIT_RESOURCE)
    return entry


def document() -> str:
    """The file's text."""
    entries = ",\n".join(f"  {json.dumps(described(CRITERIA[name]))}" for name in sorted(CRITERIA))
    return f"[\n{entries}\n]\n"


def main() -> int:
    """Write the file, or with --check say whether it is up to date."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the file is old")
    made = document()
    if not parser.parse_args().check:
        TARGET.write_text(made)
        return 0
    if TARGET.read_text() != made:
        print(f"{TARGET} is out of date: run tools/gen_portal_criteria.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
