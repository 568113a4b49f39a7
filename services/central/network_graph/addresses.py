"""Address ranges that stand in the graph: their ids, and which of them holds which; pure."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Iterable

from pyrox.errors import Invalid
from pyrox.pb.storage.network_flow_pb2 import NetworkEntity, NetworkEntityInfo
from services.central.network_graph.flow import (
    INTERNAL_ID,
    INTERNAL_NAME,
    INTERNET,
    INTERNET_ID,
    INTERNET_NAME,
    Entity,
)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# Upstream pkg/sac: cluster, namespace and what names the object within them.
_SEPARATOR = "_"


def network_of(cidr: str) -> Network:
    """The range, host bits cleared. Raises `Invalid` in upstream's words."""
    if not cidr:
        raise Invalid.because("CIDR must be provided")
    try:
        return ipaddress.ip_network(cidr, strict=False)
    except ValueError as err:
        raise Invalid.because(f"CIDR {cidr} is invalid") from err


def id_of(cluster_id: str, network: Network) -> str:
    """The id that a range has in a cluster. Raises `Invalid` for an impossible cluster id."""
    if not cluster_id:
        raise Invalid.because("cluster ID must be specified")
    if _SEPARATOR in cluster_id:
        raise Invalid.because(f'cluster ID {cluster_id} must not contain "{_SEPARATOR}"')
    # No text of a range has bytes that base64 for URLs writes with the separator.
    encoded = base64.urlsafe_b64encode(str(network).encode()).decode().rstrip("=")
    return f"{cluster_id}{_SEPARATOR}{_SEPARATOR}{encoded}"


def cluster_of(entity_id: str) -> str:
    """The cluster that an id of a range belongs to; empty for one of all clusters."""
    return entity_id.partition(_SEPARATOR)[0]


def range_of(entity_id: str) -> Network | None:
    """The range that an id tells, or None when it tells none."""
    encoded = entity_id.rpartition(_SEPARATOR)[2]
    try:
        padded = encoded + "=" * (-len(encoded) % 4)
        return ipaddress.ip_network(base64.urlsafe_b64decode(padded).decode())
    except ValueError:
        return None


class Ranges:
    """The known ranges of one cluster."""

    def __init__(self, entities: Iterable[NetworkEntity]) -> None:
        self._by_id: dict[str, NetworkEntityInfo] = {}
        self._by_network: dict[tuple[int, int, int], str] = {}
        for entity in entities:
            self._by_id[entity.info.id] = entity.info
            network = network_of(entity.info.external_source.cidr)
            self._by_network[_place(network, network.prefixlen)] = entity.info.id
        self._lengths = sorted({length for _, length, _ in self._by_network}, reverse=True)

    def get(self, entity_id: str) -> NetworkEntityInfo | None:
        """A range by id."""
        return self._by_id.get(entity_id)

    def known(self, entity: Entity) -> Entity:
        """The range itself when it is known, else the smallest known one around it, else the internet."""
        if entity.type != NetworkEntityInfo.EXTERNAL_SOURCE or entity.id in self._by_id:
            return entity
        network = range_of(entity.id)
        if network is None:
            return INTERNET
        for length in self._lengths:
            found = self._by_network.get(_place(network, length)) if length <= network.prefixlen else None
            if found is not None:
                return Entity(NetworkEntityInfo.EXTERNAL_SOURCE, found)
        return INTERNET

    def info(self, entity: Entity) -> NetworkEntityInfo:
        """What an entity that is no deployment is shown as."""
        found = self._by_id.get(entity.id) if entity.type == NetworkEntityInfo.EXTERNAL_SOURCE else None
        if found is not None:
            return found
        made = NetworkEntityInfo(type=entity.type, id=entity.id)
        name = {INTERNET_ID: INTERNET_NAME, INTERNAL_ID: INTERNAL_NAME}.get(entity.id)
        if name is not None:
            made.external_source.name = name
        return made


def _place(network: Network, length: int) -> tuple[int, int, int]:
    """The range of that length around a range, as a key."""
    shift = network.max_prefixlen - length
    return network.version, length, int(network.network_address) >> shift
