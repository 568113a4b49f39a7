"""Apk databases and the releases of Alpine, Wolfi and Chainguard."""

from __future__ import annotations

import pytest

from pyrox.scan.model import NoteKind
from pyrox.scan.protocols import Limits
from tests.unit.pyrox.scan.detecting import find, names


@pytest.mark.parametrize("path", ["lib/apk/db/installed", "usr/lib/apk/db/installed"])
def test_apk_both_places_and_last_entry_without_newline(path: str) -> None:
    data = b"P:musl\nV:1.2.4-r2\nA:x86_64\nc:abc\no:musl\n"
    data += b"F:usr/bin\nR:tool\nR:other\nF:\nR:top\n\nV:9\n\nP:zlib\nV:1.3-r2"
    finds = find({path: data})
    assert names(finds) == [("musl", "1.2.4-r2"), ("zlib", "1.3-r2")]
    musl, zlib = finds.packages
    assert (musl.arch, musl.repository_hint, musl.source_name, musl.source_version) == (
        "x86_64",
        "abc",
        "musl",
        "1.2.4-r2",
    )
    assert (zlib.source_name, zlib.source_version) == ("", "")
    assert [o.path for o in finds.owned] == ["usr/bin/tool", "usr/bin/other"]
    assert finds.notes[0].kind is NoteKind.MALFORMED


def test_apk_packages_above_the_limit_end_the_reading() -> None:
    finds = find({"lib/apk/db/installed": b"P:a\nV:1\n\nP:b\nV:1\n\nP:c\nV:1\n"}, Limits(packages=1))
    assert (len(finds.packages), len(finds.notes)) == (1, 1)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b"\n\n\n", []),
        (b"P:a\nV:1\nP:b\n", [("b", "1")]),
        (b"P:a\nV:1:2\n", [("a", "1:2")]),
        (b"C:Q1x\nP:a\nV:1\nD:so:libc\nF:\nM:0:0:755\nZ:Q1\n", [("a", "1")]),
        (b"P:\xff\nV:1\n", [("\ufffd", "1")]),
    ],
)
def test_apk_stanzas_in_odd_forms(data: bytes, expected: list[tuple[str, str]]) -> None:
    assert names(find({"lib/apk/db/installed": data})) == expected


@pytest.mark.parametrize(
    ("files", "version", "pretty"),
    [
        ({"etc/os-release": b"ID=alpine\nVERSION_ID=3.19.1\n"}, "3.19", "Alpine Linux v3.19"),
        (
            {"etc/os-release": b'ID=alpine\nVERSION_ID=3.20_alpha\nPRETTY_NAME="Alpine Linux edge"\n'},
            "edge",
            "Alpine Linux edge",
        ),
        ({"etc/issue": b"Welcome to Alpine Linux 3.9\nKernel\n"}, "3.9", "Alpine Linux v3.9"),
    ],
)
def test_alpine_is_named_by_its_release(files: dict[str, bytes], version: str, pretty: str) -> None:
    (system,) = find(files).distributions
    assert (system.did, system.name, system.version, system.version_id, system.pretty_name) == (
        "alpine",
        "Alpine Linux",
        version,
        "",
        pretty,
    )


def test_alpine_without_a_release_is_no_alpine_of_ours() -> None:
    assert [system.pretty_name for system in find({"etc/os-release": b"ID=alpine\n"}).distributions] != [
        "Alpine Linux edge"
    ]
    assert find({"etc/issue": b"Welcome\n"}).distributions == ()
