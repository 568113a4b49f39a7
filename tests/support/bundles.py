"""Offline bundles in upstream's form, and a place for them without a database."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from services.central.definitions.store import Stored

RELEASES = "4.10 4.11 4.11.x"
UPLOADED = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)


def packed(members: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these files."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return made.getvalue()


def v4_definitions(files: Mapping[str, bytes], *, releases: str = RELEASES, version: str = "v3") -> bytes:
    """Scanner V4's part of a bundle."""
    manifest = json.dumps({"version": version, "release_versions": releases}).encode()
    return packed({"manifest.json": manifest, **files})


def offline_bundle(files: Mapping[str, bytes], *, releases: str = RELEASES) -> bytes:
    """A whole bundle, as a client uploads it."""
    v2 = packed({"manifest.json": b"{}", "genesis": b"old"})
    return packed(
        {"scanner-defs.zip": v2, "v4-definitions-4.11.zip": v4_definitions(files, releases=releases)}
    )


class MemoryBlobs:
    """What Central DB does for uploads, in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.modified = UPLOADED
        self.copies = 0

    async def about(self, name: str) -> Stored | None:
        """What is kept under that name."""
        content = self.kept.get(name)
        if content is None:
            return None
        return Stored(name, hashlib.sha256(content).hexdigest(), self.modified)

    async def replace(self, files: Mapping[str, Path]) -> None:
        """Keep these files under their names."""
        self.kept |= {name: path.read_bytes() for name, path in files.items()}

    async def copy(self, name: str, target: Path) -> Stored | None:
        """Write the content to a file; what it was."""
        self.copies += 1
        if name in self.kept:
            target.write_bytes(self.kept[name])
        return await self.about(name)
