"""Scanner V4's vulnerability report to `storage.ImageScan`: pure.

Rules are upstream's (`pkg/scanners/scannerv4/convert.go`). Called after each scan. It
must not know how the report was obtained or where the scan is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pyrox.pb.internalapi.scanner.v4.common_pb2 import Contents, Environment, Package
from pyrox.pb.internalapi.scanner.v4.vulnerability_report_pb2 import VulnerabilityReport
from pyrox.pb.storage import cve_pb2
from pyrox.pb.storage.cve_pb2 import CVSSScore, VulnerabilitySeverity, VulnOrigin
from pyrox.pb.storage.image_pb2 import EmbeddedImageScanComponent, ImageScan, SourceType
from pyrox.pb.storage.vulnerability_pb2 import EmbeddedVulnerability
from services.central.images import cvss

Vulnerability = VulnerabilityReport.Vulnerability
_SOURCES = {
    "go": SourceType.GO,
    "file": SourceType.JAVA,
    "jar": SourceType.JAVA,
    "maven": SourceType.JAVA,
    "nodejs": SourceType.NODEJS,
    "python": SourceType.PYTHON,
    "ruby": SourceType.RUBY,
    "bdb": SourceType.OS,
    "sqlite": SourceType.OS,
    "ndb": SourceType.OS,
}
_SEVERITIES = {
    Vulnerability.SEVERITY_LOW: VulnerabilitySeverity.LOW_VULNERABILITY_SEVERITY,
    Vulnerability.SEVERITY_MODERATE: VulnerabilitySeverity.MODERATE_VULNERABILITY_SEVERITY,
    Vulnerability.SEVERITY_IMPORTANT: VulnerabilitySeverity.IMPORTANT_VULNERABILITY_SEVERITY,
    Vulnerability.SEVERITY_CRITICAL: VulnerabilitySeverity.CRITICAL_VULNERABILITY_SEVERITY,
}
_ORIGINS = (
    ("alpine-", VulnOrigin.VULN_ORIGIN_ALPINE),
    ("aws-", VulnOrigin.VULN_ORIGIN_AMAZON),
    ("debian/", VulnOrigin.VULN_ORIGIN_DEBIAN),
    ("oracle-", VulnOrigin.VULN_ORIGIN_ORACLE),
    ("osv/", VulnOrigin.VULN_ORIGIN_OSV),
    ("photon-", VulnOrigin.VULN_ORIGIN_PHOTON),
    ("rhel-", VulnOrigin.VULN_ORIGIN_RED_HAT),
    ("suse-", VulnOrigin.VULN_ORIGIN_SUSE),
    ("ubuntu/", VulnOrigin.VULN_ORIGIN_UBUNTU),
)
_METRIC_SOURCES = {
    Vulnerability.CVSS.SOURCE_RED_HAT: cve_pb2.SOURCE_RED_HAT,
    Vulnerability.CVSS.SOURCE_OSV: cve_pb2.SOURCE_OSV,
    Vulnerability.CVSS.SOURCE_NVD: cve_pb2.SOURCE_NVD,
}


@dataclass(frozen=True, slots=True)
class Layers:
    """Where each layer of the image stands, by digest."""

    index: Mapping[str, int]

    @classmethod
    def of(cls, shas: Sequence[str], empty: Sequence[bool]) -> Layers:
        """Indices into the Dockerfile lines; lines without a layer of their own are passed over.

        `shas` are the layers that hold files, in order; `empty` says of each line of the
        Dockerfile whether it made none.
        """
        lines = [number for number, is_empty in enumerate(empty) if not is_empty]
        places = lines if len(lines) == len(shas) else range(len(shas))
        return cls(dict(zip(shas, places, strict=True)))


def scan_of(report: VulnerabilityReport, layers: Layers) -> ImageScan:
    """The scan; its time, version and data source are the caller's to set."""
    contents = report.contents
    scan = ImageScan(operating_system=operating_system(contents))
    scan.notes.extend(_notes(report))
    # A report's packages come in no order; scans of one content must be equal.
    scan.components.extend(sorted(_components(report, layers), key=_place))
    return scan


