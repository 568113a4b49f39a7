"""What Central sends first on a stream, in the order that Sensors insist on.

A Sensor drops the stream when one of the first messages comes out of turn; what follows
the deduper state may come in any order.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pyrox.mtls.ca import CertificateAuthority
from pyrox.pb.internalapi.central.cluster_config_pb2 import ClusterConfig
from pyrox.pb.internalapi.central.compliance_operator_pb2 import ComplianceRequest
from pyrox.pb.internalapi.central.hello_pb2 import CentralHello, SensorHello
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgToSensor
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.pb.storage.policy_pb2 import Policy
from services.central.link import capabilities, certificates

# Upstream ROX_MAX_DEDUPER_ENTRIES_PER_MESSAGE.
DEDUPER_ENTRIES_PER_MESSAGE = 200_000


class PolicySource(Protocol):
    """All policies, as Sensors get them."""

    async def all_policies(self) -> Sequence[Policy]:
        """Every policy, disabled ones included, by name."""


class HashSource(Protocol):
    """What Central already knows of a cluster."""

    async def load(self, cluster_id: str) -> Mapping[str, int]:
        """Deduper keys to hashes of what was stored."""


class BaselineSource(Protocol):
    """The process baselines that a Sensor holds processes against."""

    async def all_of(self, cluster_id: str) -> Sequence[MsgToSensor]:
        """The messages that tell of them, at least one."""


class RangeSource(Protocol):
    """The address ranges that users named."""

    async def greeting(self, cluster_id: str) -> MsgToSensor:
        """The message that tells of them."""


@dataclass(frozen=True, slots=True)
class Greeter:
    """Makes the first messages."""

    ca: CertificateAuthority
    policies: PolicySource
    hashes: HashSource
    central_id: Callable[[], str]
    baselines: BaselineSource
    ranges: RangeSource

    def central_hello(
        self, cluster: Cluster, hello: SensorHello, *, send_deduper_state: bool
    ) -> CentralHello:
        """Central's half of the handshake, with new certificates for the whole cluster."""
        namespace = hello.deployment_identification.app_namespace
        return CentralHello(
            cluster_id=cluster.id,
            cert_bundle=certificates.bundle(self.ca, cluster.id, namespace),
            central_id=self.central_id(),
            capabilities=capabilities.CENTRAL,
            send_deduper_state=send_deduper_state,
            allowed_proxy_paths=capabilities.ALLOWED_PROXY_PATHS,
        )

    async def messages(
        self, cluster: Cluster, hello: SensorHello, hashes: Mapping[str, int]
    ) -> AsyncIterator[MsgToSensor]:
        """Everything after the hello that a new stream begins with."""
        able = frozenset(hello.capabilities)
        yield config_message(cluster)
        further: Sequence[MsgToSensor] = ()
        if capabilities.SENSOR_DETECTION in able:
            yield await self.policy_sync()
            first, *further = await self.baselines.all_of(cluster.id)
            yield first
            yield _empty("network_baseline_sync")
        if capabilities.SEND_DEDUPER_STATE in able:
            for message in deduper_state(hashes):
                yield message
        for message in further:
            yield message
        yield _empty("sensor_upgrade_trigger")
        if capabilities.EXTERNAL_SOURCES in able:
            yield await self.ranges.greeting(cluster.id)
        if capabilities.AUDIT_LOG_EVENTS in able:
            yield _empty("audit_log_sync")
        if capabilities.COMPLIANCE_SCAN_CONFIG_SYNC in able:
            sync = ComplianceRequest()
            sync.sync_scan_configs.SetInParent()
            yield MsgToSensor(compliance_request=sync)

    async def policy_sync(self) -> MsgToSensor:
        """The full list of policies."""
        message = MsgToSensor()
        message.policy_sync.policies.extend(await self.policies.all_policies())
        message.policy_sync.SetInParent()
        return message


def config_message(cluster: Cluster) -> MsgToSensor:
    """The configuration that a Sensor follows."""
    return MsgToSensor(cluster_config=ClusterConfig(config=cluster.dynamic_config))


def deduper_state(hashes: Mapping[str, int]) -> list[MsgToSensor]:
    """The hashes in numbered chunks; one empty chunk when there are none."""
    items = list(hashes.items())
    step = DEDUPER_ENTRIES_PER_MESSAGE
    chunks = [items[start : start + step] for start in range(0, len(items), step)] or [[]]
    made = []
    for number, chunk in enumerate(chunks, 1):
        message = MsgToSensor()
        message.deduper_state.resource_hashes.update(chunk)
        message.deduper_state.current, message.deduper_state.total = number, len(chunks)
        made.append(message)
    return made


def _empty(field: str) -> MsgToSensor:
    message = MsgToSensor()
    getattr(message, field).SetInParent()
    return message
