"""The values that the scanner's pure parts pass to each other.

Detectors make `Finds` from one layer, the coalescer makes an `IndexReport` from the layers'
finds, matching makes `Lookup`s from the report. Indexer, Matcher and Compliance store and
send them; this module must not know databases, gRPC or the network.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

EMPTY_CPE: Final = "cpe:2.3:*:*:*:*:*:*:*:*:*:*:*"
"""The formatted string of a name without any attribute; upstream prints it for "no CPE"."""


class Kind(StrEnum):
    """What a package record stands for; the texts are upstream's."""

    UNKNOWN = "unknown"
    SOURCE = "source"
    BINARY = "binary"
    LAYER = "layer"
    ANCESTRY = "ancestry"


@dataclass(frozen=True, slots=True)
class NormalizedVersion:
    """Upstream's ten-number form of a version: `kind` and always ten 32-bit numbers."""

    kind: str = ""
    v: tuple[int, ...] = (0,) * 10


@dataclass(frozen=True, slots=True)
class Package:
    """One package as a detector found it in one layer.

    `package_db` is where it is recorded (`var/lib/dpkg/status`, `python:usr/lib/…`);
    `filepath` is the file whose removal removes the package (empty for packages that a
    database records); `ecosystem` names the folder under `pyrox/scan/ecosystems`;
    `repository` is the name of the default repository of a language package.
    """

    name: str
    version: str
    ecosystem: str
    kind: Kind = Kind.BINARY
    package_db: str = ""
    filepath: str = ""
    arch: str = ""
    module: str = ""
    cpe: str = ""
    repository: str = ""
    repository_hint: str = ""
    normalized: NormalizedVersion = NormalizedVersion()
    source_name: str = ""
    source_version: str = ""
    source_module: str = ""


@dataclass(frozen=True, slots=True)
class Distribution:
    """The operating system of a layer, field for field as upstream's."""

    did: str
    name: str
    version: str = ""
    version_code_name: str = ""
    version_id: str = ""
    arch: str = ""
    cpe: str = ""
    pretty_name: str = ""


@dataclass(frozen=True, slots=True)
class Repository:
    """Where packages came from; the `uri` of language repositories stays empty."""

    name: str
    key: str = ""
    uri: str = ""
    cpe: str = ""


class NoteKind(StrEnum):
    """Why a part of a layer or feed was not read; the text is stable and may be shown."""

    TOO_LARGE = "too large"
    TOO_MANY = "too many"
    TOO_DEEP = "too deep"
    MALFORMED = "malformed"
    TRUNCATED = "truncated"
    UNPARSABLE_VERSION = "unparsable version"
    UNSUPPORTED = "unsupported"
    LINK = "link not followed"


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that was not read, of which object, and why.

    `ends` is true when nothing that follows the subject in its layer was read either.
    """

    kind: NoteKind
    subject: str
    detail: str = ""
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Owned:
    """A file that a package database of this layer says it owns (no leading slash)."""

    path: str
    package: str
    package_db: str


@dataclass(frozen=True, slots=True)
class Origin:
    """The repository from which a package of an rpm database was installed, by dnf's history."""

    name: str
    version: str
    arch: str
    repoid: str


@dataclass(frozen=True, slots=True)
class Finds:
    """What one detector found in one layer. Adding two gives the union, in order."""

    packages: tuple[Package, ...] = ()
    distributions: tuple[Distribution, ...] = ()
    repositories: tuple[Repository, ...] = ()
    owned: tuple[Owned, ...] = ()
    origins: tuple[Origin, ...] = ()
    databases: tuple[str, ...] = ()
    whiteouts: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()

    def __add__(self, other: Finds) -> Finds:
        return Finds(
            packages=self.packages + other.packages,
            distributions=self.distributions + other.distributions,
            repositories=self.repositories + other.repositories,
            owned=self.owned + other.owned,
            origins=self.origins + other.origins,
            databases=self.databases + other.databases,
            whiteouts=self.whiteouts + other.whiteouts,
            notes=self.notes + other.notes,
        )


@dataclass(frozen=True, slots=True)
class LayerFinds:
    """Everything found in one layer, by the name of the detector that found it.

    This is what the Indexer stores per layer digest and detector version.
    `databases` of the finds lists package databases seen, also those that are empty: a
    database without packages in a later layer hides the packages of an earlier one.
    """

    digest: str
    by_detector: dict[str, Finds] = field(default_factory=dict)

    def merged(self) -> Finds:
        """The union over the detectors, in the detectors' order of name."""
        total = Finds()
        for name in sorted(self.by_detector):
            total += self.by_detector[name]
        return total


@dataclass(frozen=True, slots=True)
class Environment:
    """Where one package of a report lives: its database, layer, distribution, repositories."""

    package_db: str
    introduced_in: str
    distribution_id: str = ""
    repository_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What an image holds after all its layers are laid over each other.

    Ids are unique within one report only. `source_ids` gives the id that a package's
    source record carries on the wire. `notes` are about the layers' content that was not
    read; they name the layer in `detail` when it is known.
    """

    packages: dict[str, Package] = field(default_factory=dict)
    source_ids: dict[str, str] = field(default_factory=dict)
    distributions: dict[str, Distribution] = field(default_factory=dict)
    repositories: dict[str, Repository] = field(default_factory=dict)
    environments: dict[str, tuple[Environment, ...]] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Lookup:
    """One question to the advisory rows, asked for one package of a report.

    A row answers when namespace, package and kind are equal and `lo <= key < hi`. When
    `key` is None the version has no byte key: every row of (namespace, package, kind) is
    then compared by `pyrox.scan.matching.affects`.
    """

    package_id: str
    namespace: str
    package: str
    kind: Kind
    scheme: str
    version: str
    key: bytes | None
    arch: str = ""
    module: str = ""
    repository_cpes: tuple[str, ...] = ()
