"""The matcher that all language ecosystems share: one namespace, one rule for names."""

from __future__ import annotations

from collections.abc import Callable

from pyrox.scan.model import Distribution, Kind, Lookup, Package, Repository
from pyrox.scan.protocols import VersionScheme
from pyrox.scan.versions import key_or_none


class LanguageMatcher:
    """Looks a language package up in its ecosystem's one namespace."""

    def __init__(
        self,
        name: str,
        ecosystem: str,
        namespace: str,
        scheme: VersionScheme,
        *,
        normalise: Callable[[str], str] = str,
    ) -> None:
        self.name = name
        self.ecosystem = ecosystem
        self.namespace = namespace
        self.normalise = normalise
        self._scheme = scheme

    def lookups(
        self,
        package_id: str,
        package: Package,
        distribution: Distribution | None,  # noqa: ARG002 - the protocol's signature
        repositories: tuple[Repository, ...],  # noqa: ARG002 - the protocol's signature
    ) -> tuple[Lookup, ...]:
        """One question, by the normalised name."""
        return (
            Lookup(
                package_id=package_id,
                namespace=self.namespace,
                package=self.normalise(package.name),
                kind=Kind.BINARY,
                scheme=self._scheme.name,
                version=package.version,
                key=key_or_none(self._scheme, package.version),
            ),
        )
