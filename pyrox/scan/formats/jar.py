"""Reads Java archives: pom.properties, manifests, file names, and archives inside archives.

`pyrox.scan.ecosystems.java` calls it. Zip numbers are not trusted: the directory, each
member and everything unpacked at once have bounds, and damage becomes an `ArchiveProblem`.
"""

from __future__ import annotations

import hashlib
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO, Final

from pyrox.scan.model import NoteKind
from pyrox.scan.protocols import Limits

EXTENSIONS: Final = (".jar", ".war", ".ear", ".jpi", ".hpi")
MIN_SIZE: Final = 22  # an empty zip
_MANIFEST: Final = "META-INF/MANIFEST.MF"
_MARKS: Final = ("META-INF", "WEB-INF", "BOOT-INF")
"""Directories by which a zip is Java's; web applications are packed without the first by hand."""
_MEMBER_TEXT: Final = 4_000_000  # a manifest of signed jars lists every class
_END: Final = b"PK\x05\x06"
_END64: Final = b"PK\x06\x06"
_WIDE: Final = 56 + 20  # the end record of large zips, and its locator
_TAIL: Final = 65_535 + 22 + _WIDE  # the longest comment, and both end records
_MAX_NAME: Final = 1024  # longer ones are no artifact's, and the pattern takes the square of the length
_FILE_NAME: Final = re.compile(r"([!-~]+?)-([0-9][-.0-9A-Za-z]*(?:-SNAPSHOT)?)\.[a-z]+")
_GROUP: Final = (
    "group-id",
    "bundle-symbolicname",
    "implementation-vendor-id",
    "implementation-vendor",
    "specification-vendor",
)
_ARTIFACT: Final = (
    "implementation-title",
    "specification-title",
    "bundle-name",
    "extension-name",
    "short-name",
)
_VERSION: Final = ("bundle-version", "implementation-version", "plugin-version", "specification-version")
_BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    OverflowError,
)


@dataclass(frozen=True, slots=True)
class Artifact:
    """One artifact; `stage` is `maven`, `jar` or `file`: what it was read from."""

    name: str
    version: str
    stage: str
    location: str
    sha1: str


@dataclass(frozen=True, slots=True)
class ArchiveProblem:
    """An archive, or part of one, that was not read."""

    kind: NoteKind
    location: str
    detail: str


class JarReader:
    """Reads one archive with all that nests in it, within one budget."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._budget = limits.archive_bytes
        self._live = limits.archive_live_bytes

    def read(self, location: str, data: BinaryIO, depth: int = 0) -> Iterator[Artifact | ArchiveProblem]:
        """Artifacts of the archive first, then those of the archives inside it."""
        try:
            _check_directory(data, self._limits.archive_directory_bytes)
            digest = _sha1(data)
            with zipfile.ZipFile(data) as archive:
                yield from self._archive(location, archive, digest, depth)
        except _Refused as refused:
            yield ArchiveProblem(refused.kind, location, refused.detail)
        except _BROKEN as error:
            yield ArchiveProblem(NoteKind.MALFORMED, location, f"{type(error).__name__}: {error}"[:200])

    def _archive(
        self, location: str, archive: zipfile.ZipFile, digest: str, depth: int
    ) -> Iterator[Artifact | ArchiveProblem]:
        infos = archive.infolist()
        base = location.rpartition("/")[2]
        is_jar = any(info.filename.startswith(_MARKS) for info in infos)
        if not is_jar and not base.startswith("javax"):
            yield ArchiveProblem(NoteKind.UNSUPPORTED, location, "no META-INF: not a Java archive")
            return
        yield from self._identify(location, archive, infos, digest)
        for info in infos:
            if info.filename.lower().endswith(EXTENSIONS) and info.file_size >= MIN_SIZE:
                yield from self._nested(location, archive, info, depth)

    def _identify(
        self, location: str, archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo], digest: str
    ) -> Iterator[Artifact | ArchiveProblem]:
        poms = [
            i for i in infos if i.filename.startswith("META-INF/") and i.filename.endswith("/pom.properties")
        ]
        found: list[Artifact] = []
        for info in poms:
            try:
                values = _properties(self._member(archive, info, _MEMBER_TEXT))
            except (*_BROKEN, _Refused) as error:
                yield ArchiveProblem(NoteKind.MALFORMED, f"{location}:{info.filename}", str(error)[:200])
                continue
            if all(values.get(key) for key in ("groupId", "artifactId", "version")):
                name = f"{values['groupId']}:{values['artifactId']}"
                found.append(Artifact(name, values["version"], "maven", location, digest))
        if found:
            yield from dict.fromkeys(found)
            return
        try:
            artifact = self._manifest(location, archive, digest)
        except (*_BROKEN, _Refused) as error:
            # The name, and the archives inside, may still be good.
            yield ArchiveProblem(NoteKind.MALFORMED, f"{location}:{_MANIFEST}", str(error)[:200])
            artifact = None
        artifact = artifact or _from_name(location, digest)
        if artifact is not None:
            yield artifact

    def _manifest(self, location: str, archive: zipfile.ZipFile, digest: str) -> Artifact | None:
        try:
            info = archive.getinfo(_MANIFEST)
        except KeyError:
            return None
        named = manifest_names(self._member(archive, info, _MEMBER_TEXT))
        return Artifact(named[0], named[1], "jar", location, digest) if named else None

    def _nested(
        self, location: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo, depth: int
    ) -> Iterator[Artifact | ArchiveProblem]:
        inner = f"{location}:{info.filename}"
        if depth + 1 >= self._limits.nesting:
            yield ArchiveProblem(NoteKind.TOO_DEEP, inner, f"more than {self._limits.nesting} archives deep")
            return
        try:
            content = self._member(archive, info, self._live)
        except _Refused as refused:
            yield ArchiveProblem(refused.kind, inner, refused.detail)
            return
        except _BROKEN as error:
            yield ArchiveProblem(NoteKind.MALFORMED, inner, f"{type(error).__name__}: {error}"[:200])
            return
        self._live -= len(content)
        yield from self.read(inner, BytesIO(content), depth + 1)
        self._live += len(content)

    def _member(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, bound: int) -> bytes:
        """A member's bytes; what is declared does not count, only what comes out."""
        allowed = min(bound, self._budget)
        with archive.open(info) as member:
            content = member.read(allowed + 1)
        if len(content) > allowed:
            raise _Refused(NoteKind.TOO_LARGE, f"more than {allowed} bytes unpacked")
        self._budget -= len(content)
        return content


