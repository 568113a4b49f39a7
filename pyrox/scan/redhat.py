"""The matcher that Red Hat's ecosystems share: what a package's repositories are decides.

Red Hat's advisories name products by CPE, and a package belongs to the products whose
repositories it came from; the distribution is not asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pyrox.scan.matching import ANY_REPOSITORY
from pyrox.scan.model import Distribution, Kind, Lookup, Package, Repository
from pyrox.scan.protocols import VersionScheme
from pyrox.scan.versions import key_or_none

RPM_KEY: Final = "rhel-cpe-repository"
CONTAINER_KEY: Final = "rhcc-container-repository"
# Containers that are known by their Dockerfile have this repository, which names no product.
CATALOG: Final = "Red Hat Container Catalog"
Names = Callable[[Package], tuple[tuple[str, Kind, str], ...]]


class RepositoryMatcher:
    """Asks in one namespace for packages that have a repository of the given key.

    `names` gives what is asked for a package: name, kind, version.
    """

    def __init__(
        self, name: str, ecosystem: str, scheme: VersionScheme, *, key: str, namespace: str, names: Names
    ) -> None:
        self.name = name
        self.ecosystem = ecosystem
        self._scheme = scheme
        self._key = key
        self._namespace = namespace
        self._names = names

    def lookups(
        self,
        package_id: str,
        package: Package,
        distribution: Distribution | None,  # noqa: ARG002 - the protocol's signature
        repositories: tuple[Repository, ...],
    ) -> tuple[Lookup, ...]:
        """The questions, with the CPEs of those repositories."""
        found = [repository for repository in repositories if repository.key == self._key]
        if not found:
            return ()
        cpes = tuple(
            dict.fromkeys(
                ANY_REPOSITORY if repository.name == CATALOG else repository.cpe or repository.name
                for repository in found
            )
        )
        return tuple(
            Lookup(
                package_id=package_id,
                namespace=self._namespace,
                package=name,
                kind=kind,
                scheme=self._scheme.name,
                version=version,
                key=key_or_none(self._scheme, version),
                arch=package.arch,
                module=package.module,
                repository_cpes=cpes,
            )
            for name, kind, version in self._names(package)
        )


def rpm_names(package: Package) -> tuple[tuple[str, Kind, str], ...]:
    """The binary, and its source: what has no fix yet is stated of sources."""
    asked = [(package.name, Kind.BINARY, package.version)]
    if package.source_name:
        asked.append((package.source_name, Kind.SOURCE, package.source_version or package.version))
    return tuple(asked)


def container_names(package: Package) -> tuple[tuple[str, Kind, str], ...]:
    """The record by its own kind, and its source."""
    asked = [(package.name, package.kind, package.version)]
    if package.source_name and package.kind is not Kind.ANCESTRY:
        asked.append((package.source_name, Kind.SOURCE, package.source_version or package.version))
    return tuple(asked)
