"""From an index report to questions, and from a candidate row to a verdict with its reason.

The Matcher makes the plan, joins its lookups with the advisory rows in one statement, and
lets `decide` look at each candidate: the join knows keys only, while arch, module, CPE and
versions without a key are judged here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pyrox.scan import cpe
from pyrox.scan.advisories.model import Advisory, AdvisoryRow
from pyrox.scan.model import IndexReport, Lookup
from pyrox.scan.protocols import Matcher, VersionScheme
from pyrox.scan.versions import InvalidVersion, key_or_none

# Upstream keeps superseded Red Hat containers under this kind, and matches them with nothing.
_UNMATCHABLE: Final = "unmatchable"
_LITERALS: Final = re.compile(r"[\w|-]+")
_MODULAR: Final = "rhel"
ANY_REPOSITORY: Final = "*"
"""In a question's CPEs: the package's product is not known, so that every product's rows apply."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The questions of a report, and the packages that no matcher has a question for."""

    lookups: tuple[Lookup, ...]
    unasked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a row hits a package, and the comparison that says so."""

    hit: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A package of a report that an advisory's row hits.

    `overruled` is set when somebody's statement says that it is not so; `reason` then has it.
    """

    package_id: str
    advisory: Advisory
    row: AdvisoryRow
    reason: str = ""
    overruled: bool = False


def plan(report: IndexReport, matchers: Sequence[Matcher]) -> Plan:
    """Every question of every package, in every environment; equal questions once."""
    lookups: list[Lookup] = []
    unasked: list[str] = []
    by_ecosystem: dict[str, list[Matcher]] = {}
    for matcher in matchers:
        by_ecosystem.setdefault(matcher.ecosystem, []).append(matcher)
    for package_id, package in report.packages.items():
        if package.normalized.kind == _UNMATCHABLE:
            continue
        asked = _questions(report, package_id, by_ecosystem.get(package.ecosystem, ()))
        # Only a second place can ask the same once more.
        once = len(report.environments.get(package_id, ())) <= 1
        lookups.extend(asked if once else dict.fromkeys(asked))
        if not asked:
            unasked.append(package_id)
    return Plan(tuple(lookups), tuple(unasked))


def _questions(report: IndexReport, package_id: str, matchers: Iterable[Matcher]) -> list[Lookup]:
    package = report.packages[package_id]
    return [
        lookup
        for environment in report.environments.get(package_id, ())
        for matcher in matchers
        for lookup in matcher.lookups(
            package_id,
            package,
            report.distributions.get(environment.distribution_id),
            tuple(report.repositories[i] for i in environment.repository_ids if i in report.repositories),
        )
    ]


def decide(lookup: Lookup, row: AdvisoryRow, schemes: Mapping[str, VersionScheme]) -> Decision:
    """Judge a row whose namespace, package and kind are the lookup's.

    A comparison that neither key nor comparator can make is no hit; the reason names the
    version that was not understood.
    """
    refusal = refused(lookup, row.namespace, row.module, row.arch, row.cpe)
    if refusal:
        return Decision(hit=False, reason=refusal)
    if lookup.key is not None and not row.fallback:
        return Decision(hit=row.lo <= lookup.key < row.hi, reason=_sentence(lookup.version, row))
    scheme = schemes.get(row.scheme)
    if scheme is None:
        return Decision(hit=False, reason=f"no version order of the name {row.scheme}")
    try:
        inside = _inside(lookup.version, row, scheme)
    except InvalidVersion as error:
        return Decision(hit=False, reason=f"not comparable: {error}")
    return Decision(hit=inside, reason=_sentence(lookup.version, row))


def refused(lookup: Lookup, namespace: str, module: str, arch: str, product: str) -> str:
    """Why a condition of a row beside the version fails; empty when all hold."""
    # Red Hat ships a package of the same name in modules and outside of them (rhel/matcher.go).
    if module != lookup.module and (module or namespace == _MODULAR):
        return f"module {lookup.module or 'none'} is not {module or 'none'}"
    if arch and lookup.arch and not _arch(arch, lookup.arch):
        return f"architecture {lookup.arch} is not among {arch}"
    if product and not _from(product, lookup.repository_cpes):
        return f"no repository of {product}"
    return ""


def _arch(pattern: str, arch: str) -> bool:
    """Feeds write alternatives (`aarch64|x86_64`); a pattern of any other form admits all.

    A mark before one architecture excludes it.
    """
    if pattern.startswith("!"):
        return arch != pattern[1:]
    return not _LITERALS.fullmatch(pattern) or arch in pattern.split("|")


def _from(product: str, repositories: Sequence[str]) -> bool:
    return ANY_REPOSITORY in repositories or any(cpe.covers(product, known) for known in repositories)


def _inside(version: str, row: AdvisoryRow, scheme: VersionScheme) -> bool:
    if row.introduced and scheme.compare(version, row.introduced) < 0:
        return False
    if row.fixed_in:
        return scheme.compare(version, row.fixed_in) < 0
    return not row.last_affected or scheme.compare(version, row.last_affected) <= 0


def _sentence(version: str, row: AdvisoryRow) -> str:
    low = f"from {row.introduced}" if row.introduced else "from the first version"
    if row.fixed_in:
        high = f"before {row.fixed_in}"
    else:
        high = f"up to {row.last_affected}" if row.last_affected else "with no end"
    return f"{version} against {low} {high} ({row.scheme})"


def highest_fix(fixes: Iterable[str], scheme: VersionScheme) -> str:
    """The highest fixed version; those that the order does not know are left out."""
    best, best_key = "", b""
    without_key: list[str] = []
    for fix in dict.fromkeys(fixes):
        key = key_or_none(scheme, fix) if fix else b""
        if key is None:
            without_key.append(fix)
        elif key > best_key:
            best, best_key = fix, key
    for fix in without_key:
        try:
            best = fix if scheme.compare(fix, best or fix) > 0 or not best else best
        except InvalidVersion:
            continue
    return best
