"""Columns of alerts and policies.

Facts only: upstream's search labels and the proto paths they read. `tables.py` collects them.
"""

from __future__ import annotations

from pyrox.pb.storage import alert_pb2, policy_category_pb2, policy_pb2
from services.central.db.fields import Column, Kind, Reach, Table

ALERTS: Table[alert_pb2.Alert] = Table(
    name="alerts",
    message=alert_pb2.Alert,
    columns=(
        Column("id", "id", Kind.UUID, "Alert ID", key=True),
        Column("policy_id", "policy.id", Kind.TEXT, "Policy ID", hidden=True),
        Column("policy_name", "policy.name", Kind.TEXT, "Policy"),
        Column("policy_description", "policy.description", Kind.TEXT, "Description"),
        Column("policy_disabled", "policy.disabled", Kind.BOOL, "Disabled"),
        Column("policy_categories", "policy.categories", Kind.TEXTS, "Category"),
        Column("policy_severity", "policy.severity", Kind.ENUM, "Severity"),
        Column("policy_enforcementactions", "policy.enforcement_actions", Kind.ENUMS, "Enforcement"),
        Column("policy_lastupdated", "policy.last_updated", Kind.TIME, "Policy Last Updated"),
        Column("policy_sortname", "policy.SORT_name", Kind.TEXT, "SORT_Policy", hidden=True),
        Column(
            "policy_sortlifecyclestage",
            "policy.SORT_lifecycleStage",
            Kind.TEXT,
            "SORT_Lifecycle Stage",
            hidden=True,
        ),
        Column(
            "policy_sortenforcement", "policy.SORT_enforcement", Kind.BOOL, "SORT_Enforcement", hidden=True
        ),
        Column("lifecyclestage", "lifecycle_stage", Kind.ENUM, "Lifecycle Stage"),
        Column("clusterid", "cluster_id", Kind.UUID, "Cluster ID"),
        Column("clustername", "cluster_name", Kind.TEXT, "Cluster"),
        Column("namespace", "namespace", Kind.TEXT, "Namespace"),
        Column("namespaceid", "namespace_id", Kind.UUID, "Namespace ID"),
        Column("deployment_id", "deployment.id", Kind.UUID, "Deployment ID", hidden=True),
        Column("deployment_name", "deployment.name", Kind.TEXT, "Deployment"),
        Column("deployment_type", "deployment.type", Kind.TEXT, "Deployment Type"),
        Column("deployment_inactive", "deployment.inactive", Kind.BOOL, "Inactive Deployment"),
        Column("image_id", "image.id", Kind.TEXT, "Image Sha", hidden=True),
        Column("image_name_registry", "image.name.registry", Kind.TEXT, "Image Registry"),
        Column("image_name_remote", "image.name.remote", Kind.TEXT, "Image Remote"),
        Column("image_name_tag", "image.name.tag", Kind.TEXT, "Image Tag"),
        Column("image_name_fullname", "image.name.full_name", Kind.TEXT, "Image"),
        Column("image_idv2", "image.id_v2", Kind.TEXT, "Image ID", hidden=True),
        Column("resource_resourcetype", "resource.resource_type", Kind.ENUM, "Resource Type"),
        Column("resource_name", "resource.name", Kind.TEXT, "Resource"),
        Column("node_id", "node.id", Kind.TEXT, "Node ID"),
        Column("node_name", "node.name", Kind.TEXT, "Node"),
        Column("enforcement_action", "enforcement.action", Kind.ENUM, "Enforcement Action"),
        Column("time", "time", Kind.TIME, "Violation Time"),
        Column("state", "state", Kind.ENUM, "Violation State"),
        Column("platformcomponent", "platform_component", Kind.BOOL, "Platform Component"),
        Column("entitytype", "entity_type", Kind.ENUM, "Entity Type"),
        Column("enforcementcount", "enforcement_count", Kind.INT, "Enforcement Count"),
    ),
    reach=Reach.NAMESPACE,
    cluster="clusterid",
    namespace="namespace",
    listed=True,
)
POLICIES: Table[policy_pb2.Policy] = Table(
    name="policies",
    message=policy_pb2.Policy,
    columns=(
        Column("id", "id", Kind.TEXT, "Policy ID", hidden=True, key=True),
        Column("name", "name", Kind.TEXT, "Policy", unique=True),
        Column("description", "description", Kind.TEXT, "Description"),
        Column("disabled", "disabled", Kind.BOOL, "Disabled"),
        Column("categories", "categories", Kind.TEXTS, "Category"),
        Column("lifecyclestages", "lifecycle_stages", Kind.ENUMS, "Lifecycle Stage"),
        Column("severity", "severity", Kind.ENUM, "Severity"),
        Column("enforcementactions", "enforcement_actions", Kind.ENUMS, "Enforcement"),
        Column("lastupdated", "last_updated", Kind.TIME, "Policy Last Updated"),
        Column("sortname", "SORT_name", Kind.TEXT, "SORT_Policy", hidden=True),
        Column("sortlifecyclestage", "SORT_lifecycleStage", Kind.TEXT, "SORT_Lifecycle Stage", hidden=True),
        Column("sortenforcement", "SORT_enforcement", Kind.BOOL, "SORT_Enforcement", hidden=True),
    ),
    listed=True,
)
POLICY_CATEGORIES: Table[policy_category_pb2.PolicyCategory] = Table(
    name="policy_categories",
    message=policy_category_pb2.PolicyCategory,
    columns=(
        Column("id", "id", Kind.TEXT, key=True),
        Column("name", "name", Kind.TEXT, "Policy Category", hidden=True, unique=True),
    ),
)
