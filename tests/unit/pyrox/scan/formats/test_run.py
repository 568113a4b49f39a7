"""Bounds that every detector keeps."""

from __future__ import annotations

import pytest

from pyrox.scan.formats.run import Collector, Room
from pyrox.scan.model import NoteKind, Owned, Package
from pyrox.scan.protocols import Limits
from tests.unit.pyrox.scan.detecting import find
from tests.unit.pyrox.scan.ecosystems.dpkg.test_index import STATUS


@pytest.mark.parametrize(
    "files",
    [
        {"var/lib/dpkg/status": STATUS.replace(b"bash", b"b" * 2000)},
        {"s/x.dist-info/METADATA": b"Name: " + b"x" * 2000 + b"\nVersion: 1\n"},
        {"node_modules/x/package.json": b'{"name": "x", "version": "' + b"1" * 2000 + b'"}'},
        {"lib/apk/db/installed": b"P:" + b"x" * 2000 + b"\nV:1\n"},
    ],
)
def test_absurdly_long_name_or_version_is_a_note(files: dict[str, bytes]) -> None:
    finds = find(files)
    assert all(len(package.name) + len(package.version) < 2000 for package in finds.packages)
    assert any("1024 characters" in note.detail for note in finds.notes)


def test_room_is_taken_and_given_back() -> None:
    room = Room(5)
    assert [room.take("abc"), room.take("abc"), room.take(b"ab"), room.take("")] == [True, False, True, True]
    room.give("abc")
    assert [room.take("abcd"), room.take("abc")] == [False, True]


def test_texts_of_packages_have_a_bound_that_a_later_entry_of_the_path_gives_back() -> None:
    collector = Collector(Limits(found_bytes=30))
    big = Package("name", "1.0", "dpkg", package_db="x" * 20)
    assert [collector.add("a", big), collector.add("a", big)] == [True, False]
    collector.begin("a")
    assert collector.add("a", big)
    found = collector.finds()
    assert found.packages == (big,)
    assert [note.kind for note in found.notes] == [NoteKind.TOO_MANY]


def test_owned_files_have_a_bound_and_one_note() -> None:
    collector = Collector(Limits(found_bytes=8))
    goes_on = [collector.own(Owned(path, "p", "db")) for path in ("short", "other", "third")]
    assert (goes_on, collector.own(None)) == ([True, False, False], False)
    found = collector.finds()
    assert [item.path for item in found.owned] == ["short"]
    assert [(note.kind, note.subject) for note in found.notes] == [(NoteKind.TOO_MANY, "db")]


def test_databases_are_kept_once_and_bounded() -> None:
    collector = Collector(Limits(found_bytes=4))
    for path in ("a/b", "a/b", "c/d"):
        collector.database(path)
    found = collector.finds()
    assert found.databases == ("a/b",)
    assert [note.subject for note in found.notes] == ["c/d"]
