"""Bills of materials of images: when an image is scanned first, and what the scanner is asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC
from typing import cast

import pytest

from pyrox.errors import Invalid
from pyrox.pb.internalapi.scanner.v4.vulnerability_report_pb2 import VulnerabilityReport
from pyrox.pb.storage.deployment_pb2 import ContainerImage
from pyrox.pb.storage.image_pb2 import Image
from pyrox.workload.images import id_v2
from services.central.images.bills import BillRequest, ImageBills
from services.central.images.enrich import Enricher, Wanted
from services.central.images.scanner import Scanned, ScannerV4
from services.central.integrations import scanner_v4
from tests.support.pki import FixedClock

DIGEST = f"sha256:{'a' * 64}"
NAME = "quay.io/team/app:1"


@dataclass
class Bench:
    """Central's images and its scanner, as the bills see them."""

    bills: list[bytes | None]
    scanned_by: str = scanner_v4.ID
    """Who made the stored scan."""
    wanted: list[tuple[ContainerImage, bool]] = field(default_factory=list)
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    async def image(self, wanted: ContainerImage, how: Wanted) -> Image:
        self.wanted.append((wanted, how.force))
        image = Image(id=wanted.id or DIGEST)
        image.name.CopyFrom(wanted.name)
        image.scan.data_source.id = scanner_v4.ID if how.force else self.scanned_by
        return image

    async def bill(self, digest: str, name: str, uri: str) -> bytes | None:
        self.asked.append((digest, name, uri))
        return self.bills.pop(0)

    async def of(self, request: BillRequest) -> bytes:
        made = ImageBills(
            enricher=cast("Enricher", self),
            scanner=cast("ScannerV4", self),
            clock=FixedClock(),
            new_id=lambda: "some-id",
        )
        return await made.of(request)

    async def scan_bill(self, raw: bytes, media_type: str) -> Scanned:
        assert (raw, media_type) == (b"spdx", "text/spdx+json")
        report = VulnerabilityReport(hash_id="h")
        report.contents.packages["1"].name = "openssl"
        report.contents.packages["1"].version = "3.0"
        return Scanned(report, "matcher=4.11.0")

    @property
    def forced(self) -> list[bool]:
        """Of each request for the image whether it was for a new scan."""
        return [force for _, force in self.wanted]


async def test_bill_of_a_scanned_image_is_asked_for_once() -> None:
    bench = Bench([b"spdx"])
    assert await bench.of(BillRequest(image_name=NAME)) == b"spdx"
    assert bench.asked == [(DIGEST, NAME, "https://quay.io/team/app-some-id")]
    assert bench.forced == [False]


async def test_forced_bill_is_of_a_new_scan() -> None:
    bench = Bench([b"spdx"])
    assert await bench.of(BillRequest(image_name=NAME, force=True)) == b"spdx"
    assert bench.forced == [True]


async def test_image_scanned_by_another_scanner_is_scanned_again() -> None:
    bench = Bench([b"spdx"], scanned_by="other")
    assert await bench.of(BillRequest(image_name=NAME)) == b"spdx"
    assert bench.forced == [False, True]


async def test_image_that_the_indexer_does_not_know_is_scanned_again() -> None:
    bench = Bench([None, b"spdx"])
    assert await bench.of(BillRequest(image_name=NAME)) == b"spdx"
    assert (bench.forced, len(bench.asked)) == ([False, True], 2)


@pytest.mark.parametrize(
    ("request_", "scanned_by"),
    [
        (BillRequest(image_name=NAME, force=True), scanner_v4.ID),
        (BillRequest(image_name=NAME), "other"),
    ],
)
async def test_image_unknown_after_a_new_scan_has_no_bill(request_: BillRequest, scanned_by: str) -> None:
    bench = Bench([None], scanned_by=scanned_by)
    assert await bench.of(request_) == b""
    assert bench.forced[-1]
    assert len(bench.asked) == 1


async def test_digest_of_the_request_counts_when_the_name_has_none() -> None:
    other = f"sha256:{'b' * 64}"
    bench = Bench([b"1", b"2"])
    await bench.of(BillRequest(image_name=NAME, digest=other))
    await bench.of(BillRequest(image_name=f"quay.io/team/app@{DIGEST}", digest=other))
    first, second = (wanted for wanted, _ in bench.wanted)
    assert (first.id, first.id_v2) == (other, id_v2(NAME, other))
    assert second.id == DIGEST


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (BillRequest(), "error parsing image name '': invalid reference format: invalid arguments"),
        (BillRequest(image_name="A/B:C:D"), "invalid arguments"),
        (BillRequest(image_name=NAME, digest="nginx"), "'nginx' is not the digest of an image"),
        (BillRequest(image_name=NAME, digest="a" * 64), "is not the digest of an image"),
        (BillRequest(image_name=NAME, digest="../x"), "invalid reference format"),
        (BillRequest(image_name=NAME, cluster="prod"), "scans by a secured cluster are not served"),
    ],
)
async def test_request_that_names_no_image_is_refused(request_: BillRequest, words: str) -> None:
    bench = Bench([])
    with pytest.raises(Invalid) as caught:
        await bench.of(request_)
    assert words in caught.value.message
    assert bench.wanted == []


async def test_scan_of_a_bill_says_who_made_it_and_when() -> None:
    bench, clock = Bench([]), FixedClock()
    bills = ImageBills(enricher=cast("Enricher", bench), scanner=cast("ScannerV4", bench), clock=clock)
    found = await bills.scan(b"spdx", "text/spdx+json")
    assert (found.id, found.scan.scanner_version) == ("h", "matcher=4.11.0")
    assert [(part.name, part.version) for part in found.scan.components] == [("openssl", "3.0")]
    assert (found.scan.data_source.id, found.scan.data_source.name) == (scanner_v4.ID, "Scanner V4")
    assert found.scan.scan_time.ToDatetime(tzinfo=UTC) == clock.now()
    assert bench.wanted == []
