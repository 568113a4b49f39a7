"""The stream to Central: every end is one of our errors, headers are upstream's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import grpc
import pytest

from pyrox.errors import Exhausted, NotAuthorized, RoxError, Unavailable, Unimplemented
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgFromSensor, MsgToSensor
from pyrox.pb.storage.cluster_pb2 import SensorDeploymentIdentification
from services.sensor.link import greeting
from services.sensor.link.session import Session, error_of, open_session

EACH = timedelta(seconds=30)


def ended(code: grpc.StatusCode, details: str = "words") -> grpc.aio.AioRpcError:
    none = grpc.aio.Metadata()
    return grpc.aio.AioRpcError(code, none, none, details=details, debug_error_string=None)


class CallStub:
    """gRPC's side of a stream."""

    def __init__(self, *reads: object, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self._reads = list(reads)
        self._headers = headers
        self.written: list[MsgFromSensor] = []
        self.write_error: BaseException | None = None
        self.cancelled = False

    async def initial_metadata(self) -> tuple[tuple[str, str], ...]:
        return self._headers

    async def read(self) -> object:
        if not self._reads:
            await asyncio.Event().wait()
        found = self._reads.pop(0)
        if isinstance(found, BaseException):
            raise found
        return found

    async def write(self, message: MsgFromSensor) -> None:
        if self.write_error is not None:
            raise self.write_error
        self.written.append(message)

    def cancel(self) -> None:
        self.cancelled = True


def introduction() -> greeting.Introduction:
    return greeting.Introduction(
        reconnect=False,
        reconcile=True,
        identification=SensorDeploymentIdentification(),
        capabilities=("B", "A"),
        helm=None,
    )


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.UNIMPLEMENTED, Unimplemented),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, Exhausted),
        (grpc.StatusCode.PERMISSION_DENIED, NotAuthorized),
        (grpc.StatusCode.UNAUTHENTICATED, NotAuthorized),
        (grpc.StatusCode.UNAVAILABLE, Unavailable),
        (grpc.StatusCode.INTERNAL, Unavailable),
        (grpc.StatusCode.CANCELLED, Unavailable),
    ],
)
def test_status_becomes_our_error_with_its_words(code: grpc.StatusCode, kind: type[RoxError]) -> None:
    error = error_of(ended(code))
    assert (type(error), error.message) == (kind, f"Central: {code.name}: words")


ENDS: list[BaseException] = [
    ended(grpc.StatusCode.UNAVAILABLE),
    grpc.aio.UsageError("x"),
    grpc.aio.InternalError("x"),
    asyncio.InvalidStateError("x"),
    asyncio.CancelledError(),
]


@pytest.mark.parametrize("end", ENDS, ids=lambda end: type(end).__name__)
async def test_every_end_of_a_stream_is_unavailable(end: BaseException) -> None:
    with pytest.raises(Unavailable, match=r"^Central: "):
        await Session(CallStub(end)).read()
    call = CallStub()
    call.write_error = end
    with pytest.raises(Unavailable, match=r"^Central: "):
        await Session(call).write(MsgFromSensor())


async def test_cancelled_reader_stays_cancelled() -> None:
    task = asyncio.create_task(Session(CallStub()).read())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("end", [grpc.aio.EOF, None])
async def test_orderly_end_of_a_stream_is_none(end: object) -> None:
    assert await Session(CallStub(end)).read() is None


async def test_central_without_a_hello_tells_why_in_its_stream() -> None:
    call = CallStub(MsgToSensor(), ended(grpc.StatusCode.PERMISSION_DENIED, "cluster is unknown"))
    with pytest.raises(NotAuthorized, match="cluster is unknown"):
        await Session(call).greet(introduction(), EACH)
    assert call.written == []


async def test_central_without_a_hello_and_a_reason_is_not_authorized() -> None:
    with pytest.raises(NotAuthorized, match="did not answer the hello; check this cluster's certificate"):
        await Session(CallStub(grpc.aio.EOF)).greet(introduction(), EACH)


@pytest.mark.parametrize("key", [greeting.HELLO_HEADER, greeting.HELLO_HEADER.upper()])
async def test_central_that_is_silent_in_the_greeting_is_given_up(key: str) -> None:
    call = CallStub(headers=((key, "true"),))
    with pytest.raises(greeting.BadOrder, match=r"Central was silent for 0\.01 s in the greeting"):
        await Session(call).greet(introduction(), timedelta(seconds=0.01))
    assert call.written[0].HasField("hello")


class Channel:
    """Opens one stream and remembers with what."""

    def __init__(self, call: CallStub) -> None:
        self._call = call
        self.options: dict[str, Any] = {}

    def stream_stream(self, path: str, *_: object, **__: object) -> Callable[..., CallStub]:
        def start(**options: Any) -> CallStub:
            self.options = {"path": path, **options}
            return self._call

        return start


@pytest.mark.parametrize("compressed", [True, False])
async def test_stream_opens_with_upstreams_headers_and_is_cancelled(*, compressed: bool) -> None:
    call = CallStub()
    channel = Channel(call)
    opening = open_session(cast("grpc.aio.Channel", channel), introduction(), "id-1", gzip=compressed)
    with pytest.raises(ZeroDivisionError):
        async with opening:
            raise ZeroDivisionError
    assert call.cancelled
    headers = dict(channel.options["metadata"])
    assert channel.options["path"] == "/central.SensorService/Communicate"
    assert channel.options["compression"] == (grpc.Compression.Gzip if compressed else None)
    assert headers.pop(greeting.CLUSTER_ID_HEADER) == "id-1"
    assert headers.pop(greeting.HELLO_HEADER) == "true"
    assert headers.pop(greeting.CAPABILITIES_HEADER) == "B,A"
    assert json.loads(headers.pop(greeting.VERSION_HEADER)) == {"mainVersion": greeting.VERSION}
    assert headers == {}
