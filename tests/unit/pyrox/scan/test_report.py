"""The vulnerability report: names, scores in upstream's order, deduplication, notes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pyrox.pb.internalapi.scanner.v4 import common_pb2
from pyrox.pb.internalapi.scanner.v4 import vulnerability_report_pb2 as pb
from pyrox.scan import catalogue, naming
from pyrox.scan.advisories.enrichment import Enrichments, Epss, Kev, Nvd, RedHatAdvisory
from pyrox.scan.advisories.model import HIGHEST, Advisory, AdvisoryRow, Alias, Severity
from pyrox.scan.matching import Hit
from pyrox.scan.model import Kind
from pyrox.scan.report import assemble, notes

SCHEMES = catalogue.schemes()
V31 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"
WHEN = datetime(2026, 1, 1, tzinfo=UTC)
Cvss = pb.VulnerabilityReport.Vulnerability.CVSS


def hit(package: str = "1", *, fixed: str = "2", not_affected: bool = False, **more: object) -> Hit:
    advisory = Advisory(
        "debian/updater",
        "k",
        "CVE-2020-1",
        issued=WHEN,
        links="https://x",
        severity="high",
        normalized=Severity.IMPORTANT,
    )
    high = SCHEMES["dpkg"].key(fixed) if fixed else HIGHEST
    row = AdvisoryRow(
        "debian:12", "a", Kind.SOURCE, "dpkg", b"", high, "k", fixed_in=fixed, not_affected=not_affected
    )
    return Hit(package, replace(advisory, **more), row)  # type: ignore[arg-type]  # fields by name


def contents() -> common_pb2.Contents:
    out = common_pb2.Contents()
    for key in ("1", "2"):
        package = common_pb2.Package(id=key, name=f"p{key}", package_db="db", repository_hint="hint")
        out.packages[key].CopyFrom(package)
    out.distributions["1"].did = "debian"
    out.distributions["1"].version_id = "12"
    return out


def report(
    *hits: Hit, enrichments: Enrichments | None = None, given: common_pb2.Contents | None = None
) -> pb.VulnerabilityReport:
    return assemble(
        hash_id="h",
        contents=given or contents(),
        hits=hits,
        enrichments=enrichments or Enrichments(),
        schemes=SCHEMES,
        namespaces={"debian:12"},
    )


def only(*hits: Hit, enrichments: Enrichments | None = None) -> pb.VulnerabilityReport.Vulnerability:
    (found,) = report(*hits, enrichments=enrichments).vulnerabilities.values()
    return found


def test_highest_fix_may_be_one_that_has_no_key() -> None:
    keyed, other = hit(fixed="2"), hit(fixed="10", name="CVE-2020-2")
    other = replace(other, row=replace(other.row, fallback=True, hi=HIGHEST))
    assert report(keyed, other).contents.packages["1"].fixed_in_version == "10"
    assert report(other).contents.packages["1"].fixed_in_version == "10"
    assert report(keyed, hit(fixed="")).contents.packages["1"].fixed_in_version == "2"


def test_contents_lose_the_indexers_hints_and_gain_the_highest_fix() -> None:
    found = report(hit(fixed="2"), hit(fixed="10", name="CVE-2020-2")).contents
    assert [
        (p.id, p.package_db, p.repository_hint, p.fixed_in_version) for p in found.packagesDEPRECATED
    ] == [
        ("1", "", "", "10"),
        ("2", "", "", ""),
    ]
    assert found.packages["1"] == found.packagesDEPRECATED[0]


def test_contents_of_an_older_indexer_fill_the_map() -> None:
    old = contents()
    old.packagesDEPRECATED.extend(old.packages.values())
    old.ClearField("packages")
    assert set(report(given=old).contents.packages) == {"1", "2"}


def test_equal_vulnerabilities_are_one_record_for_two_packages() -> None:
    found = report(hit("1"), hit("2"), hit("1"), hit("1", fixed="3"))
    assert len(found.vulnerabilities) == 2
    assert {key: list(value.values) for key, value in found.package_vulnerabilities.items()} == {
        "1": ["1", "2"],
        "2": ["1"],
    }


def test_order_is_severity_then_score_then_arrival() -> None:
    hits = (
        hit(key="a", name="low", normalized=Severity.LOW),
        hit(key="b", name="first", normalized=Severity.IMPORTANT),
        hit(key="c", name="scored", normalized=Severity.IMPORTANT, source="osv/pypi", severity=V31),
        hit(key="d", name="critical", normalized=Severity.CRITICAL),
        hit(key="e", name="second", normalized=Severity.IMPORTANT),
    )
    found = report(*hits)
    shown = [found.vulnerabilities[key].name for key in found.package_vulnerabilities["1"].values]
    assert shown == ["critical", "scored", "first", "second", "low"]


def test_statement_of_not_affected_has_its_own_map() -> None:
    found = report(hit(not_affected=True))
    assert dict(found.package_vulnerabilities) == {}
    assert list(found.package_not_vulnerable["1"].values) == ["1"]


def test_enrichment_fills_what_the_feed_lacks() -> None:
    enrichments = Enrichments(
        nvd={
            "CVE-2020-1": Nvd("CVE-2020-1", "words", WHEN, None, V31, 7.5, "AV:N/AC:L/Au:N/C:N/I:N/A:P", 5.0)
        },
        epss={"CVE-2020-1": Epss("CVE-2020-1", 0.5, 0.25, "d", "m")},
        kev={"CVE-2020-1": Kev("CVE-2020-1", "v", "a", "s", "r", "due", "Known")},
    )
    found = only(hit(issued=None, severity="", normalized=Severity.UNSPECIFIED), enrichments=enrichments)
    assert (found.description, found.issued.seconds) == ("words", int(WHEN.timestamp()))
    assert found.normalized_severity == pb.VulnerabilityReport.Vulnerability.SEVERITY_IMPORTANT
    (metric,) = found.cvss_metrics
    assert (metric.source, metric.url) == (Cvss.SOURCE_NVD, "https://nvd.nist.gov/vuln/detail/CVE-2020-1")
    assert (metric.v3.base_score, metric.v2.base_score, found.cvss) == (7.5, 5.0, metric)
    assert (found.epss_metrics.probability, found.epss_metrics.percentile) == (0.5, 0.25)
    assert (found.exploit.due_date, found.exploit.known_ransomware_campaign_use) == ("due", "Known")


def test_feeds_own_description_and_date_win() -> None:
    enrichments = Enrichments(
        nvd={"CVE-2020-1": Nvd("CVE-2020-1", "other", datetime(2000, 1, 1, tzinfo=UTC))}
    )
    found = only(hit(description="own"), enrichments=enrichments)
    assert (found.description, found.issued.seconds, len(found.cvss_metrics)) == (
        "own",
        int(WHEN.timestamp()),
        0,
    )


NVD_RECORD = Enrichments(nvd={"CVE-2020-1": Nvd("CVE-2020-1", v3_vector=V31, v3_score=7.5)})


@pytest.mark.parametrize(
    ("source", "raw", "links", "sources", "url"),
    [
        ("osv/pypi", V31, "", [2, 3], "https://osv.dev/vulnerability/CVE-2020-1"),
        ("osv/pypi", "HIGH", "", [3], "https://nvd.nist.gov/vuln/detail/CVE-2020-1"),
        ("osv/pypi", "AV:N/AC:L/Au:N/C:N/I:N/A:P", "", [2, 3], "https://osv.dev/vulnerability/CVE-2020-1"),
        (
            "osv/pypi",
            "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
            "",
            [3],
            "https://nvd.nist.gov/vuln/detail/CVE-2020-1",
        ),
        ("rhel-vex", V31, "", [1, 3], "https://access.redhat.com/security/cve/CVE-2020-1"),
        (
            "stackrox-manual",
            V31,
            "https://nvd.nist.gov/vuln/detail/x",
            [3],
            "https://nvd.nist.gov/vuln/detail/CVE-2020-1",
        ),
        ("stackrox-manual", V31, "https://osv.dev/y", [2, 3], "https://osv.dev/y"),
        ("stackrox-manual", V31, "https://access.redhat.com/z", [1, 3], "https://access.redhat.com/z"),
        ("stackrox-manual", V31, "https://other", [0, 3], "https://other"),
        ("debian/updater", V31, "", [3], "https://nvd.nist.gov/vuln/detail/CVE-2020-1"),
    ],
)
def test_scores_stand_in_upstreams_order(
    source: str, raw: str, links: str, sources: list[int], url: str
) -> None:
    found = only(hit(source=source, severity=raw, links=links), enrichments=NVD_RECORD)
    assert [m.source for m in found.cvss_metrics] == sources
    assert found.cvss_metrics[0].url == url
    assert found.cvss == found.cvss_metrics[0]


def test_red_hat_advisory_and_its_date() -> None:
    released = Enrichments(red_hat={"RHSA-2024:1": RedHatAdvisory("RHSA-2024:1", released=WHEN)})
    vex = hit(source="rhel-vex", links="https://x/RHSA-2024:1", aliases=(Alias("CVE", "CVE-2020-1"),))
    found = only(vex, enrichments=released)
    assert (found.advisory.name, found.advisory.link) == (
        "RHSA-2024:1",
        "https://access.redhat.com/errata/RHSA-2024:1",
    )
    assert found.fixed_date.seconds == int(WHEN.timestamp())
    assert [(a.space, a.name) for a in found.aliases] == [("CVE", "CVE-2020-1")]
    assert not only(vex).HasField("fixed_date")


@pytest.mark.parametrize(
    ("source", "name", "links", "shown"),
    [
        ("osv/pypi", "GHSA-xxxx-2222-3333", "https://osv.dev/vulnerability/CVE-2018-1", "CVE-2018-1"),
        ("osv/pypi", "GHSA-23cf-jvwx-9qrm", "https://x", "GHSA-23cf-jvwx-9qrm"),
        ("osv/go", "GO-2020-0001", "", "GO-2020-0001"),
        ("aws-AL2-updater", "ALAS2-2021-1704 CVE-2021-1", "", "ALAS2-2021-1704"),
        ("rhel-vex", "CVE-2023-1", "https://x/RHSA-2024:1", "CVE-2023-1"),
        ("u", "CVE-2017-2616 (+ regression fix)", "", "CVE-2017-2616"),
        ("u", "nothing known", "", "nothing known"),
        ("u", "xABC-2024:7", "", "ABC-2024:7"),
    ],
)
def test_shown_name(source: str, name: str, links: str, shown: str) -> None:
    assert naming.shown_name(Advisory(source, "k", name, links=links)) == shown


def test_shown_name_of_half_a_million_capitals_is_found_in_one_pass() -> None:
    assert naming.shown_name(Advisory("u", "k", "A" * 500_000)) == "A" * 500_000


@pytest.mark.parametrize(
    ("did", "version_id", "version", "expected"),
    [
        ("debian", "12", "", []),
        ("debian", "13", "", [pb.VulnerabilityReport.NOTE_OS_UNSUPPORTED]),
        ("alpine", "", "3.19", []),
        ("wolfi", "2023", "", []),
    ],
)
def test_notes_by_the_namespaces_that_are_loaded(
    did: str, version_id: str, version: str, expected: list[int]
) -> None:
    value = common_pb2.Contents()
    value.distributions["1"].CopyFrom(
        common_pb2.Distribution(did=did, version_id=version_id, version=version)
    )
    assert notes(value, {"debian:12", "alpine:v3.19", "wolfi"}) == expected


def test_notes_without_one_distribution_say_unknown() -> None:
    assert notes(common_pb2.Contents(), {"debian:12"}) == [pb.VulnerabilityReport.NOTE_OS_UNKNOWN]
    two = common_pb2.Contents(distributionsDEPRECATED=[common_pb2.Distribution(), common_pb2.Distribution()])
    assert notes(two, {"debian:12"}) == [pb.VulnerabilityReport.NOTE_OS_UNKNOWN]
