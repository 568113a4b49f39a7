"""rpm databases in their three forms, made by hand here, whole and damaged."""

from __future__ import annotations

import contextlib
import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrox.scan.formats import rpmdb, rpmheader
from pyrox.scan.formats.rpmdb import BrokenDatabase, prefix
from pyrox.scan.formats.rpmheader import BrokenHeader


def blobs(data: bytes) -> Iterator[bytes]:
    return rpmdb.blobs(BytesIO(data))


Value = str | int | bytes | list[str] | list[int]


def header(tags: dict[int, Value]) -> bytes:
    index, store = b"", b""
    for tag, value in tags.items():
        if isinstance(value, bytes):
            kind, count, data = 7, len(value), value
        elif isinstance(value, str):
            kind, count, data = 6, 1, value.encode() + b"\x00"
        elif isinstance(value, int):
            kind, count, data = 4, 1, struct.pack(">I", value)
        elif all(isinstance(item, str) for item in value):
            kind, count, data = 8, len(value), b"".join(f"{item}".encode() + b"\x00" for item in value)
        else:
            kind, count, data = 4, len(value), struct.pack(f">{len(value)}I", *value)
        if kind == 4:
            store += b"\x00" * (-len(store) % 4)
        index += struct.pack(">IIII", tag, kind, len(store), count)
        store += data
    return struct.pack(">II", len(tags), len(store)) + index + store


def package(name: str, **more: Value) -> bytes:
    tags: dict[int, Value] = {
        rpmheader.NAME: name,
        rpmheader.VERSION: "1.0",
        rpmheader.RELEASE: "1.el9",
        rpmheader.ARCH: "x86_64",
        rpmheader.SOURCE_RPM: f"{name}-src-1.0-1.el9.src.rpm",
    }
    return header(tags | {getattr(rpmheader, key): value for key, value in more.items()})


def sqlite(*headers: bytes, wal: bool = False) -> bytes:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)")
        connection.executemany("INSERT INTO Packages (blob) VALUES (?)", [(item,) for item in headers])
        connection.commit()
        data = bytes(connection.serialize())
    return data[:18] + b"\x02\x02" + data[20:] if wal else data


