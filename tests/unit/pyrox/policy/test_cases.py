"""Recorded cases: read, run, compared."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import json_format

from pyrox.errors import Invalid
from pyrox.policy.cases import agrees, outcome, run_case
from pyrox.policy.evaluate import compile_policy
from tests.unit.pyrox.policy import builders as b


def _case(kind: str, *groups: b.Group, source: int = 0, **parts: Any) -> dict[str, Any]:
    on = b.on_deployment()
    base: dict[str, Any] = {
        "id": "one",
        "kind": kind,
        "policy": json_format.MessageToDict(b.policy(list(groups), source=source)),
        "deployment": json_format.MessageToDict(on.deployment),
        "images": [json_format.MessageToDict(b.image())],
        "networkPoliciesApplied": {"hasIngressNetworkPolicy": True, "policies": {"np": "allow"}},
        "now": "2026-11-24T10:00:00.123456789Z",
    }
    return base | parts


_FLOW = {
    "srcEntityName": "web",
    "srcEntityType": "DEPLOYMENT",
    "dstEntityName": "db",
    "dstEntityType": "INTERNET",
    "dstPort": 1,
    "l4Protocol": "L4_PROTOCOL_UDP",
    "notInNetworkBaseline": True,
    "lastSeenTimestamp": "2026-11-23T22:00:38Z",
}
_EVENT = json_format.MessageToDict(b.exec_event())
_ACCESS = json_format.MessageToDict(b.file_access())


@pytest.mark.parametrize(
    "case",
    [
        _case("deployment", ("Host IPC", ["true"])),
        _case("image", ("Image Tag", ["latest"]), image=json_format.MessageToDict(b.image())),
        _case(
            "process",
            ("Unexpected Process Executed", ["true"]),
            process=json_format.MessageToDict(b.process()),
            processNotInBaseline=True,
        ),
        _case("networkFlow", ("Unexpected Network Flow Detected", ["true"]), networkFlow=_FLOW),
        _case("kubeEvent", ("Kubernetes Resource", ["PODS_EXEC"]), kubeEvent=_EVENT),
        _case("kubeEvent", ("Kubernetes Resource", ["PODS_EXEC"]), kubeEvent=_EVENT, deployment=None),
        _case(
            "auditEvent",
            ("Kubernetes Resource", ["SECRETS"]),
            auditEvent=json_format.MessageToDict(b.audit_event()),
        ),
        _case("fileAccess", ("File Path", ["/etc/*"]), fileAccess=_ACCESS),
        _case("nodeEvent", ("File Path", ["/etc/*"]), fileAccess=_ACCESS, node={"name": "n"}),
    ],
    ids=lambda case: case["kind"],
)
def test_case_of_each_kind_is_run_and_explained(case: dict[str, Any]) -> None:
    result = run_case(case)
    assert result.verdict.matched
    line = result.to_json()
    assert (line["id"], line["matched"], line["error"]) == ("one", True, "")
    assert line["explanation"]["matched"] is True
    assert "pass" not in line
    assert run_case(case | {"expect": outcome(result.verdict)}).to_json()["pass"] is True
    assert run_case(case | {"expect": {"matched": False, "violations": []}}).to_json()["pass"] is False


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "nothing"}, "case 'one': kind 'nothing' is none of auditEvent, deployment"),
        ({"now": "yesterday"}, "case 'one': "),
        ({"deployment": {"containers": 5}}, "case 'one': "),
        ({"policy": {"nme": "x"}}, "case 'one': .*nme"),
        ({"images": 5}, "case 'one': "),
    ],
)
def test_broken_case_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(Invalid, match=message):
        run_case(_case("deployment", ("Host IPC", ["true"])) | changes)


def test_case_without_a_part_names_the_part() -> None:
    case = _case("deployment", ("Host IPC", ["true"]))
    del case["now"]
    with pytest.raises(Invalid, match="case 'one': now is missing"):
        run_case(case)


def test_case_flags_switch_criteria_off() -> None:
    case = _case("fileAccess", ("File Path", ["/etc/*"]), fileAccess=_ACCESS)
    with pytest.raises(Invalid, match="the criterion is unknown"):
        run_case(case | {"flags": {"ROX_SENSITIVE_FILE_ACTIVITY": False}})


def test_network_policy_attributes_are_compared_as_a_set_and_times_not_at_all() -> None:
    subject = b.on_deployment()
    assert subject.network_policies is not None
    policies = {"a": "first", "b": "second"}
    several = type(subject)(
        subject.deployment, subject.images, type(subject.network_policies)(True, False, policies)
    )
    verdict = compile_policy(b.policy([("Has Ingress Network Policy", ["true"])])).evaluate(several, b.NOW)
    expected = outcome(verdict)
    attributes = expected["violations"][0]["keyValueAttrs"]["attrs"]
    expected["violations"][0]["keyValueAttrs"]["attrs"] = attributes[2:] + attributes[:2]
    expected["violations"][0]["time"] = "2020-01-01T00:00:00Z"
    assert agrees(verdict, expected)
    expected["violations"][0]["keyValueAttrs"]["attrs"] = attributes[:2]
    assert not agrees(verdict, expected)


def test_time_of_a_network_policy_violation_without_attributes_is_not_compared() -> None:
    subject = b.on_deployment()
    assert subject.network_policies is not None
    none = type(subject)(subject.deployment, subject.images, type(subject.network_policies)(True, False))
    verdict = compile_policy(b.policy([("Has Ingress Network Policy", ["true"])])).evaluate(none, b.NOW)
    expected = outcome(verdict)
    del expected["violations"][0]["time"]
    assert agrees(verdict, expected)
