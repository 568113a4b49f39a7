"""Lays the layers of an image over each other: from their finds to one index report.

The Indexer calls `coalesce` with the layers' finds, base first. Operating-system packages
follow their database (its newest layer counts), language packages their file (a later
layer may remove or replace it); a file that a distribution's package owns, in any layer,
is no package of its own. What a lock file names counts where nothing else can be seen
(`pyrox.scan.locks`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from pyrox.scan import locks, ownership, repositories
from pyrox.scan.model import (
    Distribution,
    Environment,
    Finds,
    IndexReport,
    Kind,
    LayerFinds,
    Note,
    Package,
)

# Directories of the system's own Python, left out beside a dpkg database that does not list
# its files (claircore python/packagescanner.go).
_SYSTEM_PYTHON: Final = re.compile(r"usr/lib[^/]*/python[23](?:/.*)?")
_OPAQUE: Final = ".wh..wh..opq"
_MARK: Final = ".wh."
_MAX_NOTES: Final = 1000
_RPM_FILES: Final = {"bdb": "Packages", "ndb": "Packages.db", "sqlite": "rpmdb.sqlite"}
_CONTAINERS: Final = "rhcc"
"""Packages of this ecosystem stand for images: a base image stays one under what is built on it."""


@dataclass(frozen=True, slots=True)
class _Placed:
    """A package with the layer that its environment names, and that layer's position."""

    package: Package
    layer: int
    introduced: int


@dataclass(slots=True)
class _Ids:
    """Hands out ids that are unique in one report; equal values share one."""

    next_id: int = 1
    known: dict[object, str] = field(default_factory=dict)

    def of(self, value: object) -> str:
        found = self.known.get(value)
        if found is None:
            found = self.known[value] = str(self.next_id)
            self.next_id += 1
        return found


def coalesce(layers: Sequence[LayerFinds]) -> IndexReport:
    """The report of the image whose layers, base first, gave these finds."""
    finds = [layer.merged() for layer in layers]
    systems = _distributions(finds)
    languages = locks.standing(_language_packages(finds), lambda item: item.package)
    placed = _system_packages(finds) + languages
    return _Report(layers, finds, systems).build(placed)


def _distributions(finds: Sequence[Finds]) -> list[Distribution | None]:
    """For each layer its own distribution, else the nearest before it, else the nearest after."""
    own = [found.distributions[0] if found.distributions else None for found in finds]
    result: list[Distribution | None] = []
    for index in range(len(own)):
        nearby = [*reversed(own[: index + 1]), *own[index + 1 :]]
        result.append(next((system for system in nearby if system is not None), None))
    return result


def _system_packages(finds: Sequence[Finds]) -> list[_Placed]:
    """Per database the packages of its newest layer, introduced where they first appeared."""
    newest: dict[str, int] = {}
    first: dict[tuple[str, str, str, str], int] = {}
    for layer, found in enumerate(finds):
        for database in (*found.databases, *(p.package_db for p in found.packages if not p.repository)):
            newest[ownership.key(database)] = layer
        for package in found.packages:
            if not package.repository:
                first.setdefault(_identity(package), layer)
    for database in _converted(finds, newest):
        newest[database] = -1
    gone = _Gone()
    layers: list[list[_Placed]] = []
    for layer in range(len(finds) - 1, -1, -1):
        kept = [
            _Placed(package, layer, first[_identity(package)])
            for package in finds[layer].packages
            if not package.repository
            and newest[ownership.key(package.package_db)] == layer
            and not (package.filepath and gone.covers(package.filepath))
        ]
        gone.add(finds[layer])
        layers.append(kept)
    return [item for kept in reversed(layers) for item in kept]


def _identity(package: Package) -> tuple[str, str, str, str]:
    """What makes a package of one database the same in two layers; apk moved its own below usr."""
    return ownership.key(package.package_db), package.name, package.version, package.arch


class _Gone:
    """What the later layers remove: whiteouts of paths and of whole directories' content."""

    def __init__(self) -> None:
        self._paths: set[str] = set()
        self._opaque: set[str] = set()

    def add(self, found: Finds) -> None:
        """Count a layer's whiteouts for all layers below it."""
        for mark in found.whiteouts:
            directory, _, base = mark.rpartition("/")
            if base == _OPAQUE:
                self._opaque.add(directory)
            else:
                name = base.removeprefix(_MARK)
                self._paths.add(f"{directory}/{name}" if directory else name)

    def covers(self, path: str) -> bool:
        """True when the path, or a directory above it, was removed."""
        if not self._paths and not self._opaque:
            return False
        current = path
        while current:
            if current in self._paths:
                return True
            current = current.rpartition("/")[0]
            if current in self._opaque:
                return True
        return False


