"""OpenVEX documents: read once, found by name, refused as a whole."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from pyrox.errors import Invalid, NotFound
from pyrox.pg.pool import Pool
from pyrox.scan import vex
from services.scanner_matcher.documents import Documents


class Database:
    """The one table."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[bytes, list[str], datetime]] = {}
        self.read: list[str] = []

    async def fetchval(self, sql: str, *arguments: Any) -> Any:
        if "EXISTS" in sql:
            return bool(self.rows)
        self.read.append(arguments[0])
        return self.rows[arguments[0]][0] if arguments[0] in self.rows else None

    async def fetch(self, sql: str, *arguments: Any) -> list[dict[str, Any]]:
        wanted = set(arguments[0]) if arguments else None
        return [
            {"id": key, "added": added, "vulnerabilities": len(names)}
            for key, (_, names, added) in self.rows.items()
            if wanted is None or wanted & set(names)
        ]

    async def execute(self, sql: str, key: str, *arguments: Any) -> int:
        if "DELETE" in sql:
            return int(self.rows.pop(key, None) is not None)
        self.rows[key] = (arguments[0], arguments[1], datetime(2026, 1, 1 + len(self.read), tzinfo=UTC))
        return 1


def document(name: str, status: str = "fixed") -> bytes:
    statement = {"vulnerability": {"name": name}, "products": ["sha256:1"], "status": status}
    head = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": f"urn:{name}",
        "timestamp": "2026-01-01T00:00:00Z",
    }
    return json.dumps({**head, "statements": [statement]}).encode()


class Bench:
    def __init__(self) -> None:
        self.database = Database()
        self.documents = Documents(pool=cast("Pool", self.database))


async def test_document_is_found_by_its_vulnerabilities_and_parsed_once() -> None:
    bench = Bench()
    assert await bench.documents.some() is False
    await bench.documents.add(document("CVE-1"))
    await bench.documents.add(document("CVE-2"))
    for _ in range(3):
        found = await bench.documents.about(["CVE-1", "CVE-9"])
        assert [statement.document for statement in found] == ["urn:CVE-1"]
    assert (bench.database.read, await bench.documents.some()) == (["urn:CVE-1"], True)


async def test_document_of_the_same_id_takes_its_place() -> None:
    bench = Bench()
    await bench.documents.add(document("CVE-1"))
    await bench.documents.about(["CVE-1"])
    await bench.documents.add(document("CVE-1", "affected"))
    (found,) = await bench.documents.about(["CVE-1"])
    assert found.status is vex.Status.AFFECTED
    assert [listed.id for listed in await bench.documents.listed()] == ["urn:CVE-1"]


async def test_parsed_documents_in_memory_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.scanner_matcher.documents._REMEMBERED", 2)
    bench = Bench()
    for number in range(4):
        await bench.documents.add(document(f"CVE-{number}"))
    await bench.documents.about([f"CVE-{number}" for number in range(4)])
    await bench.documents.about(["CVE-3"])
    assert bench.database.read == ["urn:CVE-0", "urn:CVE-1", "urn:CVE-2", "urn:CVE-3"]
    await bench.documents.about(["CVE-0"])
    assert bench.database.read[-1] == "urn:CVE-0"


async def test_bad_document_is_refused_and_not_kept() -> None:
    bench = Bench()
    with pytest.raises(Invalid, match="VEX document: statement 1: status 'odd'"):
        await bench.documents.add(document("CVE-1", "odd"))
    assert bench.database.rows == {}


async def test_document_that_is_not_there_cannot_be_deleted() -> None:
    bench = Bench()
    await bench.documents.add(document("CVE-1"))
    await bench.documents.delete("urn:CVE-1")
    with pytest.raises(NotFound, match="list the documents for their ids"):
        await bench.documents.delete("urn:CVE-1")