def ndb(*headers: bytes) -> bytes:
    slots, body = b"", b""
    for index, item in enumerate(headers, 1):
        start = (4096 + len(body)) // 16
        block = struct.pack("<IIII", 0x53626C42, index, 1, len(item)) + item
        block += b"\x00" * (-len(block) % 16) + b"BlbE" * 4
        slots += struct.pack("<IIII", 0x746F6C53, index, start, len(block) // 16)
        body += block
    head = b"RpmP" + struct.pack("<IIIIIII", 0, 1, 1, len(headers) + 1, 0, 0, 0)
    empty = struct.pack("<IIII", 0x746F6C53, 0, 0, 0)
    return (head + slots + empty * ((4096 - len(head) - len(slots)) // 16)).ljust(4096, b"\x00") + body


def bdb(*headers: bytes, order: str = "<", size: int = 512) -> bytes:
    """One hash page; short values stand in it, long ones on overflow pages."""
    overflow: list[bytes] = []
    items: list[bytes] = [b"\x01\x00\x00\x00\x00", b"\x01\x00\x00\x00\x07"]
    for number, item in enumerate(headers, 1):
        items.append(b"\x01" + struct.pack(order + "I", number))
        if len(item) < 100:
            items.append(b"\x01" + item)
            continue
        items.append(b"\x03\x00\x00\x00" + struct.pack(order + "II", 2 + len(overflow), len(item)))
        pieces = [item[i : i + size - 26] for i in range(0, len(item), size - 26)]
        for place, piece in enumerate(pieces):
            own = 2 + len(overflow)
            following = own + 1 if place + 1 < len(pieces) else 0
            head = struct.pack(order + "8xIIIHHBB", own, 0, following, 1, len(piece), 0, 7)
            overflow.append((head + piece).ljust(size, b"\x00"))
    page = bytearray(size)
    position, offsets = size, []
    for item in items:
        position -= len(item)
        page[position : position + len(item)] = item
        offsets.append(position)
    page[:26] = struct.pack(order + "8xIIIHHBB", 1, 0, 0, len(items), position, 0, 13)
    page[26 : 26 + 2 * len(items)] = struct.pack(f"{order}{len(items)}H", *offsets)
    meta = struct.pack(order + "8xIIII", 0, 0x061561, 9, size) + b"\x00\x08\x00\x00"
    meta = meta.ljust(32, b"\x00") + struct.pack(order + "I", 1 + len(overflow))
    return meta.ljust(size, b"\x00") + bytes(page) + b"".join(overflow)


HEADERS = (package("a"), package("b", BASE_NAMES=[f"file{i}" for i in range(200)]), b"short header")
FORMS: dict[str, Callable[..., bytes]] = {
    "sqlite": sqlite,
    "sqlite with its log": lambda *headers: sqlite(*headers, wal=True),
    "ndb": ndb,
    "bdb little": bdb,
    "bdb big": lambda *headers: bdb(*headers, order=">"),
}


def test_view_named_as_the_table_is_not_asked() -> None:
    """It could compute for ever, or sort gigabytes."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE VIEW Packages AS SELECT randomblob(30000000) AS blob ORDER BY 1")
        data = bytes(connection.serialize())
    with pytest.raises(BrokenDatabase, match="no table"):
        list(blobs(data))


@pytest.mark.parametrize("form", FORMS)
def test_every_header_of_every_form_comes_back(form: str) -> None:
    data = FORMS[form](*HEADERS)
    assert prefix(data) == form.partition(" ")[0]
    assert list(blobs(data)) == list(HEADERS)


def test_other_files_are_no_database() -> None:
    assert [prefix(data) for data in (b"", b"x" * 1000, b"Packages: 1")] == ["", "", ""]
    with pytest.raises(BrokenDatabase, match="neither"):
        list(blobs(b"x" * 1000))


def with_bytes(data: bytes, position: int, value: bytes) -> bytes:
    return data[:position] + value + data[position + len(value) :]


def overlapping() -> bytes:
    """Every slot of the index page points to one large header."""
    data = ndb(*(b"y" for _ in range(200)))
    blob = struct.pack("<IIII", 0x53626C42, 0, 0, 100_000) + b"z" * 100_000
    out = bytearray(data[:4096] + b"")
    for slot in range(200):
        out[32 + slot * 16 + 8 : 32 + slot * 16 + 12] = struct.pack("<I", 256)
        out[32 + slot * 16 + 4 : 32 + slot * 16 + 8] = struct.pack("<I", 7)
    return bytes(out) + with_bytes(blob, 4, struct.pack("<I", 7))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (sqlite(*HEADERS)[:1500], "sqlite"),
        (sqlite(*HEADERS).replace(b"Packages", b"Packager"), "sqlite"),
        (sqlite(*HEADERS).replace(b"CREATE TABLE", b"CREATE \x80ABLE"), "sqlite"),
        (with_bytes(ndb(*HEADERS), 32, b"none"), "slot without"),
        (with_bytes(ndb(*HEADERS), 4096, b"none"), "without its header"),
        (ndb(*HEADERS)[:4100], "ends early"),
        (overlapping(), "more headers than"),
        (with_bytes(bdb(*HEADERS), 20, struct.pack("<I", 500)), "page size"),
        (with_bytes(bdb(*HEADERS), 1024 + 25, b"\x05"), "does not continue"),
        (with_bytes(bdb(*HEADERS), 1024 + 22, b"\x01\x00"), "not full"),
        (with_bytes(bdb(*HEADERS), 512 + 28, struct.pack("<H", 26)), "ends early|entry of kind"),
    ],
)
def test_damaged_database_ends_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(BrokenDatabase, match=reason):
        list(blobs(data))


def test_header_of_absurd_length_is_not_followed() -> None:
    data = bdb(*HEADERS)
    position = data.index(b"\x03\x00\x00\x00" + struct.pack("<I", 2), 512)
    with pytest.raises(BrokenDatabase, match="header of"):
        list(blobs(with_bytes(data, position + 8, struct.pack("<I", 1 << 30))))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(FORMS)), st.data())
def test_random_damage_is_read_or_refused(form: str, data: st.DataObject) -> None:
    changed = bytearray(FORMS[form](*HEADERS))
    for _ in range(data.draw(st.integers(1, 6))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    del changed[data.draw(st.integers(len(changed) // 2, len(changed))) :]
    found: list[bytes] = []
    with contextlib.suppress(BrokenDatabase):
        found.extend(blobs(bytes(changed)))
    for blob in found:
        try:
            value = rpmheader.parse(blob)
        except BrokenHeader:
            continue
        assert len(list(value.files())) <= len(changed)
        assert value.key_id() == ""
