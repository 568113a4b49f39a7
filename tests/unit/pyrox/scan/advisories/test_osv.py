"""OSV documents: ranges by the schema's rules, what is skipped and why, severity, names."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from pyrox.scan import catalogue
from pyrox.scan.advisories.model import (
    HIGHEST,
    Advisory,
    AdvisoryRow,
    Alias,
    ParsedAdvisory,
    Severity,
    Skipped,
)
from pyrox.scan.advisories.osv import OsvSource
from pyrox.scan.names import pep503
from pyrox.scan.versions.pep440 import PythonScheme

SCHEME = PythonScheme()
SOURCE = OsvSource("PyPI", SCHEME, namespace=lambda _: "pypi", normalise=pep503)


def document(**more: Any) -> dict[str, Any]:
    return {
        "id": "PYSEC-1",
        "published": "2020-01-02T03:04:05Z",
        "modified": "0001-01-01T00:00:00Z",
        "summary": "words",
        "aliases": ["CVE-2020-1234"],
        "references": [{"type": "WEB", "url": "https://example.org/a"}],
    } | more


def affected(
    *events: dict[str, str],
    versions: tuple[str, ...] = (),
    kind: str = "ECOSYSTEM",
    name: str = "Foo_Bar.Baz",
) -> dict[str, Any]:
    return {
        "package": {"ecosystem": "PyPI", "name": name},
        "ranges": [{"type": kind, "events": list(events)}],
        "versions": list(versions),
    }


def parse(value: object) -> list[ParsedAdvisory | Skipped]:
    return list(SOURCE.parse("osv/PyPI/X.json", json.dumps(value).encode()))


def rows(*parts: dict[str, Any]) -> tuple[AdvisoryRow, ...]:
    found = parse(document(affected=list(parts)))[0]
    assert isinstance(found, ParsedAdvisory)
    return found.rows


def reasons(*parts: dict[str, Any]) -> list[str]:
    return [item.reason for item in parse(document(affected=list(parts))) if isinstance(item, Skipped)]


def advisory(**more: Any) -> Advisory:
    found = parse(document(affected=[affected({"introduced": "0"})]) | more)[0]
    assert isinstance(found, ParsedAdvisory)
    return found.advisory


def hit(found: tuple[AdvisoryRow, ...], version: str) -> bool:
    key = SCHEME.key(version)
    return any(row.lo <= key < row.hi for row in found)


@pytest.mark.parametrize(
    ("events", "inside", "outside"),
    [
        ([{"introduced": "0"}, {"fixed": "2"}], ["0.1", "1.9", "2rc1"], ["2", "3"]),
        ([{"introduced": "1"}], ["1", "99"], ["0.9", "1rc1"]),
        ([{"introduced": "1"}, {"last_affected": "2"}], ["1", "2.0", "2+local"], ["2.post1", "2.1"]),
        ([{"introduced": "1"}, {"limit": "2"}], ["1"], ["2"]),
        ([{"introduced": "1"}, {"limit": "*"}], ["1", "3"], ["0"]),
        (
            [{"fixed": "4"}, {"introduced": "3"}, {"fixed": "2"}, {"introduced": "1"}],
            ["1", "3.5"],
            ["2", "2.5", "4"],
        ),
        ([{"introduced": "1"}, {"introduced": "2"}, {"fixed": "3"}], ["1.5", "2.5"], ["3"]),
        (
            [{"introduced": "1"}, {"fixed": "2"}, {"introduced": "2"}, {"last_affected": "2"}],
            ["1.5", "2"],
            ["2.1"],
        ),
        ([{"fixed": "1"}], [], ["0.1", "1"]),
    ],
)
def test_range_hits_what_the_schema_says(
    events: list[dict[str, str]], inside: list[str], outside: list[str]
) -> None:
    found = rows(affected(*events))
    assert [v for v in inside if not hit(found, v)] == []
    assert [v for v in outside if hit(found, v)] == []


def test_row_names_package_bounds_and_advisory() -> None:
    assert rows(affected({"introduced": "0"}, {"fixed": "2"})) == (
        AdvisoryRow("pypi", "foo-bar-baz", "binary", "pep440", b"", SCHEME.key("2"), "PYSEC-1", fixed_in="2"),  # type: ignore[arg-type]
    )
    assert rows(affected({"introduced": "1"}))[0].hi == HIGHEST


def test_listed_versions_outside_the_ranges_become_points() -> None:
    found = rows(affected({"introduced": "1"}, {"fixed": "2"}, versions=("1.5", "0.5", "0.50", "")))
    assert len(found) == 3
    assert hit(found, "0.5")
    assert not hit(found, "0.5+local")
    assert not hit(found, "0.6")


def test_bound_without_a_place_falls_back_to_texts() -> None:
    long = "1" * 2000
    (row,) = rows(affected({"introduced": "0"}, {"fixed": long}))
    assert (row.lo, row.hi, row.fallback, row.fixed_in) == (b"", HIGHEST, True, long)


def test_versions_without_a_place_are_counted_and_named() -> None:
    long = "1" * 2000
    assert reasons(affected({"introduced": "0"}, {"fixed": "2"}, versions=("1", long, long + "1"))) == [
        f"2 listed versions without a place: {long[:64]!r}"
    ]
    assert reasons(affected({"introduced": "0"}, {"fixed": long})) == [
        f"bound that is no version: {long[:64]!r}"
    ]


def test_empty_interval_gives_no_row() -> None:
    assert rows(affected({"introduced": "2"}, {"fixed": "2"})) == ()


def test_equal_rows_are_kept_once() -> None:
    assert len(rows(affected({"introduced": "1"}), affected({"introduced": "1"}))) == 1


def test_advisory_text_is_upstreams() -> None:
    found = advisory()
    assert (found.source, found.key, found.name, found.description) == (
        "osv/pypi",
        "PYSEC-1",
        "PYSEC-1",
        "words",
    )
    assert found.links == "https://example.org/a https://osv.dev/vulnerability/CVE-2020-1234"
    assert found.aliases == (Alias("CVE", "CVE-2020-1234"),)
    assert found.issued is not None
    assert found.issued.isoformat() == "2020-01-02T03:04:05+00:00"
    assert found.updated is None


V3 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"
V4 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"


@pytest.mark.parametrize(
    ("more", "raw", "normalized"),
    [
        (
            {
                "severity": [
                    {"type": "CVSS_V2", "score": "AV:N/AC:L/Au:N/C:N/I:N/A:P"},
                    {"type": "CVSS_V3", "score": V3},
                ]
            },
            V3,
            Severity.IMPORTANT,
        ),
        ({"severity": [{"type": "CVSS_V4", "score": V4}]}, V4, Severity.CRITICAL),
        (
            {
                "severity": [{"type": "CVSS_V3", "score": "broken"}],
                "database_specific": {"severity": "MODERATE"},
            },
            "MODERATE",
            Severity.MODERATE,
        ),
        ({"database_specific": {"severity": 7}}, "", Severity.UNSPECIFIED),
        ({}, "", Severity.UNSPECIFIED),
    ],
)
def test_severity_is_the_last_vector_else_the_word(
    more: dict[str, Any], raw: str, normalized: Severity
) -> None:
    found = advisory(**more)
    assert (found.severity, found.normalized) == (raw, normalized)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (document(affected=[affected({"introduced": "0"})], withdrawn="2021-01-01T00:00:00Z"), "withdrawn"),
        (document(), "nothing affected"),
        (document(id="", affected=[affected()]), "no id"),
        (document(affected=[affected({"introduced": "0"}, kind="GIT")]), "only git ranges"),
        (document(affected=[{"ranges": []}]), "affected entry without a package"),
        (
            document(affected=[{"package": {"ecosystem": "npm", "name": "x"}}]),
            "affected entry of ecosystem 'npm'",
        ),
        ([], "malformed"),
        ({"id": 1}, "malformed"),
    ],
)
def test_document_left_out_is_named_with_its_reason(value: object, reason: str) -> None:
    (found,) = parse(value)
    assert isinstance(found, Skipped)
    assert found.reason.startswith(reason)


def test_part_left_out_does_not_lose_the_rest() -> None:
    found = parse(
        document(affected=[affected({"introduced": "0"}), {"package": {"ecosystem": "npm", "name": "x"}}])
    )
    assert [type(item) for item in found] == [ParsedAdvisory, Skipped]


@pytest.mark.parametrize("field", ["affected", "unknown"])
def test_deep_document_is_left_out_or_passed_over(field: str) -> None:
    data = b'{"id": "X", "%s": ' % field.encode() + b"[" * 10_000 + b"]" * 10_000 + b"}"
    (found,) = SOURCE.parse("osv/PyPI/X.json", data)
    assert isinstance(found, Skipped)


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_zip_is_read_document_by_document() -> None:
    good = json.dumps(document(affected=[affected({"introduced": "0"})])).encode()
    found = list(SOURCE.parse("osv/PyPI/all.zip", zipped({"a.json": good, "b.txt": b"", "c.json": b"{"})))
    assert [type(item) for item in found] == [ParsedAdvisory, Skipped, Skipped]
    assert found[1] == Skipped("b.txt", "not a JSON document")


def test_broken_zip_is_one_skipped_document() -> None:
    (found,) = SOURCE.parse("osv/PyPI/all.zip", b"no zip")
    assert isinstance(found, Skipped)
    data = bytearray(zipped({"a.json": b"x" * 50}))
    data[45] ^= 0xFF
    (found,) = SOURCE.parse("osv/PyPI/all.zip", bytes(data))
    assert found == Skipped("a.json", "malformed")


def test_every_source_accepts_only_its_files() -> None:
    paths = {
        "osv/PyPI/all.zip": "osv/pypi",
        "osv/Go/all.zip": "osv/go",
        "osv/AlmaLinux/X.json": "osv/almalinux",
        "debian/tracker.json.gz": "debian/updater",
        "alpine/v3.3/main.json": "alpine",
        "osv/Other/all.zip": None,
    }
    for path, name in paths.items():
        assert [source.name for source in catalogue.sources() if source.accepts(path)] == (
            [name] if name else []
        )


def test_release_is_part_of_a_distributions_namespace() -> None:
    by_name = {source.name: source for source in catalogue.sources()}
    for name, text, namespace in [
        ("osv/almalinux", "AlmaLinux:9", "almalinux:9"),
        ("osv/rocky linux", "Rocky Linux:8", "rocky:8"),
    ]:
        part = {
            "package": {"ecosystem": text, "name": "x"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
        }
        (found,) = by_name[name].parse("x.json", json.dumps(document(affected=[part])).encode())
        assert isinstance(found, ParsedAdvisory)
        assert found.rows[0].namespace == namespace
