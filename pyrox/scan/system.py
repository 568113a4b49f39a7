"""The matcher that distributions share: a namespace per release, binary and source names."""

from __future__ import annotations

from collections.abc import Callable

from pyrox.scan.model import Distribution, Kind, Lookup, Package, Repository
from pyrox.scan.protocols import VersionScheme
from pyrox.scan.versions import key_or_none

Namespace = Callable[[Distribution], str]


class SystemMatcher:
    """Looks a system package up by its own name and by its source's, each with its version.

    `namespace` gives the empty text for a distribution that is not this matcher's.
    `source_is_name` is set where a package without a source record is its own source.
    """

    def __init__(
        self,
        name: str,
        ecosystem: str,
        scheme: VersionScheme,
        *,
        namespace: Namespace,
        source_is_name: bool = False,
    ) -> None:
        self.name = name
        self.ecosystem = ecosystem
        self._scheme = scheme
        self._namespace = namespace
        self._source_is_name = source_is_name

    def lookups(
        self,
        package_id: str,
        package: Package,
        distribution: Distribution | None,
        repositories: tuple[Repository, ...],
    ) -> tuple[Lookup, ...]:
        """The binary's question and, where there is a source, the source's."""
        namespace = self._namespace(distribution) if distribution else ""
        if not namespace:
            return ()
        cpes = tuple(repository.cpe for repository in repositories if repository.cpe)
        asked = [(package.name, Kind.BINARY, package.version)]
        source = package.source_name or (package.name if self._source_is_name else "")
        if source:
            asked.append((source, Kind.SOURCE, package.source_version or package.version))
        return tuple(
            Lookup(
                package_id=package_id,
                namespace=namespace,
                package=name,
                kind=kind,
                scheme=self._scheme.name,
                version=version,
                key=key_or_none(self._scheme, version),
                arch=package.arch,
                module=package.module,
                repository_cpes=cpes,
            )
            for name, kind, version in asked
        )
