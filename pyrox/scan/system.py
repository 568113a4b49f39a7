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
        version = package.version
        key = key_or_none(self._scheme, version)

        def lookup(name: str, kind: Kind, version: str, key: bytes | None) -> Lookup:
            return Lookup(
                package_id, namespace, name, kind, self._scheme.name, version, key, package.arch,
                package.module, cpes,
            )  # fmt: skip

        binary = lookup(package.name, Kind.BINARY, version, key)
        source = package.source_name or (package.name if self._source_is_name else "")
        if not source:
            return (binary,)
        if package.source_version and package.source_version != version:
            version = package.source_version
            key = key_or_none(self._scheme, version)
        return (binary, lookup(source, Kind.SOURCE, version, key))
