"""Stored finds and notes: round trips, and bytes that are none."""

from __future__ import annotations

import msgspec
import pytest

from pyrox.errors import Internal
from pyrox.scan.model import Finds, Kind, NormalizedVersion, Note, NoteKind, Package
from services.scanner_indexer.finds import pack_finds, pack_notes, unpack_finds


def test_finds_come_back_with_all_fields() -> None:
    package = Package(
        name="openssl-libs",
        version="1:3.0.7-27.el9",
        ecosystem="rpm",
        kind=Kind.BINARY,
        package_db="sqlite:var/lib/rpm",
        arch="x86_64",
        normalized=NormalizedVersion(),
        source_name="openssl",
        source_version="3.0.7-27.el9",
    )
    finds = Finds(packages=(package,), whiteouts=("a/.wh.b",), notes=(Note(NoteKind.MALFORMED, "x", "y"),))
    assert unpack_finds(pack_finds(finds)) == finds


def test_finds_of_equal_values_are_equal_bytes() -> None:
    assert pack_finds(Finds()) == pack_finds(Finds())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\x91" * 50_000,
        msgspec.msgpack.encode([1]),
        msgspec.msgpack.encode({"packages": 5}),
        msgspec.msgpack.encode({"packages": [{"name": 1}]}),
        pack_finds(Finds())[:-1],
    ],
    ids=["empty", "no code", "deep", "list", "number", "package", "cut"],
)
def test_bytes_that_are_no_finds_are_an_error(data: bytes) -> None:
    with pytest.raises(Internal, match="stored layer finds cannot be read"):
        unpack_finds(data)


def test_notes_are_a_list_of_their_fields() -> None:
    raw = pack_notes((Note(NoteKind.TOO_LARGE, "bin/x", "too much"),))
    assert msgspec.msgpack.decode(raw, type=tuple[Note, ...]) == (
        Note(NoteKind.TOO_LARGE, "bin/x", "too much"),
    )
