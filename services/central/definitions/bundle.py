"""An offline bundle as it was uploaded: which of its files this release takes, and members of those.

`files.py` calls it in a thread. Rules and texts are upstream's
(`central/scannerdefinitions/handler`). It must not know where the files go.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pyrox.errors import Exhausted, Invalid
from services.central.definitions.store import V2, V4

MANIFEST = "manifest.json"
_V2_MEMBER = "scanner-defs.zip"
_V4_PREFIX = "v4-definitions-"
# An offline bundle of all feeds is some 700 MB.
MAX_BYTES = 4 << 30
_MAX_MANIFEST_BYTES = 1 << 20
_SLICE = 1 << 20
# What zipfile raises for a damaged, an encrypted and an unknown kind of archive.
UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a file of Scanner V4's definitions says about itself."""

    version: str
    """The form of bundle that the Matcher asks for."""
    releases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """The release that definitions must be made for."""

    version: str
    scanner_v4: bool = True
    """Whether a Scanner V4 is installed; without it its definitions are not looked at."""

    @property
    def variants(self) -> frozenset[str]:
        """The version and what is less exact, down to X.Y (upstream `pkg/version.Variants`)."""
        found, rest = [self.version], self.version
        while "-" in rest:
            rest = rest.rpartition("-")[0]
            found.append(rest)
        while rest.count(".") > 1:
            rest = rest.rpartition(".")[0]
            found.append(rest)
        return frozenset(found)


def accepted(received: Path, scratch: Path, release: Release) -> dict[str, Path]:
    """The files to keep by their blob names, unpacked into `scratch`.

    Raises `Invalid` when the bundle is not one for this release, `Exhausted` when a file
    unpacks beyond the limit.
    """
    found: dict[str, Path] = {}
    with _opened(received, "failed to open offline zip") as archive:
        v4 = ""
        for index, name in enumerate(archive.namelist()):
            target = scratch / f"{index}.zip"
            if name == _V2_MEMBER:
                if V2 in found:
                    raise Invalid(f"v2 definitions: found duplicate definition: {name}")
                unpack(archive, name, target)
                found[V2] = target
            elif release.scanner_v4 and name.startswith(_V4_PREFIX):
                unpack(archive, name, target)
                if not _made_for(target, name, release):
                    target.unlink()
                    continue
                if v4:
                    raise Invalid(
                        f"v4 definitions: found more than one supported definitions file: {v4} and {name}"
                    )
                v4, found[V4] = name, target
    if V2 not in found or (release.scanner_v4 and V4 not in found):
        raise Invalid(
            f"the uploaded bundle is incompatible with release version number '{release.version}' "
            "please upload an offline bundle that supports this release, "
            "and consider using `roxctl scanner download-db`"
        )
    return found


def _made_for(path: Path, name: str, release: Release) -> bool:
    with _opened(path, f"invalid v4 definition: {name}: failed to open definitions zip") as archive:
        try:
            found = manifest(archive)
        except KeyError as error:
            raise Invalid(
                f"invalid v4 definition: {name}: failed to open definitions manifest: "
                f"extracting file: open {MANIFEST}: file does not exist"
            ) from error
        except ValueError as error:
            raise Invalid(
                f"invalid v4 definition: {name}: failed to read definitions manifest: {error}"
            ) from error
    return not release.variants.isdisjoint(found.releases)


def manifest(archive: zipfile.ZipFile) -> Manifest:
    """The manifest of V4 definitions. Raises `KeyError` without one, `ValueError` for a damaged one."""
    with archive.open(MANIFEST) as file:
        raw = file.read(_MAX_MANIFEST_BYTES)
    found = json.loads(raw)
    if not isinstance(found, dict):
        raise ValueError("not an object")  # noqa: TRY004 - what json.loads raises too
    version, releases = found.get("version", ""), found.get("release_versions", "")
    if not isinstance(version, str) or not isinstance(releases, str):
        raise ValueError("version and release_versions are texts")  # noqa: TRY004 - as above
    return Manifest(version=version, releases=tuple(releases.split()))


def unpack(archive: zipfile.ZipFile, member: str, target: Path) -> None:
    """Unpack one member, whatever size it claims. Raises `Exhausted` beyond the limit."""
    size = 0
    with archive.open(member) as packed, target.open("wb") as file:
        while part := packed.read(_SLICE):
            size += len(part)
            if size > MAX_BYTES:
                raise Exhausted(f"{Path(member).name} unpacks to more than {MAX_BYTES} bytes")
            file.write(part)


@contextmanager
def _opened(path: Path, failure: str) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except UNREADABLE as error:
        raise Invalid(f"{failure}: {error}") from error
