"""Bills of material in and out, for the gRPC servicer.

Upstream's forms (scanner/sbom): SPDX 2.3 out; SPDX in, and CycloneDX beside it. Red Hat's
packages name a repository, whose CPEs the Indexer knows; that mapping is kept for a day.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import Invalid, RoxError
from pyrox.pb.internalapi.scanner.v4.common_pb2 import Contents
from pyrox.scan.codec import from_contents, to_contents
from pyrox.scan.sbom import cyclonedx, reading, spdx
from pyrox.scan.sbom.document import Document

_LOG = log.get(__name__)
# Upstream's cache of the mapping (scanner/matcher/repo2cpe): a day, after a failure five minutes.
_GOOD_FOR = timedelta(hours=24)
_AFTER_FAILURE = timedelta(minutes=5)
_TYPES = spdx.MEDIA_TYPES | {cyclonedx.MEDIA_TYPE}
Cpes = Mapping[str, Sequence[str]]


class Repositories(Protocol):
    """Who knows the CPEs of Red Hat's repositories."""

    async def repository_cpes(self) -> Cpes:
        """CPEs by repository id. Raises what reaching the Indexer raises."""


@dataclass(frozen=True, slots=True)
class Names:
    """What a document is called: upstream's id, name and address of its own."""

    id: str
    name: str
    uri: str


class Bills:
    """Writes and reads documents."""

    def __init__(self, *, repositories: Repositories | None, clock: Clock, version: str) -> None:
        self._repositories = repositories
        self._clock = clock
        self._version = version
        self._cpes: Cpes = {}
        self._until: datetime | None = None

    async def spdx(self, names: Names, contents: Contents) -> bytes:
        """The contents as an SPDX document."""
        document = Document(
            name=names.id,
            subject=names.name,
            namespace=names.uri,
            created=self._clock.now(),
            tool_version=self._version,
        )
        return await asyncio.to_thread(lambda: spdx.write(from_contents(contents), document))

    async def read(self, raw: bytes, media_type: str) -> Contents:
        """The packages of a document. Raises `Invalid` that says what is wrong with it."""
        kind = media_type.partition(";")[0].strip()
        if kind not in _TYPES:
            raise Invalid.of(f'unsupported media type: "{media_type[:100]}"')
        cpes = await self._known()
        try:
            report = await asyncio.to_thread(reading.read, raw, kind, lambda name: cpes.get(name, ()))
        except reading.InvalidDocument as error:
            raise Invalid.of(f"failed to decode SBOM: {error}") from error
        for note in report.notes:
            _LOG.debug("part of an SBOM not read", subject=note.subject, reason=note.detail)
        return await asyncio.to_thread(to_contents, report)

    async def _known(self) -> Cpes:
        """The mapping, fetched when it is first needed; without it Red Hat's packages are left out."""
        now = self._clock.now()
        if self._repositories is None or (self._until is not None and now < self._until):
            return self._cpes
        try:
            self._cpes = await self._repositories.repository_cpes()
            self._until = now + _GOOD_FOR
        except RoxError as error:
            _LOG.warning("repositories of Red Hat not known", error=error.message)
            self._until = now + _AFTER_FAILURE
        return self._cpes
