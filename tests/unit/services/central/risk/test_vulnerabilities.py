"""What vulnerabilities weigh."""

from __future__ import annotations

import pytest

from pyrox.pb.storage.cve_pb2 import CVEInfo, VulnerabilitySeverity
from pyrox.pb.storage.image_pb2 import EmbeddedImageScanComponent
from pyrox.pb.storage.node_pb2 import EmbeddedNodeScanComponent
from pyrox.pb.storage.vulnerability_pb2 import EmbeddedVulnerability
from services.central.risk.vulnerabilities import (
    Vulnerability,
    Weight,
    of_image_component,
    of_node_component,
    weigh,
)

UNKNOWN = VulnerabilitySeverity.UNKNOWN_VULNERABILITY_SEVERITY
LOW = VulnerabilitySeverity.LOW_VULNERABILITY_SEVERITY
MODERATE = VulnerabilitySeverity.MODERATE_VULNERABILITY_SEVERITY
IMPORTANT = VulnerabilitySeverity.IMPORTANT_VULNERABILITY_SEVERITY
CRITICAL = VulnerabilitySeverity.CRITICAL_VULNERABILITY_SEVERITY


@pytest.mark.parametrize(
    ("severity", "version_3", "version_2"),
    [(LOW, 2.0, 2.0), (MODERATE, 5.5, 5.5), (IMPORTANT, 8.0, 8.5), (CRITICAL, 9.5, 0.0), (UNKNOWN, 0.0, 0.0)],
)
def test_severity_stands_for_a_score(
    severity: VulnerabilitySeverity.ValueType, version_3: float, version_2: float
) -> None:
    assert Vulnerability(severity).score == version_3
    assert Vulnerability(severity, cvss_2=True).score == version_2


@pytest.mark.parametrize(
    ("components", "count", "score", "text"),
    [
        # 2*2/10 = 0.4 of 100, of which 3 are to be had above 1.
        ([[LOW]], 1, 1.0119999647140503, "Low and Low"),
        # 6.4 + 9.025 = 15.425 of 100.
        ([[IMPORTANT], [CRITICAL]], 2, 1.4627499580383301, "Important and Critical"),
        # 3.025 + 0.4 = 3.425; what is unknown neither counts nor is named.
        ([[UNKNOWN, MODERATE], [LOW, UNKNOWN]], 2, 1.102750062942505, "Low and Moderate"),
        # 12 times 9.025 is more than 100.
        ([[CRITICAL] * 12], 12, 4.0, "Critical and Critical"),
    ],
)
def test_vulnerabilities_add_up(
    components: list[list[VulnerabilitySeverity.ValueType]], count: int, score: float, text: str
) -> None:
    found = weigh([Vulnerability(severity) for severity in component] for component in components)
    assert found.count == count
    assert found.score == pytest.approx(score, abs=1e-7)
    assert found.text == f"contains {count} CVEs with severities ranging between {text}"


def test_nothing_that_counts_weighs_nothing() -> None:
    assert weigh([]) == weigh([[], [Vulnerability(UNKNOWN)]]) == Weight()


def test_critical_of_cvss_2_is_the_least_of_all() -> None:
    found = weigh([[Vulnerability(CRITICAL, cvss_2=True), Vulnerability(LOW)]])
    assert found.text.endswith("ranging between Critical and Low")
    assert found.total == pytest.approx(0.4)


def test_components_of_images_and_nodes_are_read_alike() -> None:
    embedded = EmbeddedVulnerability(severity=IMPORTANT, score_version=EmbeddedVulnerability.V3)
    old = EmbeddedVulnerability(severity=IMPORTANT, score_version=EmbeddedVulnerability.V2)
    image = EmbeddedImageScanComponent(vulns=[embedded, old])
    assert [one.score for one in of_image_component(image)] == [8.0, 8.5]
    node = EmbeddedNodeScanComponent(vulns=[embedded])
    assert [one.score for one in of_node_component(node)] == [8.0]
    node.vulnerabilities.add(severity=IMPORTANT).cve_base_info.score_version = CVEInfo.V2
    node.vulnerabilities.add(severity=LOW).cve_base_info.score_version = CVEInfo.V3
    assert [one.score for one in of_node_component(node)] == [8.5, 2.0]
