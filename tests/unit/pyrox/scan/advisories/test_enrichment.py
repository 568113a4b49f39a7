"""NVD, KEV and EPSS: values, and what is skipped."""

from __future__ import annotations

import gzip
import io
import json
import zipfile

import pytest

from pyrox.scan.advisories.enrichment import (
    Epss,
    Kev,
    Nvd,
    RedHatAdvisory,
    parse_epss,
    parse_kev,
    parse_nvd,
    parse_nvd_record,
    parse_red_hat,
)
from pyrox.scan.advisories.model import Skipped


def metric(vector: str, score: float, kind: str = "Primary") -> dict[str, object]:
    return {"type": kind, "cvssData": {"vectorString": vector, "baseScore": score}}


def cve(**more: object) -> dict[str, object]:
    return {
        "id": "CVE-2024-1",
        "published": "2024-01-06T03:15:43.990",
        "lastModified": "bad",
        "descriptions": [{"lang": "es", "value": "palabras"}, {"lang": "en", "value": "words"}],
        "metrics": {
            "cvssMetricV31": [metric("S", 1.0, "Secondary"), metric("P", 9.8)],
            "cvssMetricV30": [metric("Q", 5.0)],
            "cvssMetricV2": [metric("T", 4.0, "Secondary")],
        },
    } | more


def test_nvd_record_takes_primary_31_and_english() -> None:
    found = parse_nvd_record(json.dumps(cve()).encode())
    assert isinstance(found, Nvd)
    assert (found.description, found.v3_vector, found.v3_score, found.v2_vector) == ("words", "P", 9.8, "T")
    assert found.published is not None
    assert found.published.isoformat() == "2024-01-06T03:15:43.990000+00:00"
    assert found.modified is None


def test_nvd_record_falls_to_30_and_to_nothing() -> None:
    older = parse_nvd_record(json.dumps(cve(metrics={"cvssMetricV30": [metric("Q", 5.0)]})).encode())
    bare = parse_nvd_record(json.dumps(cve(metrics={})).encode())
    assert isinstance(older, Nvd)
    assert isinstance(bare, Nvd)
    assert (older.v3_vector, bare.v3_vector, bare.v3_score) == ("Q", "", 0.0)


def test_nvd_page_names_what_it_skips() -> None:
    page = {
        "vulnerabilities": [
            {"cve": cve()},
            {"cve": cve(vulnStatus="Rejected")},
            {"cve": cve(id="")},
            {"cve": []},
        ]
    }
    found = list(parse_nvd("nvd/page.json", json.dumps(page).encode()))
    assert [item.reason.partition(":")[0] for item in found if isinstance(item, Skipped)] == [
        "rejected",
        "no id",
        "malformed",
    ]
    assert [type(item) for item in parse_nvd("x", b"{")] == [Skipped]


def test_kev_entries_carry_the_catalogues_version() -> None:
    data = {
        "catalogVersion": "2025.08.25",
        "vulnerabilities": [
            {
                "cveID": "CVE-1",
                "dateAdded": "2025-01-01",
                "dueDate": "2025-02-01",
                "knownRansomwareCampaignUse": "Known",
            },
            {},
            3,
        ],
    }
    one, two, three = parse_kev("kev/x.json", json.dumps(data).encode())
    assert one == Kev("CVE-1", "2025.08.25", "2025-01-01", "", "", "2025-02-01", "Known")
    assert isinstance(two, Skipped)
    assert isinstance(three, Skipped)
    assert [type(item) for item in parse_kev("x", b"[]")] == [Skipped]


def test_epss_table_with_its_comment() -> None:
    comment = b"#model_version:v2025.03.14,score_date:2025-08-01T00:00:00+0000\n"
    data = comment + b"cve,epss,percentile\nCVE-1,0.5,0.9\nbad\n"
    one, two = parse_epss("epss/x.csv.gz", gzip.compress(data))
    assert one == Epss("CVE-1", 0.5, 0.9, "2025-08-01T00:00:00+0000", "v2025.03.14")
    assert isinstance(two, Skipped)
    assert list(parse_epss("x", b"")) == []
    assert [type(item) for item in parse_epss("x", b"\x1f\x8bbad")] == [Skipped]


