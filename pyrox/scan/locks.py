"""Lock files: which packages an application wants, where the installed ones cannot be seen.

Ecosystems give their detectors the readers of `pyrox.scan.formats.lock*`; the coalescer asks
`standing` which packages of lock files count. A lock file says what was wanted, not what is
there, so it counts only when it stands alone:

- no installed package of its ecosystem lies in its directory or below, and
- where packages are installed elsewhere than beside it (Python, Ruby, Java, Rust), none of
  those that it names is installed anywhere in the image.

A lock file inside an installed package is that package's own and is never read.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final, TypeVar

from pyrox.scan.formats.run import Collector
from pyrox.scan.model import Finds, NormalizedVersion, NoteKind, Package, Repository
from pyrox.scan.names import pep503
from pyrox.scan.protocols import Entry, Limits

Locked = Iterator[tuple[str, str]]
"""Names with versions."""
Reader = Callable[[bytes], Locked]
"""Reads one lock file; raises `ValueError` for a file of another form."""
_T = TypeVar("_T")

NAMES: Final = frozenset(
    (
        "package-lock.json",
        "npm-shrinkwrap.json",
        "yarn.lock",
        "pnpm-lock.yaml",
        "poetry.lock",
        "Pipfile.lock",
        "uv.lock",
        "pdm.lock",
        "Gemfile.lock",
        "gems.locked",
        "Cargo.lock",
        "composer.lock",
        "packages.lock.json",
        "gradle.lockfile",
    )
)
_BESIDE: Final = frozenset(("nodejs", "composer", "nuget"))
"""Ecosystems that install below the directory of the lock file."""
_INSTALLED: Final = re.compile(
    r"(?:^|/)(?:node_modules|site-packages|dist-packages|vendor|gems|registry/src|git/checkouts)/"
)


@dataclass(frozen=True, slots=True)
class Ecosystem:
    """What packages of a lock file are recorded as."""

    name: str
    database: str
    repository: Repository
    normalized: Callable[[str], NormalizedVersion] = lambda _: NormalizedVersion()
    hint: str = ""


def is_lock(path: str) -> bool:
    """True for a file of a lock file's name."""
    return path.rpartition("/")[2] in NAMES


class LockDetector:
    """Reads lock files by their names."""

    kind = "package"
    reads_text = True

    def __init__(self, name: str, version: str, ecosystem: Ecosystem, readers: Mapping[str, Reader]) -> None:
        self.name = name
        self.version = version
        self._ecosystem = ecosystem
        self._readers = readers
        self._endings = tuple(readers)

    def wants(self, path: str, mode: int) -> bool:  # noqa: ARG002 - the protocol's signature
        """True for an application's lock file of this ecosystem."""
        if not path.endswith(self._endings):
            return False
        return path.rpartition("/")[2] in self._readers and not _INSTALLED.search(path)

    def start(self, limits: Limits) -> _Run:
        """A fresh run for one layer."""
        return _Run(limits, self._ecosystem, self._readers)


class _Run:
    def __init__(self, limits: Limits, ecosystem: Ecosystem, readers: Mapping[str, Reader]) -> None:
        self._collector = Collector(limits)
        self._ecosystem = ecosystem
        self._readers = readers

    def take(self, entry: Entry, data: BinaryIO) -> None:
        """Read one lock file."""
        self._collector.begin(entry.path)
        try:
            found = dict.fromkeys(
                self._readers[entry.path.rpartition("/")[2]](self._collector.text(entry, data))
            )
        except (ValueError, RecursionError) as error:
            self._collector.note(NoteKind.MALFORMED, entry.path, str(error)[:200] or type(error).__name__)
            return
        for name, version in found:
            if not self._collector.add(entry.path, self._package(entry.path, name, version)):
                return

    def _package(self, path: str, name: str, version: str) -> Package:
        return Package(
            name=name,
            version=version,
            ecosystem=self._ecosystem.name,
            package_db=f"{self._ecosystem.database}:{path}",
            filepath=path,
            repository=self._ecosystem.repository.name,
            repository_hint=self._ecosystem.hint,
            normalized=self._ecosystem.normalized(version),
        )

    def finish(self) -> Finds:
        """What the layer's lock files name."""
        return self._collector.finds(self._ecosystem.repository)


def standing(items: Sequence[_T], package: Callable[[_T], Package]) -> list[_T]:
    """The items without those of lock files that do not stand alone; `package` gives an item's."""
    named: dict[tuple[str, str], set[str]] = defaultdict(set)
    for item in items:
        one = package(item)
        if is_lock(one.filepath):
            named[one.ecosystem, one.filepath].add(_plain(one))
    if not named:
        return list(items)
    there: dict[str, list[Package]] = defaultdict(list)
    for item in items:
        one = package(item)
        if not is_lock(one.filepath):
            there[one.ecosystem].append(one)
    silent = {lock for lock, names in named.items() if _installed(lock, names, there[lock[0]])}
    return [item for item in items if (package(item).ecosystem, package(item).filepath) not in silent]


def _plain(package: Package) -> str:
    return pep503(package.name) if package.ecosystem == "python" else package.name.lower()


def _installed(lock: tuple[str, str], names: set[str], there: Sequence[Package]) -> bool:
    ecosystem, path = lock
    directory = path.rpartition("/")[0]
    below = f"{directory}/" if directory else ""
    if any(package.filepath.startswith(below) for package in there):
        return True
    return ecosystem not in _BESIDE and any(_plain(package) in names for package in there)
