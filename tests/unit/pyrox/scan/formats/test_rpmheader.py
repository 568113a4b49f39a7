"""Rpm headers: values by type, paths of files, signatures, and counts that lie."""

from __future__ import annotations

import struct

import pytest

from pyrox.scan.formats import rpmheader
from pyrox.scan.formats.rpmheader import BrokenHeader, Header
from tests.unit.pyrox.scan.formats.test_rpmdb import Value, header


def test_header_values_by_type() -> None:
    value = rpmheader.parse(header({1: "text", 2: 7, 3: b"\x01\x02", 4: ["a", "b"], 5: [1, 2, 3]}))
    assert (value.text(1), value.texts(4), value.numbers(2), value.numbers(5)) == (
        "text",
        ["a", "b"],
        (7,),
        (1, 2, 3),
    )
    assert (value.binary(3), value.text(2), value.numbers(1), value.binary(1)) == (b"\x01\x02", "", (), b"")
    assert (value.text(99), value.numbers(99)) == ("", ())


def test_header_paths_of_files() -> None:
    tags: dict[int, Value] = {
        rpmheader.BASE_NAMES: ["x", "y", "z"],
        rpmheader.DIR_NAMES: ["/usr/bin/", "/etc/"],
        rpmheader.DIR_INDEXES: [0, 1, 9],
    }
    assert list(rpmheader.parse(header(tags)).files()) == ["/usr/bin/x", "/etc/y"]


@pytest.mark.parametrize("blob", [b"", b"\x00" * 7, struct.pack(">II", 1, 0), struct.pack(">II", 1 << 20, 0)])
def test_header_that_does_not_fit_is_refused(blob: bytes) -> None:
    with pytest.raises(BrokenHeader):
        rpmheader.parse(blob)


def test_header_offset_outside_is_left_out() -> None:
    blob = struct.pack(">II", 1, 1) + struct.pack(">IIII", 1000, 6, 5000, 1) + b"x"
    assert rpmheader.parse(blob).text(1000) == ""


KEY = bytes.fromhex("199e2f91fd431d51")
V4 = b"\x04\x00\x01\x08\x00\x06\x05\x02\x00\x00\x00\x00\x00\x0a\x09\x10" + KEY
V3 = b"\x03\x05\x00\x00\x00\x00\x00" + KEY + b"\x01\x08\x00\x00"


@pytest.mark.parametrize(
    "packet",
    [
        b"\x88" + bytes([len(V4)]) + V4,
        b"\x89" + struct.pack(">H", len(V4)) + V4,
        b"\xc2" + bytes([len(V4)]) + V4,
        b"\xc2\xff" + struct.pack(">I", len(V4)) + V4,
        b"\x88" + bytes([len(V3)]) + V3,
        b"\x88\x20" + b"\x04\x00\x01\x08\x00\x0e\xff\x00\x00\x00\x09\x10" + KEY + b"\x00\x00",
    ],
)
def test_issuer_of_a_signature(packet: bytes) -> None:
    assert rpmheader.parse(header({259: packet})).key_id() == KEY.hex()


@pytest.mark.parametrize(
    "packet",
    [b"", b"\x00\x01\x02", b"\x88\x02\x04\x00", b"\x88\x03\x05\x05\x05", b"\xc2\xc0\x01" + b"\x04" * 9],
)
def test_signature_without_issuer(packet: bytes) -> None:
    assert rpmheader.parse(header({268: packet})).key_id() == ""


def test_subpackets_of_every_length_form_are_passed_over() -> None:
    area = b"\xc0\x08" + b"\x02" * 200 + b"\x00" + b"\x09\x10" + KEY
    body = b"\x04\x00\x01\x08" + struct.pack(">H", len(area)) + area + b"\x00\x00"
    packet = b"\x89" + struct.pack(">H", len(body)) + body
    assert rpmheader.parse(header({267: packet})).key_id() == KEY.hex()


def test_text_of_absurd_length_is_cut_before_it_is_copied() -> None:
    value = rpmheader.parse(header({rpmheader.NAME: "n" * 100_000, rpmheader.VERSION: "1"}))
    assert (len(value.text(rpmheader.NAME)), value.text(rpmheader.VERSION)) == (4096, "1")


def test_text_list_with_no_items_has_no_first_text() -> None:
    store = b"x\x00"
    for kind, count, expected in [(8, 0, ""), (9, 1, "x"), (6, 0, "x")]:
        assert Header({1: (kind, 0, count)}, store, 0, len(store)).text(1) == expected


def test_paths_that_share_a_directory_of_absurd_length_are_left_out() -> None:
    # One megabyte of directory under 100,000 names would be 100 gigabytes of paths.
    tags: dict[int, Value] = {
        rpmheader.BASE_NAMES: ["f"] * 100_000 + ["real"],
        rpmheader.DIR_NAMES: ["/" + "d" * 1_000_000, "/usr/bin/"],
        rpmheader.DIR_INDEXES: [0] * 100_000 + [1],
    }
    assert list(rpmheader.parse(header(tags)).files()) == ["/usr/bin/real"]


def test_paths_end_at_the_shortest_of_their_lists() -> None:
    tags: dict[int, Value] = {
        rpmheader.BASE_NAMES: ["x", "y"],
        rpmheader.DIR_NAMES: ["/"],
        rpmheader.DIR_INDEXES: [0],
    }
    assert list(rpmheader.parse(header(tags)).files()) == ["/x"]


def test_numbers_beyond_the_store_give_nothing() -> None:
    assert Header({1: (4, 0, 3)}, b"\x00" * 11, 0, 11).numbers(1) == ()
    assert Header({1: (4, 0, 2)}, b"\x00\x00\x00\x07" * 2, 0, 8).numbers(1) == (7, 7)
