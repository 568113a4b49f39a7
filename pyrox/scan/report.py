"""Assembles upstream's vulnerability report from an index report and what matched.

The Matcher calls `assemble` after its join. The rules are those of upstream's mappers
(pkg/scannerv4/mappers/mappers.go): shown names, order of CVSS sources, order and
deduplication of a package's vulnerabilities.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from pyrox.pb.internalapi.scanner.v4 import common_pb2
from pyrox.pb.internalapi.scanner.v4 import vulnerability_report_pb2 as pb
from pyrox.scan import naming, severity
from pyrox.scan.advisories.enrichment import Enrichments, Nvd
from pyrox.scan.advisories.model import Advisory, Severity
from pyrox.scan.matching import Hit, highest_fix
from pyrox.scan.protocols import VersionScheme

Vulnerability = pb.VulnerabilityReport.Vulnerability
Cvss = pb.VulnerabilityReport.Vulnerability.CVSS
_OSV_PAGE: Final = "https://osv.dev/vulnerability/"
_NVD_PAGE: Final = "https://nvd.nist.gov/vuln/detail/"
_RED_HAT_PAGE: Final = "https://access.redhat.com/security/cve/"
_MANUAL: Final = "stackrox-manual"


def assemble(
    *,
    hash_id: str,
    contents: common_pb2.Contents,
    hits: Sequence[Hit],
    enrichments: Enrichments,
    schemes: Mapping[str, VersionScheme],
    namespaces: Collection[str],
    partial: bool = False,
) -> pb.VulnerabilityReport:
    """The report.

    Args:
        hash_id: the image's id, copied.
        contents: the index report's contents, copied without the Indexer's own hints.
        hits: what matched; rows that state "not affected" go to their own map.
        enrichments: records of the CVEs that `naming.cve_of` finds in the advisories.
        schemes: version orders by name, for the highest fix of each package.
        namespaces: every namespace that a loaded feed covers.
        partial: whether the Indexer left a part of the image unread. Upstream's notes have no
            word for it; the unspecified one makes its Central mark the scan as partial.
    """
    report = pb.VulnerabilityReport(hash_id=hash_id)
    report.contents.CopyFrom(contents)
    ids = _Vulnerabilities(report, enrichments)
    by_package: dict[str, list[Hit]] = {}
    for hit in hits:
        if hit.row.not_affected:
            report.package_not_vulnerable[hit.package_id].values.append(ids.of(hit))
        else:
            by_package.setdefault(hit.package_id, []).append(hit)
    for package_id, found in by_package.items():
        ordered = _ordered(report, dict.fromkeys(ids.of(hit) for hit in found))
        report.package_vulnerabilities[package_id].values.extend(ordered)
    _finish_contents(report.contents, {key: _fix(found, schemes) for key, found in by_package.items()})
    report.notes.extend(notes(contents, namespaces))
    if partial:
        report.notes.append(pb.VulnerabilityReport.NOTE_UNSPECIFIED)
    return report


class _Vulnerabilities:
    """Puts each distinct vulnerability into the report once, under a number of its own."""

    def __init__(self, report: pb.VulnerabilityReport, enrichments: Enrichments) -> None:
        self._report = report
        self._enrichments = enrichments
        self._ids: dict[tuple[object, ...], str] = {}

    def of(self, hit: Hit) -> str:
        text = hit.advisory
        # What upstream takes for the same: all that a reader of the report could tell apart.
        same = (
            text.name,
            text.description,
            text.issued,
            text.links,
            text.severity,
            text.normalized,
            hit.row.fixed_in,
            hit.row.not_affected,
        )
        known = self._ids.get(same)
        if known is None:
            known = self._ids[same] = str(len(self._ids) + 1)
            self._report.vulnerabilities[known].CopyFrom(_vulnerability(known, hit, self._enrichments))
        return known


def _timestamp(source: Advisory, record: Nvd | None) -> Timestamp | None:
    moment = source.issued or (record.published if record else None)
    if moment is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def _vulnerability(key: str, hit: Hit, enrichments: Enrichments) -> pb.VulnerabilityReport.Vulnerability:
    advisory = hit.advisory
    cve = naming.cve_of(advisory)
    record = enrichments.nvd.get(cve)
    metrics = list(_metrics(advisory, cve, record))
    out = Vulnerability(
        id=key,
        name=naming.shown_name(advisory),
        description=advisory.description or (record.description if record else ""),
        issued=_timestamp(advisory, record),
        link=advisory.links,
        severity=advisory.severity,
        normalized_severity=_normalized(advisory, metrics),
        fixed_in_version=hit.row.fixed_in,
        cvss=metrics[0] if metrics else None,
        cvss_metrics=metrics,
        updater=advisory.source,
        aliases=[pb.VulnerabilityReport.Alias(space=a.space, name=a.name) for a in advisory.aliases],
    )
    _add_red_hat(out, advisory, enrichments)
    _add_exploit(out, cve, enrichments)
    return out


def _normalized(advisory: Advisory, metrics: Sequence[Cvss]) -> Vulnerability.Severity.ValueType:
    """The feed's own severity; where it has none (Alpine), that of the best CVSS score."""
    found = advisory.normalized
    if found is Severity.UNSPECIFIED and metrics:
        found = severity.from_score(_base(metrics[0]))
    return Vulnerability.Severity.ValueType(found.value)


def _add_red_hat(out: Vulnerability, advisory: Advisory, enrichments: Enrichments) -> None:
    name, link = naming.red_hat_advisory(advisory)
    if not name:
        return
    out.advisory.name, out.advisory.link = name, link
    known = enrichments.red_hat.get(name)
    if known is not None and known.released is not None:
        out.fixed_date.FromDatetime(known.released)


