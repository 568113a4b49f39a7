"""From contents to hits: one question for all, decisions, duplicates, bounds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import cast

import pytest

from pyrox.scan import vex
from pyrox.scan.advisories.enrichment import Enrichments
from pyrox.scan.advisories.model import Advisory, AdvisoryRow, Feed
from pyrox.scan.catalogue import matchers, schemes
from pyrox.scan.explain import Outcome
from pyrox.scan.model import Distribution, Environment, IndexReport, Kind, Lookup, Package
from pyrox.scan.rendering import Text, raw_of, text_of
from services.scanner_matcher import query
from services.scanner_matcher.query import Query, Subject
from services.scanner_matcher.store import AdvisoryId, Candidate, VulnStore

NOW = datetime(2026, 11, 24, tzinfo=UTC)
BOOKWORM = Distribution(
    did="debian", name="Debian GNU/Linux", version="12 (bookworm)", version_id="12",
    version_code_name="bookworm", pretty_name="Debian GNU/Linux 12 (bookworm)",
)  # fmt: skip


class Database:
    """Answers the join from rows by package, and remembers the questions."""

    def __init__(self, rows: Mapping[str, Sequence[tuple[AdvisoryId, str]]]) -> None:
        self._rows = rows
        self.lookups: list[Sequence[Lookup]] = []
        self.asked_texts: list[set[AdvisoryId]] = []
        self.keys: list[frozenset[str]] = []
        self.open = 0
        self.moments: list[datetime] = []
        self.statements: list[vex.Statement] = []
        self.arch = ""

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Database]:
        self.open += 1
        try:
            yield self
        finally:
            self.open -= 1

    def _answers(self, lookups: Sequence[Lookup]) -> Iterator[tuple[int, Lookup, AdvisoryId, str]]:
        assert self.open == 1
        self.lookups.append(lookups)
        for n, lookup in enumerate(lookups):
            for advisory, fixed in self._rows.get(lookup.package, ()):
                if lookup.kind is Kind.SOURCE:
                    yield n, lookup, advisory, fixed

    async def matched(self, lookups: Sequence[Lookup]) -> list[tuple[object, ...]]:
        """Rows in the order of `store.MATCHED`, which only the comparator can decide."""
        return [
            (n, load, source, number, fixed, b"\xff", False, self.arch, "", "", ["dpkg", "", ""])
            for n, _, (source, number, load), fixed in self._answers(lookups)
        ]

    async def every_row(self, lookups: Sequence[Lookup]) -> list[Candidate]:
        return [
            Candidate(n, advisory, self._row(lookup, advisory, fixed))
            for n, lookup, advisory, fixed in self._answers(lookups)
        ]

    def _row(self, lookup: Lookup, advisory: AdvisoryId, fixed: str) -> AdvisoryRow:
        return AdvisoryRow(
            namespace=lookup.namespace, package=lookup.package, kind=lookup.kind, scheme="dpkg",
            lo=b"", hi=b"\xff", advisory=str(advisory[1]), fixed_in=fixed, fallback=True,
        )  # fmt: skip

    async def texts(self, ids: Iterable[AdvisoryId]) -> dict[AdvisoryId, Text]:
        self.asked_texts.append(set(ids))
        return {
            i: text_of(raw_of(Advisory(source="debian", key=str(i[1]), name=f"CVE-2026-{i[1]:04}")))
            for i in self.asked_texts[-1]
        }

    async def enrichments(self, keys: Iterable[str]) -> Enrichments:
        self.keys.append(frozenset(keys))
        return Enrichments()

    async def matched_at(self, lookups: Sequence[Lookup], moment: datetime) -> list[tuple[object, ...]]:
        self.moments.append(moment)
        return await self.matched(lookups)

    async def unknown_at(self, moment: datetime) -> list[str]:
        return [f"before {moment:%Y}"]

    async def feeds(self) -> dict[str, list[Feed]]:
        return {"debian:12": [Feed("debian", NOW)]}

    async def some(self) -> bool:
        return bool(self.statements)

    async def about(self, names: Iterable[str]) -> list[vex.Statement]:
        wanted = frozenset(names)
        return [statement for statement in self.statements if wanted & statement.vulnerabilities]


def report(*packages: tuple[str, str]) -> IndexReport:
    made = IndexReport()
    made.distributions["d"] = BOOKWORM
    for number, (name, version) in enumerate(packages):
        key = str(number)
        made.packages[key] = Package(
            name=name, version=version, ecosystem="dpkg", package_db="var/lib/dpkg/status",
            source_name=name, source_version=version, arch="amd64",
        )  # fmt: skip
        made.environments[key] = (
            Environment(package_db="var/lib/dpkg/status", introduced_in="sha256:1", distribution_id="d"),
        )
    return made


def made(database: Database) -> Query:
    return Query(
        store=cast("VulnStore", database), statements=database, matchers=matchers(), schemes=schemes()
    )


ONE, TWO = (1, 1, 7), (1, 2, 7)


async def test_image_is_asked_for_in_one_statement() -> None:
    database = Database({"openssl": [(ONE, "3.0.15")], "bash": [(TWO, "5.3")]})
    answer = await made(database).run(
        Subject(report(("openssl", "3.0.11"), ("bash", "5.2"), ("tar", "1.34")))
    )
    assert len(database.lookups) == len(database.asked_texts) == len(database.keys) == 1
    assert sorted((hit.package_id, hit.advisory.name) for hit in answer.hits) == [
        ("0", "CVE-2026-0001"),
        ("1", "CVE-2026-0002"),
    ]
    assert database.keys == [frozenset({"CVE-2026-0001", "CVE-2026-0002"})]
    assert (answer.namespaces, database.open) == (frozenset({"debian:12"}), 0)


async def test_version_that_is_fixed_is_no_hit() -> None:
    database = Database({"openssl": [(ONE, "3.0.15"), (TWO, "3.0.11")]})
    answer = await made(database).run(Subject(report(("openssl", "3.0.11"))))
    assert [hit.advisory.name for hit in answer.hits] == ["CVE-2026-0001"]
    assert database.asked_texts == [{ONE}]


async def test_row_that_comes_twice_is_one_hit_and_another_fix_is_another() -> None:
    database = Database({"openssl": [(ONE, "3.0.15"), (ONE, "3.0.15"), (ONE, "3.0.16")]})
    answer = await made(database).run(Subject(report(("openssl", "3.0.11"))))
    assert sorted(hit.fixed_in for hit in answer.hits) == ["3.0.15", "3.0.16"]


async def test_same_source_in_two_packages_hits_both() -> None:
    database = Database({"openssl": [(ONE, "3.0.15")]})
    answer = await made(database).run(Subject(report(("openssl", "3.0.11"), ("openssl", "3.0.12"))))
    assert sorted(hit.package_id for hit in answer.hits) == ["0", "1"]


async def test_version_that_no_order_knows_fails_nothing() -> None:
    database = Database({"openssl": [(ONE, "3.0.15")], "odd": [(TWO, "1")]})
    answer = await made(database).run(Subject(report(("odd", "\x00 not a version"), ("openssl", "3.0.11"))))
    assert ("1", "CVE-2026-0001") in {(hit.package_id, hit.advisory.name) for hit in answer.hits}


async def test_image_without_packages_has_no_hits() -> None:
    answer = await made(Database({})).run(Subject(IndexReport()))
    assert (answer.hits, answer.namespaces) == ([], frozenset({"debian:12"}))


async def test_hits_beyond_the_bound_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "MAX_HITS", 3)
    rows = [((1, number, 7), "9") for number in range(10)]
    database = Database({"openssl": rows})
    answer = await made(database).run(Subject(report(("openssl", "3.0.11"))))
    assert len(answer.hits) == len(database.asked_texts[0]) == 3


async def test_question_as_of_a_date_goes_to_the_history_and_names_what_is_not_known() -> None:
    database = Database({"openssl": [(ONE, "3.0.15")]})
    answer = await made(database).run(Subject(report(("openssl", "3.0.11")), as_of=NOW))
    assert (database.moments, answer.unknown_sources, len(answer.hits)) == ([NOW], ("before 2026",), 1)


def statement(status: vex.Status, product: str = "sha256:1") -> vex.Statement:
    return vex.Statement(
        "doc", frozenset({"CVE-2026-0001"}), (vex.Product((product,)),), status, NOW, "component_not_present"
    )


async def test_hit_that_a_statement_ends_stays_with_the_reason() -> None:
    database = Database({"openssl": [(ONE, "3.0.15"), (TWO, "3.0.15")]})
    database.statements = [statement(vex.Status.NOT_AFFECTED)]
    answer = await made(database).run(Subject(report(("openssl", "3.0.11")), image="sha256:1"))
    found = {hit.advisory.name: (hit.not_affected, hit.reason) for hit in answer.hits}
    assert found["CVE-2026-0001"] == (True, "doc says not_affected (component_not_present)")
    assert found["CVE-2026-0002"] == (False, "")


async def test_row_of_another_architecture_is_no_hit() -> None:
    database = Database({"openssl": [(ONE, "3.0.15")]})
    subject = Subject(report(("openssl", "3.0.11")))
    for architecture, hits in (("amd64|arm64", 1), ("arm64", 0), ("!amd64", 0)):
        database.arch = architecture
        assert len((await made(database).run(subject)).hits) == hits, architecture


async def test_explanation_has_hits_misses_and_silence() -> None:
    database = Database({"openssl": [(ONE, "3.0.15"), (TWO, "3.0.11")]})
    subject = Subject(report(("openssl", "3.0.11"), ("bash", "5.2")), image="sha256:1")
    found = await made(database).explain(subject, "openssl", "")
    assert [(item.advisory, item.outcome) for item in found] == [
        ("CVE-2026-0001", Outcome.HIT),
        ("CVE-2026-0002", Outcome.NO_HIT),
        ("", Outcome.NO_ADVISORY),
    ]
    assert found[1].reason == "3.0.11 against from the first version before 3.0.11 (dpkg)"
    only = await made(database).explain(subject, "", "cve-2026-0002")
    assert {item.advisory for item in only} == {"CVE-2026-0002", ""}


async def test_explanation_names_the_statement_that_overrules() -> None:
    database = Database({"openssl": [(ONE, "3.0.15")]})
    database.statements = [statement(vex.Status.FIXED)]
    subject = Subject(report(("openssl", "3.0.11")), image="sha256:1")
    found = await made(database).explain(subject, "openssl", "CVE-2026-0001")
    assert found[0].outcome is Outcome.OVERRULED
    assert found[0].reason.endswith("; doc says fixed (component_not_present)")


async def test_coverage_names_the_feed_and_its_age() -> None:
    query = made(Database({}))
    subject = Subject(report(("openssl", "3.0.11")))
    found = query.coverage(subject, await query.run(subject))
    assert (found.complete, found.packages[0].feeds) == (True, (Feed("debian", NOW),))
