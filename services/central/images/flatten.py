"""Images to what is stored of them: the flat image, its components, its CVEs; and digests.

Pure. Searches read the flat rows, the API's whole images are kept beside them. Ids are
stable: the same image, component and CVE give the same ids at every scan.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pyrox.pb.storage.cve_pb2 import ImageCVEV2, VulnerabilitySeverity
from pyrox.pb.storage.image_component_pb2 import ImageComponentV2
from pyrox.pb.storage.image_pb2 import EmbeddedImageScanComponent, Image, ListImage
from pyrox.pb.storage.image_v2_pb2 import ImageV2, ListImageV2
from pyrox.pb.storage.vulnerability_pb2 import EmbeddedVulnerability
from pyrox.workload.images import id_v2, uuid_of

_COUNTERS = {
    VulnerabilitySeverity.UNKNOWN_VULNERABILITY_SEVERITY: "unknown",
    VulnerabilitySeverity.LOW_VULNERABILITY_SEVERITY: "low",
    VulnerabilitySeverity.MODERATE_VULNERABILITY_SEVERITY: "moderate",
    VulnerabilitySeverity.IMPORTANT_VULNERABILITY_SEVERITY: "important",
    VulnerabilitySeverity.CRITICAL_VULNERABILITY_SEVERITY: "critical",
}


@dataclass(slots=True)
class Flat:
    """One image under one name, taken apart."""

    image: ImageV2
    components: list[ImageComponentV2] = field(default_factory=list)
    cves: list[ImageCVEV2] = field(default_factory=list)


def digest(image: Image) -> ListImage:
    """The list form of an image."""
    listed = ListImage(id=image.id, name=image.name.full_name, priority=image.priority)
    if image.WhichOneof("set_components"):
        listed.components = image.components
    if image.WhichOneof("set_cves"):
        listed.cves = image.cves
    if image.WhichOneof("set_fixable"):
        listed.fixable_cves = image.fixable_cves
    if image.metadata.v1.HasField("created"):
        listed.created.CopyFrom(image.metadata.v1.created)
    if image.HasField("last_updated"):
        listed.last_updated.CopyFrom(image.last_updated)
    return listed


def flat_digest(image: ImageV2) -> ListImageV2:
    """The list form of a flat image."""
    listed = ListImageV2(
        id=image.id,
        name=image.name.full_name,
        component_count=image.scan_stats.component_count,
        cve_count=image.scan_stats.cve_count,
        fixable_cve_count=image.scan_stats.fixable_cve_count,
        priority=image.priority,
    )
    if image.metadata.v1.HasField("created"):
        listed.created.CopyFrom(image.metadata.v1.created)
    if image.HasField("last_updated"):
        listed.last_updated.CopyFrom(image.last_updated)
    return listed


def count(image: Image) -> None:
    """Set the image's own counters from its scan."""
    if not image.HasField("scan"):
        return
    cves: dict[str, bool] = {}
    for component in image.scan.components:
        for vuln in component.vulns:
            cves[vuln.cve] = cves.get(vuln.cve, False) or bool(vuln.fixed_by)
    image.components = len(image.scan.components)
    image.cves = len(cves)
    image.fixable_cves = sum(cves.values())
    scores = [
        component.top_cvss for component in image.scan.components if component.WhichOneof("set_top_cvss")
    ]
    image.top_cvss = max(scores, default=0.0)


def flatten(image: Image) -> Flat:
    """The rows of an image under the name that it carries."""
    flat = ImageV2(
        id=id_v2(image.name.full_name, image.id),
        digest=image.id,
        not_pullable=image.not_pullable,
        is_cluster_local=image.is_cluster_local,
        priority=image.priority,
        risk_score=image.risk_score,
        top_cvss=image.top_cvss,
    )
    flat.name.CopyFrom(image.name)
    for name in ("metadata", "scan", "signature", "signature_verification_data", "last_updated"):
        if image.HasField(name):
            getattr(flat, name).CopyFrom(getattr(image, name))
    flat.notes.extend(ImageV2.Note.Value(Image.Note.Name(note)) for note in image.notes)
    made = Flat(flat)
    severities: dict[str, tuple[int, bool]] = {}
    for position, component in enumerate(image.scan.components):
        row = _component(flat, component, position)
        made.components.append(row)
        for vuln in component.vulns:
            made.cves.append(_cve(flat, row, vuln, len(made.cves)))
            severity, fixable = severities.get(vuln.cve, (0, False))
            severities[vuln.cve] = (max(severity, vuln.severity), fixable or bool(vuln.fixed_by))
    _count_severities(flat, severities)
    return made


