"""How ecosystems are named outside: in upstream's messages, in bundles, in package URLs.

Upstream's forms have no field for an ecosystem, so it is told by names that each ecosystem's
folder states once, as `WIRE`. `pyrox.scan.catalogue` collects them; codec, bundles and bills
of materials look them up there. It must not know any ecosystem.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Wire:
    """The names of one ecosystem.

    Args:
        databases: what stands before the colon in `package_db` of its packages.
        repository: the name of a language's default repository; the same name is the namespace
            of its advisories, unless `systems` has it.
        systems: ids of the distributions whose advisories are in its order.
        purl: the type of its package URLs.
        spaced: what divides a package's name from the namespace of its package URL.
    """

    databases: tuple[str, ...] = ()
    repository: str = ""
    systems: tuple[str, ...] = ()
    purl: str = ""
    spaced: str = ""


@dataclass(frozen=True, slots=True)
class Names:
    """The tables that follow from all ecosystems' names."""

    wires: Mapping[str, Wire] = field(default_factory=dict)
    """By ecosystem."""
    by_database: Mapping[str, str] = field(default_factory=dict)
    by_repository: Mapping[str, str] = field(default_factory=dict)
    by_system: Mapping[str, str] = field(default_factory=dict)
    by_purl: Mapping[str, str] = field(default_factory=dict)
    languages: Mapping[str, str] = field(default_factory=dict)
    """The ecosystem by the namespace of a language's advisories, which is its repository's name."""


def names(wires: Mapping[str, Wire]) -> Names:
    """The tables; `wires` is by ecosystem.

    Raises:
        ValueError: two ecosystems have the same name for something.
    """
    return Names(
        wires=dict(wires),
        by_database=_once((prefix, eco) for eco, wire in wires.items() for prefix in wire.databases),
        by_repository=_once((wire.repository, eco) for eco, wire in wires.items() if wire.repository),
        by_system=_once((did, eco) for eco, wire in wires.items() for did in wire.systems),
        by_purl=_once((wire.purl, eco) for eco, wire in wires.items() if wire.purl),
        languages={
            wire.repository: eco
            for eco, wire in wires.items()
            if wire.repository and wire.repository not in wire.systems
        },
    )


def _once(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, ecosystem in pairs:
        if found.setdefault(name, ecosystem) != ecosystem:
            raise ValueError(f"{name!r} stands for {found[name]} and for {ecosystem}")
    return found
