"""The Indexer's answers as the Matcher's own errors."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import grpc
import pytest

from pyrox.errors import DeadlinePassed, Internal, Invalid, NotFound, RoxError, Unavailable
from pyrox.pb.internalapi.scanner.v4.index_report_pb2 import IndexReport
from pyrox.pb.internalapi.scanner.v4.indexer_service_pb2 import GetIndexReportRequest
from pyrox.rpc.client import Channels
from services.scanner_matcher.indexer import RemoteIndexer


class Wire:
    """Channels whose every method gives one answer."""

    def __init__(self, answer: IndexReport | grpc.StatusCode) -> None:
        self._answer = answer
        self.requests: list[tuple[str, GetIndexReportRequest, float]] = []
        self.closed = False

    async def channel(self) -> Any:
        return self

    async def close(self) -> None:
        self.closed = True

    def unary_unary(self, path: str, *_: object, **__: object) -> Any:
        async def call(request: GetIndexReportRequest, *, timeout: float) -> IndexReport:  # noqa: ASYNC109 - grpc's form
            self.requests.append((path, request, timeout))
            if isinstance(self._answer, grpc.StatusCode):
                none = grpc.aio.Metadata()
                raise grpc.aio.AioRpcError(
                    self._answer, none, none, details="its words", debug_error_string=None
                )
            return self._answer

        return call

    @property
    def indexer(self) -> RemoteIndexer:
        return RemoteIndexer(cast("Channels", self))


async def test_contents_are_those_of_the_report() -> None:
    report = IndexReport()
    report.contents.packages["1"].name = "openssl"
    wire = Wire(report)
    assert await wire.indexer.report("h") == report
    (path, request, seconds) = wire.requests[0]
    assert (path, seconds) == ("/scanner.v4.Indexer/GetIndexReport", 60)
    assert request == GetIndexReportRequest(hash_id="h", includeExternal=False)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.NOT_FOUND, NotFound),
        (grpc.StatusCode.INVALID_ARGUMENT, Invalid),
        (grpc.StatusCode.DEADLINE_EXCEEDED, DeadlinePassed),
        (grpc.StatusCode.UNAVAILABLE, Unavailable),
        (grpc.StatusCode.PERMISSION_DENIED, Internal),
        (grpc.StatusCode.INTERNAL, Internal),
    ],
)
async def test_status_becomes_an_error_with_image_and_words(
    code: grpc.StatusCode, kind: type[RoxError]
) -> None:
    with pytest.raises(RoxError, match="index report of h: its words") as caught:
        await Wire(code).indexer.report("h")
    assert type(caught.value) is kind


async def test_channels_are_closed_at_the_stop() -> None:
    wire, ready = Wire(IndexReport()), asyncio.Event()
    task = asyncio.create_task(wire.indexer.run(ready.set))
    await asyncio.wait_for(ready.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert wire.closed