def _count_severities(flat: ImageV2, severities: dict[str, tuple[int, bool]]) -> None:
    stats = flat.scan_stats
    stats.component_count = len(flat.scan.components)
    stats.cve_count = len(severities)
    stats.fixable_cve_count = sum(fixable for _, fixable in severities.values())
    for severity, fixable in severities.values():
        word = _COUNTERS.get(VulnerabilitySeverity.ValueType(severity), "unknown")
        names = (f"{word}_cve_count", f"fixable_{word}_cve_count") if fixable else (f"{word}_cve_count",)
        for name in names:
            setattr(stats, name, getattr(stats, name) + 1)


def _component(flat: ImageV2, component: EmbeddedImageScanComponent, position: int) -> ImageComponentV2:
    key = f"{component.name}#{component.version}#{component.location}#{component.architecture}#{position}"
    row = ImageComponentV2(
        id=uuid_of(flat.id, key),
        name=component.name,
        version=component.version,
        priority=component.priority,
        source=component.source,
        risk_score=component.risk_score,
        fixed_by=component.fixed_by,
        operating_system=flat.scan.operating_system,
        location=component.location,
        architecture=component.architecture,
        # Searches of whole images go by the digest.
        image_id=flat.digest,
        image_id_v2=flat.id,
    )
    if component.WhichOneof("set_top_cvss"):
        row.top_cvss = component.top_cvss
    if component.WhichOneof("has_layer_index"):
        row.layer_index = component.layer_index
    return row


def _cve(
    flat: ImageV2, component: ImageComponentV2, vuln: EmbeddedVulnerability, position: int
) -> ImageCVEV2:
    row = ImageCVEV2(
        id=uuid_of(component.id, f"{vuln.cve}#{position}"),
        cvss=vuln.cvss,
        severity=vuln.severity,
        nvdcvss=vuln.nvd_cvss,
        state=vuln.state,
        is_fixable=bool(vuln.fixed_by),
        component_id=component.id,
        image_id=flat.digest,
        image_id_v2=flat.id,
        datasource=vuln.datasource,
        origin=vuln.origin,
        impact_score=vuln.cvss_v3.impact_score or vuln.cvss_v2.impact_score,
    )
    if vuln.fixed_by:
        row.fixed_by = vuln.fixed_by
    if vuln.HasField("advisory"):
        row.advisory.CopyFrom(vuln.advisory)
    if vuln.HasField("first_image_occurrence"):
        row.first_image_occurrence.CopyFrom(vuln.first_image_occurrence)
    if vuln.HasField("fix_available_timestamp"):
        row.fix_available_timestamp.CopyFrom(vuln.fix_available_timestamp)
    _fill_info(row, vuln)
    return row


def _fill_info(row: ImageCVEV2, vuln: EmbeddedVulnerability) -> None:
    info = row.cve_base_info
    info.cve, info.summary, info.link, info.cisa_kev = vuln.cve, vuln.summary, vuln.link, vuln.cisa_kev
    for name, source in (
        ("published_on", "published_on"),
        ("last_modified", "last_modified"),
        ("created_at", "first_system_occurrence"),
        ("cvss_v2", "cvss_v2"),
        ("cvss_v3", "cvss_v3"),
        ("epss", "epss"),
        ("exploit", "exploit"),
    ):
        if vuln.HasField(source):  # type: ignore[arg-type]  # names of the descriptor
            getattr(info, name).CopyFrom(getattr(vuln, source))
    info.cvss_metrics.extend(vuln.cvss_metrics)
