"""Advisories as bytes: what they hold, and that the stored form gives the advisory back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pyrox.pb.internalapi.scanner.v4 import vulnerability_report_pb2 as pb
from pyrox.scan.advisories.enrichment import Enrichments, Epss, Kev, Nvd, RedHatAdvisory
from pyrox.scan.advisories.model import Advisory, Alias, Severity
from pyrox.scan.rendering import advisory_of, raw_of, show, text_of, weight

Vulnerability = pb.VulnerabilityReport.Vulnerability
WHEN = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
V31 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"
WHOLE = Advisory(
    source="rhel-vex", key="k", name="CVE-2026-1", description="d\u00e9", issued=WHEN,
    links="https://x/RHSA-2026:1", severity=V31, normalized=Severity.IMPORTANT,
    aliases=(Alias("CVE", "CVE-2026-1"), Alias("", "plain")),
)  # fmt: skip
NOTHING = Enrichments()


def decoded(advisory: Advisory, fixed: str = "", enrichments: Enrichments = NOTHING) -> Vulnerability:
    data, _ = show(text_of(raw_of(advisory)), fixed, enrichments)
    return Vulnerability.FromString(data)


def test_stored_form_gives_the_advisory_back() -> None:
    assert advisory_of(raw_of(WHOLE), "k") == WHOLE
    assert text_of(raw_of(WHOLE)).advisory.aliases == WHOLE.aliases


def test_every_field_is_what_the_message_would_hold() -> None:
    found = decoded(WHOLE, "1.2")
    metric = Vulnerability.CVSS(source=Vulnerability.CVSS.SOURCE_RED_HAT)
    metric.url = "https://access.redhat.com/security/cve/CVE-2026-1"
    metric.v3.base_score, metric.v3.vector = 7.5, V31
    expected = Vulnerability(
        name="CVE-2026-1", description="d\u00e9", link="https://x/RHSA-2026:1", severity=V31,
        normalized_severity=Vulnerability.SEVERITY_IMPORTANT, fixed_in_version="1.2", cvss=metric,
        cvss_metrics=[metric], updater="rhel-vex",
        aliases=[
            pb.VulnerabilityReport.Alias(space="CVE", name="CVE-2026-1"),
            pb.VulnerabilityReport.Alias(name="plain"),
        ],
    )  # fmt: skip
    expected.issued.FromDatetime(WHEN)
    expected.advisory.name = "RHSA-2026:1"
    expected.advisory.link = "https://access.redhat.com/errata/RHSA-2026:1"
    assert found == expected


def test_every_enrichment_is_what_the_message_would_hold() -> None:
    enrichments = Enrichments(
        nvd={"CVE-2026-1": Nvd("CVE-2026-1", v2_vector="AV:N/AC:L/Au:N/C:N/I:N/A:P", v2_score=5.0)},
        epss={"CVE-2026-1": Epss("CVE-2026-1", 0.1, 0.2, "date", "model")},
        kev={"CVE-2026-1": Kev("CVE-2026-1", "v", "a", "s", "r", "due", "Known")},
        red_hat={"RHSA-2026:1": RedHatAdvisory("RHSA-2026:1", released=WHEN)},
    )
    found = decoded(WHOLE, enrichments=enrichments)
    assert (found.epss_metrics.date, found.epss_metrics.model_version) == ("date", "model")
    assert found.epss_metrics.probability == pytest.approx(0.1)
    assert found.epss_metrics.percentile == pytest.approx(0.2)
    assert found.exploit == Vulnerability.CISAExploit(
        catalog_version="v", date_added="a", short_description="s", required_action="r", due_date="due",
        known_ransomware_campaign_use="Known",
    )  # fmt: skip
    assert found.fixed_date.ToDatetime(UTC) == WHEN
    assert [metric.source for metric in found.cvss_metrics] == [1, 3]
    assert found.cvss_metrics[1].v2.vector == "AV:N/AC:L/Au:N/C:N/I:N/A:P"


def test_order_is_by_severity_and_first_score() -> None:
    _, rank = show(text_of(raw_of(WHOLE)), "", NOTHING)
    assert rank == (-3, -7.5)


def test_weight_grows_with_the_text() -> None:
    small, large = (text_of(("s", "n", "x" * length, None, "", "", 0, [])) for length in (1, 1000))
    assert weight(large) >= weight(small) + 999
