"""Which deployment has an address: pods by theirs, services by cluster, external and node ports.

Pods come from the watch, services from the exposure that each deployment's message tells.
What is gone is remembered for some ticks, since Collector tells of it later. It must not
know connections.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from google.protobuf.message import Message

from pyrox.pb.internalapi.central.sensor_events_pb2 import ResourceAction
from pyrox.pb.storage.deployment_pb2 import Deployment, PortConfig
from pyrox.pb.storage.network_flow_pb2 import L4Protocol
from pyrox.pb.storage.node_pb2 import Node
from services.sensor.network.addresses import Address, is_public

# Upstream ROX_PAST_CLUSTER_ENTITIES_MEMORY_SIZE.
MEMORY_TICKS = 5
_PROTOCOLS = {
    "TCP": L4Protocol.L4_PROTOCOL_TCP,
    "UDP": L4Protocol.L4_PROTOCOL_UDP,
    "SCTP": L4Protocol.L4_PROTOCOL_SCTP,
}


class Place(NamedTuple):
    """A deployment and the port of its container."""

    deployment_id: str
    port: int


class _Door(NamedTuple):
    """An address with a port of a service; no address means any node's."""

    address: Address | None
    port: int
    protocol: int


class Places:
    """The addresses of the cluster."""

    def __init__(self) -> None:
        self._pods: dict[str, tuple[str, tuple[Address, ...]]] = {}
        self._by_address: dict[Address, dict[str, str]] = {}
        self._doors: dict[str, dict[_Door, Place]] = {}
        self._by_door: dict[_Door, dict[Place, None]] = {}
        self._nodes: dict[str, frozenset[Address]] = {}
        self._past: dict[Address, tuple[str, int]] = {}

    def put_pod(self, uid: str, deployment_id: str, addresses: Iterable[str]) -> None:
        """Learn the addresses of a pod. Those of pods on the host's network are its node's."""
        found = tuple(address for text in addresses if (address := _parse(text)) is not None)
        if self._pods.get(uid) == (deployment_id, found):
            return
        self.remove_pod(uid)
        self._pods[uid] = (deployment_id, found)
        for address in found:
            self._by_address.setdefault(address, {})[uid] = deployment_id
            self._past.pop(address, None)

    def remove_pod(self, uid: str) -> None:
        """Forget a pod."""
        deployment_id, addresses = self._pods.pop(uid, ("", ()))
        for address in addresses:
            here = self._by_address[address]
            del here[uid]
            if not here:
                del self._by_address[address]
                self._past[address] = (deployment_id, MEMORY_TICKS)

    def on_message(self, action: ResourceAction.ValueType, arm: str, message: Message) -> None:
        """Learn what a deployment or a node says of addresses."""
        gone = action == ResourceAction.REMOVE_RESOURCE
        if isinstance(message, Deployment) and arm == "deployment":
            self._replace_doors(message.id, {} if gone else dict(_doors(message)))
        elif isinstance(message, Node) and arm == "node":
            self._nodes.pop(message.id, None)
            if not gone:
                texts = (*message.internal_ip_addresses, *message.external_ip_addresses)
                found = (_parse(text) for text in texts)
                self._nodes[message.id] = frozenset(address for address in found if address is not None)

    def find(self, address: Address, port: int, protocol: int) -> list[Place]:
        """The deployments that answer there; empty when nobody of the cluster does."""
        found = self._by_door.get(_Door(address, port, protocol))
        if not found and any(address in node for node in self._nodes.values()):
            found = self._by_door.get(_Door(None, port, protocol))
        if found:
            return list(found)
        here = self._by_address.get(address)
        if here:
            return [Place(id_, port) for id_ in dict.fromkeys(here.values())]
        past = self._past.get(address)
        return [Place(past[0], port)] if past is not None else []

    def has_pod(self, address: Address) -> bool:
        """Whether a pod has the address, or had it a moment ago."""
        return address in self._by_address or address in self._past

    def public(self) -> list[Address]:
        """The public addresses of the cluster, which Collector must not take for the internet."""
        doors = (door.address for door in self._by_door if door.address is not None)
        nodes = (address for node in self._nodes.values() for address in node)
        return sorted({a for a in (*self._by_address, *doors, *nodes) if is_public(a)}, key=_order)

    def tick(self) -> None:
        """Some time is over: what is gone is remembered for less."""
        self._past = {a: (id_, left - 1) for a, (id_, left) in self._past.items() if left > 1}

    def _replace_doors(self, deployment_id: str, doors: dict[_Door, Place]) -> None:
        for door, place in self._doors.pop(deployment_id, {}).items():
            here = self._by_door[door]
            here.pop(place, None)
            if not here:
                del self._by_door[door]
        if doors:
            self._doors[deployment_id] = doors
        for door, place in doors.items():
            self._by_door.setdefault(door, {})[place] = None


def _doors(deployment: Deployment) -> Iterator[tuple[_Door, Place]]:
    for container in deployment.containers:
        for port in container.ports:
            protocol = _PROTOCOLS.get(port.protocol.upper(), L4Protocol.L4_PROTOCOL_UNKNOWN)
            place = Place(deployment.id, port.container_port)
            for info in port.exposure_infos:
                for address, number in _ways(info):
                    yield _Door(address, number, protocol), place


def _ways(info: PortConfig.ExposureInfo) -> Iterator[tuple[Address | None, int]]:
    for text in (info.service_cluster_ip, *info.external_ips):
        if (address := _parse(text)) is not None:
            yield address, info.service_port
    if info.node_port:
        yield None, info.node_port


def _parse(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text) if text else None
    except ValueError:
        return None


def _order(address: Address) -> tuple[int, int]:
    return address.version, int(address)
