"""CVSS vectors to the stored messages, by the published examples of the two standards."""

from __future__ import annotations

import pytest

from pyrox.pb.storage.cve_pb2 import CVSSV2, CVSSV3
from services.central.images import cvss

S2, S3 = CVSSV2.Severity, CVSSV3.Severity


@pytest.mark.parametrize(
    ("score", "severity"),
    [
        (-1, S3.NONE),
        (0, S3.NONE),
        (0.1, S3.LOW),
        (3.9, S3.LOW),
        (4.0, S3.MEDIUM),
        (6.9, S3.MEDIUM),
        (7.0, S3.HIGH),
        (8.9, S3.HIGH),
        (9.0, S3.CRITICAL),
        (10, S3.CRITICAL),
    ],
)
def test_severity_v3_follows_the_rating_scale(score: float, severity: int) -> None:
    assert cvss.severity_v3(score) == severity


@pytest.mark.parametrize(
    ("score", "severity"),
    [(0, S2.LOW), (3.9, S2.LOW), (4.0, S2.MEDIUM), (6.9, S2.MEDIUM), (7.0, S2.HIGH), (10, S2.HIGH)],
)
def test_severity_v2_follows_nvds_scale(score: float, severity: int) -> None:
    assert cvss.severity_v2(score) == severity


# Vector, exploitability, impact: examples of FIRST's CVSS 3.1 examples document.
V3 = {
    "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N": (3.9, 3.6),
    "CVSS:3.0/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N": (3.1, 2.7),
    "CVSS:3.1/AV:P/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H": (0.9, 5.9),
    "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N": (3.9, 0.0),
    "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:N/I:N/A:N": (3.9, 0.0),
}


@pytest.mark.parametrize(("vector", "scores"), V3.items())
def test_v3_has_the_published_subscores(vector: str, scores: tuple[float, float]) -> None:
    made = cvss.v3(vector, 7.5)
    assert made is not None
    assert (made.vector, made.score, made.severity) == (vector, 7.5, S3.HIGH)
    assert (round(made.exploitability_score, 1), round(made.impact_score, 1)) == scores


def test_v3_names_every_metric() -> None:
    made = cvss.v3("CVSS:3.1/AV:A/AC:H/PR:L/UI:R/S:C/C:H/I:L/A:N", 5.0)
    assert made is not None
    assert (
        made.attack_vector,
        made.attack_complexity,
        made.privileges_required,
        made.user_interaction,
        made.scope,
        made.confidentiality,
        made.integrity,
        made.availability,
    ) == (
        CVSSV3.ATTACK_ADJACENT,
        CVSSV3.COMPLEXITY_HIGH,
        CVSSV3.PRIVILEGE_LOW,
        CVSSV3.UI_REQUIRED,
        CVSSV3.CHANGED,
        CVSSV3.IMPACT_HIGH,
        CVSSV3.IMPACT_LOW,
        CVSSV3.IMPACT_NONE,
    )


# The three examples of the CVSS 2 guide, section 3.3.
V2 = {
    "AV:N/AC:L/Au:N/C:N/I:N/A:C": (7.8, 10.0, 6.9),
    "AV:N/AC:L/Au:N/C:C/I:C/A:C": (10.0, 10.0, 10.0),
    "AV:L/AC:H/Au:N/C:C/I:C/A:C": (6.2, 1.9, 10.0),
}


@pytest.mark.parametrize(("vector", "scores"), V2.items())
def test_v2_has_the_guides_subscores(vector: str, scores: tuple[float, float, float]) -> None:
    made = cvss.v2(vector, scores[0])
    assert made is not None
    assert made.severity == (S2.MEDIUM if scores[0] < 7 else S2.HIGH)
    assert (round(made.exploitability_score, 1), round(made.impact_score, 1)) == scores[1:]


def test_v2_names_every_metric() -> None:
    made = cvss.v2("AV:A/AC:M/Au:S/C:P/I:C/A:N", 5.0)
    assert made is not None
    found = (made.attack_vector, made.access_complexity, made.authentication)
    assert found == (CVSSV2.ATTACK_ADJACENT, CVSSV2.ACCESS_MEDIUM, CVSSV2.AUTH_SINGLE)
    impacts = (made.confidentiality, made.integrity, made.availability)
    assert impacts == (CVSSV2.IMPACT_PARTIAL, CVSSV2.IMPACT_COMPLETE, CVSSV2.IMPACT_NONE)


@pytest.mark.parametrize(
    "vector",
    ["", "nonsense", "CVSS:3.1/", "CVSS:3.1/AV:X/AC:L", "AV:N/AC:L", "CVSS:9.9/AV:N", "\0", "/" * 5000],
)
def test_vector_that_cannot_be_read_gives_none(vector: str) -> None:
    assert cvss.v3(vector, 5) is None
    assert cvss.v2(vector, 5) is None
