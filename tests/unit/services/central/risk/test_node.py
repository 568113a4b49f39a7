"""The risk of nodes."""

from __future__ import annotations

import pytest

from pyrox.pb.storage.cve_pb2 import CVEInfo, VulnerabilitySeverity
from pyrox.pb.storage.node_pb2 import Node
from pyrox.pb.storage.risk_pb2 import RiskSubjectType
from services.central.risk.node import node_risk, set_scores


def test_node_without_findings_has_no_risk() -> None:
    node = Node(id="n", name="worker-1", risk_score=3)
    node.scan.components.add(name="kernel")
    assert node_risk(node) is None
    assert set_scores(node) is None
    assert node.risk_score == 0


def test_node_is_as_risky_as_what_is_installed_on_it() -> None:
    node = Node(id="n", name="worker-1", cluster_id="c")
    kernel, _ = node.scan.components.add(name="kernel"), node.scan.components.add(name="bash")
    kernel.vulnerabilities.add(severity=VulnerabilitySeverity.IMPORTANT_VULNERABILITY_SEVERITY)
    kernel.vulnerabilities.add(severity=VulnerabilitySeverity.MODERATE_VULNERABILITY_SEVERITY)
    for found in kernel.vulnerabilities:
        found.cve_base_info.score_version = CVEInfo.V3
    risk = set_scores(node)
    assert risk is not None
    assert (risk.id, risk.subject.type, risk.subject.cluster_id) == ("node:n", RiskSubjectType.NODE, "c")
    (result,) = risk.results
    assert [factor.message for factor in result.factors] == [
        'Node "worker-1" contains 2 CVEs with severities ranging between Moderate and Important'
    ]
    # 6.4 + 3.025 = 9.425 of 100, times 3.
    assert risk.score == pytest.approx(1.28275, abs=1e-6)
    assert [one.risk_score for one in node.scan.components] == [risk.score, 0]
    assert node.risk_score == risk.score
