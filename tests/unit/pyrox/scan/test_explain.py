"""Explanations: every outcome, its reason, its order."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pyrox.scan.advisories.model import HIGHEST, Advisory, AdvisoryRow, Feed
from pyrox.scan.catalogue import schemes
from pyrox.scan.explain import Evidence, Explanation, Outcome, explain, range_text
from pyrox.scan.model import IndexReport, Kind, Lookup, Package
from pyrox.scan.vex import Product, Statement, Status

NOW = datetime(2026, 11, 24, tzinfo=UTC)
FEEDS = {"pypi": [Feed("osv", NOW)], "npm": [Feed("osv")]}
STATEMENT = Statement("doc", frozenset({"CVE-2026-0001"}), (Product(("x",)),), Status.FIXED, NOW)


def row(**changes: object) -> AdvisoryRow:
    plain: dict[str, object] = {
        "namespace": "pypi", "package": "a", "kind": Kind.BINARY, "scheme": "pep440", "lo": b"",
        "hi": HIGHEST, "advisory": "x", "fallback": True,
    }  # fmt: skip
    return AdvisoryRow(**{**plain, **changes})  # type: ignore[arg-type]  # a test's changes


def lookup(namespace: str = "pypi", version: str = "1.5") -> Lookup:
    return Lookup("1", namespace, "a", Kind.BINARY, "pep440", version, schemes()["pep440"].key(version))


def explained(*evidence: Evidence, asked: Lookup | None = None) -> list[Explanation]:
    report = IndexReport()
    report.packages["1"] = Package(name="A", version="1.5", ecosystem="python")
    return explain(report, [asked or lookup()], evidence, FEEDS, schemes())


def of(made: AdvisoryRow, statement: Statement | None = None, name: str = "CVE-2026-0001") -> Evidence:
    return Evidence(lookup(), Advisory(source="osv/pypi", key="x", name=name), made, statement)


def test_hit_has_advisory_range_comparison_and_feed() -> None:
    (found,) = explained(of(row(introduced="1", fixed_in="2")))
    assert found == Explanation(
        package_id="1",
        package="A",
        version="1.5",
        outcome=Outcome.HIT,
        reason="1.5 against from 1 before 2 (pep440)",
        namespace="pypi",
        asked_as="binary a",
        advisory="CVE-2026-0001",
        source="osv/pypi",
        range=">= 1, < 2",
        fixed_in="2",
        feeds=(Feed("osv", NOW),),
    )


@pytest.mark.parametrize(
    ("made", "statement", "outcome", "words"),
    [
        (row(fixed_in="1.5"), None, Outcome.NO_HIT, "1.5 against from the first version before 1.5 (pep440)"),
        (row(module="m"), None, Outcome.NO_HIT, "module none is not m"),
        (row(not_affected=True), None, Outcome.NOT_AFFECTED, "with no end"),
        (row(), STATEMENT, Outcome.OVERRULED, "doc says fixed"),
        (row(fixed_in="1"), STATEMENT, Outcome.NO_HIT, "before 1"),
        (row(scheme="runes"), None, Outcome.NO_HIT, "no version order of the name runes"),
    ],
)
def test_every_other_outcome_says_why(
    made: AdvisoryRow, statement: Statement | None, outcome: Outcome, words: str
) -> None:
    (found,) = explained(of(made, statement))
    assert found.outcome is outcome
    assert words in found.reason


@pytest.mark.parametrize(
    ("namespace", "outcome", "reason"),
    [
        ("pypi", Outcome.NO_ADVISORY, "osv as of 2026-11-24: nothing about binary a"),
        ("npm", Outcome.NO_ADVISORY, "osv: nothing about binary a"),
        ("maven", Outcome.NO_FEED, "nothing is loaded for maven"),
    ],
)
def test_silence_is_explained_too(namespace: str, outcome: Outcome, reason: str) -> None:
    (found,) = explained(asked=lookup(namespace))
    assert (found.outcome, found.reason, found.advisory) == (outcome, reason, "")


def test_hits_come_first() -> None:
    found = explained(of(row(fixed_in="1"), name="CVE-2026-0001"), of(row(), name="CVE-2026-0002"))
    assert [item.outcome for item in found] == [Outcome.HIT, Outcome.NO_HIT]


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (row(), "all versions"),
        (row(introduced="1"), ">= 1"),
        (row(last_affected="3"), "<= 3"),
        (row(introduced="1", fixed_in="2", last_affected="3"), ">= 1, < 2"),
    ],
)
def test_range_is_written_as_people_do(made: AdvisoryRow, text: str) -> None:
    assert range_text(made) == text
