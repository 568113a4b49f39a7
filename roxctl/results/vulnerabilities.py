"""Vulnerabilities of an image by component, from a scan."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyrox.pb.storage import cve_pb2, image_pb2
from pyrox.rpc.codec.scalars import float32
from roxctl.results.names import enum_name

SEVERITIES = ("LOW", "MODERATE", "IMPORTANT", "CRITICAL")
TOTAL_VULNERABILITIES = "TOTAL-VULNERABILITIES"
TOTAL_COMPONENTS = "TOTAL-COMPONENTS"
_SUFFIX = "_VULNERABILITY_SEVERITY"


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """One vulnerability of one component."""

    cve: str
    severity: str
    cvss: float | int | str
    link: str
    advisory: str
    advisory_link: str
    component: str
    version: str
    fixed_version: str

    @property
    def json(self) -> dict[str, Any]:
        """As `-o json` shows it."""
        return {
            "cveId": self.cve,
            "cveSeverity": self.severity,
            "cveCVSS": self.cvss,
            "cveInfo": self.link,
            "advisoryId": self.advisory,
            "advisoryInfo": self.advisory_link,
            "componentName": self.component,
            "componentVersion": self.version,
            "componentFixedVersion": self.fixed_version,
        }


@dataclass(frozen=True, slots=True)
class ScanSummary:
    """All vulnerabilities that are shown, and how many."""

    vulnerabilities: Sequence[Vulnerability]
    counts: Mapping[str, int]

    @property
    def json(self) -> dict[str, Any]:
        """As `-o json` shows it."""
        shown = [vulnerability.json for vulnerability in self.vulnerabilities]
        return {"result": {"summary": self.counts, **({"vulnerabilities": shown} if shown else {})}}


def severity_name(value: cve_pb2.VulnerabilitySeverity.ValueType) -> str:
    """The short name; an unknown severity counts as low."""
    name = enum_name(cve_pb2.VulnerabilitySeverity.Name, value).removesuffix(_SUFFIX)
    return name if name in SEVERITIES else "LOW"


def summarize(scan: image_pb2.ImageScan, severities: Collection[str]) -> ScanSummary:
    """The worst components first, then by name; each CVE counts once, where it comes first."""
    components = [found for component in scan.components if (found := _of(component, severities))]
    components.sort(key=lambda found: (-SEVERITIES.index(found[0].severity), found[0].component))
    shown = [vulnerability for found in components for vulnerability in found]
    unique: dict[str, str] = {}
    for vulnerability in shown:
        unique.setdefault(vulnerability.cve, vulnerability.severity)
    counts = {name: list(unique.values()).count(name) for name in SEVERITIES}
    counts |= {TOTAL_COMPONENTS: len(components), TOTAL_VULNERABILITIES: len(unique)}
    return ScanSummary(shown, dict(sorted(counts.items())))


def _of(component: image_pb2.EmbeddedImageScanComponent, severities: Collection[str]) -> list[Vulnerability]:
    """The component's vulnerabilities of these severities, the worst first."""
    found = [
        Vulnerability(
            cve=vuln.cve,
            severity=severity_name(vuln.severity),
            cvss=float32(vuln.cvss),
            link=vuln.link,
            advisory=vuln.advisory.name,
            advisory_link=vuln.advisory.link,
            component=component.name,
            version=component.version,
            fixed_version=vuln.fixed_by,
        )
        for vuln in component.vulns
        if severity_name(vuln.severity) in severities
    ]
    return sorted(found, key=lambda v: (-SEVERITIES.index(v.severity), -float(v.cvss)))
