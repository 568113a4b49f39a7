"""Metadata of Python packages in all its forms."""

from __future__ import annotations

import pytest

from pyrox.scan.ecosystems.python import index as python
from pyrox.scan.model import NoteKind
from pyrox.scan.protocols import Limits
from pyrox.scan.versions import pep440
from tests.unit.pyrox.scan.detecting import find, names


def test_python_every_form_of_metadata() -> None:
    meta = b"Metadata-Version: 2.1\nName: %s\nVersion: 1.0\n\nName: not\n"
    finds = find(
        {
            "usr/lib/python3/dist-packages/Requests-2.dist-info/METADATA": meta % b"Requests",
            "a/foo.egg-info/PKG-INFO": meta % b"foo",
            "a/bare.egg-info": meta % b"bare",
            "a/zipped.egg/EGG-INFO/PKG-INFO": meta % b"zipped",
            "a/other/PKG-INFO": meta % b"source-tree",
        }
    )
    places = {package.name: package.package_db for package in finds.packages}
    assert places == {
        "requests": "python:usr/lib/python3/dist-packages",
        "foo": "python:a",
        "bare": "python:a",
        "zipped": "python:a/zipped.egg",
    }
    assert [r.name for r in finds.repositories] == ["pypi"]


def test_python_package_of_the_system_is_left_out() -> None:
    meta = b"Name: x\nVersion: 1\n"
    finds = find({"s/x.dist-info/METADATA": meta, "s/x.dist-info/INSTALLER": b"rpm\n"})
    assert finds.packages == ()
    assert names(find({"s/x.dist-info/METADATA": meta, "s/x.dist-info/INSTALLER": b"pip\n"})) == [("x", "1")]


def test_python_version_outside_pep440_is_kept_with_a_note() -> None:
    finds = find({"s/x.dist-info/METADATA": b"Name: x\nVersion: 2004d\n"})
    assert (names(finds), finds.notes[0].kind) == ([("x", "2004d")], NoteKind.UNPARSABLE_VERSION)


def test_python_metadata_without_name_is_a_note() -> None:
    assert find({"s/x.dist-info/METADATA": b"hello\n"}).notes[0].kind is NoteKind.MALFORMED


@pytest.mark.parametrize(
    ("version", "numbers"),
    [
        ("2.19.0", (0, 2, 19, 0, 0, 0, 0, 0, 0, 0)),
        ("1!1.2.3.4.5.6a7.post8.dev9", (1, 1, 2, 3, 4, 5, -3, 7, 8, -9)),
        ("1.dev3", (0, 1, 0, 0, 0, 0, -(2**31) + 3, 0, 0, 0)),
        ("1rc2", (0, 1, 0, 0, 0, 0, -1, 2, 0, 0)),
    ],
)
def test_python_normalized_numbers_are_upstreams(version: str, numbers: tuple[int, ...]) -> None:
    parts = pep440.parse(version)
    assert parts is not None
    assert python.normalized(parts).v == numbers


def test_python_number_too_large_for_the_wire_has_no_normalized_form() -> None:
    parts = pep440.parse("99999999999")
    assert parts is not None
    assert python.normalized(parts).kind == ""


def test_python_metadata_has_a_bound() -> None:
    wheels = {f"s/p{i}.dist-info/METADATA": b"Name: p\nVersion: 1\n" for i in range(4)}
    finds = find(wheels, Limits(packages=2))
    assert ([note.kind for note in finds.notes], len(finds.packages)) == ([NoteKind.TOO_MANY] * 2, 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"Name: a\r\nVersion: 1\r\n\r\nName: b\r\n", [("a", "1")]),
        (b"NAME:A\nVERSION:1.0-RC1\n", [("a", "1.0rc1")]),
        (b"Summary: x\n Name: continued\nName: a\nVersion: 1\n", [("a", "1")]),
        (b"Name: a\nName: b\nVersion: 1\nVersion: 2\n", [("a", "1")]),
        (b"Name: a\nVersion: 1.0+Ubuntu_1\n", [("a", "1.0+ubuntu.1")]),
        (b"\nName: a\nVersion: 1\n", []),
        (b"Name:\nVersion: 1\n", []),
        (b"Name: a\xff\nVersion: 1\n", [("a\ufffd", "1")]),
    ],
)
def test_python_headers_in_odd_forms(text: bytes, expected: list[tuple[str, str]]) -> None:
    assert names(find({"s/x.dist-info/METADATA": text})) == expected


def test_python_metadata_that_comes_again_counts_once() -> None:
    first, second = b"Name: a\nVersion: 1\n", b"Name: a\nVersion: 2\n"
    path = "s/x.dist-info/METADATA"
    assert names(find({path: first, f"t/{path}": second})) == [("a", "1"), ("a", "2")]


@pytest.mark.parametrize(
    ("path", "listed"),
    [
        ("usr/lib/python3.11/site-packages/x-1.dist-info/METADATA", True),
        ("usr/lib/python3/dist-packages/x.egg-info", True),
        ("opt/venv/lib/python3.11/site-packages/x-1-py3.11.egg/EGG-INFO/PKG-INFO", True),
        ("site-packages/x.egg-info/PKG-INFO", True),
        ("usr/lib/python3.11/site-packages/setuptools/_vendor/x-1.dist-info/METADATA", False),
        ("usr/lib/python3.11/site-packages/a/b.egg-info/PKG-INFO", False),
        ("usr/lib/python3.11/site-packages/a/site-packages/x-1.dist-info/METADATA", False),
        ("usr/lib/python3.11/site-packages/~x-1.dist-info/METADATA", False),
        ("var/task/x-1.dist-info/METADATA", True),
        ("var/task/setuptools/_vendor/x-1.dist-info/METADATA", False),
    ],
)
def test_python_package_is_found_where_pip_lists_it(path: str, listed: bool) -> None:
    assert bool(find({path: b"Name: x\nVersion: 1\n"}).packages) is listed


@pytest.mark.parametrize("name", ["python", "Python", "wsgiref", "argparse"])
def test_python_part_of_the_language_is_not_listed(name: str) -> None:
    assert find({"s/x.egg-info": f"Name: {name}\nVersion: 1\n".encode()}).packages == ()
