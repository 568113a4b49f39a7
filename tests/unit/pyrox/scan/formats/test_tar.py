"""The tar reader against Python's writer and against streams that lie."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrox.scan.formats.bounded import BoundedReader, StreamDamage
from pyrox.scan.formats.tar import BLOCK, Member, TarReader, normal
from pyrox.scan.model import NoteKind

LONG = "d/" * 60 + "name-" + "x" * 120


def archive(*files: tuple[str, bytes], kind: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=kind) as tar:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def read(data: bytes, max_path: int = 4096) -> list[tuple[Member, bytes]]:
    reader = TarReader(io.BytesIO(data), max_path=max_path)
    found = []
    for member in reader:
        content = io.BytesIO()
        if member.kind == "file":
            reader.copy(content)
        found.append((member, content.getvalue()))
    return found


def rewritten(header: bytes, position: int, value: bytes) -> bytes:
    """A header with some bytes replaced and a checksum that fits."""
    changed = bytearray(header)
    changed[position : position + len(value)] = value
    changed[148:156] = b" " * 8
    changed[148:156] = b"%06o\x00 " % sum(changed)
    return bytes(changed)


@pytest.mark.parametrize("kind", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_files_of_each_format_come_back(kind: int) -> None:
    files = [("./a/b", b"one"), ("etc/x", b""), ("etc/big", b"z" * 5000)]
    if kind != tarfile.USTAR_FORMAT:
        files.append((LONG, b"long"))
    found = read(archive(*files, kind=kind))
    assert [(m.path, data) for m, data in found] == [(normal(name), data) for name, data in files]


def test_links_directories_and_devices_are_told_apart() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, kind, link in [
            ("d", tarfile.DIRTYPE, ""),
            ("h", tarfile.LNKTYPE, "target"),
            ("s", tarfile.SYMTYPE, "../target"),
            ("c", tarfile.CHRTYPE, ""),
        ]:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, link
            tar.addfile(info)
    assert [(m.kind, m.link) for m, _ in read(buffer.getvalue())] == [
        ("dir", ""),
        ("hardlink", "target"),
        ("symlink", "../target"),
        ("other", ""),
    ]


def test_unread_member_is_skipped() -> None:
    reader = TarReader(io.BytesIO(archive(("a", b"x" * 700), ("b", b"y"))), max_path=10)
    assert [member.path for member in reader] == ["a", "b"]


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 2000), st.integers(1, 60))
def test_cut_stream_gives_damage_or_a_clean_beginning(cut: int, step: int) -> None:
    data = archive(("a", b"x" * 700), ("b", b"y" * 300))[:cut]

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 0, step))

    reader = TarReader(Slow(data), max_path=100)
    names: list[str] = []
    damage: StreamDamage | None = None
    try:
        names.extend(member.path for member in reader)
    except StreamDamage as error:
        damage = error
    assert names == ["a", "b"][: len(names)]
    assert damage is None or damage.kind in {NoteKind.TRUNCATED, NoteKind.MALFORMED}


@pytest.mark.parametrize(
    ("position", "value", "kind"),
    [
        (124, b"zzzzzzzzzzz\x00", NoteKind.MALFORMED),
        (124, b"-0000001000\x00", NoteKind.MALFORMED),
        (124, b"1_0\x00", NoteKind.MALFORMED),
        (156, b"L", NoteKind.TRUNCATED),
        (124, b"\x80\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff", NoteKind.TRUNCATED),
    ],
)
def test_lying_header_gives_damage(position: int, value: bytes, kind: NoteKind) -> None:
    data = archive(("a", b"x"))
    with pytest.raises(StreamDamage) as caught:
        read(rewritten(data[:BLOCK], position, value))
    assert caught.value.kind is kind


def test_wrong_checksum_gives_damage() -> None:
    with pytest.raises(StreamDamage, match="checksum"):
        read(b"\x01" + archive(("a", b"x"))[1:])


def test_extended_header_of_absurd_size_is_refused() -> None:
    header = rewritten(archive(("a", b"x"))[:BLOCK], 124, b"77777777777\x00")
    with pytest.raises(StreamDamage) as caught:
        read(rewritten(header, 156, b"x"))
    assert caught.value.kind is NoteKind.TOO_LARGE


def test_path_above_the_limit_is_marked_and_the_next_is_read() -> None:
    found = read(archive((LONG, b"x"), ("next", b"y")), max_path=50)
    assert [(m.kind, len(m.path)) for m, _ in found] == [("overlong", 200), ("file", 4)]


def sparse_old(pairs: list[tuple[int, int]], size: int, data: bytes, more: int = 0) -> bytes:
    header = rewritten(archive(("sparse", data))[:BLOCK], 156, b"S")
    fields = b"".join(b"%011o\x00%011o\x00" % pair for pair in pairs)
    header = rewritten(header, 257, b"ustar  \x00")
    header = rewritten(header, 386, fields[:96])
    header = rewritten(header, 482, bytes([more]) + b"%011o\x00" % size)
    extra = fields[96:].ljust(504, b"\x00") + b"\x00" * 8 if more else b""
    return header + extra + data.ljust(-(-len(data) // BLOCK) * BLOCK, b"\x00") + b"\x00" * BLOCK * 2


@pytest.mark.parametrize("more", [0, 1])
def test_old_sparse_file_is_expanded(more: int) -> None:
    pairs = [(0, 2), (10, 3)] if not more else [(i * 4, 1) for i in range(5)]
    data = b"abcde"
    found = read(sparse_old(pairs, 20, data, more))
    member, content = found[0]
    assert member.size == 20
    expected = b"ab" + b"\x00" * 8 + b"cde" if not more else b"\x00\x00\x00".join(b"%c" % c for c in data)
    assert content == expected.ljust(20, b"\x00")


def test_sparse_map_that_does_not_fit_gives_damage() -> None:
    with pytest.raises(StreamDamage, match="sparse"):
        read(sparse_old([(0, 500)], 20, b"abc"))


def pax(records: dict[str, str], name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo(name)
        info.size, info.pax_headers = len(data), records
        tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def test_pax_sparse_map_in_the_header_is_expanded() -> None:
    records = {"GNU.sparse.map": "0,1,5,1", "GNU.sparse.size": "6", "GNU.sparse.name": "real"}
    member, content = read(pax(records, "x", b"ab"))[0]
    assert (member.path, member.size, content) == ("real", 6, b"a\x00\x00\x00\x00b")


def test_pax_sparse_map_before_the_data_is_expanded() -> None:
    records = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "4"}
    member, content = read(pax(records, "x", b"2\n0\n1\n3\n1\n".ljust(BLOCK, b"\x00") + b"ab"))[0]
    assert (member.size, content) == (4, b"a\x00\x00b")


def test_pax_sparse_without_map_gives_damage() -> None:
    with pytest.raises(StreamDamage, match="map"):
        read(pax({"GNU.sparse.major": "1"}, "x", b"7"))


def test_pax_records_that_lie_are_left_out() -> None:
    data = bytearray(pax({"comment": "hello"}, "name", b"x"))
    data[BLOCK : BLOCK + 2] = b"99"
    assert read(bytes(data))[0][0].path == "name"


def test_global_pax_header_counts_for_all_members() -> None:
    buffer = io.BytesIO()
    with tarfile.open(
        fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"linkpath": "everywhere"}
    ) as tar:
        tar.addfile(tarfile.TarInfo("a"))
    assert read(buffer.getvalue())[0][0].link == "everywhere"


@pytest.mark.parametrize(
    ("name", "expected"), [("./a/../b", "b"), ("/../../etc", "etc"), (".", ""), ("a//b/", "a/b")]
)
def test_normal_never_leaves_the_root(name: str, expected: str) -> None:
    assert normal(name) == expected


def test_bounded_reader_ends_with_damage_above_its_limit() -> None:
    assert BoundedReader(io.BytesIO(b"abc"), 3).read() == b"abc"
    reader = BoundedReader(io.BytesIO(b"abcd"), 3)
    assert reader.read(2) == b"ab"
    with pytest.raises(StreamDamage) as caught:
        reader.read(5)
    assert caught.value.kind is NoteKind.TOO_LARGE


def test_sparse_file_cannot_grow_beyond_its_declared_size() -> None:
    with pytest.raises(StreamDamage, match="does not fit"):
        read(sparse_old([(7_000_000_000, 1)], 20, b"a"))
    with pytest.raises(StreamDamage, match="does not fit"):
        read(pax({"GNU.sparse.map": "7000000000,1", "GNU.sparse.size": "6"}, "x", b"a"))


def test_number_of_foreign_digits_is_no_size() -> None:
    assert read(pax({"GNU.sparse.map": "\u00b2,1", "GNU.sparse.size": "\u00b2"}, "x", b""))[0][0].size == 0


def test_sparse_piece_may_not_end_beyond_the_declared_size() -> None:
    with pytest.raises(StreamDamage, match="does not fit"):
        read(sparse_old([(15, 10)], 20, b"0123456789"))
    assert read(sparse_old([(10, 10)], 20, b"0123456789"))[0][1] == b"\x00" * 10 + b"0123456789"


def test_bounded_reader_asks_for_no_more_than_its_limit_leaves() -> None:
    asked: list[int] = []

    class Stream(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            asked.append(size or 0)
            return super().read(size)

    reader = BoundedReader(Stream(b"x" * 10), 10)
    reader.read(6)
    reader.read(1000)
    reader.read()
    assert asked == [6, 5, 1]


@pytest.mark.parametrize("kind", [b"2", b"5"])
def test_link_or_directory_with_a_size_but_no_data_does_not_swallow_the_next(kind: bytes) -> None:
    data = archive(("a", b""), ("b", b"y"), kind=tarfile.USTAR_FORMAT)
    header = rewritten(rewritten(data[:BLOCK], 156, kind), 124, b"00000000005\x00")
    assert [member.path for member, _ in read(header + data[BLOCK:])] == ["a", "b"]


def test_hard_link_with_data_of_its_own_is_read() -> None:
    data = archive(("a", b"xyz"), ("b", b"y"), kind=tarfile.USTAR_FORMAT)
    reader = TarReader(io.BytesIO(rewritten(data[:BLOCK], 156, b"1") + data[BLOCK:]), max_path=100)
    content = io.BytesIO()
    kinds = []
    for member in reader:
        kinds.append((member.path, member.kind, member.size))
        reader.copy(content)
    assert (kinds, content.getvalue()) == ([("a", "hardlink", 3), ("b", "file", 1)], b"xyzy")


def test_pax_records_that_nobody_reads_are_not_kept() -> None:
    """A global record counts for every member, so its size must not."""
    buffer = io.BytesIO()
    odd = {f"VENDOR.{number}": "x" for number in range(50)}
    with tarfile.open(fileobj=buffer, mode="w", pax_headers=odd) as tar:
        info = tarfile.TarInfo("a")
        info.pax_headers = {"path": "better", "mtime": "1.5"}
        tar.addfile(info)
    reader = TarReader(io.BytesIO(buffer.getvalue()), max_path=100)
    assert [member.path for member in reader] == ["better"]
    assert reader._globals == {}


def test_hole_at_the_end_of_a_sparse_file_is_zeros() -> None:
    assert read(sparse_old([(0, 3), (3, 0)], 10, b"abc"))[0][1] == b"abc" + bytes(7)


def test_first_pax_form_of_sparse_files_is_expanded() -> None:
    """Its records repeat, so that Python's writer cannot make them."""
    lines = [("GNU.sparse.size", "8"), ("GNU.sparse.numblocks", "2"), ("GNU.sparse.offset", "1")]
    lines += [("GNU.sparse.numbytes", "2"), ("GNU.sparse.offset", "6"), ("GNU.sparse.numbytes", "1")]
    body = b"".join(b"%d %s=%s\n" % (len(k) + len(v) + 5, k.encode(), v.encode()) for k, v in lines)
    assert all(len(line) == int(line.split()[0]) for line in body.splitlines(keepends=True))
    head = rewritten(archive(("x", body))[:BLOCK], 156, b"x")
    data = head + body.ljust(BLOCK, b"\0") + archive(("sparse", b"abc"))
    ((member, content),) = read(data)
    assert (member.path, member.size, content) == ("sparse", 8, b"\0ab\0\0\0c\0")


def test_checksum_of_signed_bytes_is_taken() -> None:
    header = bytearray(archive(("n\u00e4me", b""), kind=tarfile.GNU_FORMAT))
    header[148:156] = b" " * 8
    signed = sum(byte - 256 if byte > 127 else byte for byte in header[:BLOCK])
    header[148:156] = b"%06o\x00 " % signed
    assert read(bytes(header))[0][0].path == "n\u00e4me"
    header[148:156] = b"%06o\x00 " % (signed + 1)
    with pytest.raises(StreamDamage, match="checksum"):
        read(bytes(header))
