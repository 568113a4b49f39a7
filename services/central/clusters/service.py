"""`v1.ClustersService`: the clusters that this Central guards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import ClassVar, Protocol
from uuid import uuid4

from google.protobuf.descriptor import FieldDescriptor

from pyrox.clock import Clock
from pyrox.errors import Internal, Invalid, NotAuthorized, NotFound
from pyrox.pb.api.v1 import cluster_service_pb2, common_pb2, empty_pb2
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.rpc.authz import Permissions, Rule
from pyrox.rpc.call import Call
from pyrox.rpc.scope import Access
from services.central.clusters import defaults
from services.central.clusters.health import aged
from services.central.clusters.store import ClusterStore

_READ = Permissions(read=("Cluster",))
_WRITE = Permissions(write=("Cluster",))
# What Sensors report or registration decides; a request cannot change it.
_REPORTED = tuple(
    Cluster.DESCRIPTOR.fields_by_name[name]
    for name in (
        "status",
        "health_status",
        "most_recent_sensor_id",
        "helm_config",
        "audit_log_state",
        "sensor_capabilities",
        "managed_by",
        "init_bundle_id",
    )
)


class Link(Protocol):
    """What changes of a cluster mean for its Sensor."""

    def connected(self, cluster_id: str) -> bool:
        """Whether the Sensor's stream is open, on any replica."""

    async def config_changed(self, cluster: Cluster) -> None:
        """Push the configuration to the Sensor."""

    async def cluster_deleted(self, cluster_id: str) -> None:
        """End the Sensor's stream."""


class ClustersService:
    """`v1.ClustersService`."""

    SERVICE: ClassVar[str] = "v1.ClustersService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {
        "GetClusters": _READ,
        "GetCluster": _READ,
        "PostCluster": _WRITE,
        "PutCluster": _WRITE,
        "DeleteCluster": _WRITE,
        "GetKernelSupportAvailable": _READ,
        "GetClusterDefaultValues": _READ,
    }

    def __init__(
        self, *, store: ClusterStore, link: Link, clock: Clock, new_id: Callable[[], object] = uuid4
    ) -> None:
        self._store = store
        self._link = link
        self._clock = clock
        self._new_id = new_id

    async def GetClusters(
        self, request: cluster_service_pb2.GetClustersRequest, call: Call
    ) -> cluster_service_pb2.ClustersList:
        """Clusters by name."""
        found = await self._store.find(request.query, scope=call.scope("Cluster"))
        return cluster_service_pb2.ClustersList(clusters=[self._current(cluster) for cluster in found])

    async def GetCluster(
        self, request: common_pb2.ResourceByID, call: Call
    ) -> cluster_service_pb2.ClusterResponse:
        """One cluster."""
        if not request.id:
            raise Invalid.because("id must be provided")
        found = await self._store.get(request.id, scope=call.scope("Cluster"))
        if found is None:
            raise NotFound
        return cluster_service_pb2.ClusterResponse(cluster=self._current(found))

    async def PostCluster(self, request: Cluster, call: Call) -> cluster_service_pb2.ClusterResponse:
        """Add a cluster, before its Sensor is installed."""
        # No scope of single clusters holds one that does not exist yet (upstream asks for all).
        if not call.scope("Cluster", Access.READ_WRITE_ACCESS).unrestricted:
            raise NotAuthorized.of('"READ_WRITE_ACCESS" for "Cluster"')
        if request.id:
            raise Invalid.because("Id field should be empty when posting a new cluster")
        if not request.name:
            raise Internal("cannot add a cluster without name")
        cluster = Cluster()
        cluster.CopyFrom(request)
        cluster.id = str(self._new_id())
        for field in _REPORTED:
            cluster.ClearField(field.name)  # type: ignore[arg-type]  # a name of the descriptor
        defaults.fill(cluster)
        await self._store.put(cluster)
        return cluster_service_pb2.ClusterResponse(cluster=cluster)

    async def PutCluster(self, request: Cluster, call: Call) -> cluster_service_pb2.ClusterResponse:
        """Replace what an administrator may set; what Sensors report stays."""
        if not request.id:
            raise Invalid.because("Id must be provided")
        if not request.name:
            raise Invalid.because("Name must be provided")
        known = await self._store.get(request.id, scope=call.scope("Cluster", Access.READ_WRITE_ACCESS))
        cluster = None if known is None else await self._store.change(known.id, partial(_configure, request))
        if known is None or cluster is None:
            raise NotFound.because(f'cluster "{request.id}" does not exist')
        cluster.health_status.CopyFrom(known.health_status)
        await self._link.config_changed(cluster)
        return cluster_service_pb2.ClusterResponse(cluster=self._current(cluster))

    async def DeleteCluster(self, request: common_pb2.ResourceByID, call: Call) -> empty_pb2.Empty:
        """Remove a cluster and everything in it; its Sensor is turned away."""
        if not request.id:
            raise Invalid.because("Request must have a id")
        found = await self._store.get(request.id, scope=call.scope("Cluster", Access.READ_WRITE_ACCESS))
        if found is None:
            raise Internal(f'unable to find cluster "{request.id}"')
        await self._store.delete(request.id)
        await self._link.cluster_deleted(request.id)
        return empty_pb2.Empty()

    async def GetKernelSupportAvailable(
        self, _: empty_pb2.Empty, __: Call
    ) -> cluster_service_pb2.KernelSupportAvailableResponse:
        """Whether kernel probes can be downloaded; Collector brings its own."""
        return cluster_service_pb2.KernelSupportAvailableResponse(kernel_support_available=False)

    async def GetClusterDefaultValues(
        self, _: empty_pb2.Empty, __: Call
    ) -> cluster_service_pb2.ClusterDefaultsResponse:
        """Image repositories that a new cluster gets."""
        return cluster_service_pb2.ClusterDefaultsResponse(
            main_image_repository=defaults.MAIN_IMAGE, collector_image_repository=defaults.COLLECTOR_IMAGE
        )

    def _current(self, cluster: Cluster) -> Cluster:
        """The cluster with its health as of now: without a connection it ages."""
        if not self._link.connected(cluster.id):
            cluster.health_status.CopyFrom(aged(cluster.health_status, self._clock.now()))
            cluster.health_status.id = cluster.health_status.id or cluster.id
        return cluster


def _configure(wanted: Cluster, cluster: Cluster) -> None:
    """Give the cluster the wanted settings; what was reported of it stays."""
    known = Cluster()
    known.CopyFrom(cluster)
    cluster.CopyFrom(wanted)
    cluster.id = known.id
    for field in _REPORTED:
        _take_over(cluster, known, field)
    defaults.fill(cluster)


def _take_over(cluster: Cluster, known: Cluster, field: FieldDescriptor) -> None:
    """Set one field of the cluster to what is known, set or not."""
    part = Cluster()
    part.CopyFrom(known)
    for descriptor, _ in known.ListFields():
        if descriptor.number != field.number:
            part.ClearField(descriptor.name)  # type: ignore[arg-type]  # a name of the descriptor
    cluster.ClearField(field.name)  # type: ignore[arg-type]  # a name of the descriptor
    cluster.MergeFrom(part)
