"""The Matcher's SQL for queries: the range join, the texts, the state of the sources.

Used by `query` and `api`. Loading is in `loader`. It must not know gRPC or files.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from pyrox.errors import Unavailable
from pyrox.pg.pool import Pool, Row, Transaction
from pyrox.scan.advisories.enrichment import Enrichments
from pyrox.scan.advisories.model import Advisory, AdvisoryRow, Alias, Feed, Severity
from pyrox.scan.model import Kind, Lookup
from services.scanner_matcher import enrich

EPOCH = datetime.fromtimestamp(0, UTC)
# Linux kernels have some ten thousand; more would be no explanation.
MAX_EXPLAINED = 50_000

_COLUMNS = """
r.source, r.advisory, r.namespace, r.package, r.kind, r.scheme, r.lo, r.hi, r.introduced, r.fixed_in,
r.last_affected, r.fallback, r.not_affected, r.arch, r.module, r.cpe
"""
# The planner knows nothing about the questions; these keep it on one index probe for each
# question and partition, whatever the statistics say (measured: 6 to 36 ms on 8 million rows).
_PLAN = (
    "SET LOCAL jit = off; SET LOCAL enable_hashjoin = off; "
    "SET LOCAL enable_mergejoin = off; SET LOCAL enable_seqscan = off"
)
_QUESTIONS = """
FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::bytea[])
  AS q (n, namespace, package, kind, key)
"""
_MATCH = """
ON r.namespace = q.namespace COLLATE "C" AND r.package = q.package COLLATE "C" AND r.kind = q.kind COLLATE "C"
"""
_JOIN = f"""
SELECT q.n, {_COLUMNS} {_QUESTIONS} JOIN vuln_range AS r {_MATCH} AND r.hi > q.key
WHERE r.lo <= q.key
"""
_JOIN_UNKEYED = f"""
SELECT q.n, {_COLUMNS} {_QUESTIONS} JOIN vuln_range AS r {_MATCH}
"""
# Rows that came later are left out; those that went later are added from the other table.
_KNOWN_THEN = """
AND r.source = ANY ($7::int[]) AND NOT EXISTS (
    SELECT FROM vuln_begun AS b
    WHERE b.source = r.source AND b.fingerprint = r.fingerprint AND b.begun > $6::timestamptz)
"""
# Keys of another order prove nothing, so such rows are left to the exact comparator.
_JOIN_ENDED = f"""
SELECT q.n, r.source, -r.id AS advisory, r.namespace, r.package, r.kind, r.scheme, r.lo, r.hi, r.introduced,
       r.fixed_in, r.last_affected, r.fallback OR r.made_by <> s.made_by AS fallback, r.not_affected, r.arch,
       r.module, r.cpe
{_QUESTIONS} JOIN vuln_ended AS r {_MATCH}
AND r.begun <= $6::timestamptz AND r.ended > $6::timestamptz
LEFT JOIN vuln_source AS s ON s.id = r.source
"""
_TEXTS = """
SELECT t.source, t.advisory, t.updater, t.name, t.description, t.issued, t.links, t.severity, t.normalized,
       t.aliases
FROM unnest($1::int[], $2::int[]) AS q (source, advisory)
JOIN vuln_text AS t ON t.source = q.source AND t.advisory = q.advisory
"""
_ENDED_TEXTS = """
SELECT source, -id AS advisory, updater, name, description, issued, links, severity, normalized, aliases
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
_SEVERITIES = {int(severity): severity for severity in Severity}


