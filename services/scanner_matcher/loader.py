"""Loading of one source: COPY into a fresh partition, then an exchange in one moment.

Used by `updates`. Until the exchange the old rows answer; after a crash at any point
either the old rows or the new ones are there, whole, and the next load removes what was
left over. Several Matchers do not load the same source twice: the lock is the source's.
What changed is written down after the exchange, from the rows that went (`history`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import Unavailable
from pyrox.pg.locks import advisory
from pyrox.pg.pool import Pool, Transaction
from services.scanner_matcher.copyform import COLUMNS
from services.scanner_matcher.history import History

Change = Callable[[Transaction], Awaitable[None]]
_LOG = log.get(__name__)
# An exchange that waits for a reader makes all later readers wait behind it; so it gives
# up after this long and tries again.
_LOCK_TIMEOUT = "100ms"
_ATTEMPTS = 100
_PAUSE_SECONDS = 0.2

_REGISTER = """
INSERT INTO vuln_source (name, updated)
SELECT n, coalesce((SELECT min(updated) FROM vuln_source), 'epoch')
FROM unnest($1::text[]) AS n
ON CONFLICT (name) DO NOTHING
"""
_SOURCES = "SELECT id, name, updated, made_by, generation FROM vuln_source"
_RESERVE = "UPDATE vuln_source SET generation = generation + 1 WHERE id = $1 RETURNING generation"
# Rows that another reader made differ without any change of the advisories: no history is made of them.
_DONE = """
UPDATE vuln_source
SET updated = $2, made_by = $3, ranges = $4, advisories = $5, skipped = $6, namespaces = $7,
    loaded_at = now(), first_loaded = coalesce(first_loaded, $2),
    undiffed = CASE WHEN made_by = $3 THEN $8::integer END
WHERE id = $1
"""
_TOUCH = "UPDATE vuln_source SET updated = $2 WHERE id = $1"
_ATTACHED = """
SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = $1::regclass AND c.relname ~ $2
"""
# Tables whose rows still wait for the history stay.
_LEFT_OVER = """
SELECT c.relname FROM pg_class AS c
WHERE c.relkind = 'r' AND c.relname ~ $1 AND pg_table_is_visible(c.oid)
  AND NOT EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhrelid = c.oid)
  AND NOT EXISTS (SELECT FROM vuln_source AS s WHERE s.undiffed IS NOT NULL
                  AND c.relname ~ format('^vuln_(range|text|enrichment)_%s_%s$', s.id, s.undiffed))
"""
_TABLES = ("vuln_range", "vuln_text", "vuln_enrichment")
_INDEXES: Mapping[str, Sequence[str]] = {
    "vuln_range": ("(namespace, package, hi) INCLUDE (lo)",),
    "vuln_text": ("(source, advisory)", "USING gin (ids)"),
    "vuln_enrichment": ("(key, kind)",),
}


@dataclass(frozen=True, slots=True)
class SourceState:
    """A source as the database knows it."""

    id: int
    name: str
    updated: datetime
    made_by: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a worker made of one bundle: COPY files and what it counted."""

    ranges_file: Path
    texts_file: Path
    enrichments_file: Path
    ranges: int
    advisories: int
    enrichments: int
    skipped: Mapping[str, int]
    namespaces: Sequence[str]


@dataclass(slots=True)
class Spent:
    """Seconds that a load took, by phase."""

    copy: float = 0.0
    index: float = 0.0
    swap: float = 0.0
    """The exchange, what was waited for a gap between readers, and the history."""


