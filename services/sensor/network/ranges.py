"""The address ranges that Central named, and what Collectors are told of addresses.

The stream to Central fills it; each Collector's stream waits on it for news. It must not
know flows.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable

from pyrox import log
from pyrox.pb.internalapi.central.network_flow_pb2 import PushNetworkEntitiesRequest
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgToSensor
from pyrox.pb.internalapi.sensor.network_connection_iservice_pb2 import NetworkFlowsControlMessage
from services.sensor.network.addresses import Address, Network, packed

_LOG = log.get(__name__)
_IPV4 = 4
_HALF = 64


class Ranges:
    """Named ranges by address, and the control message made of them."""

    def __init__(self) -> None:
        self._ids: dict[Network, str] = {}
        self._number = 0
        self._public: tuple[Address, ...] = ()
        self._known = False
        self._version = 0
        self._changed = asyncio.Event()

    def forget_number(self) -> None:
        """A new stream to Central begins: its numbers begin anew."""
        self._number = 0

    def on_push(self, message: MsgToSensor) -> None:
        """Take over the full list, unless a newer one was there already."""
        request = message.push_network_entities_request
        if request.seqID <= self._number:
            _LOG.warning("named address ranges are older than those known", number=request.seqID)
            return
        self._number = request.seqID
        self._ids = dict(_read(request))
        self._known = True
        self._announce()

    def id_of(self, network: Network) -> str:
        """The id of a named range; empty when nobody named it."""
        return self._ids.get(network, "")

    def set_public(self, addresses: Iterable[Address]) -> None:
        """The public addresses that the cluster has now."""
        found = tuple(addresses)
        if found != self._public:
            self._public = found
            self._announce()

    @property
    def version(self) -> int:
        """Grows with each change of what Collectors are told."""
        return self._version

    async def news(self, version: int) -> int:
        """Wait until there is something newer than that version; which it is."""
        while self._version <= version:
            await self._changed.wait()
        return self._version

    def control(self) -> NetworkFlowsControlMessage:
        """What a Collector is told: networks from the narrowest on, so that its first match is the best."""
        made = NetworkFlowsControlMessage()
        made.public_ip_addresses.SetInParent()
        for address in self._public:
            if address.version == _IPV4:
                made.public_ip_addresses.ipv4_addresses.append(int(address))
            else:
                high, low = divmod(int(address), 1 << _HALF)
                made.public_ip_addresses.ipv6_addresses.extend((high, low))
        made.ip_networks.SetInParent()
        if self._known:
            ordered = sorted(self._ids, key=lambda n: (-n.prefixlen, int(n.network_address)))
            made.ip_networks.ipv4_networks = b"".join(packed(n) for n in ordered if n.version == _IPV4)
            made.ip_networks.ipv6_networks = b"".join(packed(n) for n in ordered if n.version != _IPV4)
        return made

    def _announce(self) -> None:
        self._version += 1
        told, self._changed = self._changed, asyncio.Event()
        told.set()


def _read(request: PushNetworkEntitiesRequest) -> Iterable[tuple[Network, str]]:
    for entity in request.entities:
        try:
            yield ipaddress.ip_network(entity.external_source.cidr, strict=False), entity.id
        except ValueError:
            _LOG.warning("named address range is none", id=entity.id, cidr=entity.external_source.cidr)