class _Refused(Exception):
    def __init__(self, kind: NoteKind, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail


def _check_directory(data: BinaryIO, bound: int) -> None:
    """Refuse a zip whose directory would not fit, before anything reads it into memory."""
    size = data.seek(0, 2)
    data.seek(max(0, size - _TAIL))
    tail = data.read(_TAIL)
    end = tail.rfind(_END)
    if end < 0 or len(tail) < end + 22:
        raise _Refused(NoteKind.MALFORMED, "no end of a zip directory")
    length = int.from_bytes(tail[end + 12 : end + 16], "little")
    # `zipfile` believes the wide record wherever a locator stands before the end, so it counts too.
    wide = tail[max(0, end - _WIDE) : end]
    if len(wide) == _WIDE and wide.startswith(_END64):
        length = max(length, int.from_bytes(wide[40:48], "little"))
    if length > bound:
        raise _Refused(NoteKind.TOO_LARGE, f"zip directory of {length} bytes: at most {bound} are read")
    data.seek(0)


def _sha1(data: BinaryIO) -> str:
    """The digest that upstream's repository hint carries; a name, not a protection."""
    digest = hashlib.sha1(usedforsecurity=False)
    while chunk := data.read(1 << 18):
        digest.update(chunk)
    data.seek(0)
    return digest.hexdigest()


def _properties(content: bytes) -> dict[str, str]:
    values: dict[str, str] = {}
    for line in content.decode("utf-8", "replace").splitlines():
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith(("#", "!")):
            values.setdefault(key.strip(), value.strip())
    return values


def manifest_names(content: bytes) -> tuple[str, str] | None:
    """Name (`group:artifact`, or the one that is known) and version from a manifest's main section."""
    values = _main_section(content.decode("utf-8", "replace"))
    group = next((g for key in _GROUP if (g := _group(key, values))), "")
    artifact = next((values[key] for key in _ARTIFACT if values.get(key) and values[key] != group), "")
    version = next((values[key] for key in _VERSION if values.get(key)), "")
    name = ":".join(part for part in (group, artifact) if part)
    return (name, version) if name and version else None


def _main_section(text: str) -> dict[str, str]:
    """The attributes up to the first empty line; the last one of a name counts."""
    pieces: dict[str, list[str]] = {}
    last = ""
    for line in text.splitlines():
        if not line.strip():
            break
        if line[0] == " " and last:
            pieces[last].append(line[1:])  # a line of 72 bytes continues after one space
            continue
        key, colon, value = line.partition(":")
        last = key.strip().lower() if colon else ""
        if last:
            pieces[last] = [value.strip()]
    return {key: "".join(parts) for key, parts in pieces.items()}


def _group(key: str, values: dict[str, str]) -> str:
    value = values.get(key, "")
    if key == "bundle-symbolicname":
        value = value.partition(";")[0].strip()
    return "" if " " in value else value


def _from_name(location: str, digest: str) -> Artifact | None:
    base = location.rpartition(":")[2].rpartition("/")[2]
    found = _FILE_NAME.fullmatch(base) if len(base) <= _MAX_NAME else None
    return Artifact(found[1], found[2], "file", location, digest) if found else None
