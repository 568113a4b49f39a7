"""The Matcher's SQL for queries: the range join, the texts, the state of the sources.

Used by `query` and `api`. Loading is in `loader`. It must not know gRPC or files.
"""

# ruff: noqa: S608 - names of columns are constants, every value is an argument

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from pyrox.errors import Unavailable
from pyrox.pg.pool import Pool, Row, Transaction
from pyrox.scan.advisories.enrichment import Enrichments
from pyrox.scan.advisories.model import Advisory, AdvisoryRow, Feed
from pyrox.scan.model import Kind, Lookup
from pyrox.scan.rendering import Raw, Text, advisory_of, text_of, weight
from services.scanner_matcher import enrich
from services.scanner_matcher.kept import Kept

EPOCH = datetime.fromtimestamp(0, UTC)
# Linux kernels have some ten thousand; more would be no explanation.
MAX_EXPLAINED = 50_000
# Texts of some 40,000 advisories: those of a company's base images.
_KEPT_BYTES = 64 * 1024 * 1024

_COLUMNS = """
r.source, r.advisory, r.namespace, r.package, r.kind, r.scheme, r.lo, r.hi, r.introduced, r.fixed_in,
r.last_affected, r.fallback, r.not_affected, r.arch, r.module, r.cpe
"""
# The planner knows nothing about the questions; these keep it on one index probe for each
# question and partition, whatever the statistics say (measured: 6 to 36 ms on 8 million rows).
# The lock is that of the join: what a loader exchanges is exchanged before or after all questions.
# The planner would think anew about every partition each time, and not otherwise.
_PLAN = (
    "LOCK TABLE ONLY vuln_range IN ACCESS SHARE MODE; SET LOCAL plan_cache_mode = force_generic_plan; "
    "SET LOCAL jit = off; SET LOCAL enable_hashjoin = off; "
    "SET LOCAL enable_mergejoin = off; SET LOCAL enable_seqscan = off"
)
MATCHED = (
    "lookup", "load", "source", "number", "fixed_in", "hi", "not_affected", "arch", "module", "cpe", "exact",
)  # fmt: skip
"""The columns of `Reading.matched`: the position of the question, then what a report needs of the row.

`load` is the number of the row's table, which tells one load's rows from the next one's. `exact`
is null, or scheme, introduced and last affected version of a row that SQL cannot decide.
"""
_MATCHED = """
r.tableoid::bigint, r.source, r.advisory, r.fixed_in, r.hi, r.not_affected, r.arch, r.module, r.cpe,
CASE WHEN r.fallback OR q.key IS NULL THEN ARRAY[r.scheme, r.introduced, r.last_affected] END AS exact
"""
_QUESTIONS = """
FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::bytea[])
  AS q (n, namespace, package, kind, key)
"""
# Only in the sources that speak of its namespace, so that others' partitions are not searched in vain.
_PLACED = f"""
{_QUESTIONS} JOIN unnest($6::text[], $7::int[]) AS p (namespace, source) ON p.namespace = q.namespace
"""
_SAME = """
r.namespace = q.namespace COLLATE "C" AND r.package = q.package COLLATE "C" AND r.kind = q.kind COLLATE "C"
"""
_MATCH = f"ON {_SAME}"
# A subquery of its own: only so is a partition chosen by the source.
_JOIN = f"""
SELECT r.* {_PLACED} CROSS JOIN LATERAL (
    SELECT q.n, {_MATCHED} FROM vuln_range AS r
    WHERE r.source = p.source AND {_SAME} AND r.hi > q.key AND r.lo <= q.key {{then}} OFFSET 0) AS r
"""
_JOIN_UNKEYED = f"""
SELECT r.* {_PLACED} CROSS JOIN LATERAL (
    SELECT q.n, {_MATCHED} FROM vuln_range AS r
    WHERE r.source = p.source AND {_SAME} {{then}} OFFSET 0) AS r
"""
_JOIN_EVERY = f"""
SELECT q.n, {_COLUMNS} {_QUESTIONS} JOIN vuln_range AS r {_MATCH} LIMIT {MAX_EXPLAINED}
"""
# Rows that came later are left out; those that went later are added from the other table.
_KNOWN_THEN = """
AND NOT EXISTS (
    SELECT FROM vuln_begun AS b
    WHERE b.source = r.source AND b.fingerprint = r.fingerprint AND b.begun > $8::timestamptz)
"""
_NOW, _NOW_UNKEYED = _JOIN.format(then=""), _JOIN_UNKEYED.format(then="")
_THEN, _THEN_UNKEYED = _JOIN.format(then=_KNOWN_THEN), _JOIN_UNKEYED.format(then=_KNOWN_THEN)
# Keys of another order prove nothing, so such rows are left to the exact comparator.
_JOIN_ENDED = f"""
SELECT q.n, 0::bigint, r.source, -r.id, r.fixed_in, r.hi, r.not_affected, r.arch, r.module, r.cpe,
       CASE WHEN q.key IS NULL OR r.fallback OR r.made_by IS DISTINCT FROM s.made_by
            THEN ARRAY[r.scheme, r.introduced, r.last_affected] END AS exact
{_QUESTIONS} JOIN vuln_ended AS r {_MATCH}
AND r.begun <= $6::timestamptz AND r.ended > $6::timestamptz
LEFT JOIN vuln_source AS s ON s.id = r.source
WHERE q.key IS NULL OR r.fallback OR r.made_by IS DISTINCT FROM s.made_by OR (r.lo <= q.key AND q.key < r.hi)
"""
_RAW = ("updater", "name", "description", "issued", "links", "severity", "normalized", "aliases")
_TEXTS = f"""
SELECT t.source, t.advisory, {", ".join(f"t.{name}" for name in _RAW[:-1])}, NULLIF(t.aliases, '{{}}')
FROM unnest($1::int[], $2::int[]) AS q (source, advisory)
JOIN vuln_text AS t ON t.source = q.source AND t.advisory = q.advisory
"""
_ENDED_TEXTS = f"""
SELECT source, -id AS advisory, {", ".join(_RAW)}
FROM vuln_ended WHERE id = ANY ($1::int[])
"""
_ENRICHMENTS = "SELECT kind, key, data FROM vuln_enrichment WHERE key = ANY ($1::text[])"
_STATE = """
SELECT min(updated) AS oldest, count(*) AS sources FROM vuln_source
"""
_FEEDS = """
SELECT id, name, updated, namespaces, first_loaded, undiffed IS NOT NULL AS pending
FROM vuln_source ORDER BY name
"""
_PING = "SELECT 1"
_KINDS = {kind.value: kind for kind in Kind}


