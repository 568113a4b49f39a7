"""Debian's tracker, secdb files, NVD, KEV and EPSS: what becomes rows, values, and skips."""

from __future__ import annotations

import gzip
import io
import json
import zipfile

import pytest

from pyrox.scan import severity
from pyrox.scan.advisories.enrichment import (
    Epss,
    Kev,
    Nvd,
    parse_epss,
    parse_kev,
    parse_nvd,
    parse_nvd_record,
)
from pyrox.scan.advisories.model import HIGHEST, ParsedAdvisory, Severity, Skipped
from pyrox.scan.ecosystems.apk.update import SecdbSource
from pyrox.scan.ecosystems.dpkg.update import DebianSource
from pyrox.scan.formats import unpack
from pyrox.scan.formats.bounded import StreamDamage
from pyrox.scan.model import Kind, NoteKind

TRACKER = {
    "openssl": {
        "CVE-1": {
            "description": "words",
            "releases": {
                "bookworm": {"status": "resolved", "fixed_version": "3.0-1", "urgency": "high"},
                "trixie": {"status": "open", "urgency": "high"},
                "sid": {"fixed_version": "3.1"},
                "bullseye": {"fixed_version": "0", "urgency": "low"},
            },
        },
        "CVE-2": 7,
    },
    "libssl": {"CVE-1": {"releases": {"bookworm": {"fixed_version": "9", "urgency": "high"}}}},
}


def test_debian_one_advisory_per_cve_and_urgency_with_all_rows() -> None:
    found = list(DebianSource().parse("debian/tracker.json.gz", gzip.compress(json.dumps(TRACKER).encode())))
    (parsed,) = [item for item in found if isinstance(item, ParsedAdvisory)]
    advisory = parsed.advisory
    assert (advisory.key, advisory.name, advisory.description) == ("CVE-1 high", "CVE-1", "words")
    assert (advisory.severity, advisory.normalized) == ("high", Severity.CRITICAL)
    assert advisory.links == "https://security-tracker.debian.org/tracker/CVE-1"
    assert [(r.namespace, r.package, r.kind, r.fixed_in, r.hi == HIGHEST) for r in parsed.rows] == [
        ("debian:12", "openssl", Kind.SOURCE, "3.0-1", False),
        ("debian:13", "openssl", Kind.SOURCE, "", True),
        ("debian:12", "libssl", Kind.SOURCE, "9", False),
    ]
    reasons = [item.reason for item in found if isinstance(item, Skipped)]
    assert [reason.partition(":")[0] for reason in reasons] == [
        "release 'sid' has no number",
        "never affected",
        "malformed",
    ]


@pytest.mark.parametrize("data", [b"[", b"\x1f\x8bno", b'{"a": []}', b'{"a":' * 5000])
def test_debian_broken_document_is_skipped(data: bytes) -> None:
    (found,) = DebianSource().parse("debian/tracker.json", data)
    assert isinstance(found, Skipped)


def secdb(**more: object) -> bytes:
    packages = [
        {
            "pkg": {
                "name": "musl",
                "secfixes": {"1.2.3-r0": ["CVE-1", "CVE-2 (regression)"], "0": ["CVE-3"], "1.1-r0": None},
            }
        },
        {"pkg": {"name": "zlib", "secfixes": {"1.3-r0": ["CVE-1"], "bad version": ["CVE-4"]}}},
        {"pkg": {"name": "none", "secfixes": None}},
        {"odd": 1},
    ]
    return json.dumps({"distroversion": "v3.19", "reponame": "main", "packages": packages} | more).encode()


def test_secdb_one_advisory_per_id_kept_raw() -> None:
    found = list(SecdbSource("alpine").parse("alpine/v3.19/main.json", secdb()))
    parsed = {item.advisory.name: item for item in found if isinstance(item, ParsedAdvisory)}
    assert list(parsed) == ["CVE-1", "CVE-2 (regression)", "CVE-4"]
    one = parsed["CVE-1"]
    assert one.advisory.source == "alpine-main-v3.19-updater"
    assert one.advisory.links == "https://security.alpinelinux.org/vuln/CVE-1"
    assert [(r.namespace, r.package, r.kind, r.fixed_in) for r in one.rows] == [
        ("alpine:v3.19", "musl", Kind.SOURCE, "1.2.3-r0"),
        ("alpine:v3.19", "zlib", Kind.SOURCE, "1.3-r0"),
    ]
    assert parsed["CVE-4"].rows[0].fallback
    reasons = [item.reason.partition(":")[0] for item in found if isinstance(item, Skipped)]
    assert sorted(reasons) == ["fixed version without an id", "malformed package", "never affected"]


