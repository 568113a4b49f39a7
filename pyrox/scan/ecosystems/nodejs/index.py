"""Finds Node.js packages: the package.json of each directory that stands in a node_modules."""

from __future__ import annotations

import re
from typing import BinaryIO, Final

import msgspec

from pyrox.scan.formats import lockjson, locktext
from pyrox.scan.formats.run import Collector
from pyrox.scan.locks import Ecosystem, LockDetector
from pyrox.scan.model import Finds, NormalizedVersion, NoteKind, Package, Repository
from pyrox.scan.protocols import Entry, Limits
from pyrox.scan.versions import InvalidVersion, semver

ECOSYSTEM: Final = "nodejs"
REPOSITORY: Final = Repository(name="npm")
_HINT: Final = "npm"  # upstream's repository hint of these packages
_INT32: Final = 2**31 - 1
_FOLDER: Final = "/node_modules/"
# A package, the node_modules below it, and so on down. Anything else in between are a package's own
# tests and build products: `npm ls` knows none of them. pnpm and Yarn keep packages apart by version.
_TREE: Final = re.compile(
    r"(?:node_modules/(?:\.(?:pnpm|store)/[^/]+/node_modules/)?(?:@[^/]+/)?[^/@.][^/]*/)+package\.json"
    r"|node_modules/\.store/[^/]+/package/package\.json"
)
_BOM: Final = b"\xef\xbb\xbf"


class _Manifest(msgspec.Struct):
    """The two fields that count; all else is passed over without being built."""

    name: str = ""
    version: str = ""


_DECODER: Final = msgspec.json.Decoder(_Manifest)


def _installed(path: str) -> bool:
    """Whether the file describes a package that npm, pnpm or Yarn put there."""
    start = f"/{path}".find(_FOLDER)
    return start >= 0 and bool(_TREE.fullmatch(path, start))


def normalized(version: str) -> NormalizedVersion:
    """Upstream's numbers: 0, major, minor, patch; empty when the version has no such form."""
    try:
        numbers = semver.parse(version).numbers
    except InvalidVersion:
        return NormalizedVersion()
    if len(numbers) > 3 or any(number > _INT32 for number in numbers):
        return NormalizedVersion()
    padded = (0, *numbers, *(0,) * (9 - len(numbers)))
    return NormalizedVersion("semver", padded)


class _Run:
    def __init__(self, limits: Limits) -> None:
        self._collector = Collector(limits)

    def take(self, entry: Entry, data: BinaryIO) -> None:
        """Read name and version; a manifest without both is not an installed package."""
        self._collector.begin(entry.path)
        try:
            manifest = _DECODER.decode(self._collector.text(entry, data).removeprefix(_BOM))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            self._collector.note(NoteKind.MALFORMED, entry.path, str(error)[:200])
            return
        if not manifest.name or not manifest.version:
            return
        found = normalized(manifest.version)
        if not found.kind:
            self._collector.note(
                NoteKind.UNPARSABLE_VERSION, entry.path, f"{manifest.name[:200]} {manifest.version[:80]}"
            )
        package = Package(
            name=manifest.name,
            version=manifest.version,
            ecosystem=ECOSYSTEM,
            package_db=f"nodejs:{entry.path}",
            filepath=entry.path,
            repository=REPOSITORY.name,
            repository_hint=_HINT,
            normalized=found,
        )
        self._collector.add(entry.path, package)

    def finish(self) -> Finds:
        """The packages of the layer."""
        return self._collector.finds(REPOSITORY)


class NodeDetector:
    """Reads package.json files below node_modules."""

    name = "nodejs"
    version = "4"
    kind = "package"
    reads_text = True

    def wants(self, path: str, mode: int) -> bool:  # noqa: ARG002 - the protocol's signature
        """True for the package.json of a directory that stands directly in node_modules."""
        return path.endswith("/package.json") and _installed(path)

    def start(self, limits: Limits) -> _Run:
        """A fresh run for one layer."""
        return _Run(limits)


DETECTORS = (
    NodeDetector(),
    LockDetector(
        "nodejs-lock",
        "1",
        Ecosystem(ECOSYSTEM, "nodejs", REPOSITORY, normalized=normalized, hint=_HINT),
        {
            "package-lock.json": lockjson.npm,
            "npm-shrinkwrap.json": lockjson.npm,
            "yarn.lock": locktext.yarn,
            "pnpm-lock.yaml": locktext.pnpm,
        },
    ),
)
