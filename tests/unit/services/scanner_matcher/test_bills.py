"""Bills of material: forms, errors, and the mapping of Red Hat's repositories that is asked for rarely."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from pyrox.errors import Invalid, Unavailable
from pyrox.pb.internalapi.scanner.v4.common_pb2 import Contents
from services.scanner_matcher.bills import Bills, Names

START = datetime(2026, 11, 24, tzinfo=UTC)
CPE = "cpe:2.3:o:redhat:enterprise_linux:9:*:baseos:*:*:*:*:*"
RED_HAT = "pkg:rpm/redhat/bash@5.1-2.el9?distro=rhel-9&repository_id=baseos"


class Clock:
    def __init__(self) -> None:
        self.moment = START

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(f"no pause is wanted, {seconds} s least of all")


class Repositories:
    def __init__(self) -> None:
        self.asked = 0
        self.away = False

    async def repository_cpes(self) -> dict[str, list[str]]:
        self.asked += 1
        if self.away:
            raise Unavailable("indexer away")
        return {"baseos": [CPE]}


class Bench:
    def __init__(self) -> None:
        self.clock, self.repositories = Clock(), Repositories()
        self.bills = Bills(repositories=self.repositories, clock=self.clock, version="4.11.0")

    async def packages(self, *purls: str, later: timedelta = timedelta()) -> list[str]:
        self.clock.moment += later
        found = await self.bills.read(spdx(*purls), "text/spdx+json; charset=utf-8")
        return [package.name for package in found.packages.values()]


def spdx(*purls: str) -> bytes:
    packages = [{"externalRefs": [{"referenceType": "purl", "referenceLocator": purl}]} for purl in purls]
    return json.dumps({"spdxVersion": "SPDX-2.3", "packages": packages}).encode()


async def test_document_out_has_the_requests_names_and_this_time() -> None:
    contents = Contents()
    package = contents.packages["1"]
    package.id, package.name, package.version, package.kind = "1", "a", "1", "binary"
    found = json.loads(await Bench().bills.spdx(Names("id", "name", "https://x.org/1"), contents))
    assert (found["name"], found["comment"], found["documentNamespace"]) == (
        "id",
        "Generated for 'name'",
        "https://x.org/1",
    )
    assert found["creationInfo"] == {
        "creators": ["Tool: scanner-v4-matcher-4.11.0"],
        "created": "2026-11-24T00:00:00Z",
    }


async def test_repositories_are_asked_for_once_a_day() -> None:
    bench = Bench()
    for later in (timedelta(), timedelta(hours=23), timedelta(hours=2)):
        assert await bench.packages(RED_HAT, later=later) == ["bash"]
    assert bench.repositories.asked == 2


async def test_without_the_indexer_other_packages_are_read_and_it_is_asked_again_soon() -> None:
    bench = Bench()
    bench.repositories.away = True
    assert await bench.packages(RED_HAT, "pkg:npm/x@1") == ["x"]
    bench.repositories.away = False
    assert await bench.packages(RED_HAT, later=timedelta(minutes=4)) == []
    assert await bench.packages(RED_HAT, later=timedelta(minutes=2)) == ["bash"]
    assert bench.repositories.asked == 2


async def test_matcher_without_an_indexer_reads_what_it_can() -> None:
    bills = Bills(repositories=None, clock=Clock(), version="1")
    found = await bills.read(spdx("pkg:npm/x@1", RED_HAT), "application/spdx+json")
    assert [package.name for package in found.packages.values()] == ["x"]


@pytest.mark.parametrize(
    ("raw", "media_type", "words"),
    [
        (b"{}", "text/html", 'invalid arguments: unsupported media type: "text/html"'),
        (b"{", "text/spdx+json", "invalid arguments: failed to decode SBOM"),
        (b"{}", "", 'unsupported media type: ""'),
    ],
)
async def test_document_that_is_not_read_says_why(raw: bytes, media_type: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        await Bench().bills.read(raw, media_type)
