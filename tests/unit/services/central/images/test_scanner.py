"""Central's client of Scanner V4: what it makes of the Indexer's answer to a wish for a bill."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, cast

import grpc
import pytest
from grpc.aio import AioRpcError, Metadata

from pyrox.errors import NotAuthorized
from pyrox.pb.internalapi.scanner.v4.index_report_pb2 import IndexReport
from pyrox.pb.internalapi.scanner.v4.matcher_service_pb2 import GetSBOMResponse, ScanSBOMResponse
from pyrox.pb.internalapi.scanner.v4.vulnerability_report_pb2 import VulnerabilityReport
from pyrox.rpc.client import Channels
from services.central.images.scanner import ScannerV4
from tests.support.pki import FixedClock


class Pending:
    """A call whose end is known already."""

    def __init__(self, end: Any) -> None:
        self.end = end

    def __await__(self) -> Generator[None, None, Any]:
        yield from ()
        if isinstance(self.end, Exception):
            raise self.end
        return self.end

    async def initial_metadata(self) -> tuple[tuple[str, str], ...]:
        return ()


@dataclass
class Wire:
    """Both halves of the scanner at the end of one channel."""

    answers: dict[str, Any]
    asked: list[tuple[str, Any]] = field(default_factory=list)

    async def channel(self) -> Any:
        return self

    def unary_unary(self, path: str, **_: Any) -> Any:
        def call(request: Any, *, timeout: float) -> Pending:
            assert timeout == 5
            method = path.rpartition("/")[2]
            self.asked.append((method, request))
            return Pending(self.answers[method])

        return call

    @property
    def scanner(self) -> ScannerV4:
        channels = cast("Channels", self)
        return ScannerV4(indexer=channels, matcher=channels, clock=FixedClock(), seconds=5)


def failed(code: grpc.StatusCode) -> AioRpcError:
    return AioRpcError(code, Metadata(), Metadata(), details="why", debug_error_string="")


async def test_bill_is_made_from_the_index_report() -> None:
    index = IndexReport(success=True)
    index.contents.packages["1"].name = "openssl"
    wire = Wire({"GetIndexReport": index, "GetSBOM": GetSBOMResponse(sbom=b"spdx")})
    assert await wire.scanner.bill("sha256:a", "quay.io/a:1", "https://quay.io/a-1") == b"spdx"
    (_, first), (method, second) = wire.asked
    assert (first.hash_id, method) == ("/v4/containerimage/sha256:a", "GetSBOM")
    assert (second.id, second.name, second.uri) == ("sha256:a", "quay.io/a:1", "https://quay.io/a-1")
    assert second.contents == index.contents


@pytest.mark.parametrize("answer", [failed(grpc.StatusCode.NOT_FOUND), IndexReport(success=False)])
async def test_image_without_a_good_index_has_no_bill(answer: Any) -> None:
    wire = Wire({"GetIndexReport": answer})
    assert await wire.scanner.bill("sha256:a", "n", "u") is None
    assert [method for method, _ in wire.asked] == ["GetIndexReport"]


async def test_other_failures_of_the_indexer_are_told() -> None:
    wire = Wire({"GetIndexReport": failed(grpc.StatusCode.PERMISSION_DENIED)})
    with pytest.raises(NotAuthorized, match="Scanner V4 Indexer: why"):
        await wire.scanner.bill("sha256:a", "n", "u")


async def test_bill_is_scanned_by_the_matcher_alone() -> None:
    report = VulnerabilityReport(hash_id="h")
    wire = Wire({"ScanSBOM": ScanSBOMResponse(vulnerability_report=report)})
    found = await wire.scanner.scan_bill(b"spdx", "text/spdx+json")
    assert (found.report, found.version) == (report, "matcher=v4")
    ((method, request),) = wire.asked
    assert (method, request.sbom, request.media_type) == ("ScanSBOM", b"spdx", "text/spdx+json")
