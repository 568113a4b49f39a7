"""The multipliers of images, with scores computed by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pyrox.pb.storage.cve_pb2 import VulnerabilitySeverity
from pyrox.pb.storage.image_pb2 import Image
from pyrox.pb.storage.risk_pb2 import Risk, RiskSubjectType
from pyrox.pb.storage.vulnerability_pb2 import EmbeddedVulnerability
from services.central.risk.image import image_risk, set_scores

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CRITICAL = VulnerabilitySeverity.CRITICAL_VULNERABILITY_SEVERITY


def image(*components: str, days: float | None = None, name: str = "example/app:1") -> Image:
    """An image with these components, each of version 1, so many days old."""
    made = Image(id="sha256:1")
    made.name.full_name = name
    for component in components:
        made.scan.components.add(name=component, version="1")
    if days is not None:
        made.metadata.v1.created.FromDatetime(NOW - timedelta(days=days))
    return made


def said(found: Image) -> list[tuple[str, float, list[str]]]:
    """Names, scores and factors of the results."""
    risk = image_risk(found, "i", NOW)
    return [] if risk is None else [_result(one) for one in risk.results]


def _result(one: Risk.Result) -> tuple[str, float, list[str]]:
    return one.name, one.score, [factor.message for factor in one.factors]


def test_image_without_anything_has_no_risk() -> None:
    assert image_risk(image("zlib", days=89.9), "i", NOW) is None


def test_vulnerabilities_are_counted_and_scores_written() -> None:
    made = image("zlib", "openssl")
    for _ in range(2):
        made.scan.components[0].vulns.add(severity=CRITICAL, score_version=EmbeddedVulnerability.V3)
    made.scan.components[1].vulns.add()
    # Twice 9.5*9.5/10 is 18.05, of 100, times 3.
    score = pytest.approx(1.5415, abs=1e-6)
    text = 'Image "example/app:1" contains 2 CVEs with severities ranging between Critical and Critical'
    assert [(name, factors) for name, _, factors in said(made)] == [("Image Vulnerabilities", [text])]
    risk = image_risk(made, "i", NOW)
    set_scores(made, risk)
    assert risk is not None
    assert made.risk_score == risk.score == score
    assert [one.risk_score for one in made.scan.components] == [score, 0.0]
    set_scores(made, None)
    assert made.risk_score == 0


FIVE = "apk, bash, curl, tcsh, wget"
FOR_THEM = "that are useful for attackers"
USEFUL = ["wget", "apk", "tcsh", "curl", "bash", "yum"]


@pytest.mark.parametrize(
    ("count", "score", "text"),
    [
        (1, 1.05, 'Image "example/app:1" contains component wget'),
        (2, 1.1, 'Image "example/app:1" contains components useful for attackers: apk, wget'),
        (5, 1.25, f'Image "example/app:1" contains components useful for attackers: {FIVE}'),
        (6, 1.3, f'Image "example/app:1" contains components: {FIVE} and 1 other(s) {FOR_THEM}'),
    ],
)
def test_components_that_help_attackers_are_named(count: int, score: float, text: str) -> None:
    names = USEFUL[:count]
    found = said(image(*names, *names, "zlib"))
    useful = [one for one in found if one[0] == "Components Useful for Attackers"]
    assert [(found, factors) for found, _, factors in useful] == [("Components Useful for Attackers", [text])]
    assert useful[0][1] == pytest.approx(score, abs=1e-6)


def test_all_components_that_help_attackers_are_not_worse_than_ten() -> None:
    every = [*USEFUL, "apt", "dnf", "netcat", "nmap", "rpm", "sh", "telnet"]
    found = {name: score for name, score, _ in said(image(*every))}
    assert found["Components Useful for Attackers"] == 1.5


@pytest.mark.parametrize(("count", "score"), [(9, None), (10, 1.0), (15, 1.25), (20, 1.5), (40, 1.5)])
def test_components_count_by_name_and_version(count: int, score: float | None) -> None:
    made = image(*(f"c{number}" for number in range(count)), "c0")
    expected = (
        []
        if score is None
        else [
            ("Number of Components in Image", score, [f'Image "example/app:1" contains {count} components'])
        ]
    )
    assert said(made) == expected


@pytest.mark.parametrize(
    ("days", "score", "shown"), [(90, 1.0, 90), (180.9, 1.25, 180), (270, 1.5, 270), (999, 1.5, 999)]
)
def test_images_get_stale(days: float, score: float, shown: int) -> None:
    assert said(image(days=days)) == [
        ("Image Freshness", score, [f'Image "example/app:1" is {shown} days old'])
    ]


def test_image_without_name_is_an_image() -> None:
    texts = [text for _, _, found in said(image("wget", days=100, name="")) for text in found]
    assert texts == ["An image contains component wget", "An image is 100 days old"]


def test_time_that_no_date_can_hold_is_a_time_all_the_same() -> None:
    made = image()
    made.metadata.v1.created.seconds = 10**15
    assert said(made) == []


def test_risk_of_an_image_is_the_product_under_the_id_given() -> None:
    made = image(*(f"c{number}" for number in range(19)), "wget", days=270)
    risk = image_risk(made, "flat-id", NOW)
    assert risk is not None
    assert (risk.id, risk.subject.id, risk.subject.type) == (
        "image:flat-id",
        "flat-id",
        RiskSubjectType.IMAGE,
    )
    assert [one.name for one in risk.results] == [
        "Components Useful for Attackers",
        "Number of Components in Image",
        "Image Freshness",
    ]
    # 1.05 * 1.5 * 1.5
    assert risk.score == pytest.approx(2.3625, abs=1e-6)
