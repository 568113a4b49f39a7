"""`storage.Alert` to `storage.ListAlert`, the form that lists show.

The store keeps it beside each alert, so that a page of alerts never reads whole
policies. Rules are upstream's (`pkg/alert/convert`).
"""

from __future__ import annotations

from pyrox.pb.storage.alert_pb2 import Alert, ListAlert
from pyrox.pb.storage.policy_pb2 import EnforcementAction, LifecycleStage

DEFAULT_DEPLOYMENT_TYPE = "Deployment"


def enforcement_count(alert: Alert) -> int:
    """How often the alert was enforced."""
    action = alert.enforcement.action
    if action == EnforcementAction.UNSET_ENFORCEMENT:
        return 0
    if alert.lifecycle_stage == LifecycleStage.RUNTIME and action == EnforcementAction.KILL_POD_ENFORCEMENT:
        return len({process.pod_id for process in alert.process_violation.processes})
    return 1


def digest(alert: Alert) -> ListAlert:
    """The list form of an alert."""
    listed = ListAlert(
        id=alert.id,
        lifecycle_stage=alert.lifecycle_stage,
        time=alert.time if alert.HasField("time") else None,
        state=alert.state,
        enforcement_count=enforcement_count(alert),
        enforcement_action=alert.enforcement.action,
    )
    policy = listed.policy
    policy.id, policy.name, policy.severity = alert.policy.id, alert.policy.name, alert.policy.severity
    policy.description = alert.policy.description
    policy.categories.extend(alert.policy.categories)
    policy.developer_internal_fields.SORT_name = alert.policy.SORT_name
    _add_entity(listed, alert)
    return listed


def _add_entity(listed: ListAlert, alert: Alert) -> None:
    common = listed.common_entity_info
    common.cluster_name, common.cluster_id = alert.cluster_name, alert.cluster_id
    common.namespace, common.namespace_id = alert.namespace, alert.namespace_id
    match alert.WhichOneof("Entity"):
        case "deployment":
            common.resource_type = ListAlert.ResourceType.DEPLOYMENT
            _add_deployment(listed, alert)
        case "resource":
            # The seven resource types carry the same numbers in both enums.
            common.resource_type = ListAlert.ResourceType.ValueType(alert.resource.resource_type)
            listed.resource.name = alert.resource.name
        case "node":
            common.resource_type = ListAlert.ResourceType.NODE
            listed.node.name = alert.node.name


def _add_deployment(listed: ListAlert, alert: Alert) -> None:
    found = alert.deployment
    listed.deployment.id, listed.deployment.name = found.id, found.name
    listed.deployment.cluster_name, listed.deployment.cluster_id = alert.cluster_name, alert.cluster_id
    listed.deployment.namespace, listed.deployment.namespace_id = alert.namespace, alert.namespace_id
    listed.deployment.inactive = found.inactive
    listed.deployment.deployment_type = found.type or DEFAULT_DEPLOYMENT_TYPE
