"""The scanner's report to the stored scan."""

from __future__ import annotations

from typing import Any

import pytest

from pyrox.pb.internalapi.scanner.v4.common_pb2 import Contents, Package
from pyrox.pb.internalapi.scanner.v4.vulnerability_report_pb2 import VulnerabilityReport
from pyrox.pb.storage import cve_pb2
from pyrox.pb.storage.cve_pb2 import VulnerabilitySeverity, VulnOrigin
from pyrox.pb.storage.image_pb2 import EmbeddedImageScanComponent, ImageScan, SourceType
from pyrox.pb.storage.vulnerability_pb2 import EmbeddedVulnerability
from services.central.images.convert import Layers, embedded, operating_system, scan_of

Vulnerability = VulnerabilityReport.Vulnerability
NO_LAYERS = Layers.of([], [])


def vuln(name: str = "CVE-1", **fields: Any) -> VulnerabilityReport.Vulnerability:
    return Vulnerability(name=name, **fields)


def metrics(
    score: float, source: int, version: int = 3, url: str = ""
) -> VulnerabilityReport.Vulnerability.CVSS:
    made = Vulnerability.CVSS(source=Vulnerability.CVSS.Source.ValueType(source), url=url)
    if version == 3:
        made.v3.base_score, made.v3.vector = score, "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
    else:
        made.v2.base_score, made.v2.vector = score, "AV:N/AC:L/Au:N/C:C/I:C/A:C"
    return made


def report(
    packages: dict[str, Package],
    found: dict[str, list[VulnerabilityReport.Vulnerability]] | None = None,
    places: dict[str, tuple[str, str]] | None = None,
) -> VulnerabilityReport:
    """Packages by id, their vulnerabilities, and (package database, layer) of each."""
    made = VulnerabilityReport()
    for id_, package in packages.items():
        made.contents.packages[id_].CopyFrom(package)
        database, layer = (places or {}).get(id_, ("", ""))
        made.contents.environments[id_].environments.add(package_db=database, introduced_in=layer)
    for id_, vulns in (found or {}).items():
        for number, one in enumerate(vulns):
            key = f"{id_}-{number}"
            made.vulnerabilities[key].CopyFrom(one)
            made.package_vulnerabilities[id_].values.append(key)
    return made


def only(made: ImageScan) -> EmbeddedImageScanComponent:
    (component,) = made.components
    return component


def component_of(*vulns: VulnerabilityReport.Vulnerability, fixed_by: str = "") -> EmbeddedImageScanComponent:
    return only(
        scan_of(report({"1": Package(name="p", fixed_in_version=fixed_by)}, {"1": list(vulns)}), NO_LAYERS)
    )


@pytest.mark.parametrize(
    ("database", "source", "location"),
    [
        ("go:app/server", SourceType.GO, "app/server"),
        ("file:app/a.war", SourceType.JAVA, "app/a.war"),
        ("jar:app/a.jar", SourceType.JAVA, "app/a.jar"),
        ("maven:app/a.jar:b", SourceType.JAVA, "app/a.jar:b"),
        ("nodejs:app/package.json", SourceType.NODEJS, "app/package.json"),
        ("python:usr/lib", SourceType.PYTHON, "usr/lib"),
        ("ruby:gems", SourceType.RUBY, "gems"),
        ("bdb:var/lib/rpm", SourceType.OS, "var/lib/rpm"),
        ("sqlite:var/lib/rpm", SourceType.OS, "var/lib/rpm"),
        ("ndb:var/lib/rpm", SourceType.OS, "var/lib/rpm"),
        ("var/lib/dpkg/status", SourceType.OS, "var/lib/dpkg/status"),
        ("cobol:x", SourceType.OS, "cobol:x"),
        ("", SourceType.OS, ""),
    ],
)
def test_component_source_and_place_come_from_the_package_database(
    database: str, source: int, location: str
) -> None:
    made = only(scan_of(report({"1": Package(name="p")}, places={"1": (database, "")}), NO_LAYERS))
    assert (made.source, made.location) == (source, location)


def test_components_are_ordered_by_layer_and_name() -> None:
    packages = {str(n): Package(name=name, version="1") for n, name in enumerate(["d", "c", "b", "a"])}
    places = {"0": ("", "L1"), "1": ("", "L1"), "2": ("", "L2"), "3": ("", "unknown layer")}
    made = scan_of(report(packages, places=places), Layers.of(["L1", "L2"], [False, True, False]))
    indices = [(c.name, c.layer_index if c.WhichOneof("has_layer_index") else None) for c in made.components]
    assert indices == [("a", None), ("c", 0), ("d", 0), ("b", 2)]


@pytest.mark.parametrize(
    ("empty", "index"),
    [
        ([False, True, False], {"a": 0, "b": 2}),
        ([True, False, True, True, False], {"a": 1, "b": 4}),
        ([], {"a": 0, "b": 1}),
        ([False], {"a": 0, "b": 1}),
        ([False] * 3, {"a": 0, "b": 1}),
    ],
)
def test_layers_point_at_their_dockerfile_lines(empty: list[bool], index: dict[str, int]) -> None:
    assert Layers.of(["a", "b"], empty).index == index


