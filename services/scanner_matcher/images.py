"""The questions of every image that was matched, so that an advisory can ask which images it hits.

A component: `api` hands over what it asked, this writes it down behind the answer. An
image that nobody asks for is forgotten after as long as the Indexer keeps its report.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain

from pyrox import log
from pyrox.errors import RoxError
from pyrox.pg.pool import Pool, Row
from pyrox.scan import matching
from pyrox.scan.advisories.model import Advisory
from pyrox.scan.model import Kind, Lookup
from pyrox.scan.protocols import VersionScheme
from services.scanner_matcher import store

_LOG = log.get(__name__)
# More images than a burst of scans has; beyond it the newest are written at their next scan.
_WAITING = 1000
_EXPIRE_EVERY = 500
# Upstream's Indexer keeps a report for at most thirty days (scanner/indexer/indexer.go).
_EXPIRE = "DELETE FROM vuln_image WHERE seen < now() - interval '30 days'"
_SEEN = """
UPDATE vuln_image SET seen = now() WHERE hash_id = $1 AND digest = $2 RETURNING true
"""
_SAVE = """
INSERT INTO vuln_image (hash_id, digest) VALUES ($1, $2)
ON CONFLICT (hash_id) DO UPDATE SET digest = excluded.digest, seen = now()
"""
_FORGET = "DELETE FROM vuln_question WHERE hash_id = $1"
_COLUMNS = (
    "hash_id", "package_id", "namespace", "package", "kind", "scheme", "version", "key", "arch", "module",
    "cpes",
)  # fmt: skip
MAX_AFFECTED = 20_000
_AFFECTED = """
SELECT i.hash_id, i.package_id, i.version, i.key, i.arch AS own_arch, i.module AS own_module, i.cpes,
       t.updater, t.name, t.description, t.issued, t.links, t.severity, t.normalized, t.aliases,
       r.source, r.advisory, r.namespace, r.package, r.kind, r.scheme, r.lo, r.hi, r.introduced, r.fixed_in,
       r.last_affected, r.fallback, r.not_affected, r.arch, r.module, r.cpe, 0 AS n
FROM vuln_text AS t
JOIN vuln_range AS r ON r.source = t.source AND r.advisory = t.advisory
JOIN vuln_question AS i ON i.namespace = r.namespace AND i.package = r.package AND i.kind = r.kind
 AND (i.key IS NULL OR (r.lo <= i.key AND i.key < r.hi))
WHERE t.ids @> ARRAY[$1::text]
ORDER BY i.hash_id, i.package_id LIMIT $2
"""


@dataclass(frozen=True, slots=True)
class Affected:
    """An image and the package of it that an advisory hits."""

    hash_id: str
    lookup: Lookup
    hit: matching.Hit


class Images:
    """Remembers questions, and turns the join round."""

    name = "images"

    def __init__(self, *, pool: Pool, schemes: Mapping[str, VersionScheme]) -> None:
        self._pool = pool
        self._schemes = schemes
        self._waiting: asyncio.Queue[tuple[str, tuple[Lookup, ...]]] = asyncio.Queue(_WAITING)

    def remember(self, hash_id: str, lookups: tuple[Lookup, ...]) -> None:
        """Write the questions down soon; when too many wait, at the image's next scan."""
        with suppress(asyncio.QueueFull):
            self._waiting.put_nowait((hash_id, lookups))

    async def run(self, ready: Callable[[], None]) -> None:
        """Write until cancelled; a failure is logged, and the image comes again with its next scan."""
        ready()
        written = 0
        while True:
            hash_id, lookups = await self._waiting.get()
            try:
                await self.save(hash_id, lookups)
                written += 1
                if written % _EXPIRE_EVERY == 1:
                    await self._pool.execute(_EXPIRE)
            except RoxError as error:
                _LOG.warning("questions of an image not kept", hash_id=hash_id, error=error.message)

    async def save(self, hash_id: str, lookups: Sequence[Lookup]) -> None:
        """Replace the image's questions unless they are the same."""
        digest = await asyncio.to_thread(_digest, lookups)
        if await self._pool.fetchval(_SEEN, hash_id, digest):
            return
        rows = [
            (
                hash_id, q.package_id, q.namespace, q.package, str(q.kind), q.scheme, q.version, q.key,
                q.arch, q.module, list(q.repository_cpes),
            )
            for q in lookups
        ]  # fmt: skip
        async with self._pool.transaction() as transaction:
            await transaction.execute(_SAVE, hash_id, digest)
            await transaction.execute(_FORGET, hash_id)
            await transaction.copy_rows("vuln_question", _COLUMNS, rows)

    async def affected(self, vulnerability: str) -> list[Affected]:
        """The images and packages that the advisories of this id hit, by image."""
        rows = await self._pool.fetch(_AFFECTED, vulnerability.upper(), MAX_AFFECTED)
        return await asyncio.to_thread(self._decided, rows)

    def _decided(self, rows: Sequence[Row]) -> list[Affected]:
        found: dict[tuple[str, str, str, str], Affected] = {}
        for row in rows:
            lookup, candidate = _lookup(row), store.candidate(row)
            advisory: Advisory = store.advisory(row)
            decision = matching.decide(lookup, candidate.row, self._schemes)
            if decision.hit and not candidate.row.not_affected:
                hit = matching.Hit(lookup.package_id, advisory, candidate.row, decision.reason)
                key = (row["hash_id"], lookup.package_id, advisory.source, candidate.row.fixed_in)
                found.setdefault(key, Affected(row["hash_id"], lookup, hit))
        return list(found.values())


def _lookup(row: Row) -> Lookup:
    return Lookup(
        package_id=row["package_id"],
        namespace=row["namespace"],
        package=row["package"],
        kind=Kind(row["kind"]),
        scheme=row["scheme"],
        version=row["version"],
        key=row["key"],
        arch=row["own_arch"],
        module=row["own_module"],
        repository_cpes=tuple(row["cpes"]),
    )


def _digest(lookups: Sequence[Lookup]) -> bytes:
    whole = hashlib.blake2b(digest_size=16)
    for lookup in lookups:
        texts = (
            lookup.package_id, lookup.namespace, lookup.package, lookup.kind, lookup.version, lookup.arch,
            lookup.module,
        )  # fmt: skip
        for text in chain(texts, lookup.repository_cpes):
            whole.update(text.encode("utf-8", "replace") + b"\0")
        whole.update((lookup.key or b"") + b"\1")
    return whole.digest()
