"""One stream to Central over gRPC: open, greet, read, write.

Made by the link for each attempt. It knows gRPC and the headers; it must not know what
messages mean beyond the greeting.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any

import grpc

from pyrox.errors import Exhausted, NotAuthorized, RoxError, Unavailable, Unimplemented
from pyrox.pb.internalapi.central.hello_pb2 import CentralHello
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgFromSensor, MsgToSensor
from pyrox.pb.internalapi.central.sensor_iservice_pb2_grpc import SensorServiceStub
from pyrox.rpc.client import our_side_may_close
from services.sensor.link import greeting

USER_AGENT = f"Rox Sensor/{greeting.VERSION} (linux; amd64)"


def error_of(error: grpc.aio.AioRpcError) -> RoxError:
    """The end of a stream as one of our errors."""
    text = f"Central: {error.code().name}: {error.details()}"
    match error.code():
        case grpc.StatusCode.UNIMPLEMENTED:
            return Unimplemented(text)
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return Exhausted(text)
        case grpc.StatusCode.PERMISSION_DENIED | grpc.StatusCode.UNAUTHENTICATED:
            return NotAuthorized(text)
        case _:
            return Unavailable(text)


@contextmanager
def _as_ours() -> Iterator[None]:
    """Turn every way in which gRPC says that a stream is over into one of our errors."""
    try:
        with our_side_may_close("Central"):
            yield
    except grpc.aio.AioRpcError as error:
        raise error_of(error) from error
    except (grpc.aio.UsageError, grpc.aio.InternalError, asyncio.InvalidStateError) as error:
        raise Unavailable(f"Central: the stream is over: {error}") from error


class Session:
    """An open stream."""

    def __init__(self, call: Any) -> None:
        self._call = call

    async def read(self) -> MsgToSensor | None:
        """The next message, or None at the stream's end. Raises what ended it."""
        with _as_ours():
            message = await self._call.read()
        return message if isinstance(message, MsgToSensor) else None

    async def write(self, message: MsgFromSensor) -> None:
        """Send a message; returns when the transport took it."""
        with _as_ours():
            await self._call.write(message)

    async def greet(self, introduction: greeting.Introduction, each: timedelta) -> greeting.Greeting:
        """Wait for Central's header, then go through the greeting; each read has that time."""
        await self._expect_header()
        return await greeting.greet(introduction, self._within(each), self.write)

    async def register(self, introduction: greeting.Introduction, each: timedelta) -> CentralHello:
        """Wait for Central's header, say hello, and take the one answer to a registrant."""
        await self._expect_header()
        return await greeting.register(introduction, self._within(each), self.write)

    def _within(self, each: timedelta) -> greeting.Read:
        async def read() -> MsgToSensor | None:
            async with _timeout(each):
                return await self.read()

        return read

    async def _expect_header(self) -> None:
        with _as_ours():
            headers = await self._call.initial_metadata()
        if not any(key.lower() == greeting.HELLO_HEADER for key, _ in headers):
            await self._diagnose()

    async def _diagnose(self) -> None:
        """Central did not say hello: find the reason that the stream carries."""
        while await self.read() is not None:
            continue
        raise NotAuthorized("Central did not answer the hello; check this cluster's certificate")


@asynccontextmanager
async def _timeout(limit: timedelta) -> AsyncIterator[None]:

    try:
        async with asyncio.timeout(limit.total_seconds()):
            yield
    except TimeoutError as error:
        raise greeting.BadOrder(
            f"Central was silent for {limit.total_seconds():g} s in the greeting"
        ) from error


@asynccontextmanager
async def open_session(
    channel: grpc.aio.Channel, introduction: greeting.Introduction, cluster_id: str, *, gzip: bool
) -> AsyncIterator[Session]:
    """Open the stream with upstream's headers; it is cancelled on leaving."""
    metadata = (
        (greeting.CLUSTER_ID_HEADER, cluster_id),
        (greeting.HELLO_HEADER, "true"),
        (greeting.CAPABILITIES_HEADER, ",".join(introduction.capabilities)),
        (greeting.VERSION_HEADER, json.dumps({"mainVersion": greeting.VERSION}, separators=(",", ":"))),
    )
    # The typed stub wants an iterator of requests; the stream is written to instead.
    stub: Any = SensorServiceStub(channel)
    call = stub.Communicate(metadata=metadata, compression=grpc.Compression.Gzip if gzip else None)
    try:
        yield Session(call)
    finally:
        call.cancel()
