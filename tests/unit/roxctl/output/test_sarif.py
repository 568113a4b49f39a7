"""SARIF reports: one rule for each name, results that point at it."""

from __future__ import annotations

import json

from roxctl.output import sarif


def report(kind: str, *findings: sarif.Finding) -> dict[str, object]:
    [run] = json.loads(sarif.render(kind, "nginx:1", findings))["runs"]
    return {"rules": run["tool"]["driver"]["rules"], "results": run["results"]}


def test_render_policy_has_rule_and_result() -> None:
    made = report(sarif.POLICIES, sarif.Finding("P", "HIGH", {"Policy": "P", "Violations": "- a\n- b"}))
    assert made["rules"] == [
        {
            "id": "P",
            "name": "PolicyViolations",
            "shortDescription": {"text": "P"},
            "fullDescription": {"text": "P"},
            "help": {"text": "Policy:\nP\nViolations:\n- a\n- b"},
            "properties": {"precision": "very-high", "tags": ["policy-violation", "HIGH"]},
        }
    ]
    place = {"artifactLocation": {"uri": "nginx:1"}, "region": {"startLine": 1, "endLine": 1}}
    assert made["results"] == [
        {
            "ruleId": "P",
            "ruleIndex": 0,
            "level": "error",
            "message": {"text": "Policy:\nP\nViolations:\n- a\n- b"},
            "locations": [{"physicalLocation": place}],
        }
    ]


def test_render_vulnerability_has_score_and_link() -> None:
    made = report(sarif.VULNERABILITIES, sarif.Finding("C_p_1", "MODERATE", {}, "https://example.com/C"))
    [rule] = made["rules"]  # type: ignore[misc]
    assert (rule["helpUri"], rule["properties"]["security-severity"]) == ("https://example.com/C", "4.8")
    assert rule["properties"]["tags"] == ["security", "MODERATE"]


def test_render_lists_a_rule_once() -> None:
    made = report(sarif.POLICIES, *(sarif.Finding("P", "LOW", {"n": str(number)}) for number in range(2)))
    assert len(made["rules"]) == 1  # type: ignore[arg-type]
    assert [result["level"] for result in made["results"]] == ["note", "note"]  # type: ignore[attr-defined]
