"""Which kinds of objects the search knows: their table, resource, name and place.

Facts of upstream's `central/search` and of the list forms of its data stores. Adding a
kind: one line in `KINDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pyrox.pb.api.v1.search_service_pb2 import SearchCategory
from pyrox.pb.storage.alert_pb2 import Alert
from services.central.db import tables
from services.central.db.catalog import AnyTable

_C = SearchCategory
Values = Sequence[Any]
"""Columns of one row, in the order in which they were asked for."""


def _nowhere(_: Values) -> str:
    """Most kinds have no location."""
    return ""


def _path(values: Values) -> str:
    return "".join(f"/{value}" for value in values)


def _namespace(values: Values) -> str:
    return "/".join(values)


def _alert(values: Values) -> str:
    """`/cluster/namespace/Deployment/name`; of resources their type, of nodes no name."""
    cluster, namespace, resource_type, node, deployment, resource = values
    kind, name = "Deployment", deployment or ""
    if resource_type:
        kind = Alert.Resource.ResourceType.Name(resource_type).capitalize()
        name = resource or ""
    elif node:
        kind = "Node"
    return "/".join(["", cluster, *([namespace] if namespace else []), kind, name])


@dataclass(frozen=True, slots=True)
class Kind:
    """One searchable kind of objects."""

    table: AnyTable
    resource: str
    """The resource whose read access shows the objects."""
    name: str
    """The column that results show as name."""
    place: tuple[str, ...] = ()
    """The columns that the location of a result is made of."""
    location: Callable[[Values], str] = _nowhere


_ALERT_PLACE = (
    "clustername",
    "namespace",
    "resource_resourcetype",
    "node_name",
    "deployment_name",
    "resource_name",
)

KINDS = MappingProxyType(
    {
        _C.ALERTS: Kind(tables.ALERTS, "Alert", "policy_name", _ALERT_PLACE, _alert),
        _C.IMAGES: Kind(tables.IMAGES, "Image", "name_fullname"),
        _C.POLICIES: Kind(tables.POLICIES, "WorkflowAdministration", "name"),
        _C.DEPLOYMENTS: Kind(tables.DEPLOYMENTS, "Deployment", "name", ("clustername", "namespace"), _path),
        _C.SECRETS: Kind(tables.SECRETS, "Secret", "name"),
        _C.CLUSTERS: Kind(tables.CLUSTERS, "Cluster", "name", ("name",), _path),
        _C.NAMESPACES: Kind(tables.NAMESPACES, "Namespace", "name", ("clustername", "name"), _namespace),
        _C.NODES: Kind(tables.NODES, "Node", "name"),
        _C.SERVICE_ACCOUNTS: Kind(tables.SERVICE_ACCOUNTS, "ServiceAccount", "name"),
        _C.ROLES: Kind(tables.K8S_ROLES, "K8sRole", "name"),
        _C.ROLEBINDINGS: Kind(tables.ROLE_BINDINGS, "K8sRoleBinding", "name"),
        _C.SUBJECTS: Kind(tables.ROLE_BINDINGS, "K8sSubject", "name"),
        _C.POLICY_CATEGORIES: Kind(tables.POLICY_CATEGORIES, "WorkflowAdministration", "name"),
        _C.IMAGE_INTEGRATIONS: Kind(tables.IMAGE_INTEGRATIONS, "Integration", "name"),
        _C.PODS: Kind(tables.PODS, "Deployment", "name"),
        _C.PROCESS_INDICATORS: Kind(tables.PROCESS_INDICATORS, "DeploymentExtension", "signal_name"),
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
