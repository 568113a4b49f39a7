"""What Central knows of the place that a deployment file is meant for.

The detection servicer asks when a cluster is named. Policies scoped by labels need the labels
of cluster and namespace, and criteria on network policies need those that are there already.
It must not know policies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pyrox.errors import NotFound
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.namespace_metadata_pb2 import NamespaceMetadata
from pyrox.pb.storage.network_policy_pb2 import NetworkPolicy
from pyrox.policy.scope import NO_LABELS, PlaceLabels
from pyrox.rpc.call import Call
from pyrox.rpc.scope import EVERYTHING, Scope


class Clusters(Protocol):
    """Finds clusters."""

    async def find(self, query: str = "", *, scope: Scope) -> list[Cluster]:
        """Those of the caller's scope."""


class Namespaces(Protocol):
    """Finds namespaces."""

    async def of_names(
        self, cluster_id: str, names: Sequence[str], *, scope: Scope
    ) -> list[NamespaceMetadata]:
        """Those of the cluster that have these names."""


class NetworkPolicies(Protocol):
    """Where network policies are read."""

    async def of_place(self, cluster_id: str, namespace: str, *, scope: Scope) -> list[NetworkPolicy]:
        """Those of a cluster and a namespace."""


@dataclass(frozen=True, slots=True)
class Place:
    """A cluster as far as a check of deployments looks at it; without `cluster_id` no place at all."""

    cluster_id: str = ""
    cluster_labels: Mapping[str, str] = field(default_factory=dict)
    namespace_labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    network_policies: tuple[NetworkPolicy, ...] = ()

    def labels(self, namespace: str) -> PlaceLabels:
        """Labels for policies scoped by them."""
        if not self.cluster_id:
            return NO_LABELS
        return PlaceLabels(self.cluster_labels, self.namespace_labels.get(namespace, {}))

    def with_applied(self, in_files: Iterable[NetworkPolicy]) -> list[NetworkPolicy] | None:
        """The network policies once those of the files are applied; None when nobody can know."""
        applied = list(in_files)
        if not self.cluster_id:
            return applied or None
        replaced = {(one.namespace, one.name) for one in applied}
        stored = (one for one in self.network_policies if (one.namespace, one.name) not in replaced)
        return [*stored, *applied]


NOWHERE = Place()


class Surroundings:
    """Looks places up."""

    def __init__(
        self, *, clusters: Clusters, namespaces: Namespaces, network_policies: NetworkPolicies
    ) -> None:
        self._clusters = clusters
        self._namespaces = namespaces
        self._network_policies = network_policies

    async def cluster(self, name_or_id: str, call: Call) -> Cluster:
        """The cluster; raises `NotFound` for one that the caller cannot see."""
        for cluster in await self._clusters.find(scope=call.scope("Cluster")):
            if name_or_id in {cluster.id, cluster.name}:
                return cluster
        raise NotFound.because(f"cluster {name_or_id!r}")

    async def place(self, cluster: Cluster, deployments: Iterable[Deployment]) -> Place:
        """What surrounds these deployments in the cluster.

        A verdict is the same for everybody who may have one, so no further scope counts.
        """
        names = sorted({deployment.namespace for deployment in deployments})
        found = await self._namespaces.of_names(cluster.id, names, scope=EVERYTHING)
        policies = [
            policy
            for name in names
            for policy in await self._network_policies.of_place(cluster.id, name, scope=EVERYTHING)
        ]
        labels = {one.name: dict(one.labels) for one in found}
        return Place(cluster.id, dict(cluster.labels), labels, tuple(policies))
