"""From the contents of an image to its report: the way that gRPC and JSON requests share.

Used by `api` and `insight`. It knows neither SQL nor a transport.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from pyrox.errors import Invalid, Referenced
from pyrox.pb.internalapi.scanner.v4.common_pb2 import Contents
from pyrox.pb.internalapi.scanner.v4.index_report_pb2 import IndexReport
from pyrox.pb.internalapi.scanner.v4.vulnerability_report_pb2 import VulnerabilityReport
from pyrox.scan.codec import from_contents
from pyrox.scan.explain import Explanation
from pyrox.scan.model import Lookup, Note
from pyrox.scan.notes import from_text, partial
from pyrox.scan.report import Matched, encode
from services.scanner_matcher.query import Answer, Query, Subject
from services.scanner_matcher.store import VulnStore
from services.scanner_matcher.validate import HASH_PREFIX, check_contents

_LOADING = (
    "the matcher is not initialized: initial load for the vulnerability DB is in progress; try again later"
)


class IndexReports(Protocol):
    """Where the contents of an image come from when the request has none."""

    async def report(self, hash_id: str) -> IndexReport:
        """The stored report. Raises `NotFound`, or what reaching the Indexer raises."""


class Rememberer(Protocol):
    """Keeps what was asked for an image."""

    def remember(self, hash_id: str, lookups: tuple[Lookup, ...]) -> None:
        """Keep the questions of the image; never waits and never fails."""


@dataclass(frozen=True, slots=True)
class Made:
    """A report as it goes over the wire, and what it was made of."""

    data: bytes
    subject: Subject
    answer: Answer

    @property
    def report(self) -> VulnerabilityReport:
        """The report, decoded."""
        return VulnerabilityReport.FromString(self.data)


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
        message, unread = await self._contents(hash_id, contents)
        subject = _subject(hash_id, message, as_of, unread)
        answer = await self._query.run(subject)
        if hash_id and as_of is None:
            self._images.remember(hash_id, answer.plan.lookups)
        matched = Matched(answer.hits, answer.enrichments, self._query.schemes, answer.namespaces)
        data = await asyncio.to_thread(
            encode, hash_id=hash_id, contents=message, matched=matched, partial=partial(unread)
        )
        return Made(data, subject, answer)

    async def explain(
        self, hash_id: str, contents: Contents | None, package: str, vulnerability: str
    ) -> list[Explanation]:
        """Why the chosen packages of the image are hit, and why not."""
        message, _ = await self._contents(hash_id, contents)
        return await self._query.explain(_subject(hash_id, message, None), package, vulnerability)

    async def _contents(self, hash_id: str, contents: Contents | None) -> tuple[Contents, tuple[Note, ...]]:
        """What the image holds, and what the Indexer did not read of it."""
        if await self._store.last_update() is None:
            raise Referenced(_LOADING)
        unread: tuple[Note, ...] = ()
        if contents is None:
            if self._indexer is None:
                raise Invalid("empty contents is disabled")
            stored = await self._indexer.report(hash_id)
            contents, unread = stored.contents, from_text(stored.err)
        check_contents(contents)
        return contents, unread


def _subject(
    hash_id: str, contents: Contents, as_of: datetime | None, unread: tuple[Note, ...] = ()
) -> Subject:
    report = replace(from_contents(contents), notes=unread)
    return Subject(report, hash_id.removeprefix(HASH_PREFIX), as_of)
