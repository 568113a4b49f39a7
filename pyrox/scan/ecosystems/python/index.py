"""Finds installed Python packages by their metadata files.

A dist-info directory whose INSTALLER names a distribution's package manager is left out:
the operating system's package stands for it. What a package carries inside itself
(`setuptools/_vendor`) is not installed: pip does not list it, and neither does this.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import BinaryIO, Final

from pyrox.scan.formats import lockjson, locktoml
from pyrox.scan.formats.run import MAX_TEXT, Collector
from pyrox.scan.locks import Ecosystem, LockDetector
from pyrox.scan.model import Finds, NormalizedVersion, NoteKind, Package, Repository
from pyrox.scan.protocols import Entry, Limits
from pyrox.scan.versions import pep440

ECOSYSTEM: Final = "python"
REPOSITORY: Final = Repository(name="pypi")
_METADATA: Final = re.compile(
    r"(?:.*/)?(?:[^/]+\.egg/EGG-INFO/PKG-INFO|[^/]+\.egg-info|[^/]+\.egg-info/PKG-INFO|[^/]+\.dist-info/METADATA)"
)
_INSTALLER: Final = re.compile(r"(?:.*/)?[^/]+\.dist-info/INSTALLER")
_SYSTEM: Final = frozenset((b"rpm", b"dpkg", b"apk"))
_ROOT: Final = re.compile(r"(?:^|/)(?:site|dist)-packages/")
_VENDORED: Final = re.compile(r"/_vendor(?:ed)?/")
# pip's stdlib_pkgs (pip/_internal/utils/compat.py): parts of Python itself, which it never lists.
_STANDARD: Final = frozenset(("python", "wsgiref", "argparse"))
# A directory that pip left behind when it was stopped while uninstalling (AdjacentTempDirectory).
_LEFT_BEHIND: Final = ("~", "-")
_HEADER_BYTES: Final = 1_000_000  # the description that follows the headers may be longer
_INT32: Final = 2**31 - 1
_PRE: Final = {1: -3, 2: -2, 3: -1}


def normalized(parts: pep440.Pep440) -> NormalizedVersion:
    """Upstream's ten numbers: epoch, five of the release, pre label and number, post, dev."""
    v = [0] * 10
    v[0] = parts.epoch
    v[1 : 1 + len(parts.release[:5])] = parts.release[:5]
    v[6] = _PRE.get(parts.pre[0], 0)
    v[7] = parts.pre[1]
    v[8] = parts.post or 0
    if parts.dev and (v[8] or v[6]):
        v[9] = -parts.dev
    elif parts.dev:
        v[6] = -_INT32 - 1 + parts.dev
    if any(abs(number) > _INT32 + 1 or number > _INT32 for number in v):
        return NormalizedVersion()
    return NormalizedVersion("pep440", tuple(v))


def _normalized_text(version: str) -> NormalizedVersion:
    parts = pep440.parse(version) if len(version) <= MAX_TEXT else None
    return normalized(parts) if parts else NormalizedVersion()


def headers(content: bytes) -> dict[str, str]:
    """The first value of each header, by lower-case name, up to the first empty line."""
    values: dict[str, str] = {}
    for line in content.decode("utf-8", "replace").splitlines():
        if not line.strip():
            break
        name, colon, value = line.partition(":")
        if colon and line[0] not in " \t":
            values.setdefault(name.strip().lower(), value.strip())
    return values


def _installed(path: str) -> bool:
    """Whether pip would look there: the metadata lie in an import root, not deeper in a package."""
    root = _ROOT.search(path)
    if root is None:
        return not _VENDORED.search(path)
    first, _, more = path[root.end() :].partition("/")
    return not first.startswith(_LEFT_BEHIND) and more.count("/") == first.endswith(".egg")


def _printed(version: str, parts: pep440.Pep440 | None) -> str:
    """The normal form with its local part, as pip lists it; a text outside PEP 440 as it stands."""
    if parts is None:
        return version
    public = pep440.canonical(version) or version
    return f"{public}+{'.'.join(parts.local)}" if parts.local else public


def _place(path: str) -> str:
    """The directory that holds the package's metadata directory (or file)."""
    up = path.rpartition("/")[0]
    return up if path.endswith(".egg-info") else up.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class _Found:
    name: str
    version: str


class _Run:
    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._collector = Collector(limits)
        self._system: set[str] = set()
        self._found: dict[str, _Found] = {}

    def take(self, entry: Entry, data: BinaryIO) -> None:
        """Keep name and version of a metadata file, or who installed a package."""
        if len(self._found) + len(self._system) >= self._limits.packages:
            self._collector.note(
                NoteKind.TOO_MANY, entry.path, f"more than {self._limits.packages} metadata files"
            )
            return
        if entry.path.endswith("/INSTALLER"):
            if data.read(64).strip() in _SYSTEM:
                self._system.add(entry.path.removesuffix("INSTALLER"))
            return
        values = headers(data.read(_HEADER_BYTES))
        name, version = values.get("name", ""), values.get("version", "")
        self._found.pop(entry.path, None)
        if name and version:
            self._found[entry.path] = _Found(name[: MAX_TEXT + 1], version[: MAX_TEXT + 1])
        elif not entry.path.endswith(".egg-info"):
            self._collector.note(NoteKind.MALFORMED, entry.path, "metadata without name or version")

    def finish(self) -> Finds:
        """The packages that no package manager of the system installed."""
        for path, found in self._found.items():
            if path.removesuffix("METADATA") in self._system or found.name.lower() in _STANDARD:
                continue
            if not self._add(path, found):
                break
        return self._collector.finds(REPOSITORY)

    def _add(self, path: str, found: _Found) -> bool:
        parts = pep440.parse(found.version) if len(found.version) <= MAX_TEXT else None
        if parts is None:
            # Kept, so that the report can say that its version was not understood.
            self._collector.note(NoteKind.UNPARSABLE_VERSION, path, f"{found.name} {found.version[:80]}")
        package = Package(
            name=found.name.lower(),
            version=_printed(found.version, parts),
            ecosystem=ECOSYSTEM,
            package_db=f"python:{_place(path)}",
            filepath=path,
            repository=REPOSITORY.name,
            normalized=normalized(parts) if parts else NormalizedVersion(),
        )
        return self._collector.add(path, package)


class PythonDetector:
    """Reads wheels' METADATA and eggs' PKG-INFO."""

    name = "python"
    version = "6"
    kind = "package"
    reads_text = False  # only the headers are read, however long the description is

    def wants(self, path: str, mode: int) -> bool:  # noqa: ARG002 - the protocol's signature
        """True for metadata files and INSTALLER files."""
        if not path.endswith(("/METADATA", "/PKG-INFO", ".egg-info", "/INSTALLER")):
            return False
        return bool(_METADATA.fullmatch(path) or _INSTALLER.fullmatch(path)) and _installed(path)

    def start(self, limits: Limits) -> _Run:
        """A fresh run for one layer."""
        return _Run(limits)


DETECTORS = (
    PythonDetector(),
    LockDetector(
        "python-lock",
        "1",
        Ecosystem(ECOSYSTEM, "python", REPOSITORY, normalized=_normalized_text),
        {
            "poetry.lock": locktoml.python,
            "uv.lock": locktoml.python,
            "pdm.lock": locktoml.python,
            "Pipfile.lock": lockjson.pipfile,
        },
    ),
)
