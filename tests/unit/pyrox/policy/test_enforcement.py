"""Which action is taken, and why."""

from __future__ import annotations

import pytest

from pyrox.pb.storage import policy_pb2
from pyrox.pb.storage.policy_pb2 import EnforcementAction, Policy
from pyrox.policy import enforcement
from pyrox.policy.subject import (
    FileAccessSubject,
    ImageSubject,
    KubeEventSubject,
    NetworkFlowSubject,
    ProcessSubject,
    Subject,
)
from tests.unit.pyrox.policy import builders as b

_SCALE, _NODE = (
    policy_pb2.SCALE_TO_ZERO_ENFORCEMENT,
    policy_pb2.UNSATISFIABLE_NODE_CONSTRAINT_ENFORCEMENT,
)
_SCALED = "Deployment scaled to 0 replicas in response to this policy violation."
_BLOCKED = "Unsatisfiable node constraint BlockedByStackRox applied to deployment web."


@pytest.mark.parametrize(
    ("actions", "kind", "chosen"),
    [
        ([_SCALE, _NODE], "Deployment", (_SCALE, _SCALED)),
        ([_NODE, _SCALE], "Deployment", (_NODE, _BLOCKED)),
        ([_SCALE, _NODE], "DaemonSet", (_NODE, _BLOCKED)),
        ([_SCALE], "DaemonSet", None),
        ([policy_pb2.KILL_POD_ENFORCEMENT], "Deployment", None),
    ],
)
def test_deploy_action_is_the_first_that_the_workload_allows(
    actions: list[EnforcementAction.ValueType], kind: str, chosen: tuple[int, str] | None
) -> None:
    deployment = b.deployment()
    deployment.type = kind
    made = enforcement.choose_deploy(Policy(enforcement_actions=actions), deployment)
    assert (made and (made.action, made.message)) == chosen


_ON = b.on_deployment()


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        (
            ProcessSubject(_ON, b.process()),
            "StackRox killed pods in deployment in response to this policy violation.",
        ),
        (
            FileAccessSubject(_ON, b.file_access()),
            "StackRox killed pods in deployment in response to this policy violation.",
        ),
        (
            KubeEventSubject(b.exec_event(), _ON),
            "StackRox failed Kubernetes request in response to this policy violation.",
        ),
        (NetworkFlowSubject(_ON, b.flow()), None),
    ],
)
def test_run_time_action_depends_on_the_event(subject: Subject, message: str | None) -> None:
    policy = Policy(
        enforcement_actions=[policy_pb2.KILL_POD_ENFORCEMENT, policy_pb2.FAIL_KUBE_REQUEST_ENFORCEMENT]
    )
    made = enforcement.choose_runtime(policy, subject)
    assert (made and made.message) == message
    assert enforcement.choose_runtime(Policy(), subject) is None


def test_build_action_is_told_and_left_to_the_client() -> None:
    made = enforcement.choose_build(
        Policy(enforcement_actions=[policy_pb2.FAIL_BUILD_ENFORCEMENT]), ImageSubject(b.image())
    )
    assert made is not None
    assert made.action == policy_pb2.FAIL_BUILD_ENFORCEMENT
    assert enforcement.choose_build(Policy(), ImageSubject(b.image())) is None


def test_admission_action_names_the_operation() -> None:
    assert enforcement.admission_enforcement(create=True).message == (
        "Failed deployment create in response to this policy violation."
    )
    assert enforcement.admission_enforcement(create=False).action == (
        policy_pb2.FAIL_DEPLOYMENT_UPDATE_ENFORCEMENT
    )


def test_actions_of_stages_that_the_policy_lacks_are_dropped() -> None:
    policy = Policy(
        lifecycle_stages=[policy_pb2.DEPLOY],
        enforcement_actions=[
            policy_pb2.FAIL_BUILD_ENFORCEMENT,
            _SCALE,
            policy_pb2.KILL_POD_ENFORCEMENT,
            policy_pb2.FAIL_DEPLOYMENT_CREATE_ENFORCEMENT,
        ],
    )
    enforcement.drop_foreign_actions(policy)
    assert list(policy.enforcement_actions) == [_SCALE, policy_pb2.FAIL_DEPLOYMENT_CREATE_ENFORCEMENT]


def test_annotations_bypass_by_their_presence() -> None:
    assert enforcement.bypassed({"admission.stackrox.io/break-glass": ""})
    assert not enforcement.bypassed({})
    assert enforcement.request_bypassed({"admission.stackrox.io/bypass-kube-event-enforcement": ""})
    assert not enforcement.request_bypassed({"admission.stackrox.io/break-glass": ""})
