"""Why a package is hit by an advisory, and why it is not: the row, the comparison, the feed.

The Matcher collects rows for the packages that somebody asks about and calls `explain`;
`scannerctl explain` prints the result. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pyrox.scan import naming
from pyrox.scan.advisories.model import Advisory, AdvisoryRow, Feed
from pyrox.scan.matching import decide
from pyrox.scan.model import IndexReport, Lookup
from pyrox.scan.protocols import VersionScheme
from pyrox.scan.vex import Statement


class Outcome(StrEnum):
    """How it ended for one package and one row of an advisory."""

    HIT = "hit"
    NO_HIT = "no hit"
    NOT_AFFECTED = "not affected"
    OVERRULED = "overruled"
    NO_ADVISORY = "no advisory"
    NO_FEED = "no feed"


@dataclass(frozen=True, slots=True)
class Explanation:
    """One line of the explanation; texts that do not apply are empty."""

    package_id: str
    package: str
    version: str
    outcome: Outcome
    reason: str
    namespace: str = ""
    asked_as: str = ""
    """The name and kind under which advisories were looked up."""
    advisory: str = ""
    source: str = ""
    range: str = ""
    fixed_in: str = ""
    feeds: tuple[Feed, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """A row about one of the questions, with its advisory and the statement that overrules it."""

    lookup: Lookup
    advisory: Advisory
    row: AdvisoryRow
    overruled: Statement | None = None


def explain(
    report: IndexReport,
    lookups: Sequence[Lookup],
    evidence: Iterable[Evidence],
    feeds: Mapping[str, Sequence[Feed]],
    schemes: Mapping[str, VersionScheme],
) -> list[Explanation]:
    """Every row's outcome, and one line for each question that no row speaks about.

    Args:
        report: what was indexed.
        lookups: the questions that were asked for the chosen packages.
        evidence: all rows about them, those that do not hit too.
        feeds: what is loaded, by namespace.
        schemes: version orders by name.
    """
    found = [_of_row(report, item, feeds, schemes) for item in evidence]
    spoken_of = {(item.package_id, item.namespace, item.asked_as) for item in found}
    silent = [
        _of_silence(report, lookup, feeds)
        for lookup in lookups
        if (lookup.package_id, lookup.namespace, _asked(lookup)) not in spoken_of
    ]
    order = {outcome: number for number, outcome in enumerate(Outcome)}
    return sorted(
        [*found, *silent],
        key=lambda item: (item.package, item.package_id, order[item.outcome], item.advisory),
    )


def _asked(lookup: Lookup) -> str:
    return f"{lookup.kind} {lookup.package}"


def _of_row(
    report: IndexReport,
    item: Evidence,
    feeds: Mapping[str, Sequence[Feed]],
    schemes: Mapping[str, VersionScheme],
) -> Explanation:
    lookup, row = item.lookup, item.row
    decision = decide(lookup, row, schemes)
    outcome, reason = (Outcome.HIT if decision.hit else Outcome.NO_HIT), decision.reason
    if decision.hit and row.not_affected:
        outcome = Outcome.NOT_AFFECTED
    elif decision.hit and item.overruled is not None:
        outcome, reason = Outcome.OVERRULED, f"{reason}; {item.overruled.reason}"
    return Explanation(
        package_id=lookup.package_id,
        package=report.packages[lookup.package_id].name,
        version=lookup.version,
        outcome=outcome,
        reason=reason,
        namespace=lookup.namespace,
        asked_as=_asked(lookup),
        advisory=naming.shown_name(item.advisory),
        source=item.advisory.source,
        range=range_text(row),
        fixed_in=row.fixed_in,
        feeds=tuple(feeds.get(lookup.namespace, ())),
    )


def _of_silence(report: IndexReport, lookup: Lookup, feeds: Mapping[str, Sequence[Feed]]) -> Explanation:
    known = tuple(feeds.get(lookup.namespace, ()))
    names = ", ".join(
        f"{feed.source} as of {feed.as_of:%Y-%m-%d}" if feed.as_of else feed.source for feed in known
    )
    reason = (
        f"{names}: nothing about {_asked(lookup)}" if known else f"nothing is loaded for {lookup.namespace}"
    )
    return Explanation(
        package_id=lookup.package_id,
        package=report.packages[lookup.package_id].name,
        version=lookup.version,
        outcome=Outcome.NO_ADVISORY if known else Outcome.NO_FEED,
        reason=reason,
        namespace=lookup.namespace,
        asked_as=_asked(lookup),
        feeds=known,
    )


def range_text(row: AdvisoryRow) -> str:
    """The row's range as a person writes it: `>= 1.2, < 1.4`; `all versions` without bounds."""
    parts = [f">= {row.introduced}"] if row.introduced else []
    if row.fixed_in:
        parts.append(f"< {row.fixed_in}")
    elif row.last_affected:
        parts.append(f"<= {row.last_affected}")
    return ", ".join(parts) or "all versions"
