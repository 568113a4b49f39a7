"""Summaries of alerts: merging, order, counts, what breaks."""

from __future__ import annotations

from pyrox.pb.storage import alert_pb2, policy_pb2
from roxctl.results.policies import summarize

FAIL = policy_pb2.FAIL_BUILD_ENFORCEMENT


def alert(
    policy: str, severity: int, *violations: str, breaks: bool = False, deployment: str = ""
) -> alert_pb2.Alert:
    made = alert_pb2.Alert()
    made.policy.id = made.policy.name = policy
    made.policy.severity = severity  # type: ignore[assignment]
    if breaks:
        made.policy.enforcement_actions.append(FAIL)
    for message in violations:
        made.violations.add(message=message)
    if deployment:
        made.deployment.id = made.deployment.name = deployment
        made.deployment.type, made.deployment.namespace = "Deployment", "ns"
    else:
        made.image.name.full_name = "docker.io/library/nginx:1"
    return made


def test_summarize_sorts_policies_by_severity_then_name() -> None:
    summary = summarize([alert("b", 1, "x"), alert("a", 1, "x"), alert("c", 4, "x")], FAIL)
    assert [policy.name for _, policy in summary.policies] == ["c", "a", "b"]


def test_summarize_merges_alerts_of_one_policy() -> None:
    summary = summarize([alert("a", 2, "x"), alert("a", 2, "y", "z")], FAIL)
    [(_, policy)] = summary.policies
    assert policy.violations == ["x", "y", "z"]
    assert summary.counts == {"CRITICAL": 0, "HIGH": 0, "LOW": 0, "MEDIUM": 1, "TOTAL": 1}


def test_summarize_counts_what_breaks() -> None:
    assert summarize([alert("a", 2, breaks=True), alert("b", 2)], FAIL).breaking == 1
    assert summarize([alert("a", 2, breaks=True)], policy_pb2.SCALE_TO_ZERO_ENFORCEMENT).breaking == 0


def test_summarize_json_has_upstreams_shape() -> None:
    summary = summarize([alert("a", 3, "x", breaks=True, deployment="web")], FAIL)
    counts = {"CRITICAL": 0, "HIGH": 1, "LOW": 0, "MEDIUM": 0, "TOTAL": 1}
    assert summary.json == {
        "results": [
            {
                "metadata": {
                    "id": "web",
                    "additionalInfo": {"name": "web", "namespace": "ns", "type": "Deployment"},
                },
                "summary": counts,
                "violatedPolicies": [
                    {
                        "name": "a",
                        "severity": "HIGH",
                        "description": "",
                        "violation": ["x"],
                        "remediation": "",
                        "failingCheck": True,
                    }
                ],
            }
        ],
        "summary": counts,
    }


def test_summarize_nothing_is_zeros_without_results() -> None:
    assert summarize([], FAIL).json == {
        "summary": {"CRITICAL": 0, "HIGH": 0, "LOW": 0, "MEDIUM": 0, "TOTAL": 0}
    }


def test_summarize_unknown_entity_is_named_so() -> None:
    made = alert("a", 2)
    made.ClearField("image")
    assert summarize([made], FAIL).entities[0].id == "unknown"


def test_summarize_sorts_entities_by_type_and_name() -> None:
    summary = summarize([alert("a", 1, deployment="z"), alert("a", 1, deployment="b"), alert("a", 1)], FAIL)
    assert [entity.info["name"] for entity in summary.entities] == ["b", "z", "docker.io/library/nginx:1"]


def test_summarize_shows_a_severity_of_a_newer_central_by_its_number() -> None:
    summary = summarize([alert("new", 99, "x"), alert("low", 1, "x"), alert("high", 3, "x")], FAIL)
    assert [(p.name, p.severity) for _, p in summary.policies] == [
        ("high", "HIGH"),
        ("low", "LOW"),
        ("new", "99"),
    ]
    assert summary.counts == {"99": 1, "CRITICAL": 0, "HIGH": 1, "LOW": 1, "MEDIUM": 0, "TOTAL": 3}