@pytest.mark.parametrize(
    "line",
    ["CVE-1,nan,0.5", "CVE-1,0.5,inf", "CVE-1,1.5,0.5", "CVE-1,-0.1,0.5", ",0.5,0.5", "CVE-1,0.5", "x"],
)
def test_epss_line_outside_of_the_scale_is_skipped(line: str) -> None:
    one, two = parse_epss("x", f"#m\ncve,epss,percentile\n{line}\nCVE-2,0,1\n".encode())
    assert one == Skipped("x", f"line that is no score: {line!r}")
    assert two == Epss("CVE-2", 0.0, 1.0)


@pytest.mark.parametrize(
    "data",
    [b"\xff", b'{"vulnerabilities": [{"cve": "\xff"}]}', b'{"vulnerabilities": ' + b"[" * 5000, b"null"],
)
def test_nvd_page_and_catalogue_that_lie_are_skipped(data: bytes) -> None:
    for parse in (parse_nvd, parse_kev):
        assert {type(item) for item in parse("x", data)} == {Skipped}


def test_nvd_metric_without_a_primary_one_is_the_first() -> None:
    found = parse_nvd_record(
        json.dumps(
            cve(metrics={"cvssMetricV31": [metric("A", 1.0, "Secondary"), metric("B", 2.0, "Other")]})
        ).encode()
    )
    assert isinstance(found, Nvd)
    assert (found.v3_vector, found.v3_score, found.v2_vector, found.v2_score) == ("A", 1.0, "", 0.0)


def csaf_advisory(**more: object) -> bytes:
    vector = "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:H"
    document = {
        "title": "Red Hat Security Advisory: curl security update",
        "aggregate_severity": {"text": "Important"},
        "tracking": {
            "id": "RHSA-2023:5763",
            "initial_release_date": "2023-10-16T08:03:20+00:00",
            "current_release_date": "2024-09-16T12:16:41+00:00",
        }
        | more,
    }
    scores = [
        {"products": ["a"], "cvss_v3": {"vectorString": "low", "baseScore": 3.7}},
        {"products": ["a"], "cvss_v3": {"vectorString": vector, "baseScore": 8.1}},
        {"products": ["a"], "cvss_v2": {"vectorString": "two", "baseScore": 5.0}},
    ]
    return json.dumps({"document": document, "vulnerabilities": [{"scores": scores}]}).encode()


def test_red_hat_advisory_has_its_release_and_the_highest_scores() -> None:
    (found,) = parse_red_hat("rhel-csaf/2023/rhsa-2023_5763.json", csaf_advisory())
    assert isinstance(found, RedHatAdvisory)
    assert (found.name, found.severity) == ("RHSA-2023:5763", "Important")
    assert found.description == "Red Hat Security Advisory: curl security update"
    assert found.released is not None
    assert found.released.isoformat() == "2023-10-16T08:03:20+00:00"
    assert (found.v3_score, found.v2_score, found.v2_vector) == (8.1, 5.0, "two")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"[", "malformed"),
        (b'{"a":' * 10_000, "malformed"),
        (b"{}", "no id"),
        (csaf_advisory(status="deleted"), "deleted"),
    ],
)
def test_red_hat_advisory_that_is_left_out(data: bytes, reason: str) -> None:
    (found,) = parse_red_hat("x", data)
    assert isinstance(found, Skipped)
    assert found.reason.startswith(reason)


def test_nvd_pages_of_a_zip() -> None:
    page = json.dumps({"vulnerabilities": [{"cve": {"id": "CVE-2099-1"}}]})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("2099.nvd.json", page)
        archive.writestr("README", "no")
        archive.writestr("bad.nvd.json", "[")
    found = list(parse_nvd("nvd/all.zip", out.getvalue()))
    assert found[0] == Nvd("CVE-2099-1")
    assert [item.document for item in found if isinstance(item, Skipped)] == ["README", "bad.nvd.json"]
    (broken,) = parse_nvd("nvd/all.zip", out.getvalue()[:60])
    assert isinstance(broken, Skipped)
    assert broken.document == "nvd/all.zip"
