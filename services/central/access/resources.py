"""The resources that permissions speak of, and the level of the objects behind them.

A table of facts; roles, grants and the search compiler read it.
"""

from __future__ import annotations

from enum import Enum


class Level(Enum):
    """How far an access scope can narrow a resource."""

    GLOBAL = "global"
    CLUSTER = "cluster"
    NAMESPACE = "namespace"


# Upstream pkg/sac/resources/list.go: what users see in permission sets.
RESOURCES: dict[str, Level] = {
    "Access": Level.GLOBAL,
    "Administration": Level.GLOBAL,
    "Alert": Level.NAMESPACE,
    "CVE": Level.NAMESPACE,
    "Cluster": Level.CLUSTER,
    "Compliance": Level.CLUSTER,
    "Deployment": Level.NAMESPACE,
    "DeploymentExtension": Level.NAMESPACE,
    "Detection": Level.GLOBAL,
    "Image": Level.NAMESPACE,
    "ImageAdministration": Level.GLOBAL,
    "Integration": Level.GLOBAL,
    "K8sRole": Level.NAMESPACE,
    "K8sRoleBinding": Level.NAMESPACE,
    "K8sSubject": Level.NAMESPACE,
    "Namespace": Level.NAMESPACE,
    "NetworkGraph": Level.NAMESPACE,
    "NetworkPolicy": Level.NAMESPACE,
    "Node": Level.CLUSTER,
    "Secret": Level.NAMESPACE,
    "ServiceAccount": Level.NAMESPACE,
    "VirtualMachine": Level.NAMESPACE,
    "VulnerabilityManagementApprovals": Level.GLOBAL,
    "VulnerabilityManagementRequests": Level.GLOBAL,
    "WatchedImage": Level.GLOBAL,
    "WorkflowAdministration": Level.GLOBAL,
}
