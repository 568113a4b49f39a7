"""Subjects read back from alerts: what was judged once is what is explained."""

from __future__ import annotations

import pytest

from pyrox.pb.storage import policy_pb2
from pyrox.pb.storage.alert_pb2 import Alert
from pyrox.pb.storage.policy_pb2 import Policy
from pyrox.policy.alerts import build_alert
from pyrox.policy.evaluate import compile_policy
from pyrox.policy.subject import (
    AuditEventSubject,
    DeploymentSubject,
    FileAccessSubject,
    ImageSubject,
    KubeEventSubject,
    NetworkFlowSubject,
    NodeEventSubject,
    ProcessSubject,
    Subject,
)
from services.central.alerts.evidence import evidence_of, kept_deployment
from tests.unit.pyrox.policy import builders as b

RUNTIME = policy_pb2.RUNTIME


def _alert(policy: Policy, subject: Subject) -> Alert:
    verdict = compile_policy(policy).evaluate(subject, b.NOW)
    assert verdict.matched, verdict
    return build_alert(policy, verdict, subject, alert_id="a1", now=b.NOW)


def _exec(resource: str) -> Policy:
    return b.policy([("Kubernetes Resource", [resource])], stage=RUNTIME, source=1)


def _port_forward() -> KubeEventSubject:
    event = b.exec_event()
    event.ClearField("pod_exec_args")
    event.object.resource = event.object.PODS_PORTFORWARD
    event.pod_port_forward_args.ports.extend([80, 8443])
    return KubeEventSubject(event, b.on_deployment())


def _attach() -> KubeEventSubject:
    event = b.exec_event()
    event.ClearField("pod_exec_args")
    event.object.resource = event.object.PODS_ATTACH
    event.pod_attach_args.container = "web"
    return KubeEventSubject(event, b.on_deployment())


def _impersonated() -> AuditEventSubject:
    event = b.audit_event()
    event.impersonated_user.username = "root"
    event.impersonated_user.groups.extend(["a", "b"])
    return AuditEventSubject(event)


_AUDIT = [("Kubernetes Resource", ["SECRETS"]), ("Kubernetes API Verb", ["GET"])]
_CASES: dict[str, tuple[Policy, Subject]] = {
    "deployment": (b.policy([("Host PID", ["true"])]), b.on_deployment()),
    "process": (
        b.policy([("Process Name", ["apt-get"])], stage=RUNTIME, source=1),
        ProcessSubject(b.on_deployment(), b.process()),
    ),
    "unexpected process": (
        b.policy([("Unexpected Process Executed", ["true"])], stage=RUNTIME, source=1),
        ProcessSubject(b.on_deployment(), b.process(), not_in_baseline=True),
    ),
    "exec": (_exec("PODS_EXEC"), KubeEventSubject(b.exec_event(), b.on_deployment())),
    "port forward": (_exec("PODS_PORTFORWARD"), _port_forward()),
    "attach": (_exec("PODS_ATTACH"), _attach()),
    "audit": (b.policy([*_AUDIT], stage=RUNTIME, source=2), AuditEventSubject(b.audit_event())),
    "impersonated": (
        b.policy([*_AUDIT, ("Is Impersonated User", ["true"])], stage=RUNTIME, source=2),
        _impersonated(),
    ),
    "unexpected flow": (
        b.policy([("Unexpected Network Flow Detected", ["true"])], stage=RUNTIME, source=1),
        NetworkFlowSubject(b.on_deployment(), b.flow()),
    ),
    "expected flow": (
        b.policy([("Unexpected Network Flow Detected", ["false"])], stage=RUNTIME, source=1),
        NetworkFlowSubject(b.on_deployment(), b.flow(unexpected=False)),
    ),
    "file": (
        b.policy([("File Path", ["/etc/*"])], stage=RUNTIME, source=1),
        FileAccessSubject(b.on_deployment(), b.file_access()),
    ),
    "node file": (
        b.policy([("File Path", ["/etc/*"])], stage=RUNTIME, source=3),
        NodeEventSubject(b.node(), b.file_access()),
    ),
}


@pytest.mark.parametrize("case", _CASES)
def test_policy_says_the_same_of_the_subject_read_back(case: str) -> None:
    policy, subject = _CASES[case]
    alert = _alert(policy, subject)
    (evidence,) = evidence_of(alert, b.on_deployment())
    again = compile_policy(policy).evaluate(evidence.subject, b.NOW)
    assert type(evidence.subject) is type(subject)
    assert [one.message for one in again.violations] == [one.message for one in alert.violations]
    assert [list(one.key_value_attrs.attrs) for one in again.violations] == [
        list(one.key_value_attrs.attrs) for one in alert.violations
    ]
    assert (again.process_violation or Alert.ProcessViolation()).message == alert.process_violation.message


def test_same_process_twice_is_one_piece_of_evidence() -> None:
    policy, subject = _CASES["process"]
    alert = _alert(policy, subject)
    alert.process_violation.processes.extend([b.process(), b.process("side")])
    found = evidence_of(alert, b.on_deployment())
    assert [(one.kind, one.name) for one in found] == [
        ("process", "Binary '/usr/bin/apt-get' executed with arguments 'install nginx' under user ID 0")
    ] * 2


def test_alert_of_a_build_is_about_its_image() -> None:
    policy = b.policy([("Image Tag", ["latest"])], stage=policy_pb2.BUILD)
    (evidence,) = evidence_of(_alert(policy, ImageSubject(b.image())), DeploymentSubject(b.deployment()))
    assert (evidence.kind, evidence.name) == ("image", "quay.io/acme/web:latest")
    assert isinstance(evidence.subject, ImageSubject)


def test_kept_deployment_has_the_containers_of_the_alert() -> None:
    alert = _alert(*_CASES["deployment"])
    kept = kept_deployment(alert)
    assert [(one.name, one.image.name.tag) for one in kept.containers] == [("web", "latest")]
    assert (kept.name, kept.namespace, dict(kept.labels)) == ("web", "prod", {"app": "web"})


def test_foreign_words_in_an_alert_are_left_out() -> None:
    policy, subject = _CASES["audit"]
    alert = _alert(policy, subject)
    alert.violations[0].key_value_attrs.attrs[0].value = "BREAK"
    alert.resource.resource_type = Alert.Resource.ResourceType.ValueType(99)
    (evidence,) = evidence_of(alert, b.on_deployment())
    assert isinstance(evidence.subject, AuditEventSubject)
    assert evidence.subject.event.api_verb == 0
