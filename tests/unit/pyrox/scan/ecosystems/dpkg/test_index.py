"""Dpkg databases, distroless directories, and the Debian and Ubuntu releases."""

from __future__ import annotations

import hashlib

import pytest

from pyrox.scan.model import Distribution, NoteKind
from pyrox.scan.protocols import Limits
from tests.unit.pyrox.scan.detecting import find, names

STATUS = b"""\
Package: libc6
Status: install ok installed
Architecture: amd64
Source: glibc (2.36-8)
Version: 2.36-9
Description: words
 Package: not-a-field
 more

Package: bash
Status: install ok installed
Architecture: amd64
Version: 5.2-1

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: broken
Status: install ok installed
Architecture: amd64
"""


def test_dpkg_installed_packages_with_source_hint_and_files() -> None:
    finds = find(
        {
            "var/lib/dpkg/status": STATUS,
            "var/lib/dpkg/info/libc6:amd64.md5sums": b"abc  usr/lib/x\n",
            "var/lib/dpkg/info/bash.list": b"/.\n/bin/bash\n/usr/share/doc/bash\n"
            b"/lib/python3/dist-packages/x.egg-info\n",
        }
    )
    bash, libc = finds.packages
    assert (libc.source_name, libc.source_version, libc.package_db) == (
        "glibc",
        "2.36-8",
        "var/lib/dpkg/status",
    )
    assert libc.repository_hint == hashlib.md5(b"abc  usr/lib/x\n", usedforsecurity=False).hexdigest()
    assert (bash.source_name, bash.source_version, bash.repository_hint) == ("bash", "5.2-1", "")
    assert {o.path for o in finds.owned} == {"usr/bin/bash", "usr/lib/python3/dist-packages/x.egg-info"}
    assert finds.databases == ("var/lib/dpkg/status",)
    assert [note.kind for note in finds.notes] == [NoteKind.MALFORMED]


def test_dpkg_other_status_file_counts_only_with_info_beside_it() -> None:
    assert names(find({"opt/root/status": STATUS})) == []
    assert names(find({"opt/root/status": STATUS, "opt/root/info/bash.list": b""})) == [
        ("bash", "5.2-1"),
        ("libc6", "2.36-9"),
    ]


def test_dpkg_vcpkg_database_is_left_out_with_a_note() -> None:
    vcpkg = b"Package: zlib\nPort-Version: 1\nStatus: install ok installed\n"
    finds = find({"var/lib/dpkg/status": vcpkg})
    assert (names(finds), [note.kind for note in finds.notes]) == ([], [NoteKind.UNSUPPORTED])


def test_dpkg_line_that_is_no_field_is_a_note() -> None:
    finds = find({"var/lib/dpkg/status": b"garbage\n" + STATUS})
    assert any("garbage" in note.detail for note in finds.notes)
    assert len(finds.packages) == 2


def test_dpkg_packages_above_the_limit_are_a_note() -> None:
    finds = find({"var/lib/dpkg/status": STATUS}, Limits(packages=1))
    assert (len(finds.packages), finds.notes[-1].kind) == (1, NoteKind.TOO_MANY)


def test_distroless_each_file_is_a_database() -> None:
    finds = find(
        {
            "var/lib/dpkg/status.d/libc6": b"Package: libc6\nVersion: 2\n"
            b"Architecture: amd64\nSource: glibc\n",
            "var/lib/dpkg/status.d/libc6.md5sums": b"0  usr/bin/ldd\n",
            "var/lib/dpkg/status.d/bad": b"Package: x\n",
        }
    )
    (package,) = finds.packages
    assert (package.package_db, package.filepath) == ("var/lib/dpkg/status.d/libc6",) * 2
    assert (package.source_name, package.source_version) == ("glibc", "2")
    assert [o.path for o in finds.owned] == ["usr/bin/ldd"]
    assert finds.notes[0].subject == "var/lib/dpkg/status.d/bad"


