"""From contents to hits: questions, the join, and what SQL cannot decide.

Used by `api` and `insight`. All packages of an image are asked for in one statement; the
engine then decides what needs more than byte keys. A version without a key never fails a
report. Hits that a VEX statement ends stay in the answer, marked, with the statement.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from pyrox.scan import matching, naming, vex
from pyrox.scan.advisories.enrichment import Enrichments
from pyrox.scan.advisories.model import HIGHEST, Advisory, AdvisoryRow, Feed
from pyrox.scan.coverage import Coverage, coverage
from pyrox.scan.explain import Evidence, Explanation, explain
from pyrox.scan.model import IndexReport, Kind, Lookup
from pyrox.scan.protocols import Matcher, VersionScheme
from pyrox.scan.rendering import Text
from pyrox.scan.report import Found
from pyrox.scan.sbom.document import purl_in
from services.scanner_matcher import enrich
from services.scanner_matcher.store import AdvisoryId, VulnStore

# A report beyond it does not fit into the 24 MiB that clients take.
MAX_HITS = 200_000
_NO_FEEDS: Mapping[str, Sequence[Feed]] = {}
_NO_PLAN = matching.Plan((), ())


# An advisory that hits, and all that is known of the hit before the advisory's text.
Decided = tuple[AdvisoryId, tuple[str, str, str, bytes, bool, bool]]


class Statements(Protocol):
    """Where VEX statements are kept."""

    async def some(self) -> bool:
        """Whether there is any statement at all."""

    async def about(self, names: Iterable[str]) -> list[vex.Statement]:
        """All statements about one of these vulnerabilities."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is matched: the contents of an image, its digest, and as of when."""

    report: IndexReport
    image: str = ""
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What an image is hit by, what else is known of that, and what was loaded."""

    hits: Sequence[Found]
    """A hit that a statement ended is "not affected" and has the statement as its reason."""
    enrichments: Enrichments
    feeds: Mapping[str, Sequence[Feed]] = field(default_factory=lambda: _NO_FEEDS)
    plan: matching.Plan = _NO_PLAN
    unknown_sources: tuple[str, ...] = ()
    """Sources of which it is not known what they said at the time that was asked for."""

    @property
    def namespaces(self) -> frozenset[str]:
        """Every namespace that a loaded feed covers."""
        return frozenset(self.feeds)


class Query:
    """Matches images with the advisories of the database."""

    def __init__(
        self,
        *,
        store: VulnStore,
        statements: Statements,
        matchers: Sequence[Matcher],
        schemes: Mapping[str, VersionScheme],
    ) -> None:
        self._store = store
        self._statements = statements
        self._matchers = tuple(matchers)
        self.schemes = schemes

    async def run(self, subject: Subject) -> Answer:
        """Match everything in one state of the database."""
        # Work on thousands of packages stays off the event loop.
        plan = await asyncio.to_thread(matching.plan, subject.report, self._matchers)
        unknown: list[str] = []
        async with self._store.reading() as reading:
            if subject.as_of is None:
                rows = await reading.matched(plan.lookups)
            else:
                rows = await reading.matched_at(plan.lookups, subject.as_of)
                unknown = await reading.unknown_at(subject.as_of)
            decided = await asyncio.to_thread(self._decided, plan, rows)
            texts = await reading.texts({advisory for advisory, _ in decided})
            enrichments = await reading.enrichments(enrich.wanted(texts.values()))
            feeds = await reading.feeds()
        statements = await self._about(text.advisory for text in texts.values())
        hits = await asyncio.to_thread(_hits, subject, decided, texts, statements)
        return Answer(hits, enrichments, feeds, plan, tuple(unknown))

    async def explain(self, subject: Subject, package: str, vulnerability: str) -> list[Explanation]:
        """Why the chosen packages are hit, and why not; an empty text chooses all."""
        plan = await asyncio.to_thread(matching.plan, subject.report, self._matchers)
        lookups = [lookup for lookup in plan.lookups if _chosen(subject.report, lookup, package)]
        async with self._store.reading() as reading:
            candidates = await reading.every_row(lookups)
            texts = await reading.texts({candidate.advisory for candidate in candidates})
            feeds = await reading.feeds()
        wanted = vulnerability.upper()
        statements = await self._about(text.advisory for text in texts.values())
        evidence = []
        for candidate in candidates:
            advisory, lookup = texts[candidate.advisory].advisory, lookups[candidate.lookup]
            if not wanted or wanted in names_of(advisory):
                statement = _overruling(subject, lookup.package_id, advisory, statements)
                evidence.append(Evidence(lookup, advisory, candidate.row, statement))
        return await asyncio.to_thread(explain, subject.report, lookups, evidence, feeds, self.schemes)

    def coverage(self, subject: Subject, answer: Answer) -> Coverage:
        """What was possible for each package and layer."""
        return coverage(subject.report, answer.plan, answer.feeds, self.schemes)

    async def _about(self, advisories: Iterable[Advisory]) -> list[vex.Statement]:
        if not await self._statements.some():
            return []
        names = {name for advisory in advisories for name in names_of(advisory)}
        return await self._statements.about(names) if names else []

    def _decided(self, plan: matching.Plan, rows: Iterable[Iterable[Any]]) -> list[Decided]:
        """The rows that hold; each package and advisory range once."""
        seen: set[tuple[str, int, int, str, Kind]] = set()
        found: list[Decided] = []
        lookups = plan.lookups
        for n, load, source, number, fixed_in, hi, not_affected, arch, module, product, exact in rows:
            lookup = lookups[n]
            key = (lookup.package_id, source, number, fixed_in, lookup.kind)
            if key in seen:
                continue
            conditional = arch or product or module != lookup.module
            if conditional and matching.refused(lookup, lookup.namespace, module, arch, product):
                continue
            if exact is not None and not self._inside(lookup, fixed_in, *exact):
                continue
            seen.add(key)
            hit = (lookup.package_id, lookup.scheme, fixed_in, hi, exact is None, not_affected)
            found.append(((source, number, load), hit))
        return found[:MAX_HITS]

    def _inside(
        self, lookup: Lookup, fixed_in: str, scheme: str, introduced: str, last_affected: str
    ) -> bool:
        """What the exact comparator says."""
        row = AdvisoryRow(
            lookup.namespace, lookup.package, lookup.kind, scheme, b"", HIGHEST, "",
            introduced, fixed_in, last_affected, fallback=True,
        )  # fmt: skip
        return matching.decide(lookup, row, self.schemes).hit


def names_of(advisory: Advisory) -> frozenset[str]:
    """Every name by which a VEX statement or a question may mean the advisory, in capitals."""
    return frozenset((*naming.ids_of(advisory), naming.shown_name(advisory).upper()))


def _chosen(report: IndexReport, lookup: Lookup, package: str) -> bool:
    return not package or package in {lookup.package, report.packages[lookup.package_id].name}


def _hits(
    subject: Subject,
    decided: Iterable[Decided],
    texts: Mapping[AdvisoryId, Text],
    statements: Sequence[vex.Statement],
) -> list[Found]:
    hits = [Found(texts[advisory], *hit) for advisory, hit in decided]
    for hit in hits if statements else ():
        statement = _overruling(subject, hit.package_id, hit.advisory, statements)
        if statement is not None:
            hit.not_affected, hit.reason = True, statement.reason
    return hits


def _overruling(
    subject: Subject, package_id: str, advisory: Advisory, statements: Sequence[vex.Statement]
) -> vex.Statement | None:
    if not statements:
        return None
    purl = purl_in(subject.report, package_id)
    place = vex.Place(subject.image, subject.report.packages[package_id], purl)
    return vex.overruled(names_of(advisory), place, statements)
