"""The Indexer's SQL: layers' finds, leases, index reports and their expiry.

Used by `states` and `api`. It must not know registries or gRPC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from pyrox.pg.pool import Pool
from pyrox.scan.model import Finds, Note
from services.scanner_indexer.config import Expiry
from services.scanner_indexer.finds import pack_notes, unpack_finds

Versions = Mapping[str, str]
"""Detector name to detector version."""

_FINDS = """
SELECT f.digest, f.detector, f.finds
FROM index_layer_finds AS f
JOIN unnest($2::text[], $3::text[]) AS d (detector, version) USING (detector, version)
WHERE f.digest = ANY ($1::text[])
"""
_KNOWN = """
SELECT f.digest, f.detector
FROM index_layer_finds AS f
JOIN unnest($2::text[], $3::text[]) AS d (detector, version) USING (detector, version)
WHERE f.digest = ANY ($1::text[])
"""
_SAVE_FINDS = """
INSERT INTO index_layer_finds (digest, detector, version, finds)
VALUES ($1, $2, $3, $4)
ON CONFLICT (digest, detector, version) DO NOTHING
"""
_TAKE_LEASE = """
INSERT INTO index_layer_lease AS l (digest, owner, until)
VALUES ($1, $2, now() + $3::interval)
ON CONFLICT (digest) DO UPDATE SET owner = excluded.owner, until = excluded.until
WHERE l.until < now() OR l.owner = excluded.owner
RETURNING true
"""
_DROP_LEASE = "DELETE FROM index_layer_lease WHERE digest = $1 AND owner = $2"
# Garbage collection must not take the row of an image that is being indexed again; its old
# report, which has had its time, goes at once.
_SET_STATE = """
INSERT INTO index_manifest AS m (hash_id, state, error, expiration)
VALUES ($1, $2, $3, now() + $4::interval)
ON CONFLICT (hash_id) DO UPDATE
SET state = excluded.state, error = excluded.error, updated_at = now(),
    report = CASE WHEN m.expiration > now() + interval '1 hour' THEN m.report END,
    expiration = CASE WHEN m.expiration > now() + interval '1 hour' THEN m.expiration
                 ELSE excluded.expiration END
"""
# Two who index the same image at once write its layers one after the other.
_LOCK_MANIFEST = "SELECT FROM index_manifest WHERE hash_id = $1 FOR UPDATE"
_DROP_LAYERS = "DELETE FROM index_manifest_layer WHERE hash_id = $1"
_SET_LAYERS = "INSERT INTO index_manifest_layer (hash_id, position, digest) VALUES ($1, $2, $3)"
_SAVE_REPORT = """
UPDATE index_manifest
SET detectors = $2, report = $3, notes = $4, error = '', expiration = now() + $5::interval, updated_at = now()
WHERE hash_id = $1
"""
_REPORT = """
SELECT report FROM index_manifest
WHERE hash_id = $1 AND detectors = $2 AND report IS NOT NULL AND expiration > now()
"""
_EXTERNAL = "SELECT report FROM external_index_report WHERE hash_id = $1 AND expiration > now()"
_EXTERNAL_VERSION = "SELECT indexer_version FROM external_index_report WHERE hash_id = $1 FOR UPDATE"
_SAVE_EXTERNAL = """
INSERT INTO external_index_report (hash_id, indexer_version, report, expiration)
VALUES ($1, $2, $3, now() + $4::interval)
ON CONFLICT (hash_id) DO UPDATE
SET indexer_version = excluded.indexer_version, report = excluded.report,
    expiration = excluded.expiration, updated_at = now()
"""
_EXPIRE = """
DELETE FROM index_manifest WHERE hash_id IN (
    SELECT hash_id FROM index_manifest WHERE expiration <= now() ORDER BY expiration LIMIT $1
    FOR UPDATE SKIP LOCKED)
"""
_EXPIRE_EXTERNAL = """
DELETE FROM external_index_report WHERE hash_id IN (
    SELECT hash_id FROM external_index_report WHERE expiration <= now() ORDER BY expiration LIMIT $1
    FOR UPDATE SKIP LOCKED)
"""
# Finds younger than a day may belong to an image that is being indexed.
_ORPHANS = """
DELETE FROM index_layer_finds WHERE digest IN (
    SELECT DISTINCT f.digest FROM index_layer_finds AS f
    WHERE f.indexed_at < now() - interval '1 day'
      AND NOT EXISTS (SELECT FROM index_manifest_layer AS m WHERE m.digest = f.digest)
    LIMIT $1)
"""
# What an older version of a detector found, when a newer one has looked at the layer. A day
# apart: while Indexers of two versions run side by side, neither takes the other's.
_SUPERSEDED = """
DELETE FROM index_layer_finds WHERE (digest, detector, version) IN (
    SELECT o.digest, o.detector, o.version FROM index_layer_finds AS o
    WHERE EXISTS (SELECT FROM index_layer_finds AS n WHERE n.digest = o.digest
                  AND n.detector = o.detector AND n.indexed_at > o.indexed_at + interval '1 day')
    LIMIT $1)
