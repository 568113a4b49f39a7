"""All tables of Central's database and the references between them.

Stores take their table from here (`tables.ALERTS`); `CATALOG` answers where a label lives.
Adding a column: one line in `tables_<area>.py` and a migration; `check.py` compares both.
"""

from __future__ import annotations

from services.central.db.catalog import AnyTable, Catalog
from services.central.db.fields import Link
from services.central.db.tables_access import (
    ACCESS_SCOPES,
    API_TOKENS,
    AUTH_PROVIDERS,
    GROUPS,
    INIT_BUNDLES,
    MACHINE_LOGINS,
    PERMISSION_SETS,
    ROLES,
    SERVICE_IDENTITIES,
)
from services.central.db.tables_alerts import ALERTS, POLICIES, POLICY_CATEGORIES
from services.central.db.tables_images import IMAGE_COMPONENTS, IMAGE_CVES, IMAGES, IMAGES_V2
from services.central.db.tables_kubernetes import (
    K8S_ROLES,
    NETWORK_POLICIES,
    NODES,
    ROLE_BINDINGS,
    SECRETS,
    SERVICE_ACCOUNTS,
)
from services.central.db.tables_system import (
    BLOBS,
    CONFIGS,
    HASHES,
    IMAGE_INTEGRATIONS,
    INSTALLATION_INFOS,
    INTEGRATION_HEALTHS,
    NOTIFIERS,
    SYSTEM_INFOS,
    WATCHED_IMAGES,
)
from services.central.db.tables_workloads import (
    CLUSTER_HEALTH,
    CLUSTERS,
    DEPLOYMENTS,
    NAMESPACES,
    PODS,
    PROCESS_BASELINE_RESULTS,
    PROCESS_BASELINES,
    PROCESS_INDICATORS,
    RISKS,
)

__all__ = [
    "ACCESS_SCOPES",
    "ALERTS",
    "ALL",
    "API_TOKENS",
    "AUTH_PROVIDERS",
    "BLOBS",
    "CATALOG",
    "CLUSTERS",
    "CLUSTER_HEALTH",
    "CONFIGS",
    "DEPLOYMENTS",
    "GROUPS",
    "HASHES",
    "IMAGES",
    "IMAGES_V2",
    "IMAGE_COMPONENTS",
    "IMAGE_CVES",
    "IMAGE_INTEGRATIONS",
    "INIT_BUNDLES",
    "INSTALLATION_INFOS",
    "INTEGRATION_HEALTHS",
    "K8S_ROLES",
    "LINKS",
    "MACHINE_LOGINS",
    "NAMESPACES",
    "NETWORK_POLICIES",
    "NODES",
    "NOTIFIERS",
    "PERMISSION_SETS",
    "PODS",
    "POLICIES",
    "POLICY_CATEGORIES",
    "PROCESS_BASELINES",
    "PROCESS_BASELINE_RESULTS",
    "PROCESS_INDICATORS",
    "RISKS",
    "ROLES",
    "ROLE_BINDINGS",
    "SECRETS",
    "SERVICE_ACCOUNTS",
    "SERVICE_IDENTITIES",
    "SYSTEM_INFOS",
    "WATCHED_IMAGES",
]

ALL: tuple[AnyTable, ...] = (
    CLUSTERS,
    CLUSTER_HEALTH,
    NAMESPACES,
    DEPLOYMENTS,
    PODS,
    PROCESS_INDICATORS,
    PROCESS_BASELINES,
    PROCESS_BASELINE_RESULTS,
    RISKS,
    IMAGES,
    IMAGES_V2,
    IMAGE_COMPONENTS,
    IMAGE_CVES,
    ALERTS,
    POLICIES,
    POLICY_CATEGORIES,
    SECRETS,
    NODES,
    SERVICE_ACCOUNTS,
    K8S_ROLES,
    ROLE_BINDINGS,
    NETWORK_POLICIES,
    ROLES,
    PERMISSION_SETS,
    ACCESS_SCOPES,
    API_TOKENS,
    AUTH_PROVIDERS,
    MACHINE_LOGINS,
    GROUPS,
    SERVICE_IDENTITIES,
    INIT_BUNDLES,
    IMAGE_INTEGRATIONS,
    INTEGRATION_HEALTHS,
    HASHES,
    CONFIGS,
    SYSTEM_INFOS,
    INSTALLATION_INFOS,
    BLOBS,
    WATCHED_IMAGES,
    NOTIFIERS,
)
# CVEs hang on components, so that "Component:x+CVE:y" means a CVE of that component.
LINKS: tuple[Link, ...] = (
    Link("cluster_health_statuses.id", "clusters.id"),
    Link("namespaces.clusterid", "clusters.id"),
    Link("deployments.namespaceid", "namespaces.id"),
    Link("deployments_containers.image_id", "images.id"),
    Link("deployments_containers.image_idv2", "images_v2.id"),
    Link("pods.deploymentid", "deployments.id"),
    Link("process_indicators.deploymentid", "deployments.id"),
    Link("image_component_v2.imageid", "images.id"),
    Link("image_component_v2.imageidv2", "images_v2.id"),
    Link("image_cves_v2.componentid", "image_component_v2.id"),
    Link("nodes.clusterid", "clusters.id"),
    Link("deployments.clusterid", "clusters.id"),
)

CATALOG = Catalog(ALL, LINKS)