AdvisoryId = tuple[int, int, int]
"""An advisory in the database: source, number, load.

A number below zero is that of a row that went. The load, or zero, tells apart what has the same
number in two loads of a source.
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A whole row for a question, to explain why it hits or not."""

    lookup: int
    advisory: AdvisoryId
    row: AdvisoryRow


class VulnStore:
    """Reads the advisories."""

    def __init__(self, *, pool: Pool, kept_bytes: int = _KEPT_BYTES) -> None:
        """Keep about so many bytes of texts that were asked for."""
        self._pool = pool
        self._texts = Kept[AdvisoryId, Text](kept_bytes, weight)

    async def ping(self) -> None:
        """Return when the database answers."""
        await self._pool.fetchval(_PING)

    async def last_update(self) -> datetime | None:
        """The time of the oldest bundle; None until every known bundle was loaded once."""
        row = await self._pool.fetchrow(_STATE)
        if row is None or not row["sources"] or row["oldest"] <= EPOCH:
            return None
        moment: datetime = row["oldest"]
        return moment

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reading]:
        """One state of the advisories: what is loaded meanwhile is not seen inside the block.

        The first question locks the table of ranges, which a loader must lock
        exclusively before it exchanges ranges and texts together.
        """
        async with self._pool.transaction(readonly=True) as transaction:
            await transaction.script(_PLAN)
            yield Reading(transaction, self._texts)


