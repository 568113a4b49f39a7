"""OpenVEX documents: kept as they were given, read once, found by the vulnerabilities they name.

`query` asks for statements, `insight` adds, lists and deletes documents.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from pyrox.errors import Invalid, NotFound
from pyrox.pg.pool import Pool
from pyrox.scan import vex

# Parsed documents in memory; the database has the others.
_REMEMBERED = 64
_LIST = (
    "SELECT id, added, cardinality(vulnerabilities) AS vulnerabilities FROM vuln_vex ORDER BY id LIMIT 1000"
)
_SOME = "SELECT EXISTS (SELECT FROM vuln_vex)"
_ABOUT = "SELECT id, added FROM vuln_vex WHERE vulnerabilities && $1::text[] ORDER BY id LIMIT 1000"
_DOCUMENT = "SELECT document FROM vuln_vex WHERE id = $1"
_ADD = """
INSERT INTO vuln_vex (id, document, vulnerabilities) VALUES ($1, $2, $3::text[])
ON CONFLICT (id) DO UPDATE
SET document = excluded.document, vulnerabilities = excluded.vulnerabilities, added = clock_timestamp()
"""
_DELETE = "DELETE FROM vuln_vex WHERE id = $1"


@dataclass(frozen=True, slots=True)
class Listed:
    """A document that is kept."""

    id: str
    added: datetime
    vulnerabilities: int


class Documents:
    """The documents of one database."""

    def __init__(self, *, pool: Pool) -> None:
        self._pool = pool
        self._parsed: dict[tuple[str, datetime], vex.Document] = {}

    async def some(self) -> bool:
        """Whether there is any document; where there is none, no hit need be looked at."""
        return bool(await self._pool.fetchval(_SOME))

    async def about(self, names: Iterable[str]) -> list[vex.Statement]:
        """All statements of the documents that name one of these vulnerabilities."""
        found: list[vex.Statement] = []
        for row in await self._pool.fetch(_ABOUT, list(names)):
            document = await self._document(row["id"], row["added"])
            found += document.statements if document else ()
        return found

    async def _document(self, key: str, added: datetime) -> vex.Document | None:
        known = self._parsed.get((key, added))
        if known is None:
            raw: bytes | None = await self._pool.fetchval(_DOCUMENT, key)
            if raw is None:  # deleted since it was found
                return None
            known = await asyncio.to_thread(vex.read, raw)
            while len(self._parsed) >= _REMEMBERED:
                del self._parsed[next(iter(self._parsed))]
            self._parsed[key, added] = known
        return known

    async def add(self, raw: bytes) -> vex.Document:
        """Keep a document; one of the same id is replaced. Raises `Invalid` that names what is wrong."""
        try:
            document = await asyncio.to_thread(vex.read, raw)
        except vex.InvalidVex as error:
            raise Invalid(f"VEX document: {error}") from error
        await self._pool.execute(_ADD, document.id, raw, sorted(document.vulnerabilities))
        return document

    async def listed(self) -> list[Listed]:
        """The documents that are kept, by id."""
        rows = await self._pool.fetch(_LIST)
        return [Listed(row["id"], row["added"], row["vulnerabilities"]) for row in rows]

    async def delete(self, key: str) -> None:
        """Forget a document. Raises `NotFound`."""
        if not await self._pool.execute(_DELETE, key):
            raise NotFound(f"VEX document {key!r} not found; list the documents for their ids")
