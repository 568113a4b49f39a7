"""Finds which of Red Hat's repositories the packages of a layer came from.

A content manifest of the build system names them; without one, or where it says so, dnf's
history does. Only repository ids are found here: what they mean (CPEs) changes, so it is
looked up for each report (`pyrox.scan.repositories`).
"""

from __future__ import annotations

import re
from typing import BinaryIO, Final

import msgspec

from pyrox.scan.ecosystems.rpm import dnf
from pyrox.scan.formats.run import Collector
from pyrox.scan.formats.sqlitefile import BrokenSqlite
from pyrox.scan.model import Finds, NoteKind
from pyrox.scan.protocols import Entry, Limits
from pyrox.scan.repositories import repoid_repository

# In this order, the first file of the first place that has any (claircore rhel/repositoryscanner.go).
_MANIFESTS: Final = (
    re.compile(r"root/buildinfo/content_manifests/[^/]+\.json"),
    re.compile(r"usr/share/buildinfo/content_manifests/[^/]+\.json"),
    re.compile(r"usr/share/buildinfo/[^/]+\.json"),
)
_LABELS: Final = "usr/share/buildinfo/labels.json"  # another file of the build system in the third place
_MAX_SETS: Final = 10_000


class _Manifest(msgspec.Struct):
    content_sets: list[str] | None = None
    from_dnf_hint: bool = False


_DECODER: Final = msgspec.json.Decoder(_Manifest)


def _rank(path: str) -> int:
    return next((number for number, place in enumerate(_MANIFESTS) if place.fullmatch(path)), len(_MANIFESTS))


class _Run:
    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._collector = Collector(limits)
        self._manifests: dict[tuple[int, str], _Manifest] = {}
        self._histories: dict[str, dnf.History] = {}

    def take(self, entry: Entry, data: BinaryIO) -> None:
        """Read a content manifest or a history."""
        if entry.path in dnf.PATHS:
            self._history(entry, data)
            return
        try:
            manifest = _DECODER.decode(self._collector.text(entry, data))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            self._collector.note(NoteKind.MALFORMED, entry.path, str(error)[:200])
            return
        if len(self._manifests) < self._limits.notes:
            self._manifests[_rank(entry.path), entry.path] = manifest

    def _history(self, entry: Entry, data: BinaryIO) -> None:
        try:
            self._histories[entry.path] = dnf.read(data, self._limits.packages)
        except BrokenSqlite as error:
            self._collector.note(NoteKind.MALFORMED, entry.path, str(error))

    def finish(self) -> Finds:
        """The layer's repositories by their ids, and where dnf took each package from."""
        manifest = self._manifests[min(self._manifests)] if self._manifests else None
        history = next((self._histories[path] for path in dnf.PATHS if path in self._histories), None)
        sets = (manifest.content_sets or []) if manifest else []
        found = Finds(repositories=tuple(repoid_repository(one) for one in sorted(set(sets))[:_MAX_SETS]))
        if history is not None and (manifest is None or manifest.from_dnf_hint):
            found = Finds(
                repositories=tuple(repoid_repository(one) for one in history.repoids[:_MAX_SETS]),
                origins=history.origins,
            )
        return found + self._collector.finds()


class ContentDetector:
    """Reads content manifests and dnf's histories."""

    name = "rhel-repository-scanner"
    version = "4"
    kind = "repository"
    reads_text = False

    def wants(self, path: str, mode: int) -> bool:  # noqa: ARG002 - the protocol's signature
        """True for files of the build system and for dnf's histories."""
        if path in dnf.PATHS:
            return True
        return "/buildinfo/" in path and path != _LABELS and _rank(path) < len(_MANIFESTS)

    def start(self, limits: Limits) -> _Run:
        """A fresh run for one layer."""
        return _Run(limits)


DETECTORS: Final = (ContentDetector(),)
