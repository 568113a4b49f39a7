"""Columns of the other Kubernetes objects: secrets, nodes, accounts, roles, network policies.

Facts only: upstream's search labels and the proto paths they read. `tables.py` collects them.
"""

from __future__ import annotations

from pyrox.pb.storage import (
    network_flow_pb2,
    network_policy_pb2,
    node_pb2,
    rbac_pb2,
    secret_pb2,
    service_account_pb2,
)
from services.central.db.fields import Child, Column, Kind, Reach, Table

SECRETS: Table[secret_pb2.Secret] = Table(
    name="secrets",
    message=secret_pb2.Secret,
    columns=(
        Column("id", "id", Kind.UUID, "Secret ID", hidden=True, key=True),
        Column("name", "name", Kind.TEXT, "Secret"),
        Column("clusterid", "cluster_id", Kind.UUID, "Cluster ID", hidden=True),
        Column("clustername", "cluster_name", Kind.TEXT, "Cluster"),
        Column("namespace", "namespace", Kind.TEXT, "Namespace"),
        Column("createdat", "created_at", Kind.TIME, "Created Time"),
    ),
    children=(
        Child(
            "secrets_files",
            "files",
            columns=(
                Column("type", "type", Kind.ENUM, "Secret Type"),
                Column("cert_enddate", "cert.end_date", Kind.TIME, "Cert Expiration"),
            ),
            children=(
                Child(
                    "secrets_files_registries",
                    "image_pull_secret.registries",
                    columns=(Column("name", "name", Kind.TEXT, "Image Pull Secret Registry"),),
                    children=(),
                ),
            ),
        ),
    ),
    reach=Reach.NAMESPACE,
    cluster="clusterid",
    namespace="namespace",
    listed=True,
)
NODES: Table[node_pb2.Node] = Table(
    name="nodes",
    message=node_pb2.Node,
    columns=(
        Column("id", "id", Kind.UUID, "Node ID", key=True),
        Column("name", "name", Kind.TEXT, "Node"),
        Column("clusterid", "cluster_id", Kind.UUID, "Cluster ID"),
        Column("clustername", "cluster_name", Kind.TEXT, "Cluster"),
        Column("labels", "labels", Kind.MAP, "Node Label"),
        Column("annotations", "annotations", Kind.MAP, "Node Annotation"),
        Column("joinedat", "joined_at", Kind.TIME, "Node Join Time"),
        Column("containerruntime_version", "container_runtime.version", Kind.TEXT, "Container Runtime"),
        Column("osimage", "os_image", Kind.TEXT, "Operating System"),
        Column("lastupdated", "last_updated", Kind.TIME, "Last Updated", hidden=True),
        Column("scan_scantime", "scan.scan_time", Kind.TIME, "Node Scan Time"),
        Column("components", "components", Kind.INT, "Component Count", hidden=True),
        Column("cves", "cves", Kind.INT, "CVE Count", hidden=True),
        Column("fixablecves", "fixable_cves", Kind.INT, "Fixable CVE Count", hidden=True),
        Column("priority", "priority", Kind.INT, "Node Risk Priority", hidden=True),
        Column("riskscore", "risk_score", Kind.FLOAT, "Node Risk Score", hidden=True),
        Column("topcvss", "top_cvss", Kind.FLOAT, "Node Top CVSS"),
    ),
    children=(
        Child(
            "nodes_taints",
            "taints",
            columns=(
                Column("key", "key", Kind.TEXT, "Taint Key"),
                Column("value", "value", Kind.TEXT, "Taint Value"),
                Column("tainteffect", "taint_effect", Kind.ENUM, "Taint Effect"),
            ),
            children=(),
        ),
    ),
    reach=Reach.CLUSTER,
    cluster="clusterid",
    reachable=("clusters",),
)
SERVICE_ACCOUNTS: Table[service_account_pb2.ServiceAccount] = Table(
    name="service_accounts",
    message=service_account_pb2.ServiceAccount,
    columns=(
        Column("id", "id", Kind.UUID, key=True),
        Column("name", "name", Kind.TEXT, "Service Account"),
        Column("namespace", "namespace", Kind.TEXT, "Namespace"),
        Column("clustername", "cluster_name", Kind.TEXT, "Cluster"),
        Column("clusterid", "cluster_id", Kind.UUID, "Cluster ID", hidden=True),
        Column("labels", "labels", Kind.MAP, "Service Account Label"),
        Column("annotations", "annotations", Kind.MAP, "Service Account Annotation"),
    ),
    reach=Reach.NAMESPACE,
    cluster="clusterid",
    namespace="namespace",
)
K8S_ROLES: Table[rbac_pb2.K8sRole] = Table(
    name="k8s_roles",
    message=rbac_pb2.K8sRole,
    columns=(
        Column("id", "id", Kind.UUID, "Role ID", hidden=True, key=True),
        Column("name", "name", Kind.TEXT, "Role"),
        Column("namespace", "namespace", Kind.TEXT, "Namespace"),
        Column("clusterid", "cluster_id", Kind.UUID, "Cluster ID", hidden=True),
        Column("clustername", "cluster_name", Kind.TEXT, "Cluster"),
        Column("clusterrole", "cluster_role", Kind.BOOL, "Cluster Role"),
        Column("labels", "labels", Kind.MAP, "Role Label"),
        Column("annotations", "annotations", Kind.MAP, "Role Annotation"),
    ),
    reach=Reach.NAMESPACE,
    cluster="clusterid",
    namespace="namespace",
)
ROLE_BINDINGS: Table[rbac_pb2.K8sRoleBinding] = Table(
    name="role_bindings",
    message=rbac_pb2.K8sRoleBinding,
    columns=(
        Column("id", "id", Kind.UUID, "Role Binding ID", hidden=True, key=True),
        Column("name", "name", Kind.TEXT, "Role Binding"),
        Column("namespace", "namespace", Kind.TEXT, "Namespace"),
        Column("clusterid", "cluster_id", Kind.UUID, "Cluster ID", hidden=True),
        Column("clustername", "cluster_name", Kind.TEXT, "Cluster"),
        Column("clusterrole", "cluster_role", Kind.BOOL, "Cluster Role"),
        Column("labels", "labels", Kind.MAP, "Role Binding Label"),
        Column("annotations", "annotations", Kind.MAP, "Role Binding Annotation"),
        Column("roleid", "role_id", Kind.UUID, "Role ID"),
    ),
    children=(
        Child(
            "role_bindings_subjects",
            "subjects",
            columns=(
                Column("kind", "kind", Kind.ENUM, "Subject Kind"),
                Column("name", "name", Kind.TEXT, "Subject"),
            ),
            children=(),
        ),
    ),
    reach=Reach.NAMESPACE,
    cluster="clusterid",
    namespace="namespace",
)
NETWORK_POLICIES: Table[network_policy_pb2.NetworkPolicy] = Table(
    name="networkpolicies",
    message=network_policy_pb2.NetworkPolicy,
    columns=(
        Column("id", "id", Kind.TEXT, key=True),
        Column("clusterid", "cluster_id", Kind.UUID, "Cluster ID", hidden=True),
        Column("namespace", "namespace", Kind.TEXT, "Namespace", hidden=True),
    ),
    reach=Reach.NAMESPACE,
    cluster="clusterid",
    namespace="namespace",
)
NETWORK_ENTITIES: Table[network_flow_pb2.NetworkEntity] = Table(
    name="network_entities",
    message=network_flow_pb2.NetworkEntity,
    columns=(
        Column("id", "info.id", Kind.TEXT, key=True),
        Column("clusterid", "scope.cluster_id", Kind.UUID, "Cluster ID", hidden=True),
        Column("cidr", "info.external_source.cidr", Kind.TEXT, "External Source Address", hidden=True),
        Column(
            "is_default", "info.external_source.default", Kind.BOOL, "Default External Source", hidden=True
        ),
        Column(
            "discovered",
            "info.external_source.discovered",
            Kind.BOOL,
            "Discovered External Source",
            hidden=True,
        ),
    ),
    reach=Reach.CLUSTER,
    cluster="clusterid",
)
