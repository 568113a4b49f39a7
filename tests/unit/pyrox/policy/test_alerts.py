"""Alerts made from verdicts."""

from __future__ import annotations

from datetime import UTC

import pytest

from pyrox.pb.storage import policy_pb2
from pyrox.pb.storage.alert_pb2 import ATTEMPTED, Alert
from pyrox.policy import alerts
from pyrox.policy.evaluate import compile_policy
from pyrox.policy.subject import (
    AuditEventSubject,
    ImageSubject,
    KubeEventSubject,
    NodeEventSubject,
    ProcessSubject,
    Subject,
)
from pyrox.policy.verdict import Verdict
from tests.unit.pyrox.policy import builders as b


def _alert(policy: policy_pb2.Policy, subject: Subject) -> Alert:
    verdict = compile_policy(policy).evaluate(subject, b.NOW)
    assert verdict.matched
    return alerts.build_alert(policy, verdict, subject, alert_id="alert-1", now=b.NOW)


def test_deploy_alert_holds_the_deployment_and_its_action() -> None:
    policy = b.policy([("Privileged Container", ["true"])])
    policy.enforcement_actions.append(policy_pb2.SCALE_TO_ZERO_ENFORCEMENT)
    alert = _alert(policy, b.on_deployment())
    assert (alert.id, alert.policy.name, alert.lifecycle_stage) == ("alert-1", policy.name, policy_pb2.DEPLOY)
    assert alert.time.ToDatetime(tzinfo=UTC) == b.NOW
    assert alert.enforcement.action == policy_pb2.SCALE_TO_ZERO_ENFORCEMENT
    assert [violation.message for violation in alert.violations] == ["Container 'web' is privileged"]
    kept = alert.deployment
    assert (kept.id, kept.name, kept.type, kept.namespace, kept.namespace_id) == (
        "d1",
        "web",
        "Deployment",
        "prod",
        "n1",
    )
    assert dict(kept.labels) == {"app": "web"}
    assert dict(kept.annotations) == {"email": "a@b"}
    assert [(one.name, one.image.name.full_name) for one in kept.containers] == [
        ("web", "quay.io/acme/web:latest")
    ]
    # A secured cluster leaves these to Central.
    assert (alert.cluster_id, alert.namespace, alert.entity_type) == ("", "", Alert.UNSET)


def test_completed_alert_holds_place_and_entity_type() -> None:
    alert = _alert(b.policy([("Host IPC", ["true"])]), b.on_deployment())
    alerts.complete(alert, cluster_id="c9", cluster_name="remote")
    assert (alert.cluster_id, alert.cluster_name, alert.namespace, alert.namespace_id) == (
        "c9",
        "remote",
        "prod",
        "n1",
    )
    assert (alert.deployment.cluster_name, alert.entity_type) == ("remote", Alert.DEPLOYMENT)


def test_build_alert_holds_the_image() -> None:
    policy = b.policy([("Image Tag", ["latest"])], stage=policy_pb2.BUILD)
    policy.enforcement_actions.append(policy_pb2.FAIL_BUILD_ENFORCEMENT)
    alert = _alert(policy, ImageSubject(b.image()))
    assert (alert.lifecycle_stage, alert.image.id, alert.image.name.tag) == (
        policy_pb2.BUILD,
        "sha256:aa",
        "latest",
    )
    assert alert.enforcement.action == policy_pb2.FAIL_BUILD_ENFORCEMENT
    alerts.complete(alert, cluster_id="", cluster_name="")
    assert alert.entity_type == Alert.CONTAINER_IMAGE


def test_process_alert_holds_the_process() -> None:
    policy = b.policy([("Process Name", ["apt.*"])], stage=policy_pb2.RUNTIME, source=1)
    alert = _alert(policy, ProcessSubject(b.on_deployment(), b.process()))
    assert alert.lifecycle_stage == policy_pb2.RUNTIME
    assert [process.id for process in alert.process_violation.processes] == ["p1"]
    assert alert.deployment.id == "d1"
    assert not alert.HasField("enforcement")


def test_audit_alert_holds_the_resource() -> None:
    policy = b.policy([("Kubernetes Resource", ["SECRETS"])], stage=policy_pb2.RUNTIME, source=2)
    alert = _alert(policy, AuditEventSubject(b.audit_event()))
    assert (alert.resource.resource_type, alert.resource.name) == (Alert.Resource.SECRETS, "htpasswd")
    assert (alert.resource.cluster_id, alert.resource.namespace) == ("c1", "prod")
    alerts.complete(alert, cluster_id="c9", cluster_name="remote")
    assert (alert.resource.cluster_name, alert.entity_type) == ("remote", Alert.RESOURCE)


def test_event_on_unknown_pod_is_kept_as_a_resource() -> None:
    policy = b.policy([("Kubernetes Resource", ["PODS_EXEC"])], stage=policy_pb2.RUNTIME, source=1)
    alert = _alert(policy, KubeEventSubject(b.exec_event()))
    assert (alert.resource.resource_type, alert.resource.name) == (Alert.Resource.UNKNOWN, "web-1")


def test_node_alert_holds_the_node() -> None:
    policy = b.policy([("File Path", ["/etc/**"])], stage=policy_pb2.RUNTIME, source=3)
    alert = _alert(policy, NodeEventSubject(b.node(), b.file_access()))
    assert (alert.node.id, alert.node.name) == ("n1", "node-1")
    alerts.complete(alert, cluster_id="c9", cluster_name="remote")
    assert (alert.node.cluster_name, alert.entity_type) == ("remote", Alert.NODE)


def test_alert_without_entity_is_completed_with_its_cluster_only() -> None:
    alert = Alert()
    alerts.complete(alert, cluster_id="c9", cluster_name="remote")
    assert (alert.cluster_id, alert.entity_type) == ("c9", Alert.UNSET)


@pytest.mark.parametrize("create", [True, False])
def test_attempted_alert_says_what_was_denied(create: bool) -> None:
    alert = _alert(b.policy([("Host IPC", ["true"])]), b.on_deployment())
    alerts.as_attempted(alert, create=create)
    assert alert.state == ATTEMPTED
    assert alert.deployment.inactive is create


def test_run_time_alert_keeps_forty_violations() -> None:
    many = tuple(Alert.Violation(message=str(at)) for at in range(50))
    subject = AuditEventSubject(b.audit_event())
    verdict = Verdict(matched=True, violations=many)
    made = alerts.build_alert(policy_pb2.Policy(), verdict, subject, alert_id="a", now=b.NOW)
    assert len(made.violations) == 40
    deploy = alerts.build_alert(policy_pb2.Policy(), verdict, b.on_deployment(), alert_id="a", now=b.NOW)
    assert len(deploy.violations) == 50