def _add_exploit(out: Vulnerability, cve: str, enrichments: Enrichments) -> None:
    epss, kev = enrichments.epss.get(cve), enrichments.kev.get(cve)
    if epss is not None:
        out.epss_metrics.date = epss.date
        out.epss_metrics.model_version = epss.model_version
        out.epss_metrics.probability = epss.probability
        out.epss_metrics.percentile = epss.percentile
    if kev is not None:
        out.exploit.catalog_version = kev.catalog_version
        out.exploit.date_added = kev.date_added
        out.exploit.short_description = kev.short_description
        out.exploit.required_action = kev.required_action
        out.exploit.due_date = kev.due_date
        out.exploit.known_ransomware_campaign_use = kev.known_ransomware_campaign_use


def _metrics(advisory: Advisory, cve: str, record: Nvd | None) -> Iterable[Cvss]:
    """Scores with their sources, the feed's own first, then NVD's unless it came first."""
    own = _own_metric(advisory, cve)
    if own is not None:
        yield own
        if own.source == Cvss.SOURCE_NVD:
            return
    if record is not None and (record.v3_vector or record.v2_vector):
        metric = Cvss(source=Cvss.SOURCE_NVD, url=_NVD_PAGE + record.cve)
        if record.v3_vector:
            metric.v3.base_score, metric.v3.vector = record.v3_score, record.v3_vector
        if record.v2_vector:
            metric.v2.base_score, metric.v2.vector = record.v2_score, record.v2_vector
        yield metric


def _own_metric(advisory: Advisory, cve: str) -> Cvss | None:
    """The metric of the advisory's own vector, where its source is one that gives vectors."""
    if severity.is_word(advisory.severity):
        return None
    place: tuple[Cvss.Source.ValueType, str] | None = None
    if advisory.source == naming.VEX:
        place = (Cvss.SOURCE_RED_HAT, _RED_HAT_PAGE + naming.shown_name(advisory))
    elif advisory.source.startswith("osv/"):
        place = (Cvss.SOURCE_OSV, _OSV_PAGE + advisory.name)
    elif advisory.source == _MANUAL:
        place = _manual_place(advisory.links.partition(" ")[0], cve)
    return _vector(advisory.severity, *place) if place else None


def _manual_place(link: str, cve: str) -> tuple[Cvss.Source.ValueType, str]:
    """The source of a manual entry's vector, by the beginning of its link."""
    if link.startswith("https://nvd.nist.gov/"):
        return Cvss.SOURCE_NVD, _NVD_PAGE + cve
    if link.startswith("https://osv.dev/"):
        return Cvss.SOURCE_OSV, link
    if link.startswith("https://access.redhat.com/"):
        return Cvss.SOURCE_RED_HAT, link
    return Cvss.SOURCE_UNKNOWN, link


def _vector(text: str, source: Cvss.Source.ValueType, url: str) -> Cvss | None:
    """The vector as a metric; the message has no place for version 4."""
    found = severity.score(text)
    if found is None or found.major > 3:
        return None
    metric = Cvss(source=source, url=url)
    if found.major == 3:
        metric.v3.base_score, metric.v3.vector = found.base, found.vector
    else:
        metric.v2.base_score, metric.v2.vector = found.base, found.vector
    return metric


def _base(metric: Cvss) -> float:
    return metric.v3.base_score if metric.HasField("v3") else metric.v2.base_score


def _ordered(report: pb.VulnerabilityReport, ids: Iterable[str]) -> list[str]:
    """Most severe first, then by base score; equal ones keep their order."""

    def rank(key: str) -> tuple[int, float]:
        found = report.vulnerabilities[key]
        return (-found.normalized_severity, -_base(found.cvss) if found.HasField("cvss") else 0.0)

    return sorted(ids, key=rank)


def _fix(hits: Sequence[Hit], schemes: Mapping[str, VersionScheme]) -> str:
    """The highest fix of a package's hits.

    A row that ends at its fix has that version's key as its upper bound, so keys are not
    made again; rows without keys are compared exactly with the best of the others.
    """
    keyed = [hit.row for hit in hits if hit.row.fixed_in and not hit.row.fallback]
    best = max(keyed, key=lambda row: row.hi).fixed_in if keyed else ""
    others = {hit.row.fixed_in for hit in hits if hit.row.fixed_in and hit.row.fallback}
    scheme = schemes.get(hits[0].row.scheme)
    return highest_fix((best, *sorted(others)), scheme) if others and scheme else best


def _finish_contents(contents: common_pb2.Contents, fixes: Mapping[str, str]) -> None:
    """Set each package's highest fix, drop the Indexer's hints, fill the deprecated list."""
    if not contents.packages:
        for package in contents.packagesDEPRECATED:
            contents.packages[package.id].CopyFrom(package)
    for key in contents.packages:
        package = contents.packages[key]
        package.ClearField("package_db")
        package.ClearField("repository_hint")
        package.fixed_in_version = fixes.get(key, "")
    del contents.packagesDEPRECATED[:]
    contents.packagesDEPRECATED.extend(contents.packages[key] for key in sorted(contents.packages))


def notes(
    contents: common_pb2.Contents, namespaces: Collection[str]
) -> list[pb.VulnerabilityReport.Note.ValueType]:
    """Unknown without exactly one distribution; unsupported when no loaded feed covers it."""
    systems = list(contents.distributions.values()) or list(contents.distributionsDEPRECATED)
    if len(systems) != 1:
        return [pb.VulnerabilityReport.NOTE_OS_UNKNOWN]
    system = systems[0]
    version = system.version_id or system.version
    forms = (system.did, f"{system.did}:{version}", f"{system.did}:v{version}")
    known = any(form in namespaces for form in forms)
    return [] if known else [pb.VulnerabilityReport.NOTE_OS_UNSUPPORTED]
