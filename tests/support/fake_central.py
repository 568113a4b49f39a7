"""A Central made of test servicers behind the real TLS front, in a thread of its own.

For tests of clients: `roxctl`, HTTP libraries, gRPC-Web.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyrox.clock import SystemClock
from pyrox.mtls.identity import CENTRAL
from pyrox.mtls.reload import ServerTls
from pyrox.rpc import methods
from pyrox.rpc.asgi import AsgiApp
from pyrox.rpc.authn import Authenticator
from pyrox.rpc.front import Endpoint, Front
from pyrox.rpc.gateway import Gateway
from pyrox.rpc.grpcweb import GrpcWeb
from pyrox.rpc.peers import Peers
from pyrox.rpc.server import RpcServer
from pyrox.service import Supervisor
from tests.support.asgi import no_fallback
from tests.support.pki import Pki
from tests.support.servicers import OnePassword


class FakeCentral:
    """Serves gRPC, gRPC-Web and REST on one TLS port (and on a plaintext one) of 127.0.0.1."""

    def __init__(
        self,
        directory: Path,
        servicers: Sequence[Any],
        *,
        authenticator: Authenticator | None = None,
        app: AsgiApp = no_fallback,
        alpn: Sequence[str] | None = None,
    ) -> None:
        self.pki = Pki(directory)
        self._files = self.pki.files(CENTRAL)
        self._table = methods.table(servicers)
        self._authenticator = authenticator or OnePassword()
        self._app = app
        self._alpn = alpn
        self.port = 0
        self.plain_port = 0

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def serve(self, ready: Any, stop: asyncio.Event) -> None:
        """Run until `stop` is set; call `ready` when it accepts connections."""
        clock, peers = SystemClock(), Peers()
        common: dict[str, Any] = {
            "methods": self._table,
            "authenticator": self._authenticator,
            "clock": clock,
        }
        gateway = Gateway(**common, fallback=self._app)
        options = {} if self._alpn is None else {"alpn": self._alpn}
        tls = ServerTls(certificates=[self._files], client_authorities=[self.pki.ca_file], **options)  # type: ignore[arg-type]  # tests
        front = Front(
            endpoints=[Endpoint("127.0.0.1", 0, tls), Endpoint("127.0.0.1", 0)],
            app=GrpcWeb(**common, fallback=gateway),
            peers=peers,
            clock=clock,
        )
        async with Supervisor([RpcServer(**common, peers=peers), front]).running():
            self.port, self.plain_port = front.addresses[0][1], front.addresses[1][1]
            ready()
            await stop.wait()


@contextmanager
def running(central: FakeCentral) -> Iterator[FakeCentral]:
    """The server in a thread, for clients that block."""
    started, loop_box = threading.Event(), []

    async def main() -> None:
        stop = asyncio.Event()
        loop_box.append((asyncio.get_running_loop(), stop))
        await central.serve(started.set, stop)

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    try:
        assert started.wait(20)
        yield central
    finally:
        loop, stop = loop_box[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        assert not thread.is_alive()
