"""Sensor as Collector sees it: the signal stream over real gRPC and mutual TLS, on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

from pyrox.mtls.identity import Subject
from pyrox.pb.api.v1.empty_pb2 import Empty
from pyrox.pb.internalapi.sensor.signal_iservice_pb2 import SignalStreamMessage
from pyrox.pb.internalapi.sensor.signal_iservice_pb2_grpc import (
    SignalServiceServicer,
    add_SignalServiceServicer_to_server,
)
from pyrox.pb.storage.process_indicator_pb2 import ProcessSignal
from tests.support.pki import SENSOR, Pki

# Nothing is ever answered; iterating over it makes the method a generator.
_NO_ANSWERS: tuple[Empty, ...] = ()
CANCEL = "cancel this stream"
"""Arguments of a process after whose signal the stream is cancelled, as by a proxy that resets it."""


class SignalSink(SignalServiceServicer):
    """Keeps what it is told; `running` serves it, as often as wanted and at the same port."""

    def __init__(self, pki: Pki, *, refuse: grpc.StatusCode | None = None, subject: Subject = SENSOR) -> None:
        self._pki = pki
        self._subject = subject
        self.refuse = refuse
        self.port = 0
        self.signals: list[ProcessSignal] = []
        self.streams = 0
        self.callers: list[str] = []
        """Common names of the certificates that streams were opened with."""

    def of(self, container: str, *, scraped: bool = False) -> list[ProcessSignal]:
        """What was told of one container."""
        return [s for s in self.signals if s.container_id == container and s.scraped == scraped]

    async def PushSignals(
        self, request_iterator: AsyncIterator[SignalStreamMessage], context: Any
    ) -> AsyncIterator[Empty]:
        if self.refuse is not None:
            await context.abort(self.refuse, "not for you")
        self.callers += [name.decode() for name in context.auth_context()["x509_common_name"]]
        await context.send_initial_metadata(())
        self.streams += 1
        async for message in request_iterator:
            self.signals.append(message.signal.process_signal)
            if message.signal.process_signal.args == CANCEL:
                await context.abort(grpc.StatusCode.CANCELLED, "as asked")
        for nothing in _NO_ANSWERS:
            yield nothing

    @asynccontextmanager
    async def running(self) -> AsyncIterator[SignalSink]:
        """Serve until the block ends; open streams are cut then."""
        files = self._pki.files(self._subject)
        credentials = grpc.ssl_server_credentials(
            [(files.key.read_bytes(), files.cert.read_bytes())],
            root_certificates=self._pki.ca_file.read_bytes(),
            require_client_auth=True,
        )
        server = grpc.aio.server()
        add_SignalServiceServicer_to_server(self, server)
        self.port = server.add_secure_port(f"127.0.0.1:{self.port}", credentials)
        await server.start()
        try:
            yield self
        finally:
            await server.stop(None)