@dataclass(frozen=True, slots=True)
class AdvisoryId:
    """An advisory in the database; a number below zero is that of a row that went."""

    source: int
    number: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that the join gave for a question, before what SQL cannot decide was decided."""

    lookup: int
    """Position of the question."""
    advisory: AdvisoryId
    row: AdvisoryRow


class VulnStore:
    """Reads the advisories."""

    def __init__(self, *, pool: Pool) -> None:
        self._pool = pool

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
            yield Reading(transaction)


class Reading:
    """Questions within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def candidates(self, lookups: Sequence[Lookup]) -> list[Candidate]:
        """All rows that answer one of the questions: one statement for the whole image.

        A second one only for versions that have no key.
        """
        keyed = [(n, lookup) for n, lookup in enumerate(lookups) if lookup.key is not None]
        unkeyed = [(n, lookup) for n, lookup in enumerate(lookups) if lookup.key is None]
        rows = await _ask(self._transaction, _JOIN, keyed)
        rows += await _ask(self._transaction, _JOIN_UNKEYED, unkeyed)
        return [candidate(row) for row in rows]

    async def candidates_at(self, lookups: Sequence[Lookup], moment: datetime) -> list[Candidate]:
        """All rows that would have answered at that time, from the sources that had been loaded by then.

        Raises `Unavailable` while the history of a load is not written down yet.
        """
        feeds = await self._transaction.fetch(_FEEDS)
        if any(feed["pending"] for feed in feeds):
            raise Unavailable("the history of the last load is being written; ask again in a minute")
        known = [feed["id"] for feed in feeds if feed["first_loaded"] and feed["first_loaded"] <= moment]
        keyed = [(n, lookup) for n, lookup in enumerate(lookups) if lookup.key is not None]
        unkeyed = [(n, lookup) for n, lookup in enumerate(lookups) if lookup.key is None]
        rows = await _ask(self._transaction, _JOIN + _KNOWN_THEN, keyed, moment, known)
        rows += await _ask(
            self._transaction, f"{_JOIN_UNKEYED} WHERE true {_KNOWN_THEN}", unkeyed, moment, known
        )
        rows += await _ask(self._transaction, _JOIN_ENDED, list(enumerate(lookups)), moment)
        return [candidate(row) for row in rows]

    async def unknown_at(self, moment: datetime) -> list[str]:
        """The sources of which it is not known what they said at that time."""
        feeds = await self._transaction.fetch(_FEEDS)
        return [f["name"] for f in feeds if not f["first_loaded"] or f["first_loaded"] > moment]

    async def every_row(self, lookups: Sequence[Lookup]) -> list[Candidate]:
        """All rows about the packages of the questions, whatever their range, to explain why none hits."""
        rows = await _ask(
            self._transaction, _JOIN_UNKEYED + f" LIMIT {MAX_EXPLAINED}", list(enumerate(lookups))
        )
        return [candidate(row) for row in rows]

    async def texts(self, ids: Iterable[AdvisoryId]) -> dict[AdvisoryId, Advisory]:
        """The texts of these advisories."""
        all_ids = list(ids)
        wanted = [i for i in all_ids if i.number > 0]
        ended = [-i.number for i in all_ids if i.number < 0]
        rows = await self._transaction.fetch(_TEXTS, [i.source for i in wanted], [i.number for i in wanted])
        if ended:
            rows += await self._transaction.fetch(_ENDED_TEXTS, ended)
        return {AdvisoryId(row["source"], row["advisory"]): advisory(row) for row in rows}

    async def enrichments(self, keys: Iterable[str]) -> Enrichments:
        """What other feeds know of these CVEs and advisories."""
        rows = await self._transaction.fetch(_ENRICHMENTS, list(keys))
        return enrich.collect((row["kind"], row["key"], row["data"]) for row in rows)

    async def feeds(self) -> dict[str, list[Feed]]:
        """What is loaded, by namespace, each with the time of its bundle."""
        found: dict[str, list[Feed]] = {}
        for row in await self._transaction.fetch(_FEEDS):
            as_of = row["updated"] if row["updated"] > EPOCH else None
            for namespace in row["namespaces"]:
                found.setdefault(namespace, []).append(Feed(row["name"], as_of))
        return found


async def _ask(
    transaction: Transaction, sql: str, lookups: Sequence[tuple[int, Lookup]], *more: object
) -> list[Row]:
    if not lookups:
        return []
    return await transaction.fetch(
        sql,
        [n for n, _ in lookups],
        [lookup.namespace for _, lookup in lookups],
        [lookup.package for _, lookup in lookups],
        [str(lookup.kind) for _, lookup in lookups],
        [lookup.key for _, lookup in lookups],
        *more,
    )


def candidate(row: Row) -> Candidate:
    """The row of a join as a candidate."""
    # By position: some thousand rows of a report are made in one go.
    number = row["advisory"]
    return Candidate(
        row["n"],
        AdvisoryId(row["source"], number),
        AdvisoryRow(
            row["namespace"], row["package"], _KINDS[row["kind"]], row["scheme"], row["lo"], row["hi"],
            str(number), row["introduced"], row["fixed_in"], row["last_affected"], row["fallback"],
            row["not_affected"], row["arch"], row["module"], row["cpe"],
        ),
    )  # fmt: skip


def advisory(row: Row) -> Advisory:
    """The text of an advisory."""
    return Advisory(
        source=row["updater"],
        key=str(row["advisory"]),
        name=row["name"],
        description=row["description"],
        issued=row["issued"],
        links=row["links"],
        severity=row["severity"],
        normalized=_SEVERITIES[row["normalized"]],
        aliases=tuple(Alias(space, name) for space, _, name in (a.rpartition(":") for a in row["aliases"])),
    )
