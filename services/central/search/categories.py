"""Which kinds of objects the search knows: their table, resource, name and place.

Facts of upstream's `central/search` and of the list forms of its data stores. Adding a
kind: one line in `KINDS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from pyrox.pb.api.v1.search_service_pb2 import SearchCategory
from services.central.db import tables
from services.central.db.catalog import AnyTable

_C = SearchCategory


@dataclass(frozen=True, slots=True)
class Kind:
    """One searchable kind of objects."""

    table: AnyTable
    resource: str
    """The resource whose read access shows the objects."""
    name: str
    """The column that results show as name."""
    place: tuple[str, ...] = ()
    """The columns that make up the location of a result, outermost first."""


_PLACE = ("clustername", "namespace")
_PEOPLE = Kind(tables.ROLE_BINDINGS, "K8sSubject", "name", ("clustername",))

KINDS = MappingProxyType(
    {
        _C.ALERTS: Kind(tables.ALERTS, "Alert", "policy_name", (*_PLACE, "deployment_name", "resource_name")),
        _C.IMAGES: Kind(tables.IMAGES, "Image", "name_fullname"),
        _C.POLICIES: Kind(tables.POLICIES, "WorkflowAdministration", "name"),
        _C.DEPLOYMENTS: Kind(tables.DEPLOYMENTS, "Deployment", "name", _PLACE),
        _C.SECRETS: Kind(tables.SECRETS, "Secret", "name", _PLACE),
        _C.CLUSTERS: Kind(tables.CLUSTERS, "Cluster", "name"),
        _C.NAMESPACES: Kind(tables.NAMESPACES, "Namespace", "name", ("clustername",)),
        _C.NODES: Kind(tables.NODES, "Node", "name", ("clustername",)),
        _C.SERVICE_ACCOUNTS: Kind(tables.SERVICE_ACCOUNTS, "ServiceAccount", "name", _PLACE),
        _C.ROLES: Kind(tables.K8S_ROLES, "K8sRole", "name", _PLACE),
        _C.ROLEBINDINGS: Kind(tables.ROLE_BINDINGS, "K8sRoleBinding", "name", _PLACE),
        _C.SUBJECTS: _PEOPLE,
        _C.POLICY_CATEGORIES: Kind(tables.POLICY_CATEGORIES, "WorkflowAdministration", "name"),
        _C.IMAGE_INTEGRATIONS: Kind(tables.IMAGE_INTEGRATIONS, "Integration", "name"),
        _C.PODS: Kind(tables.PODS, "Deployment", "name", ("namespace",)),
        _C.PROCESS_INDICATORS: Kind(
            tables.PROCESS_INDICATORS, "DeploymentExtension", "signal_name", ("namespace",)
        ),
        _C.IMAGES_V2: Kind(tables.IMAGES_V2, "Image", "name_fullname"),
        _C.IMAGE_COMPONENTS_V2: Kind(tables.IMAGE_COMPONENTS, "Image", "name"),
        _C.IMAGE_VULNERABILITIES_V2: Kind(tables.IMAGE_CVES, "Image", "cvebaseinfo_cve"),
        _C.IMAGE_COMPONENTS: Kind(tables.IMAGE_COMPONENTS, "Image", "name"),
        _C.IMAGE_VULNERABILITIES: Kind(tables.IMAGE_CVES, "Image", "cvebaseinfo_cve"),
    }
)
"""Every kind that can be searched or completed."""

GLOBAL = (
    _C.ALERTS,
    _C.IMAGES,
    _C.POLICIES,
    _C.DEPLOYMENTS,
    _C.SECRETS,
    _C.CLUSTERS,
    _C.NAMESPACES,
    _C.NODES,
    _C.SERVICE_ACCOUNTS,
    _C.ROLES,
    _C.ROLEBINDINGS,
    _C.SUBJECTS,
    _C.POLICY_CATEGORIES,
    _C.IMAGE_INTEGRATIONS,
)
"""What a search without categories looks into, by number of the category."""

# Searching a kind understands the labels of what hangs on it, too.
_ALSO = MappingProxyType(
    {
        _C.CLUSTERS: (tables.CLUSTER_HEALTH,),
        _C.IMAGES: (tables.IMAGES_V2, tables.IMAGE_COMPONENTS, tables.IMAGE_CVES),
        _C.DEPLOYMENTS: (tables.IMAGES, tables.PROCESS_INDICATORS),
    }
)
# Labels of kinds that upstream stores and we do not (yet): it offers them, so do we.
_OFFERED = MappingProxyType({_C.CLUSTERS: ("Sensor Version Compatibility",), _C.NODES: ("CVE Snoozed",)})


def options(categories: tuple[SearchCategory.ValueType, ...]) -> list[str]:
    """The labels that people are offered for the categories, sorted; unknown ones have none."""
    wanted = []
    offered: set[str] = set()
    for category in categories or GLOBAL:
        kind = KINDS.get(category)
        if kind is not None:
            wanted += [kind.table, *_ALSO.get(category, ())]
            offered.update(_OFFERED.get(category, ()))
    return sorted(offered | set(tables.CATALOG.own_options(*wanted)))