def test_secdb_of_a_rolling_system_and_place_by_path() -> None:
    data = secdb(distroversion="", reponame="")
    wolfi = next(
        i for i in SecdbSource("wolfi").parse("wolfi/os/security.json", data) if isinstance(i, ParsedAdvisory)
    )
    assert (wolfi.advisory.source, wolfi.rows[0].namespace, wolfi.advisory.links) == (
        "wolfi-updater",
        "wolfi",
        "",
    )
    alpine = next(
        i
        for i in SecdbSource("alpine").parse("alpine/v3.9/community.json", data)
        if isinstance(i, ParsedAdvisory)
    )
    assert (alpine.advisory.source, alpine.rows[0].namespace) == (
        "alpine-community-v3.9-updater",
        "alpine:v3.9",
    )


@pytest.mark.parametrize("data", [b"{", b"\x1f\x8bno"])
def test_secdb_broken_document_is_skipped(data: bytes) -> None:
    (found,) = SecdbSource("alpine").parse("alpine/v3.9/main.json", data)
    assert isinstance(found, Skipped)


def test_secdb_without_packages_is_empty_not_broken() -> None:
    assert list(SecdbSource("alpine").parse("alpine/v3.3/community.json", b'{"packages": null}')) == []


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


def test_gzip_beyond_the_limit_or_cut_is_damage() -> None:
    packed = gzip.compress(b"x" * 1000)
    assert unpack.plain(packed, 1000) == b"x" * 1000
    for data, limit, kind in [
        (packed, 999, NoteKind.TOO_LARGE),
        (packed[:-9], 5000, NoteKind.TRUNCATED),
        (b"\x1f\x8b", 9, NoteKind.TRUNCATED),
    ]:
        with pytest.raises(StreamDamage) as caught:
            unpack.plain(data, limit)
        assert caught.value.kind is kind


@pytest.mark.parametrize(
    ("vector", "major", "base"),
    [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", 3, 7.5),
        ("AV:N/AC:L/Au:N/C:N/I:N/A:P", 2, 5.0),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 4, 9.3),
    ],
)
def test_score_of_a_vector(vector: str, major: int, base: float) -> None:
    found = severity.score(vector)
    assert found == severity.Score(major, base, vector)


@pytest.mark.parametrize("vector", ["", "high", "CVSS:3.1/AV:X", "A" * 1000, "CVSS:4.0/"])
def test_score_of_no_vector_is_none(vector: str) -> None:
    assert severity.score(vector) is None


@pytest.mark.parametrize(
    ("value", "expected"), [(0.0, 1), (3.9, 1), (4.0, 2), (6.9, 2), (7.0, 3), (8.9, 3), (9.0, 4), (10.0, 4)]
)
def test_severity_of_a_score(value: float, expected: int) -> None:
    assert severity.from_score(value) == expected


def test_severity_of_words() -> None:
    assert [
        severity.from_word(w) for w in ("Negligible", "LOW", "medium", "important", "Critical", "what")
    ] == [1, 1, 2, 3, 4, 0]
    assert severity.is_word("High")
    assert not severity.is_word("CVSS:3.1/AV:N")


def test_zip_documents_up_to_the_limit_are_read() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("folder/", b"")
        archive.writestr("fits", b"1234")
        archive.writestr("large", b"12345")
    fits, large = unpack.documents(buffer.getvalue(), 4)
    assert fits == ("fits", b"1234")
    assert isinstance(large[1], StreamDamage)
    assert large[1].kind is NoteKind.TOO_LARGE


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00Z", "yesterday", ""])
def test_time_that_is_none(text: str) -> None:
    assert unpack.time(text) is None
