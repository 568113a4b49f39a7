"""A gRPC service with one method of each shape, and the servicer that answers it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import ClassVar

from google.protobuf import descriptor_pb2, descriptor_pool, wrappers_pb2
from google.protobuf.wrappers_pb2 import BytesValue

from pyrox.errors import Invalid
from pyrox.rpc.authz import ANONYMOUS, UNSERVED, Rule, Services
from pyrox.rpc.call import Call

NAME = "tests.echo.Echo"
_SHAPES = {
    "Open": (False, False),
    "One": (False, False),
    "Collect": (True, False),
    "Many": (False, True),
    "Chat": (True, True),
    "Later": (False, False),
}


def declare() -> None:
    """Put the service into the default pool, once."""
    pool = descriptor_pool.Default()
    try:
        pool.FindServiceByName(NAME)
    except KeyError:
        file = descriptor_pb2.FileDescriptorProto(
            name="tests/echo.proto", package="tests.echo", syntax="proto3"
        )
        file.dependency.append(wrappers_pb2.DESCRIPTOR.name)
        service = file.service.add(name="Echo")
        for name, (client, server) in _SHAPES.items():
            service.method.add(
                name=name,
                input_type=".google.protobuf.BytesValue",
                output_type=".google.protobuf.BytesValue",
                client_streaming=client,
                server_streaming=server,
            )
        pool.Add(file)


class Echo:
    """Answers with what it got; certain texts ask for certain mishaps."""

    SERVICE: ClassVar[str] = NAME
    AUTHZ: ClassVar[Mapping[str, Rule]] = {
        "Open": ANONYMOUS,
        "One": Services.of("SENSOR_SERVICE"),
        "Collect": ANONYMOUS,
        "Many": ANONYMOUS,
        "Chat": ANONYMOUS,
        "Later": UNSERVED,
    }

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.closed = asyncio.Event()

    async def Open(self, request: BytesValue, call: Call) -> BytesValue:
        self.calls.append(call)
        match request.value:
            case b"invalid":
                raise Invalid("name: too long")
            case b"crash":
                raise RuntimeError("secret detail")
            case b"who":
                return BytesValue(value=call.identity.name.encode())
        return request

    async def One(self, request: BytesValue, call: Call) -> BytesValue:
        self.calls.append(call)
        return BytesValue(value=request.value + call.identity.name.encode())

    async def Collect(self, requests: AsyncIterator[BytesValue], call: Call) -> BytesValue:
        self.calls.append(call)
        return BytesValue(value=b"".join([request.value async for request in requests]))

    async def Many(self, request: BytesValue, call: Call) -> AsyncIterator[BytesValue]:
        self.calls.append(call)
        for _ in range(int(request.value)):
            yield BytesValue(value=bytes(1000))

    async def Chat(self, requests: AsyncIterator[BytesValue], call: Call) -> AsyncIterator[BytesValue]:
        self.calls.append(call)
        await call.send_headers({"rox-sensor-hello": "true"})
        try:
            async for request in requests:
                yield request
            yield BytesValue(value=b"end")
        finally:
            self.closed.set()
