"""From contents to hits: questions, the join, and what SQL cannot decide.

Used by `api`. All packages of an image are asked for in one statement; the engine then
decides what needs more than byte keys. A version without a key never fails a report.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pyrox.scan import matching
from pyrox.scan.advisories.enrichment import Enrichments
from pyrox.scan.model import IndexReport, Kind
from pyrox.scan.protocols import Matcher, VersionScheme
from services.scanner_matcher import enrich
from services.scanner_matcher.store import AdvisoryId, Candidate, VulnStore

# A report beyond it does not fit into the 24 MiB that clients take.
MAX_HITS = 200_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What an image is hit by, what else is known of that, and which name spaces are covered."""

    hits: tuple[matching.Hit, ...]
    enrichments: Enrichments
    namespaces: frozenset[str]


class Query:
    """Matches images with the advisories of the database."""

    def __init__(
        self, *, store: VulnStore, matchers: Sequence[Matcher], schemes: Mapping[str, VersionScheme]
    ) -> None:
        self._store = store
        self._matchers = tuple(matchers)
        self.schemes = schemes

    async def run(self, report: IndexReport) -> Answer:
        """Match everything in one state of the database."""
        # Work on thousands of packages stays off the event loop.
        plan = await asyncio.to_thread(matching.plan, report, self._matchers)
        async with self._store.reading() as reading:
            candidates = await reading.candidates(plan.lookups)
            found = await asyncio.to_thread(self._decided, plan, candidates)
            texts = await reading.texts({candidate.advisory for _, candidate, _ in found})
            enrichments = await reading.enrichments(enrich.wanted(texts.values()))
            namespaces = await reading.namespaces()
        hits = tuple(
            matching.Hit(package_id, texts[candidate.advisory], candidate.row, reason)
            for package_id, candidate, reason in found
        )
        return Answer(hits, enrichments, namespaces)

    def _decided(
        self, plan: matching.Plan, candidates: Iterable[Candidate]
    ) -> list[tuple[str, Candidate, str]]:
        """The candidates that hold, with the reason; each package and advisory range once."""
        seen: set[tuple[str, AdvisoryId, str, Kind]] = set()
        found: list[tuple[str, Candidate, str]] = []
        for candidate in candidates:
            lookup = plan.lookups[candidate.lookup]
            key = (lookup.package_id, candidate.advisory, candidate.row.fixed_in, candidate.row.kind)
            if key in seen:
                continue
            decision = matching.decide(lookup, candidate.row, self.schemes)
            if decision.hit:
                seen.add(key)
                found.append((lookup.package_id, candidate, decision.reason))
        return found[:MAX_HITS]
