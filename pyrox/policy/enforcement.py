"""Which action a violated policy asks for, with upstream's reasons.

Called by Sensor, Admission and Central after a verdict. It must not carry the action out.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyrox.pb.storage import policy_pb2
from pyrox.pb.storage.alert_pb2 import Alert
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.policy_pb2 import EnforcementAction, Policy
from pyrox.policy.subject import (
    FileAccessSubject,
    ImageSubject,
    KubeEventSubject,
    ProcessSubject,
    Subject,
)

# The presence of the key is enough, even with an empty value.
BREAK_GLASS_ANNOTATION = "admission.stackrox.io/break-glass"
BYPASS_KUBE_EVENT_ANNOTATION = "admission.stackrox.io/bypass-kube-event-enforcement"
NODE_CONSTRAINT_KEY = "BlockedByStackRox"

# Kinds of workloads that cannot be scaled (upstream pkg/detection/deploytime/utils.go).
_UNSCALABLE = frozenset({"DaemonSet", "Global"})

_STAGE_OF_ACTION: dict[int, int] = {
    policy_pb2.FAIL_BUILD_ENFORCEMENT: policy_pb2.BUILD,
    policy_pb2.KILL_POD_ENFORCEMENT: policy_pb2.RUNTIME,
    policy_pb2.FAIL_KUBE_REQUEST_ENFORCEMENT: policy_pb2.RUNTIME,
}


def stage_of(action: int) -> int:
    """The storage.LifecycleStage that an action needs; every other action needs DEPLOY."""
    return _STAGE_OF_ACTION.get(action, policy_pb2.DEPLOY)


def drop_foreign_actions(policy: Policy) -> None:
    """Remove the actions of stages that the policy does not have, as saving a policy does."""
    kept = [action for action in policy.enforcement_actions if stage_of(action) in policy.lifecycle_stages]
    policy.enforcement_actions[:] = kept


def has_deploy_enforcement(policy: Policy) -> bool:
    """Whether Admission has to look at the policy."""
    return any(action in _DEPLOY_ACTIONS for action in policy.enforcement_actions)


_DEPLOY_ACTIONS = frozenset(
    {policy_pb2.SCALE_TO_ZERO_ENFORCEMENT, policy_pb2.UNSATISFIABLE_NODE_CONSTRAINT_ENFORCEMENT}
)


def choose_deploy(policy: Policy, deployment: Deployment) -> Alert.Enforcement | None:
    """The first action in the policy's own order that this kind of workload allows."""
    for action in policy.enforcement_actions:
        if action == policy_pb2.SCALE_TO_ZERO_ENFORCEMENT and deployment.type not in _UNSCALABLE:
            return _enforcement(
                action, "Deployment scaled to 0 replicas in response to this policy violation."
            )
        if action == policy_pb2.UNSATISFIABLE_NODE_CONSTRAINT_ENFORCEMENT:
            constraint = f"Unsatisfiable node constraint {NODE_CONSTRAINT_KEY}"
            return _enforcement(action, f"{constraint} applied to deployment {deployment.name}.")
    return None


def choose_runtime(policy: Policy, subject: Subject) -> Alert.Enforcement | None:
    """Kill the pod of a process or file event, fail a request; flows are never stopped."""
    actions = policy.enforcement_actions
    if isinstance(subject, KubeEventSubject) and policy_pb2.FAIL_KUBE_REQUEST_ENFORCEMENT in actions:
        return _enforcement(
            policy_pb2.FAIL_KUBE_REQUEST_ENFORCEMENT,
            "StackRox failed Kubernetes request in response to this policy violation.",
        )
    if isinstance(subject, ProcessSubject | FileAccessSubject) and policy_pb2.KILL_POD_ENFORCEMENT in actions:
        return _enforcement(
            policy_pb2.KILL_POD_ENFORCEMENT,
            "StackRox killed pods in deployment in response to this policy violation.",
        )
    return None


def choose_build(policy: Policy, subject: ImageSubject) -> Alert.Enforcement | None:  # noqa: ARG001
    """Fail the build; it is roxctl that does, by its exit code."""
    if policy_pb2.FAIL_BUILD_ENFORCEMENT in policy.enforcement_actions:
        return _enforcement(policy_pb2.FAIL_BUILD_ENFORCEMENT, "")
    return None


def admission_enforcement(*, create: bool) -> Alert.Enforcement:
    """What Admission writes into the alert of a denied request."""
    if create:
        return _enforcement(
            policy_pb2.FAIL_DEPLOYMENT_CREATE_ENFORCEMENT,
            "Failed deployment create in response to this policy violation.",
        )
    return _enforcement(
        policy_pb2.FAIL_DEPLOYMENT_UPDATE_ENFORCEMENT,
        "Failed deployment update in response to this policy violation.",
    )


def bypassed(annotations: Mapping[str, str]) -> bool:
    """Whether the workload asks that nothing is enforced on it."""
    return BREAK_GLASS_ANNOTATION in annotations


def request_bypassed(annotations: Mapping[str, str]) -> bool:
    """Whether the workload asks that no request on its pods is failed."""
    return BYPASS_KUBE_EVENT_ANNOTATION in annotations


def _enforcement(action: EnforcementAction.ValueType, message: str) -> Alert.Enforcement:
    return Alert.Enforcement(action=action, message=message)
