"""Scanner V4's two gRPC services as a real server over mTLS, that answers as a test says.

For Central's side of the scanner: what was asked is kept, errors and waits are set before
the request.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from pyrox.clock import Clock, SystemClock
from pyrox.errors import RoxError
from pyrox.mtls.ca import ServiceTrust, load_certificates
from pyrox.mtls.identity import CENTRAL, SCANNER_V4_INDEXER
from pyrox.mtls.reload import ClientTls, ServerTls
from pyrox.pb.internalapi.scanner.v4 import indexer_service_pb2, matcher_service_pb2
from pyrox.pb.internalapi.scanner.v4.index_report_pb2 import IndexReport
from pyrox.pb.internalapi.scanner.v4.vulnerability_report_pb2 import VulnerabilityReport
from pyrox.rpc import methods
from pyrox.rpc.authn import ServiceAuthenticator
from pyrox.rpc.authz import UNSERVED, Services
from pyrox.rpc.call import Call
from pyrox.rpc.client import Channels, Target
from pyrox.rpc.front import Endpoint, Front
from pyrox.rpc.peers import Peers
from pyrox.rpc.server import RpcServer
from pyrox.service import Supervisor
from services.central.images.scanner import VERSION_HEADER, ScannerV4
from tests.support.pki import Pki
from tests.support.waiting import until

_CENTRAL = Services.of("CENTRAL_SERVICE")


class FakeScanner:
    """What the scanner knows and how it behaves."""

    def __init__(self, pki: Pki) -> None:
        self.pki = pki
        self.indexed: list[indexer_service_pb2.GetOrCreateIndexReportRequest] = []
        self.matched: list[matcher_service_pb2.GetVulnerabilitiesRequest] = []
        self.report = VulnerabilityReport()
        self.errors: list[RoxError] = []
        """Raised one after the other by the Indexer before it works again."""
        self.version = "4.11.0"
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.at_once = 0
        self.most_at_once = 0
        self.port = 0

    async def index(
        self, request: indexer_service_pb2.GetOrCreateIndexReportRequest, call: Call
    ) -> IndexReport:
        """Index an image."""
        self.indexed.append(request)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.go_on.wait()
        finally:
            self.at_once -= 1
        if self.errors:
            raise self.errors.pop(0)
        if self.version:
            await call.send_headers({VERSION_HEADER: self.version})
        return IndexReport(hash_id=request.hash_id, state="IndexFinished", success=True)

    async def match(
        self, request: matcher_service_pb2.GetVulnerabilitiesRequest, call: Call
    ) -> VulnerabilityReport:
        """Match an image."""
        self.matched.append(request)
        if self.version:
            await call.send_headers({VERSION_HEADER: self.version})
        return self.report

    @asynccontextmanager
    async def running(self, clock: Clock, seconds: float = 20) -> AsyncIterator[ScannerV4]:
        """Serve, and give Central's client of it."""
        system, peers = SystemClock(), Peers()
        servicers = (
            _servicer(indexer_service_pb2, "Indexer", GetOrCreateIndexReport=self.index),
            _servicer(matcher_service_pb2, "Matcher", GetVulnerabilities=self.match),
        )
        trust = ServiceTrust(load_certificates(self.pki.ca.cert_pem), system)
        rpc = RpcServer(
            methods=methods.table(servicers),
            authenticator=ServiceAuthenticator(trust=trust),
            peers=peers,
            clock=system,
        )
        tls = ServerTls(
            certificates=[self.pki.files(SCANNER_V4_INDEXER)], client_authorities=[self.pki.ca_file]
        )
        front = Front(endpoints=[Endpoint("127.0.0.1", 0, tls)], app=_nothing, peers=peers, clock=system)
        async with Supervisor([rpc, front]).running():
            self.port = front.addresses[0][1]
            channels = self._channels(), self._channels()
            try:
                yield ScannerV4(indexer=channels[0], matcher=channels[1], clock=clock, seconds=seconds)
            finally:
                self.go_on.set()
                for one in channels:
                    await one.close()
        await until(lambda: not front.connections)
        # A TLS transport closes its socket one turn of the loop after it is lost.
        await asyncio.sleep(0.01)

    def _channels(self) -> Channels:
        tls = ClientTls(authorities=[self.pki.ca_file], certificate=self.pki.files(CENTRAL))
        target = Target(f"127.0.0.1:{self.port}", SCANNER_V4_INDEXER.hostname, by_service_name=True)
        return Channels(target, tls=tls)


def _servicer(module: Any, name: str, **functions: Any) -> Any:
    described = module.DESCRIPTOR.services_by_name[name]

    class Servicer:
        SERVICE: ClassVar[str] = described.full_name
        AUTHZ: ClassVar[dict[str, Any]] = {
            method.name: _CENTRAL if method.name in functions else UNSERVED for method in described.methods
        }

    made = Servicer()
    for method, function in functions.items():
        setattr(made, method, function)
    return made


async def _nothing(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})