def _place(component: EmbeddedImageScanComponent) -> tuple[int, str, str, str, str]:
    layer = component.layer_index if component.WhichOneof("has_layer_index") else -1
    return layer, component.name, component.version, component.location, component.architecture


def operating_system(contents: Contents) -> str:
    """`debian:12`, or `unknown` unless there is exactly one distribution."""
    found = list(contents.distributions.values()) or list(contents.distributionsDEPRECATED)
    if len(found) != 1:
        return "unknown"
    return f"{found[0].did}:{found[0].version_id or found[0].version}"


def _notes(report: VulnerabilityReport) -> list[ImageScan.Note.ValueType]:
    notes = []
    if VulnerabilityReport.NOTE_OS_UNSUPPORTED in report.notes:
        notes.append(ImageScan.OS_CVES_UNAVAILABLE)
    if VulnerabilityReport.NOTE_OS_UNKNOWN in report.notes:
        notes.append(ImageScan.OS_UNAVAILABLE)
    # Any other note, too: an Indexer left a part of the image unread.
    return [*notes, ImageScan.PARTIAL_SCAN_DATA] if report.notes else []


def _components(report: VulnerabilityReport, layers: Layers) -> Iterable[EmbeddedImageScanComponent]:
    contents = report.contents
    packages = dict(contents.packages) or {found.id: found for found in contents.packagesDEPRECATED}
    environments = contents.environments or contents.environmentsDEPRECATED
    sources = {package.source.id for package in packages.values() if package.HasField("source")}
    for package_id, package in packages.items():
        if package.kind == "ancestry" or (package.kind == "source" and package_id in sources):
            continue
        found = environments[package_id].environments if package_id in environments else ()
        vulnerabilities = [
            report.vulnerabilities[vuln_id]
            for vuln_id in report.package_vulnerabilities[package_id].values
            if vuln_id in report.vulnerabilities
        ]
        yield _component(package, found, vulnerabilities, layers)


def _component(
    package: Package,
    environments: Sequence[Environment],
    vulnerabilities: Sequence[Vulnerability],
    layers: Layers,
) -> EmbeddedImageScanComponent:
    environment = environments[0] if environments else Environment()
    source, location = _origin_of(environment.package_db)
    component = EmbeddedImageScanComponent(
        name=package.name,
        version=package.version,
        source=source,
        location=location,
        fixed_by=package.fixed_in_version,
        architecture=package.arch,
    )
    if (index := layers.index.get(environment.introduced_in)) is not None:
        component.layer_index = index
    component.vulns.extend(_merged(vulnerabilities, package.fixed_in_version))
    if component.vulns:
        component.top_cvss = max(vuln.cvss for vuln in component.vulns)
    return component


def _origin_of(package_db: str) -> tuple[SourceType.ValueType, str]:
    """`python:usr/lib/…` to the source type and the path."""
    prefix, colon, location = package_db.partition(":")
    if colon and prefix in _SOURCES:
        return _SOURCES[prefix], location
    return SourceType.OS, package_db


def _merged(found: Sequence[Vulnerability], fixed_by: str) -> list[EmbeddedVulnerability]:
    """One row a CVE name: what fixes it from the better report, scores from the better rated one."""
    chosen: dict[str, tuple[Vulnerability, Vulnerability]] = {}
    for vuln in found:
        fix, score = chosen.get(vuln.name, (vuln, vuln))
        chosen[vuln.name] = (
            max(fix, vuln, key=lambda v: _fix_rank(v, fixed_by)),
            max(score, vuln, key=_score_rank),
        )
    return [embedded(fix, score) for fix, score in chosen.values()]


def _fix_rank(vuln: Vulnerability, fixed_by: str) -> tuple[int, bool, bool, list[int]]:
    dated = vuln.fixed_date.ToNanoseconds() if vuln.HasField("fixed_date") else 0
    fix = vuln.fixed_in_version
    numbers = [int(part) for part in "".join(c if c.isdigit() else " " for c in fix).split()[:16]]
    return dated, bool(fix), bool(fix) and fix == fixed_by, numbers


def _score_rank(vuln: Vulnerability) -> tuple[int, int, float]:
    return (
        len(vuln.cvss_metrics),
        int(vuln.normalized_severity),
        max(map(_base_score, vuln.cvss_metrics), default=0.0),
    )


