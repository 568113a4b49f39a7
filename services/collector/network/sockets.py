"""The kernel's tables of sockets, as /proc/<pid>/net shows them; pure.

A table belongs to a network namespace. Lines that cannot be read are left out.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from pyrox.pb.storage.network_flow_pb2 import L4Protocol

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
TABLES = {
    "tcp": L4Protocol.L4_PROTOCOL_TCP,
    "tcp6": L4Protocol.L4_PROTOCOL_TCP,
    "udp": L4Protocol.L4_PROTOCOL_UDP,
    "udp6": L4Protocol.L4_PROTOCOL_UDP,
}
# include/net/tcp_states.h: ESTABLISHED, LISTEN, CLOSE; an unconnected UDP socket is "closed".
_ESTABLISHED, _LISTEN, _CLOSE = 0x01, 0x0A, 0x07
_WORD = 4
_FIELDS = 10
_INODE_FIELD = 9


class State(Enum):
    """What a socket does."""

    CONNECTED = "connected"
    LISTENING = "listening"


@dataclass(frozen=True, slots=True)
class Socket:
    """One socket."""

    protocol: L4Protocol.ValueType
    local: Address
    local_port: int
    remote: Address
    remote_port: int
    state: State
    inode: int


def read_table(name: str, lines: Iterable[str]) -> Iterator[Socket]:
    """The sockets of a table that are connected or listen."""
    protocol = TABLES[name]
    for line in lines:
        fields = line.split(maxsplit=_FIELDS)
        if len(fields) < _FIELDS or not fields[0].endswith(":"):
            continue
        try:
            local, local_port = _end(fields[1])
            remote, remote_port = _end(fields[2])
            state = _state(protocol, int(fields[3], 16))
            inode = int(fields[_INODE_FIELD])
        except ValueError:
            continue
        if state is not None:
            yield Socket(protocol, local, local_port, remote, remote_port, state, inode)


def _state(protocol: L4Protocol.ValueType, number: int) -> State | None:
    if number == _ESTABLISHED:
        return State.CONNECTED
    listens = _LISTEN if protocol == L4Protocol.L4_PROTOCOL_TCP else _CLOSE
    return State.LISTENING if number == listens else None


def _end(text: str) -> tuple[Address, int]:
    """An address, words of four bytes in the machine's order, and a port."""
    address, separator, port = text.partition(":")
    data = bytes.fromhex(address)
    if not separator or len(data) not in {4, 16}:
        raise ValueError(text)
    words = (data[start : start + _WORD][::-1] for start in range(0, len(data), _WORD))
    found = ipaddress.ip_address(b"".join(words))
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found, int(port, 16)