def test_sources_of_binaries_and_ancestry_are_no_components() -> None:
    binary = Package(id="b", name="libssl3", kind="binary")
    binary.source.id = "s"
    packages = {
        "b": binary,
        "s": Package(id="s", name="openssl", kind="source"),
        "lone": Package(id="lone", name="alone", kind="source"),
        "x": Package(id="x", name="base-image", kind="ancestry"),
    }
    assert [one.name for one in scan_of(report(packages), NO_LAYERS).components] == ["alone", "libssl3"]


def test_report_of_an_older_indexer_is_read_from_its_deprecated_fields() -> None:
    made = VulnerabilityReport()
    made.contents.packagesDEPRECATED.add(id="7", name="old")
    made.contents.environmentsDEPRECATED["7"].environments.add(package_db="python:x")
    made.contents.distributionsDEPRECATED.add(did="alpine", version_id="3.19")
    scan = scan_of(made, NO_LAYERS)
    assert (only(scan).name, only(scan).source, scan.operating_system) == (
        "old",
        SourceType.PYTHON,
        "alpine:3.19",
    )


@pytest.mark.parametrize(
    ("distributions", "text"),
    [
        ([("debian", "12", "12 (bookworm)")], "debian:12"),
        ([("arch", "", "rolling")], "arch:rolling"),
        ([], "unknown"),
        ([("debian", "12", ""), ("debian", "11", "")], "unknown"),
    ],
)
def test_operating_system_is_the_only_distribution(
    distributions: list[tuple[str, str, str]], text: str
) -> None:
    contents = Contents()
    for number, (did, version_id, version) in enumerate(distributions):
        found = contents.distributions[str(number)]
        found.did, found.version_id, found.version = did, version_id, version
    assert operating_system(contents) == text


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ([], []),
        ([VulnerabilityReport.NOTE_OS_UNKNOWN], [ImageScan.OS_UNAVAILABLE, ImageScan.PARTIAL_SCAN_DATA]),
        ([VulnerabilityReport.NOTE_UNSPECIFIED], [ImageScan.PARTIAL_SCAN_DATA]),
        (
            [VulnerabilityReport.NOTE_OS_UNSUPPORTED],
            [ImageScan.OS_CVES_UNAVAILABLE, ImageScan.PARTIAL_SCAN_DATA],
        ),
        (
            [VulnerabilityReport.NOTE_OS_UNKNOWN, VulnerabilityReport.NOTE_OS_UNSUPPORTED],
            [ImageScan.OS_CVES_UNAVAILABLE, ImageScan.OS_UNAVAILABLE, ImageScan.PARTIAL_SCAN_DATA],
        ),
    ],
)
def test_notes_say_that_the_scan_is_partial(notes: list[Any], expected: list[Any]) -> None:
    assert list(scan_of(VulnerabilityReport(notes=notes), NO_LAYERS).notes) == expected


@pytest.mark.parametrize(
    ("updater", "origin"),
    [
        ("alpine-main-v3.19-updater", VulnOrigin.VULN_ORIGIN_ALPINE),
        ("aws-linux2-updater", VulnOrigin.VULN_ORIGIN_AMAZON),
        ("debian/updater", VulnOrigin.VULN_ORIGIN_DEBIAN),
        ("oracle-2020-updater", VulnOrigin.VULN_ORIGIN_ORACLE),
        ("osv/pypi", VulnOrigin.VULN_ORIGIN_OSV),
        ("photon-updater-3.0", VulnOrigin.VULN_ORIGIN_PHOTON),
        ("rhel-vex", VulnOrigin.VULN_ORIGIN_RED_HAT),
        ("suse-updater", VulnOrigin.VULN_ORIGIN_SUSE),
        ("ubuntu/updater/jammy", VulnOrigin.VULN_ORIGIN_UBUNTU),
        ("debian", VulnOrigin.VULN_ORIGIN_OTHER),
        ("", VulnOrigin.VULN_ORIGIN_OTHER),
    ],
)
def test_origin_is_the_updaters(updater: str, origin: int) -> None:
    found = vuln(updater=updater)
    assert embedded(found, found).origin == origin


def test_embedded_takes_over_what_is_known() -> None:
    found = vuln(
        "CVE-2024-1",
        description="d",
        link="https://example.org/1",
        fixed_in_version="2",
        normalized_severity=Vulnerability.SEVERITY_IMPORTANT,
    )
    found.issued.seconds, found.fixed_date.seconds = 1, 2
    found.advisory.name, found.advisory.link = "RHSA-1", "https://example.org/rhsa"
    found.epss_metrics.probability, found.epss_metrics.percentile = 0.5, 0.25
    found.exploit.SetInParent()
    made = embedded(found, found)
    assert (made.cve, made.summary, made.link, made.fixed_by) == (
        "CVE-2024-1",
        "d",
        "https://example.org/1",
        "2",
    )
    assert made.severity == VulnerabilitySeverity.IMPORTANT_VULNERABILITY_SEVERITY
    assert (made.published_on.seconds, made.fix_available_timestamp.seconds) == (1, 2)
    assert (made.advisory.name, made.advisory.link) == ("RHSA-1", "https://example.org/rhsa")
    assert (made.epss.epss_probability, made.epss.epss_percentile, made.cisa_kev) == (0.5, 0.25, True)
    assert made.vulnerability_type == EmbeddedVulnerability.IMAGE_VULNERABILITY
    bare = embedded(vuln(), vuln())
    assert not bare.WhichOneof("set_fixed_by")
    assert not any(bare.HasField(name) for name in ("advisory", "epss", "published_on"))


