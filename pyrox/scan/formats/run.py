"""What most detectors' runs share: collected packages, owned files and notes, with bounds."""

from __future__ import annotations

from typing import BinaryIO, Final

from pyrox.scan.model import Finds, Note, NoteKind, Owned, Package, Repository
from pyrox.scan.protocols import Entry, Limits

MAX_TEXT: Final = 1024  # of a name or version; longer ones are no package's


class Room:
    """How many characters or bytes may still be kept."""

    def __init__(self, size: int) -> None:
        self._left = size

    def take(self, *texts: str | bytes) -> bool:
        """Whether these texts still fit; they then count."""
        size = sum(map(len, texts))
        if size > self._left:
            return False
        self._left -= size
        return True

    def give(self, *texts: str | bytes) -> None:
        """Forget texts that were counted."""
        self._left += sum(map(len, texts))


def _texts(package: Package) -> tuple[str, ...]:
    """What a package keeps in memory."""
    return (
        package.name,
        package.version,
        package.package_db,
        package.filepath,
        package.source_name,
        package.source_version,
        package.repository_hint,
        package.arch,
        package.module,
        package.cpe,
    )


class Collector:
    """Collects finds up to the limits; a path that comes again replaces what it gave before."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._packages: dict[str, list[Package]] = {}
        self._count = 0
        self._owned: list[Owned] = []
        self._notes: list[Note] = []
        self._databases: dict[str, None] = {}
        self._room, self._owned_room = Room(limits.found_bytes), Room(limits.found_bytes)
        self._all_owned = True

    def text(self, entry: Entry, data: BinaryIO) -> bytes:
        """The file's bytes, at most `Limits.text_bytes` of them."""
        content = data.read(self.limits.text_bytes + 1)
        if len(content) > self.limits.text_bytes:
            self.note(NoteKind.TOO_LARGE, entry.path, f"only {self.limits.text_bytes} bytes were read")
            return content[: self.limits.text_bytes]
        return content

    def begin(self, path: str) -> None:
        """Forget what an earlier entry of the same path gave."""
        forgotten = self._packages.pop(path, ())
        self._count -= len(forgotten)
        for package in forgotten:
            self._room.give(*_texts(package))

    def database(self, path: str) -> None:
        """Remember a package database, also one without packages."""
        if path not in self._databases and len(self._databases) < self.limits.packages:
            if self._room.take(path):
                self._databases[path] = None
            else:
                self.note(NoteKind.TOO_MANY, path, "more package databases than are kept")

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
        if not self._room.take(*_texts(package)):
            self.note(
                NoteKind.TOO_MANY,
                path,
                f"names of packages of more than {self.limits.found_bytes} characters",
            )
            return False
        self._packages.setdefault(path, []).append(package)
        self._count += 1
        return True

    def own(self, owned: Owned | None) -> bool:
        """Keep an owned file that matters; False when no more are kept."""
        if owned is None or not self._all_owned:
            return self._all_owned
        self._all_owned = len(self._owned) < self.limits.packages and self._owned_room.take(owned.path)
        if self._all_owned:
            self._owned.append(owned)
        else:
            self.note(NoteKind.TOO_MANY, owned.package_db, "more files of packages than are kept")
        return self._all_owned

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
            databases=tuple(self._databases),
            notes=tuple(self._notes),
        )