class Loader:
    """Brings prepared bundles into the database."""

    def __init__(self, *, pool: Pool, clock: Clock, random: Random) -> None:
        self._pool = pool
        self._clock = clock
        self._random = random
        self._history = History(pool=pool)

    def exclusive(self, name: str) -> AbstractAsyncContextManager[bool]:
        """Try to be the only one that changes the source; yields whether that worked."""
        return advisory(self._pool, f"vuln-source-{name}")

    async def register(self, names: Sequence[str]) -> dict[str, SourceState]:
        """Make the sources known, and say how each stands.

        A new one takes over the time of the oldest, so that a Matcher that was ready
        stays ready; on an empty database that is the epoch.
        """
        await self._pool.execute(_REGISTER, list(names))
        rows = await self._pool.fetch(_SOURCES)
        return {r["name"]: SourceState(r["id"], r["name"], r["updated"], r["made_by"]) for r in rows}

    async def load(self, source: SourceState, updated: datetime, made_by: str, prepared: Prepared) -> Spent:
        """Replace all rows of the source.

        Raises `Unavailable` when readers never leave a gap for the exchange.
        """
        await self.settle(source)
        generation = await self._pool.fetchval(_RESERVE, source.id)
        names = {table: f"{table}_{source.id}_{generation}" for table in _TABLES}
        files = {
            "vuln_range": prepared.ranges_file,
            "vuln_text": prepared.texts_file,
            "vuln_enrichment": prepared.enrichments_file,
        }
        # Every table that is there is asked for each CVE of a report.
        if not prepared.enrichments:
            del names["vuln_enrichment"]
        spent = Spent()
        for table, name in names.items():
            await self._fill(source.id, table, name, files[table], spent)
        began = self._clock.monotonic()
        await self._exchange(source, names, updated, made_by, prepared)
        await self.settle(source)
        spent.swap = self._clock.monotonic() - began
        _LOG.info(
            "advisories loaded", source=source.name, ranges=prepared.ranges, advisories=prepared.advisories
        )
        return spent

    async def settle(self, source: SourceState) -> None:
        """Finish what an exchange left to do, also one of a Matcher that was killed."""
        await self._history.record(source.id)
        await self.remove_left_over(source)

    async def touch(self, source: SourceState, updated: datetime) -> None:
        """Note that the rows are those of a newer bundle too."""
        await self._pool.execute(_TOUCH, source.id, updated)

    async def remove(self, source: SourceState) -> None:
        """Forget a source that is no longer published."""
        await self.settle(source)

        async def drop(transaction: Transaction) -> None:
            await self._history.end(transaction, source.id)
            for table in _TABLES:
                await _detach(transaction, table, source.id)
            await transaction.execute("DELETE FROM vuln_source WHERE id = $1", source.id)

        await self._with_lock(f"removal of {source.name}", drop)
        await self.remove_left_over(source)

    async def remove_left_over(self, source: SourceState) -> None:
        """Drop tables of this source that no exchange attached."""
        for row in await self._pool.fetch(_LEFT_OVER, f"^vuln_(range|text|enrichment)_{source.id}_[0-9]+$"):
            await self._pool.execute(f'DROP TABLE IF EXISTS "{row["relname"]}"')

    async def _fill(self, source: int, table: str, name: str, file: Path, spent: Spent) -> None:
        """A table that is ready to become a partition: same columns, rows, index, bound."""
        async with self._pool.transaction() as transaction:
            await transaction.script(
                f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS, "
                f"CONSTRAINT {name}_source CHECK (source = {source})); "
                f"ALTER TABLE {name} ALTER COLUMN source SET DEFAULT {source}"
            )
            began = self._clock.monotonic()
            await transaction.copy_file(name, COLUMNS[table], file)
            copied = self._clock.monotonic()
            for index in _INDEXES[table]:
                await transaction.script(f"CREATE INDEX ON {name} {index}")
            await transaction.script(f"ANALYZE {name}")
            spent.copy += copied - began
            spent.index += self._clock.monotonic() - copied

    async def _exchange(
        self,
        source: SourceState,
        names: Mapping[str, str],
        updated: datetime,
        made_by: str,
        prepared: Prepared,
    ) -> None:
        async def exchange(transaction: Transaction) -> None:
            # Ranges first: a reader that holds them is waited for, see `VulnStore.reading`.
            before: int | None = None
            for table in _TABLES:
                detached = await _detach(transaction, table, source.id)
                before = detached if table == "vuln_range" else before
                if (name := names.get(table)) is None:
                    continue
                await transaction.script(
                    f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES IN ({source.id}); "
                    f"ALTER TABLE {name} DROP CONSTRAINT {name}_source"
                )
            await transaction.execute(
                _DONE, source.id, updated, made_by, prepared.ranges, prepared.advisories,
                dict(prepared.skipped), list(prepared.namespaces), before,
            )  # fmt: skip

        await self._with_lock(f"exchange of {source.name}", exchange)

    async def _with_lock(self, what: str, change: Change) -> None:
        """Run the change in a transaction that never waits long for a lock; try again until it fits."""
        for _ in range(_ATTEMPTS):
            try:
                async with self._pool.transaction() as transaction:
                    await transaction.execute("SELECT set_config('lock_timeout', $1, true)", _LOCK_TIMEOUT)
                    await change(transaction)
                    return
            except Unavailable as busy:
                last = busy
                await self._clock.sleep(_PAUSE_SECONDS * (0.5 + self._random.random()))
        raise Unavailable(f"{what}: no gap between readers in {_ATTEMPTS} attempts") from last


async def _detach(transaction: Transaction, table: str, source: int) -> int | None:
    """Detach the source's partition; its generation, or None when there was none."""
    generation: int | None = None
    for row in await transaction.fetch(_ATTACHED, table, f"^{table}_{source}_[0-9]+$"):
        await transaction.script(f'ALTER TABLE {table} DETACH PARTITION "{row["relname"]}"')
        generation = int(row["relname"].rpartition("_")[2])
    return generation
