"""Summaries of scans: order, severities, unique counts."""

from __future__ import annotations

import pytest

from pyrox.pb.storage import cve_pb2, image_pb2
from roxctl.results.vulnerabilities import SEVERITIES, ScanSummary, summarize

UNKNOWN, LOW, MODERATE, IMPORTANT, CRITICAL = (
    cve_pb2.UNKNOWN_VULNERABILITY_SEVERITY,
    cve_pb2.LOW_VULNERABILITY_SEVERITY,
    cve_pb2.MODERATE_VULNERABILITY_SEVERITY,
    cve_pb2.IMPORTANT_VULNERABILITY_SEVERITY,
    cve_pb2.CRITICAL_VULNERABILITY_SEVERITY,
)


def summary(
    *components: tuple[str, list[tuple[str, int, float]]], severities: tuple[str, ...] = SEVERITIES
) -> ScanSummary:
    scan = image_pb2.ImageScan()
    for name, vulns in components:
        component = scan.components.add(name=name)
        for cve, severity, cvss in vulns:
            component.vulns.add(cve=cve, severity=severity, cvss=cvss)  # type: ignore[arg-type]
    return summarize(scan, severities)


def cves(made: ScanSummary) -> list[str]:
    return [vulnerability.cve for vulnerability in made.vulnerabilities]


def test_summarize_orders_by_worst_component_then_name_then_severity_then_score() -> None:
    made = summary(
        ("z", [("1", LOW, 0), ("2", CRITICAL, 9)]),
        ("b", [("3", IMPORTANT, 1), ("4", IMPORTANT, 5)]),
        ("a", [("5", IMPORTANT, 0)]),
    )
    assert cves(made) == ["2", "1", "5", "4", "3"]


def test_summarize_counts_each_cve_once_and_only_affected_components() -> None:
    made = summary(("a", [("1", LOW, 0)]), ("b", [("1", LOW, 0), ("2", MODERATE, 0)]), ("clean", []))
    assert made.counts == {
        "CRITICAL": 0,
        "IMPORTANT": 0,
        "LOW": 1,
        "MODERATE": 1,
        "TOTAL-COMPONENTS": 2,
        "TOTAL-VULNERABILITIES": 2,
    }


@pytest.mark.parametrize("severity", [UNKNOWN, 99])
def test_summarize_shows_unknown_severity_as_low(severity: int) -> None:
    [vulnerability] = summary(("a", [("1", severity, 0)])).vulnerabilities
    assert vulnerability.severity == "LOW"


def test_summarize_filters_severities_and_components() -> None:
    made = summary(("a", [("1", LOW, 0)]), ("b", [("2", CRITICAL, 0)]), severities=("CRITICAL",))
    assert (cves(made), made.counts["TOTAL-COMPONENTS"]) == (["2"], 1)


def test_summarize_nothing_has_no_list() -> None:
    assert "vulnerabilities" not in summary().json["result"]


def test_summarize_shows_scores_in_their_shortest_form() -> None:
    assert summary(("a", [("1", LOW, 9.8)])).vulnerabilities[0].cvss == 9.8
