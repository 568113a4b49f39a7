"""A ZIP archive that is written while it is sent: no part of it is ever stored.

`export.py` writes into it and takes what is ready. The dump is compressed by pg_dump
already, so it is stored; sizes follow the data, as the format allows for streams.
"""

from __future__ import annotations

import zipfile
from contextlib import AbstractContextManager
from datetime import datetime
from typing import IO

_MODE = 0o600


class _Outbox:
    """What the ZIP writer takes for a file that cannot be rewound."""

    def __init__(self) -> None:
        self.content = bytearray()

    def write(self, data: bytes) -> int:
        """Keep it until it is taken."""
        self.content += data
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""


class Archive:
    """One archive."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment.timetuple()[:6]
        self._outbox = _Outbox()
        self._zip = zipfile.ZipFile(self._outbox, "w", allowZip64=True)  # type: ignore[call-overload]  # it needs write and flush alone

    def add(self, name: str, content: bytes) -> None:
        """A small file."""
        self._zip.writestr(self._info(name, zipfile.ZIP_DEFLATED), content)

    def member(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """A file of unknown length: write into it."""
        opened: IO[bytes] = self._zip.open(self._info(name, zipfile.ZIP_STORED), "w", force_zip64=True)
        return opened

    def close(self) -> None:
        """Write the directory at the end."""
        self._zip.close()

    def ready(self) -> bytes:
        """What can be sent now."""
        taken = bytes(self._outbox.content)
        self._outbox.content.clear()
        return taken

    def _info(self, name: str, method: int) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(name, date_time=self._moment)
        info.compress_type = method
        info.external_attr = _MODE << 16
        return info
