"""From contents to reports: when it may answer, whose contents it takes, what it remembers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

import pytest

from pyrox.errors import Invalid, NotFound, Referenced, RoxError, Unavailable
from pyrox.pb.internalapi.scanner.v4.common_pb2 import Contents
from pyrox.pb.internalapi.scanner.v4.index_report_pb2 import IndexReport
from pyrox.pb.internalapi.scanner.v4.vulnerability_report_pb2 import VulnerabilityReport
from pyrox.scan.advisories.enrichment import Enrichments
from pyrox.scan.catalogue import schemes
from pyrox.scan.explain import Explanation, Outcome
from pyrox.scan.matching import Plan
from pyrox.scan.model import Kind, Lookup, Note, NoteKind
from pyrox.scan.notes import to_text
from services.scanner_matcher.query import Answer, Query, Subject
from services.scanner_matcher.reports import Reports
from services.scanner_matcher.store import VulnStore

HASH = "/v4/containerimage/sha256:1"
LOADED = datetime(2026, 8, 1, tzinfo=UTC)
LOOKUP = Lookup("1", "pypi", "openssl", Kind.BINARY, "pep440", "1", b"1")


class Bench:
    """The reports with what they ask."""

    def __init__(self, *, updated: datetime | None = LOADED, indexer: bool = True) -> None:
        self.updated = updated
        self.schemes = schemes()
        self.asked: list[Subject] = []
        self.wanted: list[str] = []
        self.remembered: list[tuple[str, tuple[Lookup, ...]]] = []
        self.error: RoxError | None = None
        self.unread: tuple[Note, ...] = ()
        self.reports = Reports(
            query=cast("Query", self),
            store=cast("VulnStore", self),
            indexer=self if indexer else None,
            images=self,
        )

    async def last_update(self) -> datetime | None:
        return self.updated

    async def run(self, subject: Subject) -> Answer:
        self.asked.append(subject)
        return Answer((), Enrichments(), plan=Plan((LOOKUP,), ()))

    async def explain(self, subject: Subject, package: str, vulnerability: str) -> list[Explanation]:
        self.asked.append(subject)
        return [Explanation("1", package, "1", Outcome.HIT, vulnerability)]

    async def report(self, hash_id: str) -> IndexReport:
        self.wanted.append(hash_id)
        if self.error is not None:
            raise self.error
        return IndexReport(contents=contents("stored"), err=to_text(self.unread))

    def remember(self, hash_id: str, lookups: tuple[Lookup, ...]) -> None:
        self.remembered.append((hash_id, lookups))


def contents(name: str = "openssl") -> Contents:
    made = Contents()
    package = made.packages["1"]
    package.id, package.name, package.version, package.kind = "1", name, "1", "binary"
    return made


async def test_given_contents_come_first_and_are_remembered() -> None:
    bench = Bench()
    made = await bench.reports.of(HASH, contents())
    assert (made.report.hash_id, list(made.report.contents.packages)) == (HASH, ["1"])
    assert [package.name for package in bench.asked[0].report.packages.values()] == ["openssl"]
    assert (bench.asked[0].image, bench.wanted, bench.remembered) == ("sha256:1", [], [(HASH, (LOOKUP,))])


async def test_contents_of_the_indexer_are_taken_when_none_are_given() -> None:
    bench = Bench()
    await bench.reports.of(HASH, None)
    assert bench.wanted == [HASH]
    assert [package.name for package in bench.asked[0].report.packages.values()] == ["stored"]


async def test_contents_that_are_empty_ask_no_indexer() -> None:
    bench = Bench()
    made = await bench.reports.of(HASH, Contents())
    assert (bench.wanted, dict(made.report.vulnerabilities)) == ([], {})


async def test_question_without_contents_needs_an_indexer() -> None:
    with pytest.raises(Invalid, match="empty contents is disabled"):
        await Bench(indexer=False).reports.of(HASH, None)


@pytest.mark.parametrize("error", [NotFound("index report not found"), Unavailable("away")])
async def test_indexers_error_passes(error: RoxError) -> None:
    bench = Bench()
    bench.error = error
    with pytest.raises(type(error), match=error.message):
        await bench.reports.of(HASH, None)
    assert (bench.asked, bench.remembered) == ([], [])


async def test_scan_before_the_first_load_says_when_to_ask_again() -> None:
    bench = Bench(updated=None)
    with pytest.raises(Referenced, match="initial load for the vulnerability DB is in progress; try again"):
        await bench.reports.of(HASH, contents())
    with pytest.raises(Referenced, match="not initialized"):
        await bench.reports.explain(HASH, contents(), "", "")
    assert bench.asked == []


async def test_broken_element_is_refused_before_the_database_is_asked() -> None:
    bench, broken = Bench(), contents()
    broken.packages["1"].cpe = "x"
    with pytest.raises(Invalid, match="CPE 'x' is not valid"):
        await bench.reports.of(HASH, broken)
    assert bench.asked == []


async def test_scan_as_of_a_date_or_without_an_image_is_not_remembered() -> None:
    bench = Bench()
    await bench.reports.of(HASH, contents(), as_of=LOADED)
    await bench.reports.of("", contents())
    assert (bench.asked[0].as_of, bench.remembered) == (LOADED, [])


async def test_explanation_takes_the_same_way() -> None:
    bench = Bench()
    found = await bench.reports.explain(HASH, None, "openssl", "CVE-1")
    assert (found[0].package, found[0].reason, bench.wanted) == ("openssl", "CVE-1", [HASH])


async def test_what_the_indexer_left_unread_marks_the_report_as_partial() -> None:
    bench = Bench()
    bench.unread = (Note(NoteKind.TOO_LARGE, "app/package.json", "layer sha256:1: 9 bytes"),)
    made = await bench.reports.of(HASH, None)
    assert VulnerabilityReport.NOTE_UNSPECIFIED in made.report.notes
    assert made.subject.report.notes == bench.unread


@pytest.mark.parametrize("unread", [(), (Note(NoteKind.MALFORMED, "test/broken.jar"),)])
async def test_one_bad_file_does_not_make_a_report_partial(unread: tuple[Note, ...]) -> None:
    bench = Bench()
    bench.unread = unread
    made = await bench.reports.of(HASH, None)
    assert VulnerabilityReport.NOTE_UNSPECIFIED not in made.report.notes
    assert made.subject.report.notes == unread
