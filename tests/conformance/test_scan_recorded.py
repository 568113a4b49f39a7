"""The recorded scan, the public version pairs and the real feeds, through the pure library."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format

from pyrox.pb.internalapi.scanner.v4 import index_report_pb2, vulnerability_report_pb2
from pyrox.scan import catalogue, codec, matching, report
from pyrox.scan.advisories import bundle
from pyrox.scan.advisories.enrichment import Enrichments, Kev, Nvd, parse_kev, parse_nvd
from pyrox.scan.advisories.model import Advisory, AdvisoryRow, ParsedAdvisory, Skipped
from pyrox.scan.versions.base import key_or_none
from tests.conftest import shared_folder

pytestmark = pytest.mark.needs("shared")
SCHEMES = catalogue.schemes()
OPERATORS = {-1: "<", 0: "=", 1: ">"}


def recorded(name: str) -> Path:
    return shared_folder() / "reference" / "observed" / "scanner" / name


def feeds() -> Path:
    return shared_folder() / "data" / "feeds"


@pytest.mark.parametrize(
    "name", ["apk", "composer", "dpkg", "gem", "maven", "nuget", "pep440", "rpm", "semver"]
)
def test_version_pairs_agree_by_comparator_and_by_key(name: str) -> None:
    scheme = SCHEMES[name]
    lines = (shared_folder() / "data" / "versions" / f"{name}.tsv").read_text("utf-8").splitlines()
    wrong, without_key = [], 0
    for line in lines:
        a, expected, b = line.split("\t")
        first, second = key_or_none(scheme, a), key_or_none(scheme, b)
        if first is None or second is None:
            # Refused rather than misordered: the comparator then decides.
            without_key += 1
            by_key = expected
        else:
            by_key = OPERATORS[(first > second) - (first < second)]
        if not OPERATORS[scheme.compare(a, b)] == by_key == expected:
            wrong.append(line)
    assert (wrong, bool(lines)) == ([], True)
    assert without_key <= len(lines) // 100


def bundle_rows() -> list[tuple[Advisory, AdvisoryRow]]:
    found = []
    for name in ("bundle-debian.jsonl", "bundle-osv.jsonl"):
        with recorded(name).open("rb") as lines:
            for line in bundle.read(lines, SCHEMES):
                assert isinstance(line.content, ParsedAdvisory), line
                found += [(line.content.advisory, row) for row in line.content.rows]
    return found


def by_name(value: dict[str, Any]) -> dict[str, Any]:
    """A report whose vulnerabilities are named by their CVE instead of by a number."""
    ids = {key: found["name"] for key, found in value["vulnerabilities"].items()}
    value["vulnerabilities"] = {
        found["name"]: {**found, "id": ""} for found in value["vulnerabilities"].values()
    }
    for found in value["package_vulnerabilities"].values():
        found["values"] = [ids[key] for key in found["values"]]
    return value


def test_recorded_scan_gives_the_recorded_report() -> None:
    index = json_format.ParseDict(
        json.loads(recorded("index-report.json").read_text()), index_report_pb2.IndexReport()
    )
    rows = bundle_rows()
    plan = matching.plan(codec.from_contents(index.contents), catalogue.matchers())
    hits = [
        matching.Hit(lookup.package_id, advisory, row)
        for lookup in plan.lookups
        for advisory, row in rows
        if (lookup.namespace, lookup.package, lookup.kind) == (row.namespace, row.package, row.kind)
        and matching.decide(lookup, row, SCHEMES).hit
    ]
    made = report.assemble(
        hash_id=index.hash_id,
        contents=index.contents,
        hits=hits,
        enrichments=Enrichments(),
        schemes=SCHEMES,
        namespaces={row.namespace for _, row in rows},
    )
    expected = json.loads(recorded("vulnerability-report.json").read_text())
    for found in expected["vulnerabilities"].values():
        moment = datetime.fromtimestamp(found["issued"]["seconds"], UTC)
        found["issued"] = moment.isoformat().replace("+00:00", "Z")
    parsed = json_format.ParseDict(expected, vulnerability_report_pb2.VulnerabilityReport())
    ours, theirs = (
        by_name(json_format.MessageToDict(message, preserving_proto_field_name=True))
        for message in (made, parsed)
    )
    assert ours == theirs


# What each feed holds and what is left out, by reason: a change of a number is a change of the parser.
FEEDS: dict[str, tuple[int, int, dict[str, int]]] = {
    "alpine/v3.3/main.json": (458, 461, {}),
    "alpine/v3.3/community.json": (0, 0, {}),
    "alpine/v3.6/main.json": (871, 897, {"fixed version without an id": 1}),
    "alpine/v3.8/main.json": (1087, 1133, {"never affected": 1}),
    "alpine/v3.11/main.json": (1124, 1200, {}),
    "debian/tracker.json.gz": (10996, 17827, {}),
    "osv/Go/all.zip": (4274, 7540, {"withdrawn": 17}),
    "osv/PyPI/all.zip": (2651, 5093, {"withdrawn": 10}),
    "osv/AlmaLinux/all.zip": (5637, 69160, {}),
    "osv/Kubernetes/all.zip": (44, 143, {}),
}


@pytest.mark.parametrize("path", FEEDS)
def test_real_feed_loads_with_every_skip_named(path: str) -> None:
    (source,) = (source for source in catalogue.sources() if source.accepts(path))
    skipped: Counter[str] = Counter()
    advisories = rows = 0
    for item in source.parse(path, (feeds() / path).read_bytes()):
        if isinstance(item, Skipped):
            skipped[item.reason] += 1
            continue
        advisories += 1
        rows += len(item.rows)
        for row in item.rows:
            assert row.advisory == item.advisory.key
            assert row.lo < row.hi
    assert (advisories, rows, dict(skipped)) == FEEDS[path]


def test_real_enrichments_load() -> None:
    nvd = list(parse_nvd("nvd", (feeds() / "nvd" / "sample.json.gz").read_bytes()))
    kev = list(parse_kev("kev", (feeds() / "kev" / "known_exploited_vulnerabilities.json").read_bytes()))
    assert Counter(type(item) for item in kev) == {Kev: 1404}
    assert len(nvd) == 101
    assert all(isinstance(item, (Nvd, Skipped)) for item in nvd)
    assert sum(1 for item in nvd if isinstance(item, Nvd) and item.v3_vector) > 50
