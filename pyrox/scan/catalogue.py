"""The list of ecosystems, and what each of them offers.

Indexer and Compliance ask for detectors, the Matcher for matchers and sources, whoever reads
or writes upstream's forms for the names that stand in them. The folders
are loaded by name, so that adding an ecosystem is one folder and one line here, and so
that the Indexer never loads code that matches or parses advisories.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Final

from pyrox.scan import wire
from pyrox.scan.protocols import Detector, Matcher, Source, VersionScheme

ECOSYSTEMS: Final[tuple[str, ...]] = (
    "dpkg",
    "apk",
    "rpm",
    "rhcc",
    "python",
    "nodejs",
    "java",
    "go",
    "gem",
    "cargo",
    "nuget",
    "composer",
    "kubernetes",
)


def detectors() -> tuple[Detector, ...]:
    """Every detector of every ecosystem, in the order of the list."""
    return tuple(item for name in ECOSYSTEMS for item in _module(name, "index").DETECTORS)


def matchers() -> tuple[Matcher, ...]:
    """Every matcher, in the order of the list."""
    return tuple(item for name in ECOSYSTEMS for item in _module(name, "match").MATCHERS)


def sources() -> tuple[Source, ...]:
    """Every parser of advisories, in the order of the list; the one that serves all comes last."""
    manual = import_module("pyrox.scan.advisories.manual")
    return (
        *(item for name in ECOSYSTEMS for item in _module(name, "update").SOURCES),
        manual.ManualSource(schemes()),
    )


def schemes() -> dict[str, VersionScheme]:
    """Every version order by its name."""
    found: dict[str, VersionScheme] = {}
    for name in ECOSYSTEMS:
        for scheme in _module(name, "version").SCHEMES:
            found.setdefault(scheme.name, scheme)
    return found


def names() -> wire.Names:
    """How the ecosystems are named in upstream's messages, in bundles and in package URLs."""
    return _names(ECOSYSTEMS)


def orders() -> dict[str, str]:
    """The name of the version order of each namespace of a language, and of each distribution."""
    known = names()
    named = (*known.languages.items(), *known.by_system.items())
    return {name: _module(ecosystem, "version").SCHEMES[0].name for name, ecosystem in named}


def spellings() -> dict[str, Callable[[str], str]]:
    """For each namespace of a language the form of names under which packages are looked up."""
    language = import_module("pyrox.scan.language")
    return {
        item.namespace: item.normalise for item in matchers() if isinstance(item, language.LanguageMatcher)
    }


def osv_folders() -> tuple[str, ...]:
    """The ecosystems of OSV that are read, by the names of their folders there."""
    osv = import_module("pyrox.scan.advisories.osv")
    return tuple(sorted(item.ecosystem for item in sources() if isinstance(item, osv.OsvSource)))


@cache
def _names(ecosystems: tuple[str, ...]) -> wire.Names:
    found = {name: import_module(f"pyrox.scan.ecosystems.{name}").WIRE for name in ecosystems}
    return wire.names(found)


@cache
def _module(ecosystem: str, part: str) -> ModuleType:
    return import_module(f"pyrox.scan.ecosystems.{ecosystem}.{part}")