def test_dpkg_status_files_too_large_together_are_a_note() -> None:
    files = {f"d{i}/status": b"x" * 90 for i in range(5)} | {f"d{i}/info/a.list": b"" for i in range(5)}
    finds = find(files, Limits(text_bytes=100))
    assert [note.kind for note in finds.notes].count(NoteKind.TOO_MANY) == 3


def test_dpkg_lists_have_a_bound() -> None:
    lists = {f"var/lib/dpkg/info/p{i}.md5sums": b"" for i in range(4)}
    assert [note.kind for note in find(lists, Limits(found_bytes=70)).notes] == [NoteKind.TOO_MANY] * 2


def test_dpkg_databases_of_a_layer_have_a_bound() -> None:
    lists = {f"d{i}/info/p.list": b"" for i in range(1002)}
    statuses = {f"d{i}/status": STATUS for i in range(1002)}
    for files in (lists, statuses):
        assert [note.kind for note in find(files).notes] == [NoteKind.TOO_MANY] * 2


def test_dpkg_database_without_lists_is_known_by_its_format_file() -> None:
    finds = find({"opt/root/var/lib/dpkg/status": STATUS, "opt/root/var/lib/dpkg/info/format": b"1\n"})
    assert finds.databases == ("opt/root/var/lib/dpkg/status",)
    assert find({"opt/root/var/lib/dpkg/status": STATUS}).databases == ()


def test_directory_whose_name_only_ends_in_status_d_is_none() -> None:
    assert find({"var/lib/dpkg/mystatus.d/a": STATUS}).packages == ()
    assert find({"status.d/a": STATUS}).databases == ("status.d/a",)


def test_debian_distribution_is_upstreams_field_for_field() -> None:
    text = (
        b'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\n'
        b'VERSION="12 (bookworm)"\nVERSION_CODENAME=bookworm\nID=debian\n'
    )
    assert find({"usr/lib/os-release": text}).distributions == (
        Distribution(
            "debian",
            "Debian GNU/Linux",
            "12 (bookworm)",
            "bookworm",
            "12",
            "",
            "",
            "Debian GNU/Linux 12 (bookworm)",
        ),
    )


@pytest.mark.parametrize(
    ("status", "installed"),
    [
        ("install ok installed", True),
        ("hold ok installed", True),
        ("deinstall ok config-files", False),
        ("install ok half-installed", False),
        ("install reinstreq installed", False),
        ("purge ok not-installed", False),
        ("", False),
    ],
)
def test_dpkg_package_counts_by_its_status(status: str, installed: bool) -> None:
    text = f"Package: a\nStatus: {status}\nArchitecture: all\nVersion: 1\n".encode()
    assert bool(find({"var/lib/dpkg/status": text}).packages) is installed


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", ("a", "2")),
        ("src", ("src", "2")),
        ("src (1.5)", ("src", "1.5")),
        ("src  ( 1.5)", ("src", " 1.5")),
        ("src ()", ("src", "2")),
        ("src (1.5", ("src", "2")),
    ],
)
def test_dpkg_source_with_and_without_a_version(source: str, expected: tuple[str, str]) -> None:
    fields = "Package: a\nStatus: install ok installed\nArchitecture: all\nVersion: 2\n"
    text = f"{fields}Source: {source}\n".encode()
    (package,) = find({"var/lib/dpkg/status": text}).packages
    assert (package.source_name, package.source_version) == expected


def test_dpkg_packages_of_two_architectures_share_their_hint() -> None:
    text = b"".join(
        b"Package: libc6\nStatus: install ok installed\nArchitecture: %s\nVersion: 1\n\n" % arch
        for arch in (b"i386", b"amd64")
    )
    finds = find({"var/lib/dpkg/status": text, "var/lib/dpkg/info/libc6:i386.md5sums": b"x"})
    assert [(p.arch, bool(p.repository_hint)) for p in finds.packages] == [("amd64", True), ("i386", True)]
