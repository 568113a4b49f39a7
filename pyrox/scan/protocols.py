"""What an ecosystem offers: detectors, a version order, namespaces, parsers of advisories.

`pyrox.scan.catalogue` collects the implementations; Indexer and Compliance use detectors,
the Matcher uses the rest. A detector never sees the file system, only entries of one layer
that it asked for; nothing here may know where bytes come from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from pyrox.scan.advisories.model import Item
from pyrox.scan.model import Distribution, Finds, Lookup, Package, Repository


@dataclass(frozen=True, slots=True)
class Entry:
    """A regular file of a layer: path without leading slash, size in bytes, mode bits."""

    path: str
    size: int
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds for one layer; crossing one gives a note, the rest of the layer is still read.

    The file limit is the old StackRox Scanner's bound for extractable files (200 MB);
    claircore has none. The others are ours: `packages` and `found_bytes` (the texts of its
    packages, and again of owned files) hold for each detector, so that all of them together
    stay in memory.
    """

    entries: int = 2_000_000
    path_bytes: int = 4096
    file_bytes: int = 200_000_000
    text_bytes: int = 32_000_000
    kept_bytes: int = 2_000_000_000
    packages: int = 100_000
    found_bytes: int = 24_000_000
    notes: int = 1000
    nesting: int = 16
    archive_directory_bytes: int = 16_000_000
    archive_live_bytes: int = 128_000_000
    archive_bytes: int = 2_000_000_000


class LayerRun(Protocol):
    """A detector's work on one layer; entries arrive in the order of the tar stream.

    A path may arrive twice: the later one replaces the earlier, as tar itself would.
    """

    def take(self, entry: Entry, data: BinaryIO) -> None:
        """Read one wanted file. `data` is seekable and ends at the file's end.

        Never raises on bad content: it remembers a note and goes on.
        """

    def finish(self) -> Finds:
        """Everything found; called once, after the last entry."""


class Detector(Protocol):
    """Finds packages, distributions or repositories in one layer.

    Name and version together are the cache key of its results: raise the version whenever
    the same layer would give something else.
    """

    @property
    def name(self) -> str:
        """The name, as upstream's where upstream has such a scanner."""

    @property
    def version(self) -> str:
        """The version of the results."""

    @property
    def kind(self) -> str:
        """One of `package`, `distribution`, `repository`."""

    @property
    def reads_text(self) -> bool:
        """True when `Limits.text_bytes` bounds its files rather than `Limits.file_bytes`."""

    def wants(self, path: str, mode: int) -> bool:
        """True for a file that it must see; called for every entry, so it must be cheap."""

    def start(self, limits: Limits) -> LayerRun:
        """A fresh run for one layer."""


class VersionScheme(Protocol):
    """An exact version order and a byte key that keeps it."""

    @property
    def name(self) -> str:
        """The word used by `scannerctl compare --ecosystem`."""

    @property
    def key_version(self) -> int:
        """Raised whenever the same text gives another key."""

    def compare(self, a: str, b: str) -> int:
        """-1, 0 or 1 as the native tool orders them.

        Raises:
            pyrox.scan.versions.InvalidVersion: one of them has no place in the order.
        """

    def key(self, text: str) -> bytes:
        """Bytes whose order is the versions' order.

        Raises:
            pyrox.scan.versions.InvalidVersion: the text has no key (never a wrong one).
        """

    def after(self, text: str) -> bytes:
        """The least bytes above every version that "up to and including `text`" means."""


class Matcher(Protocol):
    """Says in which advisories' namespaces a package is looked up."""

    @property
    def name(self) -> str:
        """The matcher's name, as upstream's where there is one."""

    @property
    def ecosystem(self) -> str:
        """The ecosystem of the packages that it answers for."""

    def lookups(
        self,
        package_id: str,
        package: Package,
        distribution: Distribution | None,
        repositories: tuple[Repository, ...],
    ) -> tuple[Lookup, ...]:
        """The questions for one package in one environment; none when no feed covers it."""


class Source(Protocol):
    """A parser of fetched advisories; fetching them is another module's work.

    `parse` yields advisories with their rows, and a `Skipped` for each document or part
    that it leaves out, by name and reason; it never raises on bad input.
    """

    @property
    def name(self) -> str:
        """Upstream's name of the updater, or what its names have in common."""

    def accepts(self, path: str) -> bool:
        """True for a file that this source reads; `path` is its path below the feeds' root."""

    def parse(self, path: str, data: bytes) -> Iterator[Item]:
        """Parse one fetched file: plain, gzip, or the zip that the feed publishes."""
