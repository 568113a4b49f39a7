"""Who is at the other end of a connection, kept by the front for the two servers behind it.

The front registers each connection it hands to gRPC under the name of a socket that
only this account can bind; the gRPC server looks the peer up by that name. HTTP
requests carry the peer in their ASGI scope. It must not know what an identity may do.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509

from pyrox.scratch import Scratch

SCOPE_KEY = "peer"
_PREFIX = "pyrox-peers-"
# sockaddr_un.sun_path holds 108 bytes with the final zero (Linux unix(7)).
_MAX_SOCKET_PATH = 107
_NAME_BYTES = 16
_NAME_LENGTH = 22  # of that many bytes in base64url


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of one connection."""

    address: str
    """`ip:port`."""
    certificate: x509.Certificate | None = None
    """The leaf that TLS verified against the trusted CAs, or None."""
    secure: bool = False
    """Whether the connection is TLS."""


NOBODY = Peer(address="")


class Peers:
    """The private socket directory and the live connections in it, by socket name.

    One object is shared by a `Front` and the `RpcServer` behind it.
    """

    def __init__(self, parent: Path | None = None) -> None:
        self._scratch = Scratch(_PREFIX, parent)
        self._directory: Path | None = None
        self._peers: dict[str, Peer] = {}

    def __len__(self) -> int:
        return len(self._peers)

    def open(self) -> None:
        """Make the directory, readable by this account only, unless it exists.

        Raises `ValueError` when its path is too long for a socket.
        """
        if self._directory is None:
            self._directory = self._scratch.open()
        if len(bytes(self._directory)) + 1 + _NAME_LENGTH > _MAX_SOCKET_PATH:
            raise ValueError(f"the path {self._directory} is too long for sockets; choose a shorter one")

    def close(self) -> None:
        """Remove the directory and all that is in it."""
        if self._directory is not None:
            self._scratch.close()
            self._directory = None

    @property
    def grpc_socket(self) -> Path:
        """Where the gRPC server listens."""
        return self._open_directory / "grpc"

    def new_name(self) -> str:
        """A path that was never used and cannot be guessed."""
        return str(self._open_directory / secrets.token_urlsafe(_NAME_BYTES))

    def add(self, name: str, peer: Peer) -> None:
        """Register a connection before its first byte is passed on."""
        self._peers[name] = peer

    def remove(self, name: str) -> None:
        """Forget a connection that ended."""
        self._peers.pop(name, None)

    def find(self, name: str) -> Peer | None:
        """The peer, or None when the front never registered that name."""
        return self._peers.get(name)

    @property
    def _open_directory(self) -> Path:
        if self._directory is None:
            raise RuntimeError("the socket directory is not open; start the RpcServer before the Front")
        return self._directory


def peer_of(scope: Mapping[str, Any]) -> Peer:
    """The peer of an ASGI request; `NOBODY` when it did not come through a front."""
    peer = scope.get("state", {}).get(SCOPE_KEY)
    return peer if isinstance(peer, Peer) else NOBODY
