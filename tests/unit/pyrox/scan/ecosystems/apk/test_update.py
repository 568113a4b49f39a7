"""Secdb files of Alpine and Wolfi: what becomes rows, and what is skipped."""

from __future__ import annotations

import json

import pytest

from pyrox.scan.advisories.model import ParsedAdvisory, Skipped
from pyrox.scan.ecosystems.apk.update import SecdbSource
from pyrox.scan.model import Kind


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


@pytest.mark.parametrize("data", [b'{"reponame": "\xff"}', b'{"packages": [' * 5000, b'{"packages": 7}'])
def test_secdb_that_lies_is_skipped(data: bytes) -> None:
    (found,) = SecdbSource("alpine").parse("alpine/v3.9/main.json", data)
    assert isinstance(found, Skipped)
    assert found.reason.startswith("malformed")


def test_secdb_package_that_is_not_utf8_leaves_the_others() -> None:
    data = (
        b'{"packages": [{"pkg": {"name": "\xff"}}, {"pkg": {"name": "a", "secfixes": {"1-r0": ["CVE-1"]}}}]}'
    )
    skipped, parsed = SecdbSource("alpine").parse("alpine/v3.9/main.json", data)
    assert isinstance(skipped, Skipped)
    assert isinstance(parsed, ParsedAdvisory)
    assert (parsed.rows[0].package, parsed.rows[0].fixed_in) == ("a", "1-r0")


def test_secdb_id_in_several_versions_of_one_package_keeps_every_row() -> None:
    packages = [{"pkg": {"name": "a", "secfixes": {"1-r0": ["CVE-1", "CVE-1"], "2-r0": ["CVE-1", ""]}}}]
    data = json.dumps({"packages": packages}).encode()
    (parsed,) = SecdbSource("alpine").parse("alpine/v3.9/main.json", data)
    assert isinstance(parsed, ParsedAdvisory)
    assert [row.fixed_in for row in parsed.rows] == ["1-r0", "2-r0"]


@pytest.mark.parametrize(
    ("did", "path", "accepted"),
    [
        ("alpine", "alpine/v3.19/main.json", True),
        ("alpine", "alpine/v3.19/main.json.gz", True),
        ("wolfi", "alpine/v3.19/main.json", False),
        ("wolfi", "wolfi/os/security.json", True),
        ("wolfi", "wolfi/os/APKINDEX.tar.gz", False),
    ],
)
def test_secdb_source_accepts_its_documents(did: str, path: str, accepted: bool) -> None:
    assert SecdbSource(did).accepts(path) is accepted
