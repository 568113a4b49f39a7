"""Turns what layers say of Red Hat's repositories into what advisories name: CPEs.

Detectors find repository ids and names of containers; Red Hat publishes what they stand for
in two files that change every day. So the Indexer, and Compliance for a host, call `resolve`
with today's files before they coalesce. It must not know where the files come from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qs, urlencode

from pyrox.scan import cpe
from pyrox.scan.model import Finds, Kind, LayerFinds, NormalizedVersion, Note, NoteKind, Package, Repository

CPE_KEY: Final = "rhel-cpe-repository"
_REPOID_KEY: Final = "rhel-repoid"
"""Ours, and inside the Indexer only: an id that is not looked up yet."""
_CONTAINERS: Final = "rhcc"
_RED_HAT: Final = frozenset(("rhel", "rhcos", "redhat"))
_BY_DOCKERFILE: Final = "root/buildinfo/Dockerfile-"
_UNMATCHABLE: Final = "unmatchable"
_MAPPED: Final = "rhel-repositories"
"""Under this name stand the repositories that a layer has from its neighbours or by the file."""


@dataclass(frozen=True, slots=True)
class Mappings:
    """Red Hat's two files: CPEs by repository id, places in the catalogue by name of a container.

    None stands for a file that nobody could give.
    """

    cpes: Mapping[str, Sequence[str]] | None = None
    names: Mapping[str, Sequence[str]] | None = None


def repoid_repository(repoid: str) -> Repository:
    """The record of an id, until `resolve` gives it its CPEs."""
    return Repository(name=repoid, key=_REPOID_KEY, uri=f"repoid={repoid}")


def wanted(layers: Sequence[LayerFinds]) -> bool:
    """Whether any layer holds something that needs the files."""
    finds = [found for layer in layers for found in layer.by_detector.values()]
    if any(package.ecosystem == _CONTAINERS for found in finds for package in found.packages):
        return True
    systems = {system.did for found in finds for system in found.distributions}
    # Other systems use dnf too; their repositories are not in Red Hat's file.
    return (not systems or bool(systems & _RED_HAT)) and any(
        repository.key == _REPOID_KEY for found in finds for repository in found.repositories
    )


def resolve(layers: Sequence[LayerFinds], mappings: Mappings) -> list[LayerFinds]:
    """The layers with CPEs for ids, ids for packages, and names for containers.

    A layer without repositories has those of the nearest below it, else above it that has any:
    what users build on Red Hat's images says nothing of its own (claircore rhel/coalescer.go).
    """
    if not wanted(layers):
        return list(layers)
    own = [_repositories(layer, mappings) for layer in layers]
    last = max((n for n, layer in enumerate(layers) if _has_container(layer)), default=-1)
    return [
        _layer(layer, _nearest(own, number), mappings, final=number >= last)
        for number, layer in enumerate(layers)
    ]


def _repositories(layer: LayerFinds, mappings: Mappings) -> tuple[Repository, ...]:
    """One for each CPE of each id; an id that the file does not know has none."""
    repoids = {
        repository.name
        for found in layer.by_detector.values()
        for repository in found.repositories
        if repository.key == _REPOID_KEY
    }
    pairs = {
        (name, repoid)
        for repoid in repoids
        for text in (mappings.cpes or {}).get(repoid, ())
        if (name := cpe.formatted(text))
    }
    return tuple(
        Repository(name=name, key=CPE_KEY, uri=f"repoid={repoid}", cpe=name) for name, repoid in sorted(pairs)
    )


def _nearest(own: Sequence[tuple[Repository, ...]], number: int) -> tuple[Repository, ...]:
    places = [*range(number, -1, -1), *range(number + 1, len(own))]
    return next((own[place] for place in places if own[place]), ())


def _has_container(layer: LayerFinds) -> bool:
    return any(p.ecosystem == _CONTAINERS for found in layer.by_detector.values() for p in found.packages)


def _layer(
    layer: LayerFinds, repositories: tuple[Repository, ...], mappings: Mappings, *, final: bool
) -> LayerFinds:
    origins = {
        (origin.name, origin.version, origin.arch): origin.repoid
        for found in layer.by_detector.values()
        for origin in found.origins
    }
    by_detector = {
        name: replace(
            found,
            packages=tuple(
                new
                for package in found.packages
                for new in _packages(package, origins, mappings, final=final)
            ),
            repositories=tuple(one for one in found.repositories if one.key != _REPOID_KEY),
            origins=(),
        )
        for name, found in layer.by_detector.items()
    }
    by_detector[_MAPPED] = Finds(repositories=repositories, notes=_notes(layer, mappings))
    return LayerFinds(layer.digest, by_detector)


def _notes(layer: LayerFinds, mappings: Mappings) -> tuple[Note, ...]:
    asked = any(one.key == _REPOID_KEY for found in layer.by_detector.values() for one in found.repositories)
    if not asked or mappings.cpes is not None:
        return ()
    detail = "no file of repositories and CPEs could be fetched: Red Hat's packages match no advisory"
    return (Note(NoteKind.UNSUPPORTED, "repository-to-cpe.json", detail),)


def _packages(
    package: Package, origins: Mapping[tuple[str, str, str], str], mappings: Mappings, *, final: bool
) -> tuple[Package, ...]:
    if package.ecosystem != _CONTAINERS:
        repoid = origins.get((package.name, package.version, package.arch))
        return (_from(package, repoid) if repoid and not package.repository else package,)
    if not final:
        # What a base image says of itself is kept to be seen, and matched by nothing.
        package = replace(package, normalized=NormalizedVersion(_UNMATCHABLE))
    if package.kind is Kind.SOURCE or not package.package_db.startswith(_BY_DOCKERFILE):
        return (package,)
    return tuple(replace(package, name=name) for name in (mappings.names or {}).get(package.name, ())) or (
        package,
    )


def _from(package: Package, repoid: str) -> Package:
    """The package with its repository in the hint, written as Go's `url.Values` is."""
    values = {key: value[0] for key, value in parse_qs(package.repository_hint).items()}
    return replace(package, repository_hint=urlencode(sorted((values | {"repoid": repoid}).items())))


def of_package(package: Package, repositories: Sequence[Repository]) -> list[Repository]:
    """Those of its layer's repositories that a package of an rpm database belongs to."""
    mapped = [repository for repository in repositories if repository.key == CPE_KEY]
    repoid = parse_qs(package.repository_hint).get("repoid", [""])[0]
    own = [repository for repository in mapped if repository.uri == f"repoid={repoid}"]
    return own or mapped
