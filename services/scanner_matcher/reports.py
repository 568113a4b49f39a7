"""From the contents of an image to its report: the way that gRPC and JSON requests share.

Used by `api` and `insight`. It knows neither SQL nor a transport.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pyrox.errors import Invalid, Referenced
from pyrox.pb.internalapi.scanner.v4.common_pb2 import Contents
from pyrox.pb.internalapi.scanner.v4.vulnerability_report_pb2 import VulnerabilityReport
from pyrox.scan.codec import from_contents
from pyrox.scan.explain import Explanation
from pyrox.scan.model import Lookup
from pyrox.scan.report import assemble
from services.scanner_matcher.query import Answer, Query, Subject
from services.scanner_matcher.store import VulnStore
from services.scanner_matcher.validate import HASH_PREFIX, check_contents

_LOADING = (
    "the matcher is not initialized: initial load for the vulnerability DB is in progress; try again later"
)


class IndexReports(Protocol):
    """Where the contents of an image come from when the request has none."""

    async def contents(self, hash_id: str) -> Contents:
        """The stored contents. Raises `NotFound`, or what reaching the Indexer raises."""


class Rememberer(Protocol):
    """Keeps what was asked for an image."""

    def remember(self, hash_id: str, lookups: tuple[Lookup, ...]) -> None:
        """Keep the questions of the image; never waits and never fails."""


@dataclass(frozen=True, slots=True)
class Made:
    """A report, and what it was made of."""

    report: VulnerabilityReport
    subject: Subject
    answer: Answer


class Reports:
    """Makes reports."""

    def __init__(
        self, *, query: Query, store: VulnStore, indexer: IndexReports | None, images: Rememberer
    ) -> None:
        self._query = query
        self._store = store
        self._indexer = indexer
        self._images = images

    async def of(self, hash_id: str, contents: Contents | None, *, as_of: datetime | None = None) -> Made:
        """The report for these contents, else for those that the Indexer has.

        Raises `Referenced` before the first load, `Invalid` for contents that break a rule.
        """
        message = await self._contents(hash_id, contents)
        subject = _subject(hash_id, message, as_of)
        answer = await self._query.run(subject)
        if hash_id and as_of is None:
            self._images.remember(hash_id, answer.plan.lookups)
        report = await asyncio.to_thread(
            assemble,
            hash_id=hash_id,
            contents=message,
            hits=answer.hits,
            enrichments=answer.enrichments,
            schemes=self._query.schemes,
            namespaces=answer.namespaces,
        )
        return Made(report, subject, answer)

    async def explain(
        self, hash_id: str, contents: Contents | None, package: str, vulnerability: str
    ) -> list[Explanation]:
        """Why the chosen packages of the image are hit, and why not."""
        message = await self._contents(hash_id, contents)
        return await self._query.explain(_subject(hash_id, message, None), package, vulnerability)

    async def _contents(self, hash_id: str, contents: Contents | None) -> Contents:
        if await self._store.last_update() is None:
            raise Referenced(_LOADING)
        if contents is None:
            if self._indexer is None:
                raise Invalid("empty contents is disabled")
            contents = await self._indexer.contents(hash_id)
        check_contents(contents)
        return contents


def _subject(hash_id: str, contents: Contents, as_of: datetime | None) -> Subject:
    return Subject(from_contents(contents), hash_id.removeprefix(HASH_PREFIX), as_of)