NVD, RED_HAT = Vulnerability.CVSS.SOURCE_NVD, Vulnerability.CVSS.SOURCE_RED_HAT


def test_scores_prefer_the_vendors_over_nvds() -> None:
    found = vuln(cvss_metrics=[metrics(9.8, NVD, url="https://nvd"), metrics(7.1, RED_HAT, url="https://rh")])
    made = embedded(found, found)
    assert round(made.cvss, 1) == 7.1
    assert (made.link, round(made.nvd_cvss, 1), made.score_version) == (
        "https://rh",
        9.8,
        EmbeddedVulnerability.V3,
    )
    assert [one.source for one in made.cvss_metrics] == [cve_pb2.SOURCE_NVD, cve_pb2.SOURCE_RED_HAT]


def test_scores_of_version_two_alone_are_used() -> None:
    found = vuln(cvss_metrics=[metrics(10.0, NVD, version=2)])
    made = embedded(found, found)
    assert (made.cvss, made.nvd_cvss, made.score_version) == (10.0, 10.0, EmbeddedVulnerability.V2)
    assert made.HasField("cvss_v2")
    assert not made.HasField("cvss_v3")


def test_vector_that_cannot_be_read_is_left_out() -> None:
    found = vuln(link="https://kept", cvss_metrics=[Vulnerability.CVSS(source=RED_HAT), metrics(4, RED_HAT)])
    found.cvss_metrics[1].v3.vector = "CVSS:3.1/evil"
    made = embedded(found, found)
    assert (len(made.cvss_metrics), made.cvss, made.link) == (0, 0, "https://kept")


@pytest.mark.parametrize(
    ("score", "word"),
    [(0, "UNKNOWN"), (3.9, "LOW"), (4, "MODERATE"), (6.9, "MODERATE"), (7, "IMPORTANT"), (9, "CRITICAL")],
)
def test_unknown_severity_is_read_from_the_score(score: float, word: str) -> None:
    found = vuln(cvss_metrics=[metrics(score, NVD)])
    made = embedded(found, found).severity
    assert VulnerabilitySeverity.Name(made) == f"{word}_VULNERABILITY_SEVERITY"


def test_known_severity_wins_over_the_score() -> None:
    found = vuln(normalized_severity=Vulnerability.SEVERITY_LOW, cvss_metrics=[metrics(9.8, NVD)])
    assert embedded(found, found).severity == VulnerabilitySeverity.LOW_VULNERABILITY_SEVERITY


def dated(seconds: int, fix: str) -> VulnerabilityReport.Vulnerability:
    made = vuln(fixed_in_version=fix)
    made.fixed_date.seconds = seconds
    return made


@pytest.mark.parametrize(
    ("one", "other", "fixed_by", "chosen"),
    [
        pytest.param(dated(1, "9"), dated(2, "1"), "", "1", id="the later date"),
        pytest.param(vuln(), vuln(fixed_in_version="1"), "", "1", id="some fix"),
        pytest.param(
            vuln(fixed_in_version="9"), vuln(fixed_in_version="1"), "1", "1", id="the package's own"
        ),
        pytest.param(vuln(fixed_in_version="1.9"), vuln(fixed_in_version="1.10"), "", "1.10", id="numbers"),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_rows_of_one_cve_are_merged_by_the_better_fix(
    one: VulnerabilityReport.Vulnerability,
    other: VulnerabilityReport.Vulnerability,
    fixed_by: str,
    chosen: str,
    turned: bool,
) -> None:
    pair = (other, one) if turned else (one, other)
    (made,) = component_of(*pair, fixed_by=fixed_by).vulns
    assert made.fixed_by == chosen


def test_rows_of_one_cve_take_fix_and_score_from_different_reports() -> None:
    fixed = vuln(fixed_in_version="2", description="vendor")
    rated = vuln(
        description="nvd",
        normalized_severity=Vulnerability.SEVERITY_CRITICAL,
        cvss_metrics=[metrics(9.8, NVD)],
    )
    component = component_of(fixed, rated, vuln("CVE-2"))
    assert [(one.cve, one.summary, one.fixed_by, round(one.cvss, 1)) for one in component.vulns] == [
        ("CVE-1", "vendor", "2", 9.8),
        ("CVE-2", "", "", 0),
    ]
    assert round(component.top_cvss, 1) == 9.8


def test_component_without_vulnerabilities_has_no_top_score() -> None:
    made = report({"1": Package(name="p")})
    made.package_vulnerabilities["1"].values.append("vanished")
    component = only(scan_of(made, NO_LAYERS))
    assert not component.WhichOneof("set_top_cvss")
    assert not component.vulns
