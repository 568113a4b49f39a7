"""Write the tables of docs/compatibility.md from what the code serves.

Run by `make compatibility`; `--check` fails when the committed page is out of date. The
prose of the page is written by hand; only what stands between the markers is made.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from google.protobuf import descriptor_pool  # noqa: E402 - after the path

from pyrox.rpc.authz import Unserved  # noqa: E402
from services.central.unserved import services_without  # noqa: E402

PAGE = ROOT / "docs" / "compatibility.md"
BEGIN, END = "<!-- made by tools/gen_compatibility.py: begin -->", "<!-- end -->"
Served = dict[str, dict[str, bool]]


def modules() -> Iterator[ModuleType]:
    """All modules of all processes that define a servicer."""
    for path in sorted((ROOT / "services").rglob("*.py")):
        if "    SERVICE: ClassVar" in path.read_text():
            yield importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))


def served() -> dict[str, Served]:
    """Process to service to method to whether it is served."""
    pool = descriptor_pool.Default()
    result: dict[str, Served] = {}
    for module in modules():
        for item in vars(module).values():
            name = getattr(item, "SERVICE", None)
            if not isinstance(item, type) or not isinstance(name, str) or item.__module__ != module.__name__:
                continue
            methods = {
                method.name: not isinstance(item.AUTHZ.get(method.name), Unserved)  # type: ignore[attr-defined]
                for method in pool.FindServiceByName(name).methods
            }
            process = module.__name__.split(".")[1]
            result.setdefault(process, {})[name] = methods
    return result


def tables(found: dict[str, Served]) -> str:
    """The Markdown between the markers."""
    lines = []
    for process, by_service in sorted(found.items()):
        total = sum(len(methods) for methods in by_service.values())
        count = sum(sum(methods.values()) for methods in by_service.values())
        lines += ["", f"### {process}: {count} of {total} methods of the services it offers", ""]
        lines += ["| service | served | answers UNIMPLEMENTED |", "|---|---|---|"]
        for name, methods in sorted(by_service.items()):
            yes = ", ".join(method for method, is_served in methods.items() if is_served)
            no = ", ".join(method for method, is_served in methods.items() if not is_served)
            lines.append(f"| {name} | {yes or '-'} | {no or '-'} |")
    missing = services_without(found.get("central", {}).keys())
    lines += ["", "### Services of Central that answer UNIMPLEMENTED as a whole", ""]
    lines += [f"- {name}" for name in missing]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the page, or with `--check` compare it; 1 when it is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when the page is out of date")
    args = parser.parse_args()
    page = PAGE.read_text()
    head, rest = page.split(BEGIN)
    tail = rest.split(END)[1]
    made = f"{head}{BEGIN}\n{tables(served())}{END}{tail}"
    if made == page:
        return 0
    if args.check:
        print("docs/compatibility.md is out of date; run `make compatibility`")
        return 1
    PAGE.write_text(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
