"""SARIF 2.1.0 reports: a rule and a result for each violated policy or vulnerability."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyrox.version import WIRE_VERSION

POLICIES = "PolicyViolations"
VULNERABILITIES = "Vulnerabilities"
_SCHEMA = (
    "https://raw.githubusercontent.com/oasis-tcs/sarif-spec/main/sarif-2.1/schema/sarif-schema-2.1.0.json"
)
_LEVELS = {
    **dict.fromkeys(("CRITICAL", "HIGH", "IMPORTANT"), "error"),
    **dict.fromkeys(("MEDIUM", "MODERATE"), "warning"),
    "LOW": "note",
}
# GitHub sorts by this number; upstream's pkg/printers/sarif.go sets them.
_SCORES = {"CRITICAL": "9.1", "IMPORTANT": "7.9", "MODERATE": "4.8", "LOW": "3.3"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One policy or vulnerability."""

    rule: str
    severity: str
    facts: Mapping[str, str]
    """Shown as the help and the message, in order."""
    link: str = ""


def render(kind: str, entity: str, findings: Sequence[Finding]) -> str:
    """The report about the entity (an image's name or a file), without a final newline."""
    rules = {finding.rule: _rule(kind, finding) for finding in reversed(findings)}
    ordered = list(dict.fromkeys(finding.rule for finding in findings))
    driver = {
        "fullName": "roxctl command line utility",
        "informationUri": "https://github.com/stackrox/stackrox",
        "name": "roxctl",
        "rules": [rules[name] for name in ordered],
        "version": WIRE_VERSION,
    }
    results = [_result(finding, ordered.index(finding.rule), entity) for finding in findings]
    report = {
        "version": "2.1.0",
        "$schema": _SCHEMA,
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
    return json.dumps(report, ensure_ascii=False, indent=2)


def _help(finding: Finding) -> str:
    return "\n".join(f"{key}:\n{value}" for key, value in finding.facts.items())


def _rule(kind: str, finding: Finding) -> dict[str, Any]:
    topic = "security" if kind == VULNERABILITIES else "policy-violation"
    properties: dict[str, Any] = {"precision": "very-high", "tags": [topic, finding.severity]}
    if kind == VULNERABILITIES:
        properties["security-severity"] = _SCORES.get(finding.severity, "0.0")
    rule: dict[str, Any] = {
        "id": finding.rule,
        "name": kind,
        "shortDescription": {"text": finding.rule},
        "fullDescription": {"text": finding.rule},
        "help": {"text": _help(finding)},
        "properties": properties,
    }
    return {**rule, "helpUri": finding.link} if finding.link else rule


def _result(finding: Finding, index: int, entity: str) -> dict[str, Any]:
    place = {"artifactLocation": {"uri": entity}, "region": {"startLine": 1, "endLine": 1}}
    return {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _LEVELS.get(finding.severity, "none"),
        "message": {"text": _help(finding)},
        "locations": [{"physicalLocation": place}],
    }