"""
# Leases of processes that died; a living holder prolongs its own long before.
_OLD_LEASES = "DELETE FROM index_layer_lease WHERE until < now() - interval '1 hour'"
_PING = "SELECT 1"


@dataclass(frozen=True, slots=True)
class Deleted:
    """What one round of garbage collection deleted."""

    reports: int
    external: int
    layers: int


class IndexStore:
    """All tables of the Indexer."""

    def __init__(self, *, pool: Pool, expiry: Expiry, random: Random) -> None:
        self._pool = pool
        self._expiry = expiry
        self._random = random

    async def ping(self) -> None:
        """Return when the database answers."""
        await self._pool.fetchval(_PING)

    async def known(self, digests: Iterable[str], versions: Versions) -> dict[str, frozenset[str]]:
        """For each layer the detectors whose results are stored."""
        rows = await self._pool.fetch(_KNOWN, list(digests), list(versions), list(versions.values()))
        known: dict[str, set[str]] = {}
        for row in rows:
            known.setdefault(row["digest"], set()).add(row["detector"])
        return {digest: frozenset(names) for digest, names in known.items()}

    async def finds(self, digests: Iterable[str], versions: Versions) -> dict[str, dict[str, Finds]]:
        """The stored results of these detectors, by layer and detector."""
        rows = await self._pool.fetch(_FINDS, list(digests), list(versions), list(versions.values()))
        found: dict[str, dict[str, Finds]] = {}
        for row in rows:
            found.setdefault(row["digest"], {})[row["detector"]] = unpack_finds(row["finds"])
        return found

    async def save_finds(self, digest: str, versions: Versions, packed: Mapping[str, bytes]) -> None:
        """Store a layer's results, all detectors or none."""
        rows = [(digest, name, versions[name], data) for name, data in packed.items()]
        await self._pool.fetchmany(_SAVE_FINDS, rows)

    async def take_lease(self, digest: str, owner: str, life: timedelta) -> bool:
        """Take or prolong the right to index a layer; False while somebody else has it."""
        return bool(await self._pool.fetchval(_TAKE_LEASE, digest, owner, life))

    async def drop_lease(self, digest: str, owner: str) -> None:
        """Give the right back."""
        await self._pool.execute(_DROP_LEASE, digest, owner)

    async def set_state(self, hash_id: str, state: str, error: str = "") -> None:
        """Note where the indexing of an image stands."""
        await self._pool.execute(_SET_STATE, hash_id, state, error, self._life())

    async def set_layers(self, hash_id: str, digests: Sequence[str]) -> None:
        """Note the layers of an image whose state is set, so that garbage collection keeps them."""
        async with self._pool.transaction() as transaction:
            await transaction.execute(_LOCK_MANIFEST, hash_id)
            await transaction.execute(_DROP_LAYERS, hash_id)
            await transaction.fetchmany(
                _SET_LAYERS, [(hash_id, i, digest) for i, digest in enumerate(digests)]
            )

    async def save_report(
        self,
        hash_id: str,
        detectors: str,
        report: bytes,
        notes: tuple[Note, ...],
        *,
        life: timedelta | None = None,
    ) -> None:
        """Store an image's report, made by detectors with this fingerprint; `life` instead of the usual."""
        packed, life = pack_notes(notes), self._life() if life is None else life
        await self._pool.execute(_SAVE_REPORT, hash_id, detectors, report, packed, life)

    async def report(self, hash_id: str, detectors: str) -> bytes | None:
        """The image's report, unless it expired or other detectors made it."""
        raw: bytes | None = await self._pool.fetchval(_REPORT, hash_id, detectors)
        return raw

    async def external(self, hash_id: str) -> bytes | None:
        """A report that another Indexer made."""
        raw: bytes | None = await self._pool.fetchval(_EXTERNAL, hash_id)
        return raw

    async def save_external(
        self, hash_id: str, version: str, report: bytes, may_replace: Callable[[str, str], bool]
    ) -> bool:
        """Store another Indexer's report unless `may_replace(version, stored version)` forbids it."""
        async with self._pool.transaction() as transaction:
            stored = await transaction.fetchval(_EXTERNAL_VERSION, hash_id)
            if stored is not None and not may_replace(version, stored):
                return False
            await transaction.execute(_SAVE_EXTERNAL, hash_id, version, report, self._life())
            return True

    async def collect_garbage(self) -> Deleted:
        """Delete one batch of expired reports, and of layers' finds that no report needs."""
        limit = self._expiry.throttle
        await self._pool.execute(_OLD_LEASES)
        return Deleted(
            reports=await self._pool.execute(_EXPIRE, limit),
            external=await self._pool.execute(_EXPIRE_EXTERNAL, limit),
            layers=await self._pool.execute(_ORPHANS, limit) + await self._pool.execute(_SUPERSEDED, limit),
        )

    def _life(self) -> timedelta:
        """A life between the shortest and the longest, so that not all images end at once."""
        return self._expiry.start + self._expiry.duration * self._random.random()