class Reading:
    """Questions within one transaction."""

    def __init__(self, transaction: Transaction, texts: Kept[AdvisoryId, Text]) -> None:
        self._transaction = transaction
        self._texts = texts
        self._feeds: list[Row] | None = None

    async def matched(self, lookups: Sequence[Lookup]) -> list[Row]:
        """All rows that answer one of the questions, in the order of `MATCHED`.

        One statement for the whole image; a second one only for versions that have no key.
        """
        feeds = await self._sources()
        keyed, unkeyed = _apart(lookups)
        rows = await _ask(self._transaction, _NOW, keyed, places=_places(feeds))
        rows += await _ask(self._transaction, _NOW_UNKEYED, unkeyed, places=_places(feeds))
        return rows

    async def matched_at(self, lookups: Sequence[Lookup], moment: datetime) -> list[Row]:
        """All rows that would have answered at that time, from the sources that had been loaded by then.

        Raises `Unavailable` while the history of a load is not written down yet.
        """
        feeds = await self._sources()
        if any(feed["pending"] for feed in feeds):
            raise Unavailable("the history of the last load is being written; ask again in a minute")
        known = _places(feed for feed in feeds if feed["first_loaded"] and feed["first_loaded"] <= moment)
        keyed, unkeyed = _apart(lookups)
        rows = await _ask(self._transaction, _THEN, keyed, moment, places=known)
        rows += await _ask(self._transaction, _THEN_UNKEYED, unkeyed, moment, places=known)
        rows += await _ask(self._transaction, _JOIN_ENDED, list(enumerate(lookups)), moment)
        return rows

    async def unknown_at(self, moment: datetime) -> list[str]:
        """The sources of which it is not known what they said at that time."""
        feeds = await self._sources()
        return [f["name"] for f in feeds if not f["first_loaded"] or f["first_loaded"] > moment]

    async def every_row(self, lookups: Sequence[Lookup]) -> list[Candidate]:
        """All rows about the packages of the questions, whatever their range, to explain why none hits."""
        rows = await _ask(self._transaction, _JOIN_EVERY, list(enumerate(lookups)))
        return [candidate(row) for row in rows]

    async def texts(self, ids: Iterable[AdvisoryId]) -> dict[AdvisoryId, Text]:
        """The texts of these advisories; those that were asked for lately are at hand."""
        found, missing = self._texts.take(ids)
        loads = {(source, number): load for source, number, load in missing}
        rows: list[Row] = []
        if loaded := [i for i in missing if i[1] > 0]:
            rows += await self._transaction.fetch(_TEXTS, [i[0] for i in loaded], [i[1] for i in loaded])
        if ended := [-i[1] for i in missing if i[1] < 0]:
            rows += await self._transaction.fetch(_ENDED_TEXTS, ended)
        # Thousands of texts take long enough to hold up other requests.
        new = await asyncio.to_thread(_texts, rows, loads)
        self._texts.keep((i, text) for i, text in new.items() if i[2])
        return found | new

    async def enrichments(self, keys: Iterable[str]) -> Enrichments:
        """What other feeds know of these CVEs and advisories."""
        rows = await self._transaction.fetch(_ENRICHMENTS, list(keys))
        return enrich.collect((row["kind"], row["key"], row["data"]) for row in rows)

    async def feeds(self) -> dict[str, list[Feed]]:
        """What is loaded, by namespace, each with the time of its bundle."""
        found: dict[str, list[Feed]] = {}
        for row in await self._sources():
            as_of = row["updated"] if row["updated"] > EPOCH else None
            for namespace in row["namespaces"]:
                found.setdefault(namespace, []).append(Feed(row["name"], as_of))
        return found

    async def _sources(self) -> list[Row]:
        if self._feeds is None:
            self._feeds = await self._transaction.fetch(_FEEDS)
        return self._feeds


Asked = Sequence[tuple[int, Lookup]]


def _apart(lookups: Sequence[Lookup]) -> tuple[Asked, Asked]:
    """Questions with a key and those without, each with its position."""
    numbered = list(enumerate(lookups))
    return [q for q in numbered if q[1].key is not None], [q for q in numbered if q[1].key is None]


def _places(feeds: Iterable[Row]) -> Mapping[str, Sequence[int]]:
    """Which sources speak of a namespace."""
    found: dict[str, list[int]] = {}
    for feed in feeds:
        for namespace in feed["namespaces"]:
            found.setdefault(namespace, []).append(feed["id"])
    return found


async def _ask(
    transaction: Transaction,
    sql: str,
    asked: Asked,
    *more: object,
    places: Mapping[str, Sequence[int]] | None = None,
) -> list[Row]:
    """The rows that answer; with `places` only in the sources that it has for the namespaces."""
    if not asked:
        return []
    pairs: list[Sequence[object]] = []
    if places is not None:
        namespaces = {lookup.namespace for _, lookup in asked}
        known = [(name, source) for name in namespaces for source in places.get(name, ())]
        pairs = [[name for name, _ in known], [source for _, source in known]]
    return await transaction.fetch(
        sql,
        [n for n, _ in asked],
        [lookup.namespace for _, lookup in asked],
        [lookup.package for _, lookup in asked],
        [lookup.kind.value for _, lookup in asked],
        [lookup.key for _, lookup in asked],
        *pairs,
        *more,
    )


def _texts(rows: Iterable[Row], loads: Mapping[tuple[int, int], int]) -> dict[AdvisoryId, Text]:
    found = {}
    for source, number, *raw in rows:
        # Most have no aliases, and a null is read faster than an empty array.
        raw[-1] = raw[-1] or ()
        found[source, number, loads[source, number]] = text_of(cast("Raw", raw))
    return found


def candidate(row: Row) -> Candidate:
    """The row of a join as a candidate."""
    # By position: some thousand rows of a report are made in one go.
    number = row["advisory"]
    return Candidate(
        row["n"],
        (row["source"], number, 0),
        AdvisoryRow(
            row["namespace"], row["package"], _KINDS[row["kind"]], row["scheme"], row["lo"], row["hi"],
            str(number), row["introduced"], row["fixed_in"], row["last_affected"], row["fallback"],
            row["not_affected"], row["arch"], row["module"], row["cpe"],
        ),
    )  # fmt: skip


def advisory(row: Row) -> Advisory:
    """The text of an advisory."""
    raw = tuple(row[name] for name in _RAW)
    return advisory_of(cast("Raw", raw), str(row["advisory"]))