def _converted(finds: Sequence[Finds], newest: Mapping[str, int]) -> set[str]:
    """The rpm databases that a later layer removes while it, or one after it, writes another.

    rpm rebuilds a database in a new form so; what the old one lists is installed no more, or
    twice. A database that is removed without a successor still counts, as upstream has it.
    """
    files = {database: file for database in newest if (file := _rpm_file(database))}
    last = max((newest[database] for database in files), default=-1)
    gone, converted = _Gone(), set[str]()
    for layer in range(len(finds) - 1, -1, -1):
        converted.update(
            database
            for database, file in files.items()
            if newest[database] == layer < last and gone.covers(file)
        )
        gone.add(finds[layer])
    return converted


def _rpm_file(database: str) -> str:
    form, colon, directory = database.partition(":")
    return f"{directory}/{_RPM_FILES[form]}" if colon and form in _RPM_FILES else ""


def _language_packages(finds: Sequence[Finds]) -> list[_Placed]:
    """Packages whose file is still there in the end and belongs to no distribution's package."""
    owned = ownership.effective(finds)
    seen: set[tuple[str, str]] = set()
    gone = _Gone()
    layers: list[list[_Placed]] = []
    for layer in range(len(finds) - 1, -1, -1):
        unlisted = _has_unlisted_dpkg(finds[layer])
        here = [p for p in finds[layer].packages if p.repository]
        kept = [
            _Placed(package, layer, layer)
            for package in here
            if (package.ecosystem == _CONTAINERS or (package.ecosystem, package.filepath) not in seen)
            and not gone.covers(package.filepath)
            and ownership.key(package.filepath) not in owned
            and not (
                unlisted and package.ecosystem == "python" and _SYSTEM_PYTHON.fullmatch(package.filepath)
            )
        ]
        seen.update((package.ecosystem, package.filepath) for package in here)
        gone.add(finds[layer])
        layers.append(kept)
    return [item for kept in reversed(layers) for item in kept]


def _has_unlisted_dpkg(found: Finds) -> bool:
    """True for a layer whose dpkg database came without the lists of its packages' files."""
    databases = {database for database in found.databases if database.endswith("dpkg/status")}
    return bool(databases) and not any(item.package_db in databases for item in found.owned)


def _record(package: Package) -> object:
    """What shares one id: a source that is also a package of its own is the same record."""
    if package.kind is Kind.SOURCE and package.normalized.kind != "unmatchable":
        return "source", package.name, package.version, package.module
    return replace(package, package_db="", filepath="", repository_hint="")


class _Report:
    """Gives ids and environments to what was placed."""

    def __init__(
        self, layers: Sequence[LayerFinds], finds: Sequence[Finds], systems: Sequence[Distribution | None]
    ) -> None:
        self._layers = layers
        self._finds = finds
        self._systems = systems
        self._packages, self._systems_ids, self._repositories = _Ids(), _Ids(), _Ids()

    def build(self, placed: Sequence[_Placed]) -> IndexReport:
        """The report; packages that differ only in their place share one record."""
        report = IndexReport(notes=self._notes())
        for system in self._systems:
            if system is not None:
                report.distributions.setdefault(self._systems_ids.of(system), system)
        environments: dict[str, list[Environment]] = {}
        for item in placed:
            self._place(report, environments, item)
        report.environments.update((key, tuple(dict.fromkeys(found))) for key, found in environments.items())
        return report

    def _place(self, report: IndexReport, environments: dict[str, list[Environment]], item: _Placed) -> None:
        package = item.package
        source = (package.source_name, package.source_version, package.source_module)
        source_id = self._packages.of(("source", *source))
        package_id = self._packages.of(_record(package))
        report.packages.setdefault(package_id, package)
        report.source_ids.setdefault(package_id, source_id)
        system = self._systems[item.layer] if not package.repository else None
        environments.setdefault(package_id, []).append(
            Environment(
                package_db=package.package_db,
                introduced_in=self._layers[item.introduced].digest,
                distribution_id=self._systems_ids.of(system) if system else "",
                repository_ids=self._repository_ids(report, item),
            )
        )

    def _repository_ids(self, report: IndexReport, item: _Placed) -> tuple[str, ...]:
        """The language's default repository, or those that the layer names for its packages."""
        if item.package.repository:
            layer = self._finds[item.layer].repositories
            wanted = [repository for repository in layer if repository.name == item.package.repository]
        else:
            wanted = repositories.of_package(item.package, self._finds[item.introduced].repositories)
        ids = []
        for repository in wanted:
            key = self._repositories.of(repository)
            report.repositories.setdefault(key, repository)
            ids.append(key)
        return tuple(dict.fromkeys(ids))

    def _notes(self) -> tuple[Note, ...]:
        notes = [
            replace(note, detail=f"layer {layer.digest}: {note.detail}".rstrip(": "))
            for layer, found in zip(self._layers, self._finds, strict=True)
            for note in found.notes
        ]
        # What was lost of a whole layer comes first: the bound must not hide it.
        notes.sort(key=lambda note: not note.ends)
        return tuple(notes[:_MAX_NOTES])