def _base_score(metrics: Vulnerability.CVSS) -> float:
    return float(metrics.v3.base_score if metrics.HasField("v3") else metrics.v2.base_score)


def embedded(fix: Vulnerability, score: Vulnerability) -> EmbeddedVulnerability:
    """The stored form of a vulnerability."""
    made = EmbeddedVulnerability(
        cve=fix.name,
        summary=fix.description,
        link=fix.link,
        vulnerability_type=EmbeddedVulnerability.IMAGE_VULNERABILITY,
        severity=_SEVERITIES.get(
            score.normalized_severity, VulnerabilitySeverity.UNKNOWN_VULNERABILITY_SEVERITY
        ),
        datasource="",
        origin=next(
            (o for prefix, o in _ORIGINS if fix.updater.startswith(prefix)), VulnOrigin.VULN_ORIGIN_OTHER
        ),
    )
    if fix.fixed_in_version:
        made.fixed_by = fix.fixed_in_version
    if fix.HasField("issued"):
        made.published_on.CopyFrom(fix.issued)
    if fix.HasField("fixed_date"):
        made.fix_available_timestamp.CopyFrom(fix.fixed_date)
    if fix.HasField("advisory"):
        made.advisory.name, made.advisory.link = fix.advisory.name, fix.advisory.link
    if fix.HasField("epss_metrics"):
        made.epss.epss_probability = fix.epss_metrics.probability
        made.epss.epss_percentile = fix.epss_metrics.percentile
    made.cisa_kev = fix.HasField("exploit")
    _add_scores(made, score)
    return made


def _add_scores(made: EmbeddedVulnerability, vuln: Vulnerability) -> None:
    for metrics in vuln.cvss_metrics:
        if (entry := _metric(metrics)) is not None:
            made.cvss_metrics.append(entry)
    preferred = next((m for m in made.cvss_metrics if m.source != cve_pb2.SOURCE_NVD), None)
    chosen = preferred or next(iter(made.cvss_metrics), None)
    for entry in made.cvss_metrics:
        if entry.source == cve_pb2.SOURCE_NVD:
            made.nvd_cvss = entry.cvssv3.score if entry.HasField("cvssv3") else entry.cvssv2.score
    if chosen is None:
        return
    if chosen.url:
        made.link = chosen.url
    if chosen.HasField("cvssv3"):
        made.score_version = EmbeddedVulnerability.V3
        made.cvss_v3.CopyFrom(chosen.cvssv3)
        made.cvss = chosen.cvssv3.score
    else:
        made.score_version = EmbeddedVulnerability.V2
        made.cvss_v2.CopyFrom(chosen.cvssv2)
        made.cvss = chosen.cvssv2.score
    if made.severity == VulnerabilitySeverity.UNKNOWN_VULNERABILITY_SEVERITY:
        made.severity = _severity_of_score(made.cvss)


def _metric(metrics: Vulnerability.CVSS) -> CVSSScore | None:
    source = _METRIC_SOURCES.get(metrics.source, cve_pb2.SOURCE_UNKNOWN)
    if metrics.HasField("v3"):
        third = cvss.v3(metrics.v3.vector, metrics.v3.base_score)
        return None if third is None else CVSSScore(source=source, url=metrics.url, cvssv3=third)
    if metrics.HasField("v2"):
        second = cvss.v2(metrics.v2.vector, metrics.v2.base_score)
        return None if second is None else CVSSScore(source=source, url=metrics.url, cvssv2=second)
    return None


def _severity_of_score(score: float) -> VulnerabilitySeverity.ValueType:
    """The severity that a score alone stands for."""
    if score <= 0:
        return VulnerabilitySeverity.UNKNOWN_VULNERABILITY_SEVERITY
    if score < 4:
        return VulnerabilitySeverity.LOW_VULNERABILITY_SEVERITY
    if score < 7:
        return VulnerabilitySeverity.MODERATE_VULNERABILITY_SEVERITY
    if score < 9:
        return VulnerabilitySeverity.IMPORTANT_VULNERABILITY_SEVERITY
    return VulnerabilitySeverity.CRITICAL_VULNERABILITY_SEVERITY
