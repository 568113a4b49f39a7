"""Verdicts on packages and layers: a clean result is a statement."""

from __future__ import annotations

from datetime import UTC, datetime

from pyrox.scan.advisories.model import Feed
from pyrox.scan.catalogue import matchers, schemes
from pyrox.scan.coverage import Coverage, Verdict, coverage
from pyrox.scan.matching import plan
from pyrox.scan.model import Distribution, Environment, IndexReport, Note, NoteKind, Package

FEEDS = {"pypi": [Feed("osv", datetime(2026, 11, 24, tzinfo=UTC))], "debian:12": [Feed("debian")]}


def judged(
    package: Package,
    system: Distribution | None = None,
    *notes: Note,
    layers: tuple[str, ...] = ("sha256:1",),
) -> Coverage:
    report = IndexReport(notes=notes)
    report.packages["1"] = package
    if system is not None:
        report.distributions["d"] = system
    report.environments["1"] = tuple(
        Environment("", layer, distribution_id="d" if system else "") for layer in layers
    )
    return coverage(report, plan(report, matchers()), FEEDS, schemes())


def debian(release: str) -> Distribution:
    return Distribution(did="debian", name="Debian GNU/Linux", version=release, version_id=release)


def test_package_that_a_feed_covers_is_matched_with_the_feed_and_its_age() -> None:
    found = judged(Package(name="a", version="1", ecosystem="python", repository="pypi"))
    assert (found.packages[0].verdict, found.packages[0].feeds) == (Verdict.MATCHED, tuple(FEEDS["pypi"]))
    assert found.complete
    assert found.layers[0].counts == ((Verdict.MATCHED, 1),)


def test_release_without_a_feed_is_named() -> None:
    found = judged(Package(name="bash", version="5", ecosystem="dpkg"), debian("7"))
    assert (found.packages[0].verdict, found.complete) == (Verdict.NO_FEED, False)
    assert found.packages[0].detail == "nothing is loaded for debian:7"


def test_system_that_no_matcher_knows_is_named() -> None:
    other = Distribution(did="slackware", name="Slackware", version="15", version_id="15")
    found = judged(Package(name="bash", version="5", ecosystem="dpkg"), other)
    assert (found.packages[0].verdict, found.packages[0].detail) == (
        Verdict.NO_FEED,
        "no feed covers slackware:15",
    )


def test_package_of_no_system_is_told_apart() -> None:
    found = judged(Package(name="bash", version="5", ecosystem="dpkg"))
    assert found.packages[0].verdict is Verdict.UNKNOWN_SYSTEM


def test_ecosystem_without_a_matcher_is_unsupported() -> None:
    found = judged(Package(name="x", version="5", ecosystem=""))
    assert (found.packages[0].verdict, found.packages[0].detail) == (
        Verdict.UNSUPPORTED,
        "ecosystem 'unknown'",
    )


def test_version_that_no_order_knows_is_named() -> None:
    found = judged(Package(name="bash", version="not a version", ecosystem="dpkg"), debian("12"))
    assert found.packages[0].verdict is Verdict.UNPARSABLE_VERSION
    assert "not a version" in found.packages[0].detail


def test_layers_are_counted_each_once_and_notes_make_it_incomplete() -> None:
    note = Note(NoteKind.TOO_LARGE, "usr/lib/huge.jar")
    package = Package(name="a", version="1", ecosystem="python", repository="pypi")
    found = judged(package, None, note, layers=("sha256:1", "sha256:2", "sha256:1"))
    assert [(layer.digest, layer.counts) for layer in found.layers] == [
        ("sha256:1", ((Verdict.MATCHED, 1),)),
        ("sha256:2", ((Verdict.MATCHED, 1),)),
    ]
    assert (found.notes, found.complete) == ((note,), False)
