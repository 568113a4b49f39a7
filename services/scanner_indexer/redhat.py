"""Today's state of Red Hat's two files, kept in memory for the reports that need them.

`states` asks for it when an image has Red Hat's content. A file is asked for again after ten
minutes at the earliest (claircore rhel/internal/common/updater.go), and only if it changed;
what was fetched before answers while the server does not. It must not know reports.
"""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import RoxError
from pyrox.scan.repositories import Mappings
from services.scanner_indexer.mapping import Lists, RemoteFile

_LOG = log.get(__name__)
_AGAIN_SECONDS = 600.0
_AFTER_FAILURE_SECONDS = 30.0
_T = TypeVar("_T")


class KnownFile(Generic[_T]):
    """One file, as it was when it was last fetched."""

    def __init__(self, file: RemoteFile[_T], *, clock: Clock) -> None:
        self._file = file
        self._clock = clock
        self._lock = asyncio.Lock()
        self._value: _T | None = None
        self._last_modified = ""
        self._next = float("-inf")

    async def current(self) -> _T | None:
        """The content; None when nobody could give it yet."""
        async with self._lock:
            if self._clock.monotonic() >= self._next:
                await self._refresh()
            return self._value

    async def _refresh(self) -> None:
        pause = _AGAIN_SECONDS
        try:
            found = await self._file.get(self._last_modified if self._value is not None else "")
            if found is not None:
                self._value, self._last_modified = found.value, found.last_modified
                # A seed has no time: the server is asked again soon.
                pause = _AGAIN_SECONDS if found.last_modified else _AFTER_FAILURE_SECONDS
        except RoxError as error:
            _LOG.warning("Red Hat's file not fetched", error=error.message, known=self._value is not None)
            pause = _AFTER_FAILURE_SECONDS
        self._next = self._clock.monotonic() + pause


class RedHatFiles:
    """Both files."""

    def __init__(self, *, repositories: RemoteFile[Lists], names: RemoteFile[Lists], clock: Clock) -> None:
        self._repositories = KnownFile(repositories, clock=clock)
        self._names = KnownFile(names, clock=clock)

    async def current(self) -> Mappings:
        """What both say now."""
        return Mappings(cpes=await self._repositories.current(), names=await self._names.current())
