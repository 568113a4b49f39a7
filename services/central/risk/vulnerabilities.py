"""How much the vulnerabilities of an image, a node or a single component weigh.

The severity counts and not the CVSS score, since the two need not agree (upstream
central/risk/scorer/vulns). Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pyrox.pb.storage.cve_pb2 import CVEInfo, VulnerabilitySeverity
from pyrox.pb.storage.image_pb2 import EmbeddedImageScanComponent
from pyrox.pb.storage.node_pb2 import EmbeddedNodeScanComponent
from pyrox.pb.storage.vulnerability_pb2 import EmbeddedVulnerability
from services.central.risk.numbers import normalised, single

# Upstream central/risk/multipliers: the same for images, nodes and components.
_SATURATION, _MOST = 100.0, 4.0
_UNKNOWN = VulnerabilitySeverity.UNKNOWN_VULNERABILITY_SEVERITY
_LOW = VulnerabilitySeverity.LOW_VULNERABILITY_SEVERITY
_MODERATE = VulnerabilitySeverity.MODERATE_VULNERABILITY_SEVERITY
_IMPORTANT = VulnerabilitySeverity.IMPORTANT_VULNERABILITY_SEVERITY
_CRITICAL = VulnerabilitySeverity.CRITICAL_VULNERABILITY_SEVERITY
_NAMES = {_LOW: "Low", _MODERATE: "Moderate", _IMPORTANT: "Important", _CRITICAL: "Critical"}
# CVSS 2 knows no critical.
_SCORES_2 = {_LOW: 2.0, _MODERATE: 5.5, _IMPORTANT: 8.5}
_SCORES = {_LOW: 2.0, _MODERATE: 5.5, _IMPORTANT: 8.0, _CRITICAL: 9.5}


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """What counts of one vulnerability."""

    severity: VulnerabilitySeverity.ValueType
    cvss_2: bool = False

    @property
    def score(self) -> float:
        """What its severity stands for."""
        return (_SCORES_2 if self.cvss_2 else _SCORES).get(self.severity, 0.0)


@dataclass(frozen=True, slots=True)
class Weight:
    """All vulnerabilities of a subject together."""

    count: int = 0
    total: float = 0.0
    least: Vulnerability = Vulnerability(_UNKNOWN)
    most: Vulnerability = Vulnerability(_UNKNOWN)

    @property
    def score(self) -> float:
        """The multiplier."""
        return normalised(self.total, _SATURATION, _MOST)

    @property
    def text(self) -> str:
        """How many there are, and how severe."""
        lowest, highest = _name(self.least), _name(self.most)
        return f"contains {self.count} CVEs with severities ranging between {lowest} and {highest}"


def weigh(components: Iterable[Iterable[Vulnerability]]) -> Weight:
    """The weight of the vulnerabilities of some components; those of unknown severity count nothing."""
    count, total = 0, 0.0
    least: Vulnerability | None = None
    most: Vulnerability | None = None
    for component in components:
        subtotal = 0.0
        for found in component:
            if found.severity == _UNKNOWN:
                continue
            count += 1
            subtotal = single(subtotal + single(single(found.score * found.score) / 10))
            # The first of several with one score counts, as it does upstream.
            if least is None or found.score < least.score:
                least = found
            if most is None or found.score > most.score:
                most = found
        total = single(total + subtotal)
    if least is None or most is None:
        return Weight()
    return Weight(count, total, least, most)


def of_image_component(component: EmbeddedImageScanComponent) -> list[Vulnerability]:
    """The vulnerabilities of a component of an image."""
    return [_embedded(found) for found in component.vulns]


def of_node_component(component: EmbeddedNodeScanComponent) -> list[Vulnerability]:
    """The vulnerabilities of a component of a node, from the newer of its two fields that is set."""
    if component.vulnerabilities:
        return [
            Vulnerability(found.severity, found.cve_base_info.score_version == CVEInfo.V2)
            for found in component.vulnerabilities
        ]
    return [_embedded(found) for found in component.vulns]


def _embedded(found: EmbeddedVulnerability) -> Vulnerability:
    return Vulnerability(found.severity, found.score_version == EmbeddedVulnerability.V2)


def _name(found: Vulnerability) -> str:
    return _NAMES.get(found.severity, "Unknown")
