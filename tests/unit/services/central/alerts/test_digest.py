"""The list form of alerts."""

from pyrox.pb.storage.alert_pb2 import Alert, ListAlert
from pyrox.pb.storage.policy_pb2 import EnforcementAction, LifecycleStage
from services.central.alerts.digest import digest, enforcement_count


def base() -> Alert:
    alert = Alert(id="a", cluster_id="c", cluster_name="prod", namespace="pay", namespace_id="n")
    alert.policy.id, alert.policy.name, alert.policy.SORT_name = "p", "Policy", "Policy"
    alert.policy.categories.append("Privileges")
    alert.time.seconds = 5
    return alert


def test_digest_deployment_carries_place_and_default_type() -> None:
    alert = base()
    alert.deployment.id, alert.deployment.name, alert.deployment.inactive = "d", "web", True
    listed = digest(alert)
    assert listed.deployment.deployment_type == "Deployment"
    assert (listed.deployment.namespace, listed.deployment.cluster_name) == ("pay", "prod")
    assert listed.deployment.inactive
    assert listed.common_entity_info.resource_type == ListAlert.ResourceType.DEPLOYMENT
    assert listed.policy.developer_internal_fields.SORT_name == "Policy"
    assert list(listed.policy.categories) == ["Privileges"]


def test_digest_resource_keeps_its_kind() -> None:
    alert = base()
    alert.resource.resource_type, alert.resource.name = Alert.Resource.SECRETS, "token"
    listed = digest(alert)
    assert listed.resource.name == "token"
    assert listed.common_entity_info.resource_type == ListAlert.ResourceType.SECRETS


def test_digest_node_is_named() -> None:
    alert = base()
    alert.node.name = "worker"
    listed = digest(alert)
    assert listed.node.name == "worker"
    assert listed.common_entity_info.resource_type == ListAlert.ResourceType.NODE


def test_enforcement_count_by_stage_and_action() -> None:
    alert = base()
    assert enforcement_count(alert) == 0
    alert.enforcement.action = EnforcementAction.SCALE_TO_ZERO_ENFORCEMENT
    assert enforcement_count(alert) == 1
    alert.lifecycle_stage = LifecycleStage.RUNTIME
    alert.enforcement.action = EnforcementAction.KILL_POD_ENFORCEMENT
    for pod in ("a", "b", "a"):
        alert.process_violation.processes.add(pod_id=pod)
    assert enforcement_count(alert) == 2
