"""The Indexer as the Matcher sees it: contents of images and Red Hat's mapping, over mTLS gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import grpc

from pyrox.errors import DeadlinePassed, Internal, Invalid, NotFound, RoxError, Unavailable
from pyrox.pb.internalapi.scanner.v4.index_report_pb2 import IndexReport
from pyrox.pb.internalapi.scanner.v4.indexer_service_pb2 import (
    GetIndexReportRequest,
    GetRepositoryToCPEMappingRequest,
)
from pyrox.pb.internalapi.scanner.v4.indexer_service_pb2_grpc import IndexerStub
from pyrox.rpc.client import Channels

_SECONDS = 60.0
_ERRORS: dict[grpc.StatusCode, type[RoxError]] = {
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.INVALID_ARGUMENT: Invalid,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlinePassed,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
}


class RemoteIndexer:
    """A component that owns the channels to the Indexer."""

    name = "indexer-client"

    def __init__(self, channels: Channels) -> None:
        self._channels = channels

    async def run(self, ready: Callable[[], None]) -> None:
        """Keep the channels until cancelled."""
        ready()
        try:
            await asyncio.Event().wait()
        finally:
            await self._channels.close()

    async def report(self, hash_id: str) -> IndexReport:
        """The image's index report: its contents, and its notes where failed ones have an error.

        Raises `NotFound` when there is none, `Unavailable` when the Indexer is away.
        """
        stub = IndexerStub(await self._channels.channel())
        request = GetIndexReportRequest(hash_id=hash_id, includeExternal=False)
        with _translated(f"index report of {hash_id}"):
            return await stub.GetIndexReport(request, timeout=_SECONDS)

    async def repository_cpes(self) -> dict[str, list[str]]:
        """The CPEs of Red Hat's repositories by their ids.

        Raises `Unavailable` when the Indexer is away.
        """
        stub = IndexerStub(await self._channels.channel())
        with _translated("repositories of Red Hat"):
            answer = await stub.GetRepositoryToCPEMapping(
                GetRepositoryToCPEMappingRequest(), timeout=_SECONDS
            )
        return {name: list(info.cpes) for name, info in answer.mapping.items()}


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except grpc.aio.AioRpcError as error:
        kind = _ERRORS.get(error.code(), Internal)
        raise kind(f"{what}: {error.details()}") from error
