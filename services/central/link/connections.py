"""All streams of this Central: how other domains speak to Sensors.

Domains receive it as the narrow protocols they declare. It must not know the content of
what it sends.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator

from pyrox import log
from pyrox.errors import Exhausted, Unavailable
from pyrox.metrics import Metrics
from pyrox.pb.internalapi.central.deployment_enhancement_pb2 import DeploymentEnhancementRequest
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgToSensor, ReprocessDeployments
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.image_pb2 import Image
from services.central.clusters.registration import may_replace
from services.central.link import capabilities
from services.central.link.connection import Connection
from services.central.link.greeting import config_message

_LOG = log.get(__name__)
# roxctl waits a minute for the whole check; a Sensor answers this from memory.
ENHANCEMENT_SECONDS = 30.0


class Connections:
    """The streams that this replica holds, by cluster id."""

    def __init__(self, *, metrics: Metrics, policy_sync: Callable[[], Awaitable[MsgToSensor]]) -> None:
        self._by_cluster: dict[str, Connection] = {}
        self._policy_sync = policy_sync
        self._count = metrics.gauge("sensor_connected", "streams of Sensors that are open")

    def __iter__(self) -> Iterator[Connection]:
        return iter(tuple(self._by_cluster.values()))

    def connected(self, cluster_id: str) -> bool:
        """Whether this replica holds the cluster's stream."""
        return cluster_id in self._by_cluster

    def clusters(self) -> Iterator[str]:
        """The ids of the clusters whose streams are here."""
        return iter(tuple(self._by_cluster))

    def add(self, connection: Connection) -> Connection | None:
        """Take a new stream; an older one of the same installation is ended and given back.

        Raises `Exhausted` when another installation holds the cluster.
        """
        cluster = connection.cluster
        old = self._by_cluster.get(cluster.id)
        if old is not None:
            if not may_replace(old.identification, connection.identification):
                raise Exhausted(
                    f"a connection for cluster {cluster.name} already exists from another installation; "
                    "delete the other installation, or give this one certificates of its own"
                )
            old.close("replaced by a new stream of the same cluster")
        self._by_cluster[cluster.id] = connection
        self._count.set(len(self._by_cluster))
        return old

    def remove(self, connection: Connection) -> None:
        """Forget a stream that ended."""
        if self._by_cluster.get(connection.cluster.id) is connection:
            del self._by_cluster[connection.cluster.id]
        self._count.set(len(self._by_cluster))

    def push(self, cluster_id: str, message: MsgToSensor) -> bool:
        """Send to one cluster; False when its stream is not here."""
        connection = self._by_cluster.get(cluster_id)
        return connection is not None and connection.send(message)

    def push_all(self, message: MsgToSensor, capability: str = "") -> int:
        """Send to every cluster, or those whose Sensor has the capability; to how many."""
        return sum(c.send(message) for c in self if not capability or capability in c.capabilities)

    async def policies_changed(self) -> None:
        """Give every Sensor the new list of policies."""
        if self._by_cluster:
            self.push_all(await self._policy_sync(), capabilities.SENSOR_DETECTION)

    async def config_changed(self, cluster: Cluster) -> None:
        """Give the cluster's Sensor its new configuration."""
        self.push(cluster.id, config_message(cluster))

    async def cluster_deleted(self, cluster_id: str) -> None:
        """End the stream of a cluster that no longer exists."""
        if connection := self._by_cluster.get(cluster_id):
            connection.close("the cluster was deleted")

    async def reprocess_all(self) -> None:
        """Make every Sensor forget its image cache and judge everything again."""
        self.push_all(MsgToSensor(reprocess_deployments=ReprocessDeployments(skip_cache_flush=True)))

    async def image_updated(self, image: Image, cluster_ids: Collection[str]) -> None:
        """Give the clusters' Sensors a new scan of an image, and let them judge its deployments again."""
        for cluster_id in cluster_ids:
            self.push(cluster_id, MsgToSensor(updated_image=image))

    async def images_forgotten(self, images: Iterable[Image]) -> None:
        """Make every Sensor ask again for these images."""
        message = MsgToSensor()
        for image in images:
            message.invalidate_image_cache.image_keys.add(
                image_id=image.id, image_full_name=image.name.full_name
            )
        self.push_all(message)

    async def enhance(
        self, cluster_id: str, request_id: str, deployments: Iterable[Deployment]
    ) -> list[Deployment]:
        """Deployments of a YAML check with what only the cluster knows.

        Raises `Unavailable` when its Sensor is not connected or does not answer.
        """
        connection = self._by_cluster.get(cluster_id)
        if connection is None:
            raise Unavailable(f"the Sensor of cluster {cluster_id} is not connected; check without a cluster")
        if capabilities.ENHANCED_DEPLOYMENT_CHECK not in connection.capabilities:
            raise Unavailable(
                f"the Sensor of cluster {connection.cluster.name} is of a release that cannot add what it "
                "knows to a check; upgrade it, or check without a cluster"
            )
        request = DeploymentEnhancementRequest()
        request.msg.id = request_id
        request.msg.deployments.extend(deployments)
        asked = MsgToSensor(deployment_enhancement_request=request)
        answer = await connection.ask(f"enhance:{request_id}", asked, ENHANCEMENT_SECONDS)
        return list(answer.deployment_enhancement_response.msg.deployments)
