"""Definition files that scanners fetch: members of what was uploaded, or of the installation itself.

The route asks for them. What was uploaded lives in Central DB; its members are unpacked
into a directory of this process for as long as they are the current ones. It must not
know HTTP.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import zipfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from pyrox import log
from pyrox.errors import Exhausted
from pyrox.scratch import Scratch
from services.central.definitions import bundle
from services.central.definitions.bundle import Release
from services.central.definitions.store import V2, V4, Stored, UploadInProgress

# Names inside upstream's bundles, and of the files that scanners ask for.
VULNERABILITIES = "vulnerabilities.zip"
REPO_TO_CPE = "repository-to-cpe.json"
NAME_TO_REPOS = "container-name-repos-map.json"
_WHOLE = "whole.zip"
_LOG = log.get(__name__)


class Blobs(Protocol):
    """Where uploads are kept."""

    async def about(self, name: str) -> Stored | None:
        """What is kept under that name."""

    async def replace(self, files: Mapping[str, Path]) -> None:
        """Keep these files under their names, all of them or none."""

    async def copy(self, name: str, target: Path) -> Stored | None:
        """Write the content to a file; what it was."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a scanner asks for."""

    blob: str
    member: str = ""
    """One file of the blob; empty means the whole."""
    version: str = ""
    """The form of bundle that the manifest must name; empty means any."""

    @classmethod
    def of_v4(cls, member: str, version: str = "") -> Wanted:
        """A file of Scanner V4's definitions."""
        return cls(V4, member, version)

    @classmethod
    def of_v2(cls, member: str) -> Wanted:
        """The StackRox Scanner's definitions, or a file of them."""
        return cls(V2, member)


@dataclass(frozen=True, slots=True)
class DefinitionFile:
    """A file that a scanner may fetch."""

    path: Path | None
    """None when it is no newer than what the scanner has."""
    modified: datetime


class Definitions:
    """Uploaded and bundled definitions, the newest of which are served."""

    def __init__(self, *, blobs: Blobs, directory: Path, bundled: Path, release: Release) -> None:
        """`bundled` holds what the installation brought, `directory` is for this process alone."""
        self._blobs = blobs
        self._directory = directory
        self._bundled = bundled
        self._release = release
        self._unpacking = asyncio.Lock()
        self._uploading = False

    async def find(self, wanted: Wanted, since: datetime | None = None) -> DefinitionFile | None:
        """The newest file; without its path when it is not newer than `since`."""
        stored, ours = await self._blobs.about(wanted.blob), self._of_installation(wanted)
        if stored is not None and (ours is None or stored.modified >= ours.modified):
            if since is not None and stored.modified <= since:
                return DefinitionFile(None, stored.modified)
            found = await self._unpacked(wanted)
            if found is not None:
                return found
        if ours is not None and since is not None and ours.modified <= since:
            return DefinitionFile(None, ours.modified)
        return ours

    def _of_installation(self, wanted: Wanted) -> DefinitionFile | None:
        path = self._bundled / wanted.member
        if wanted.blob != V4 or not path.is_file():
            return None
        return DefinitionFile(path, datetime.fromtimestamp(int(path.stat().st_mtime), UTC))

    async def _unpacked(self, wanted: Wanted) -> DefinitionFile | None:
        """The file as it is stored now; None when it is not among what is stored."""
        async with self._unpacking:
            stored = await self._blobs.about(wanted.blob)
            room = self._directory / stored.checksum if stored else None
            if stored is None or room is None or not (room / _WHOLE).is_file():
                stored = await self._fetched(wanted.blob)
                if stored is None:
                    return None
                room = self._directory / stored.checksum
            try:
                path = await asyncio.to_thread(_member, room, wanted, stored.modified.timestamp())
            except bundle.UNREADABLE as error:
                _LOG.warning("uploaded definitions cannot be read", blob=wanted.blob, error=str(error))
                return None
            return None if path is None else DefinitionFile(path, stored.modified)

    async def _fetched(self, blob: str) -> Stored | None:
        """Copy a blob into a room of its own and give up rooms of what is no longer stored."""
        self._directory.mkdir(parents=True, exist_ok=True)
        with Scratch(".fetch-", self._directory) as scratch:
            stored = await self._blobs.copy(blob, scratch / _WHOLE)
            if stored is None:
                return None
            (scratch / _WHOLE).rename(_emptied(self._directory / stored.checksum) / _WHOLE)
        kept = {found.checksum for name in (V2, V4) if (found := await self._blobs.about(name))}
        for room in self._directory.iterdir():
            if room.name not in kept and not room.name.startswith("."):
                await asyncio.to_thread(shutil.rmtree, room, ignore_errors=True)
        return stored

    async def take(self, body: AsyncIterator[bytes]) -> None:
        """Store an offline bundle.

        Raises `Invalid` when it is not one for this release, `Exhausted` when it or a file
        of it is too large for the limit or the disk, `UploadInProgress` beside another.
        """
        if self._uploading:
            raise UploadInProgress
        self._uploading = True
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            with Scratch(".upload-", self._directory) as scratch:
                received = scratch / "received"
                await _receive(body, received)
                files = await asyncio.to_thread(bundle.accepted, received, scratch, self._release)
                await self._blobs.replace(files)
        except OSError as error:
            raise Exhausted(f"the upload cannot be kept in {self._directory}: {error.strerror}") from error
        finally:
            self._uploading = False


async def _receive(body: AsyncIterator[bytes], target: Path) -> None:
    size = 0
    with target.open("wb") as file:
        async for part in body:
            size += len(part)
            if size > bundle.MAX_BYTES:
                raise Exhausted(f"the bundle is larger than {bundle.MAX_BYTES} bytes")
            file.write(part)


def _member(room: Path, wanted: Wanted, modified: float) -> Path | None:
    """The wanted file in its room, unpacked when nobody asked before."""
    if not wanted.member:
        return _dated(room / _WHOLE, modified)
    with zipfile.ZipFile(room / _WHOLE) as archive:
        if wanted.member not in archive.namelist():
            return None
        # Upstream's release builds serve only the form that is asked for.
        if wanted.version and bundle.manifest(archive).version != wanted.version:
            return None
        # A name of the scanner's choice is no name for a file.
        target = room / hashlib.sha256(wanted.member.encode()).hexdigest()
        if not target.is_file():
            part = target.with_suffix(".part")
            bundle.unpack(archive, wanted.member, part)
            part.rename(target)
    return _dated(target, modified)


def _dated(path: Path, modified: float) -> Path:
    """The file with the time of the upload, from which every replica makes the same entity tag."""
    os.utime(path, (modified, modified))
    return path


def _emptied(room: Path) -> Path:
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir()
    return room
