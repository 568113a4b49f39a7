"""Hits on real feeds against a short second implementation with native comparators.

The second one reads the raw files on its own, knows no byte keys, and compares Debian
versions with `dpkg --compare-versions` and Python's with the `packaging` library.
"""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import zipfile
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from pyrox.scan import catalogue, matching
from pyrox.scan.advisories.model import AdvisoryRow, ParsedAdvisory
from pyrox.scan.model import Distribution, Environment, IndexReport, Package
from tests.conftest import shared_folder

pytestmark = [pytest.mark.needs("shared"), pytest.mark.timeout(300)]
SCHEMES = catalogue.schemes()
SEED = 20260801
Rows = dict[tuple[str, str], list[tuple[str, AdvisoryRow]]]


def feed(path: str) -> bytes:
    return (shared_folder() / "data" / "feeds" / path).read_bytes()


def load(path: str) -> Rows:
    rows: Rows = defaultdict(list)
    (source,) = (source for source in catalogue.sources() if source.accepts(path))
    for item in source.parse(path, feed(path)):
        if isinstance(item, ParsedAdvisory):
            for row in item.rows:
                rows[row.namespace, row.package].append((item.advisory.name, row))
    return rows


def ours(package: Package, system: Distribution | None, rows: Rows) -> set[str]:
    report = IndexReport(
        packages={"1": package}, environments={"1": (Environment("", "", "s" if system else ""),)}
    )
    if system is not None:
        report.distributions["s"] = system
    return {
        name
        for lookup in matching.plan(report, catalogue.matchers()).lookups
        for name, row in rows[lookup.namespace, lookup.package]
        if row.kind is lookup.kind and matching.decide(lookup, row, SCHEMES).hit
    }


@cache
def dpkg_lower(a: str, b: str) -> bool:
    return subprocess.run(["dpkg", "--compare-versions", a, "lt", b], check=False).returncode == 0


@pytest.mark.needs("dpkg")
def test_debian_hits_equal_those_of_dpkg() -> None:
    tracker: dict[str, dict[str, Any]] = json.loads(gzip.decompress(feed("debian/tracker.json.gz")))
    rows = load("debian/tracker.json.gz")
    chosen = random.Random(SEED)
    names = chosen.sample(sorted(name for name, issues in tracker.items() if len(issues) <= 12), 300)
    hits = 0
    for name in names:
        fixes = [
            (cve, release["fixed_version"])
            for cve, issue in tracker[name].items()
            for codename, release in issue["releases"].items()
            if codename == "buster"
        ]
        for version in dict.fromkeys(
            [*(fix for _, fix in fixes[:1]), *(f"{fix}~x" for _, fix in fixes[:1]), "0"]
        ):
            package = Package(f"lib{name}", "0", "dpkg", source_name=name, source_version=version)
            expected = {cve for cve, fix in fixes if dpkg_lower(version, fix)}
            assert ours(package, Distribution("debian", "Debian", version_id="10"), rows) == expected, (
                name,
                version,
            )
            hits += len(expected)
    assert hits > 100


def python_affected(version: str, affected: dict[str, Any]) -> bool:
    """The OSV schema's evaluation, event by event."""
    if version in affected.get("versions", ()):
        return True
    here = Version(version)
    for found in affected.get("ranges", ()):
        if found["type"] != "ECOSYSTEM":
            continue
        events = [(kind, value) for event in found["events"] for kind, value in event.items()]
        inside = False
        for kind, value in sorted(events, key=lambda e: Version("0.dev0" if e[1] == "0" else e[1])):
            bound = Version("0.dev0" if value == "0" else value)
            if kind == "introduced" and here >= bound:
                inside = True
            elif (kind == "fixed" and here >= bound) or (kind == "last_affected" and here > bound):
                inside = False
        if inside:
            return True
    return False


def parseable(document: dict[str, Any]) -> bool:
    try:
        for affected in document["affected"]:
            for found in affected.get("ranges", ()):
                if found["type"] == "ECOSYSTEM":
                    _ = [Version(value) for event in found["events"] for value in event.values()]
    except InvalidVersion:
        return False
    return True


def test_python_hits_equal_those_of_packaging() -> None:
    documents: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with zipfile.ZipFile(shared_folder() / "data" / "feeds" / "osv" / "PyPI" / "all.zip") as archive:
        for name in archive.namelist():
            document = json.loads(archive.read(name))
            if "withdrawn" not in document and parseable(document):
                for affected in document["affected"]:
                    documents[canonicalize_name(affected["package"]["name"])].append(document)
    rows = load("osv/PyPI/all.zip")
    chosen = random.Random(SEED)
    candidates = sorted(
        {
            (name, version)
            for name, found in documents.items()
            for document in found
            for affected in document["affected"]
            for version in [*affected.get("versions", ())[-3:], *_bounds(affected)]
        }
    )
    checked = hits = 0
    for name, version in chosen.sample(candidates, 700):
        try:
            Version(version)
        except InvalidVersion:
            continue
        known = {document["id"] for document in documents[name]}
        expected = {
            document["id"]
            for document in documents[name]
            if any(python_affected(version, affected) for affected in document["affected"])
        }
        assert ours(Package(name, version, "python", repository="pypi"), None, rows) & known == expected, (
            name,
            version,
        )
        checked += 1
        hits += len(expected)
    assert (checked > 500, hits > 1000) == (True, True)


def _bounds(affected: dict[str, Any]) -> list[str]:
    ranges: list[dict[str, Any]] = affected.get("ranges", [])
    return [
        v
        for r in ranges
        if r["type"] == "ECOSYSTEM"
        for event in r["events"]
        for v in event.values()
        if v != "0"
    ]


def test_alpine_hits_equal_those_of_a_plain_walk() -> None:
    secdb: dict[str, Any] = json.loads(feed("alpine/v3.11/main.json"))
    rows = load("alpine/v3.11/main.json")
    compare: Callable[[str, str], int] = SCHEMES["apk"].compare
    checked = 0
    for entry in secdb["packages"]:
        name, fixes = entry["pkg"]["name"], entry["pkg"]["secfixes"] or {}
        for version in list(fixes)[:2]:
            package = Package(f"{name}-doc", version, "apk", source_name=name, source_version=version)
            expected = {cve for fix, cves in fixes.items() for cve in cves or () if compare(version, fix) < 0}
            assert ours(package, Distribution("alpine", "Alpine", version="3.11"), rows) == expected, (
                name,
                version,
            )
            checked += 1
    assert checked > 200
