"""The start of a stream to Central: who says what in which order.

Called by the session with a reader and a writer of messages. It must not know gRPC.

Central must send hello, cluster config, policies, process baselines and network
baselines in exactly this order, then, when both sides agreed on it, its dedupe state in
chunks. Anything else in these places ends the stream.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from pyrox.errors import Invalid
from pyrox.pb.internalapi.central.hello_pb2 import CentralHello, HelmManagedConfigInit, SensorHello
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgFromSensor, MsgToSensor
from pyrox.pb.storage.cluster_pb2 import SensorDeploymentIdentification
from pyrox.version import WIRE_VERSION

VERSION = WIRE_VERSION
"""The compatibility level that PyRox names itself by on the wire."""
POLICY_VERSION = "1.1"
HELLO_HEADER = "rox-sensor-hello"
CAPABILITIES_HEADER = "rox-sensor-capabilities"
VERSION_HEADER = "rox-sensor-version-info"
CLUSTER_ID_HEADER = "stackrox.cluster.id"
SEND_DEDUPER_STATE = "SendDeduperStateOnReconnect"
FLATTEN_IMAGE_DATA = "FlattenImageData"
INIT_CONTAINERS = "InitContainerSupport"
CERTIFICATES_REFRESH = "SecuredClusterCertificatesRefresh"
"""Said only of clusters that Helm or the operator manages."""
# What this Sensor does; upstream's Sensor of a manually made cluster sends these and
# those of parts that come later.
CAPABILITIES = (
    FLATTEN_IMAGE_DATA,
    "HealthMonitoring",
    INIT_CONTAINERS,
    SEND_DEDUPER_STATE,
    "SensorACKSupport",
    "SensorDetection",
    "SensorEnhancedDeploymentCheck",
    "TargetedImageCacheInvalidation",
)
_FIXED_ORDER = ("cluster_config", "policy_sync", "baseline_sync", "network_baseline_sync")
# More chunks than this would be above Central's own limit of a million hashes at the
# smallest chunk that anybody configures.
_MAX_CHUNKS = 10_000

Read = Callable[[], Awaitable[MsgToSensor | None]]
Write = Callable[[MsgFromSensor], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Introduction:
    """What Sensor says about itself."""

    reconnect: bool
    reconcile: bool
    identification: SensorDeploymentIdentification
    capabilities: Sequence[str] = CAPABILITIES
    helm: HelmManagedConfigInit | None = None
    """What the chart says of the cluster; None for one that was added by hand."""

    def message(self) -> MsgFromSensor:
        """The first message."""
        hello = SensorHello(
            sensor_version=VERSION,
            capabilities=sorted(self.capabilities),
            policy_version=POLICY_VERSION,
            deployment_identification=self.identification,
            sensor_state=SensorHello.RECONNECT if self.reconnect else SensorHello.STARTUP,
            request_deduper_state=self.reconcile,
            helm_managed_config_init=self.helm,
        )
        return MsgFromSensor(hello=hello)


@dataclass(frozen=True, slots=True)
class Greeting:
    """What Central said before the work starts."""

    hello: CentralHello
    opening: tuple[MsgToSensor, ...]
    """Cluster config, policies and baselines, in order."""
    hashes: dict[str, int] = field(default_factory=dict)
    """What Central knows of this cluster; empty without reconciliation."""
    reconciles: bool = False


class BadOrder(Invalid):
    """Central said something else than was due; the next attempt does without its dedupe state."""


async def greet(introduction: Introduction, read: Read, write: Write) -> Greeting:
    """Go through the whole start. Raises `BadOrder` when Central breaks the order."""
    await write(introduction.message())
    hello = (await _expect(read, "hello")).hello
    opening = [await _expect(read, arm) for arm in _FIXED_ORDER]
    reconciles = (
        introduction.reconcile and SEND_DEDUPER_STATE in hello.capabilities and hello.send_deduper_state
    )
    hashes = await _hashes(read) if reconciles else {}
    return Greeting(hello, tuple(opening), hashes, reconciles)


async def register(introduction: Introduction, read: Read, write: Write) -> CentralHello:
    """The start of a registration, which is all that Central says to a registrant. Raises `BadOrder`."""
    await write(introduction.message())
    return (await _expect(read, "hello")).hello


async def _expect(read: Read, arm: str) -> MsgToSensor:
    message = await read()
    found = None if message is None else message.WhichOneof("msg")
    if message is None or found != arm:
        raise BadOrder(f"Central sent {found or 'the end of the stream'} where {arm} was due")
    return message


async def _hashes(read: Read) -> dict[str, int]:
    hashes: dict[str, int] = {}
    due = 1
    while True:
        chunk = (await _expect(read, "deduper_state")).deduper_state
        if chunk.current != due or not chunk.current <= chunk.total <= _MAX_CHUNKS:
            raise BadOrder(f"chunk {chunk.current} of {chunk.total} of the dedupe state where {due} was due")
        hashes.update(chunk.resource_hashes)
        if chunk.current == chunk.total:
            return hashes
        due += 1
