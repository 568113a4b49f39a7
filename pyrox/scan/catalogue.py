"""The list of ecosystems, and what each of them offers.

Indexer and Compliance ask for detectors, the Matcher for matchers and sources. The folders
are loaded by name, so that adding an ecosystem is one folder and one line here, and so
that the Indexer never loads code that matches or parses advisories.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Final

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


@cache
def _module(ecosystem: str, part: str) -> ModuleType:
    return import_module(f"pyrox.scan.ecosystems.{ecosystem}.{part}")
