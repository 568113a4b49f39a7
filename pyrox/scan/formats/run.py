"""What most detectors' runs share: collected packages, owned files and notes, with bounds."""

from __future__ import annotations

from typing import BinaryIO, Final

from pyrox.scan.model import Finds, Note, NoteKind, Owned, Package, Repository
from pyrox.scan.protocols import Entry, Limits

MAX_TEXT: Final = 1024  # of a name or version; longer ones are no package's


class Collector:
    """Collects finds up to the limits; a path that comes again replaces what it gave before."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._packages: dict[str, list[Package]] = {}
        self._count = 0
        self._owned: list[Owned] = []
        self._notes: list[Note] = []
        self.databases: list[str] = []

    def text(self, entry: Entry, data: BinaryIO) -> bytes:
        """The file's bytes, at most `Limits.text_bytes` of them."""
        content = data.read(self.limits.text_bytes + 1)
        if len(content) > self.limits.text_bytes:
            self.note(NoteKind.TOO_LARGE, entry.path, f"only {self.limits.text_bytes} bytes were read")
            return content[: self.limits.text_bytes]
        return content

    def begin(self, path: str) -> None:
        """Forget what an earlier entry of the same path gave."""
        self._count -= len(self._packages.pop(path, ()))

    def add(self, path: str, package: Package) -> bool:
        """Keep a package found in `path`; False when the layer already has too many.

        A package whose name or version is absurdly long is noted instead.
        """
        if (
            max(map(len, (package.name, package.version, package.source_name, package.source_version)))
            > MAX_TEXT
        ):
            self.note(NoteKind.MALFORMED, path, f"name or version of more than {MAX_TEXT} characters")
            return True
        if self._count >= self.limits.packages:
            self.note(NoteKind.TOO_MANY, path, f"more than {self.limits.packages} packages")
            return False
        self._packages.setdefault(path, []).append(package)
        self._count += 1
        return True

    def own(self, owned: Owned | None) -> None:
        """Keep an owned file that matters."""
        if owned is not None and len(self._owned) < self.limits.packages:
            self._owned.append(owned)

    def note(self, kind: NoteKind, subject: str, detail: str = "") -> None:
        """Remember what was not read."""
        if len(self._notes) < self.limits.notes:
            self._notes.append(Note(kind, subject, detail))

    def finds(self, repository: Repository | None = None) -> Finds:
        """Everything collected; the repository is named only when there is a package."""
        packages = tuple(package for found in self._packages.values() for package in found)
        return Finds(
            packages=packages,
            repositories=(repository,) if repository and packages else (),
            owned=tuple(self._owned),
            databases=tuple(dict.fromkeys(self.databases)),
            notes=tuple(self._notes),
        )
