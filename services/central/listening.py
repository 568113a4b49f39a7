"""The listeners of Central, made of what the settings say.

`app.py` makes one `Listening`. Listeners of the same protocols share a front.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pyrox.clock import Clock
from pyrox.mtls.reload import CertFiles, ServerTls
from pyrox.rpc.asgi import AsgiApp
from pyrox.rpc.front import Endpoint, Front
from pyrox.rpc.peers import Peers
from services.central.endpoints import DEFAULT, GRPC, HTTP, SERVICE, USER, Listen, Tls


class Listening:
    """Where Central listens, with which certificates."""

    def __init__(self, endpoints: Sequence[Listen], *, certs: Path, default_tls: Path) -> None:
        self._endpoints = tuple(endpoints)
        self._certificates = {
            DEFAULT: CertFiles(default_tls / "tls.crt", default_tls / "tls.key"),
            SERVICE: CertFiles.in_directory(certs),
        }
        self._authorities = certs / "ca.pem"
        kinds = dict.fromkeys(listen.tls for listen in endpoints if listen.tls is not None)
        self._made = {kind: self._server_tls(kind) for kind in kinds}

    @property
    def tls(self) -> list[ServerTls]:
        """All server sides of TLS, for the watch over their files."""
        return list(self._made.values())

    @property
    def for_users(self) -> list[ServerTls]:
        """Those that take certificates of users."""
        return [made for kind, made in self._made.items() if USER in kind.clients]

    def fronts(self, app: AsgiApp, peers: Peers, clock: Clock) -> list[Front]:
        """A front for each set of protocols; start them after the gRPC server."""
        return [
            Front(
                endpoints=[self._endpoint(e) for e in self._endpoints if e.protocols == protocols],
                app=app if HTTP in protocols else None,
                peers=peers if GRPC in protocols else None,
                clock=clock,
                name="front" if len(protocols) > 1 else f"front-{min(protocols)}",
            )
            for protocols in dict.fromkeys(listen.protocols for listen in self._endpoints)
        ]

    def _endpoint(self, listen: Listen) -> Endpoint:
        tls = self._made[listen.tls] if listen.tls is not None else None
        return Endpoint(listen.address.host, listen.address.port, tls, optional=listen.optional)

    def _server_tls(self, kind: Tls) -> ServerTls:
        # The service CA stands for users' CAs too until those are told.
        return ServerTls(
            certificates=[self._certificates[name] for name in kind.server],
            client_authorities=[self._authorities] if kind.clients else [],
            require_client=kind.required,
        )
