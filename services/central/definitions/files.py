"""The definitions on disk: bundles of an offline upload or of the installation itself.

The route serves them, the newest of several. It must not know HTTP.
"""

from __future__ import annotations

import asyncio
import tempfile
import zipfile
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pyrox.errors import Exhausted, Invalid

# Names inside upstream's offline bundle, and of the files that scanners ask for.
VULNERABILITIES = "vulnerabilities.zip"
REPO_TO_CPE = "repository-to-cpe.json"
NAME_TO_REPOS = "container-name-repos-map.json"
_OFFLINE_PREFIX = "v4-definitions-"
_MAPPINGS = frozenset({REPO_TO_CPE, NAME_TO_REPOS})
# An offline bundle of all feeds is some 700 MB.
MAX_UPLOAD_BYTES = 4 << 30
_SLICE = 1 << 20
# What zipfile raises for a damaged, an encrypted and an unknown kind of archive.
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError)


@dataclass(frozen=True, slots=True)
class DefinitionFile:
    """A file that a scanner may fetch."""

    path: Path
    modified: datetime


class Definitions:
    """Definition files in directories, the first of which takes uploads."""

    def __init__(self, *, uploads: Path, bundled: Path) -> None:
        """`bundled` holds what the installation brought; an upload wins when it is newer."""
        self._uploads = uploads
        self._bundled = bundled

    def find(self, name: str) -> DefinitionFile | None:
        """The newest file of that name."""
        found = [path for path in (self._uploads / name, self._bundled / name) if path.is_file()]
        if not found:
            return None
        newest = max(found, key=lambda path: path.stat().st_mtime)
        return DefinitionFile(newest, datetime.fromtimestamp(int(newest.stat().st_mtime), UTC))

    async def take(self, body: AsyncIterator[bytes]) -> list[str]:
        """Store an offline bundle; the names of what it held.

        Raises `Invalid` when it is no such bundle, `Exhausted` when it is too large.
        """
        self._uploads.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._uploads) as scratch:
            received = Path(scratch) / "upload.zip"
            size = 0
            with received.open("wb") as file:
                async for part in body:
                    size += len(part)
                    if size > MAX_UPLOAD_BYTES:
                        raise Exhausted(f"the bundle is larger than {MAX_UPLOAD_BYTES} bytes")
                    file.write(part)
            return await asyncio.to_thread(self._unpack, received, Path(scratch))

    def _unpack(self, received: Path, scratch: Path) -> list[str]:
        try:
            with zipfile.ZipFile(received) as archive:
                inner = [n for n in archive.namelist() if Path(n).name.startswith(_OFFLINE_PREFIX)]
                if not inner:
                    raise Invalid.because(
                        f"the upload holds no {_OFFLINE_PREFIX}*.zip; use an offline bundle"
                    )
                source = scratch / "v4.zip"
                _copy(archive, inner[0], source)
            with zipfile.ZipFile(source) as archive:
                return self._place(archive, scratch)
        except _UNREADABLE as error:
            raise Invalid.because(f"the upload is no zip file that can be read: {error}") from error

    def _place(self, archive: zipfile.ZipFile, scratch: Path) -> list[str]:
        """Unpack everything we know, then put it where it is served: all of it or nothing."""
        members = {Path(member).name: member for member in archive.namelist()}
        known = sorted(members.keys() & (_MAPPINGS | {VULNERABILITIES}))
        for name in known:
            _copy(archive, members[name], scratch / name)
        for name in known:
            (scratch / name).replace(self._uploads / name)
        return known


def _copy(archive: zipfile.ZipFile, member: str, target: Path) -> None:
    """Unpack one member, whatever size it claims. Raises `Exhausted` beyond the limit."""
    size = 0
    with archive.open(member) as packed, target.open("wb") as file:
        while part := packed.read(_SLICE):
            size += len(part)
            if size > MAX_UPLOAD_BYTES:
                raise Exhausted(f"{Path(member).name} unpacks to more than {MAX_UPLOAD_BYTES} bytes")
            file.write(part)
