"""Says for every package and layer what the scan could see: a clean result is a statement.

The Matcher adds this to a report; the portal and `scannerctl` print it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pyrox.scan.advisories.model import Feed
from pyrox.scan.matching import Plan
from pyrox.scan.model import IndexReport, Lookup, Note
from pyrox.scan.protocols import VersionScheme
from pyrox.scan.versions import InvalidVersion


class Verdict(StrEnum):
    """What was possible for one package."""

    MATCHED = "matched"
    NO_FEED = "no feed"
    UNPARSABLE_VERSION = "unparsable version"
    UNKNOWN_SYSTEM = "unknown distribution"
    UNSUPPORTED = "unsupported ecosystem"


@dataclass(frozen=True, slots=True)
class PackageCoverage:
    """The verdict on one package, and the feeds that were asked."""

    package_id: str
    verdict: Verdict
    feeds: tuple[Feed, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LayerCoverage:
    """How many packages of a layer have each verdict."""

    digest: str
    counts: tuple[tuple[Verdict, int], ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """The whole scan's: by package, by layer, and what the Indexer did not read."""

    packages: tuple[PackageCoverage, ...]
    layers: tuple[LayerCoverage, ...]
    notes: tuple[Note, ...]

    @property
    def complete(self) -> bool:
        """True when every package was matched and nothing was left unread."""
        return not self.notes and all(found.verdict is Verdict.MATCHED for found in self.packages)


def coverage(
    report: IndexReport,
    made: Plan,
    feeds: Mapping[str, Sequence[Feed]],
    schemes: Mapping[str, VersionScheme],
) -> Coverage:
    """Judge every package of the report.

    Args:
        report: what was indexed.
        made: its questions.
        feeds: what is loaded, by namespace.
        schemes: version orders by name.
    """
    asked: dict[str, list[Lookup]] = {}
    for lookup in made.lookups:
        asked.setdefault(lookup.package_id, []).append(lookup)
    packages = tuple(
        _package(report, package_id, asked.get(package_id, ()), feeds, schemes)
        for package_id in report.packages
    )
    return Coverage(packages, _layers(report, packages), report.notes)


def _package(
    report: IndexReport,
    package_id: str,
    lookups: Collection[Lookup],
    feeds: Mapping[str, Sequence[Feed]],
    schemes: Mapping[str, VersionScheme],
) -> PackageCoverage:
    if not lookups:
        return _unasked(report, package_id)
    found = tuple(dict.fromkeys(feed for lookup in lookups for feed in feeds.get(lookup.namespace, ())))
    if not found:
        names = ", ".join(sorted({lookup.namespace for lookup in lookups}))
        return PackageCoverage(package_id, Verdict.NO_FEED, detail=f"nothing is loaded for {names}")
    for lookup in lookups:
        problem = _problem(lookup, schemes)
        if problem:
            return PackageCoverage(package_id, Verdict.UNPARSABLE_VERSION, found, problem)
    return PackageCoverage(package_id, Verdict.MATCHED, found)


def _unasked(report: IndexReport, package_id: str) -> PackageCoverage:
    package = report.packages[package_id]
    if not package.ecosystem or package.repository:
        return PackageCoverage(
            package_id, Verdict.UNSUPPORTED, detail=f"ecosystem {package.ecosystem or 'unknown'!r}"
        )
    places = report.environments.get(package_id, ())
    systems = [
        report.distributions[e.distribution_id] for e in places if e.distribution_id in report.distributions
    ]
    if not systems:
        return PackageCoverage(package_id, Verdict.UNKNOWN_SYSTEM, detail="no layer names its distribution")
    names = ", ".join(dict.fromkeys(f"{s.did}:{s.version_id or s.version}" for s in systems))
    return PackageCoverage(package_id, Verdict.NO_FEED, detail=f"no feed covers {names}")


def _problem(lookup: Lookup, schemes: Mapping[str, VersionScheme]) -> str:
    """Why a version has no place at all in its order; empty when the comparator knows it."""
    if lookup.key is not None or lookup.scheme not in schemes:
        return ""
    try:
        schemes[lookup.scheme].compare(lookup.version, lookup.version)
    except InvalidVersion as error:
        return str(error)
    return ""


def _layers(report: IndexReport, packages: Sequence[PackageCoverage]) -> tuple[LayerCoverage, ...]:
    counts: dict[str, dict[Verdict, int]] = {}
    for found in packages:
        for digest in dict.fromkeys(e.introduced_in for e in report.environments.get(found.package_id, ())):
            layer = counts.setdefault(digest, {})
            layer[found.verdict] = layer.get(found.verdict, 0) + 1
    return tuple(LayerCoverage(digest, tuple(sorted(layer.items()))) for digest, layer in counts.items())
