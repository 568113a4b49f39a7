"""Layouts of ELF and PE files, and tables that lie."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrox.scan.formats import gobuild
from pyrox.scan.formats.executable import Executable, NotExecutable, Part, at, headers, number
from tests.unit.pyrox.scan.formats.test_gobuild import BASE, elf, pe


def layout(data: bytes) -> Executable:
    return headers(io.BytesIO(data))


def with_sections(entries: list[tuple[int, int, int]], names: bytes) -> bytes:
    """A 64-bit ELF whose last section, added here, holds the names: (name, offset, size) each."""
    names_at = 64
    table_at = names_at + len(names)
    rows = [*entries, (0, names_at, len(names))]
    head = b"\x7fELF\x02\x01".ljust(16, b"\x01") + struct.pack("<HHI", 2, 62, 1)
    head += struct.pack("<QQQI", 0, 0, table_at, 0)
    head += struct.pack("<HHHHHH", 64, 56, 0, 64, len(rows), len(rows) - 1)
    table = b"".join(struct.pack("<IIQQQQIIQQ", name, 1, 0, 0, o, size, 0, 0, 0, 0) for name, o, size in rows)
    return head + names + table


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("big", [False, True])
def test_elf_sections_and_segments_of_every_shape(bits: int, big: bool) -> None:
    data = elf(b"B" * 40, bits=bits, big=big, section=b".data")
    found = layout(data)
    assert found.parts[1] == Part(b".data", BASE + 256, 256, 40)
    assert found.parts[2].name == b".shstrtab"
    (loaded,) = found.loaded
    assert (loaded.name, loaded.address, loaded.offset) == (b"", BASE, 0)
    assert loaded.size == len(data)


@pytest.mark.parametrize("wide", [False, True])
def test_pe_sections_are_loaded_above_the_image_base(wide: bool) -> None:
    found = layout(pe(b"B" * 40, wide=wide))
    assert found.parts == found.loaded == (Part(b".data", BASE + 1024, 1024, 40),)


def test_elf_without_sections_has_its_segments_as_parts() -> None:
    found = layout(elf(b"B" * 40, section=b""))
    assert found.parts == found.loaded


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "too short"),
        (b"\x7fELF" + b"\x00" * 59, "too short"),
        (b"\x7fELF" + b"\x00" * 60, "not an executable"),
        (b"\xca\xfe\xba\xbe" + b"\x00" * 60, "neither ELF nor PE"),
        (b"MZ" + b"\x00" * 62, "not a PE"),
        (b"MZ" + b"\xff" * 62, "not a PE"),
    ],
)
def test_file_that_is_no_executable_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(NotExecutable, match=reason):
        layout(data)


def test_relocatable_object_and_core_file_are_no_executables() -> None:
    for kind in (1, 4):
        with pytest.raises(NotExecutable, match="not an executable"):
            layout(elf(b"", kind=kind))
    assert layout(elf(b"B", kind=3)).parts


def test_section_names_that_overlap_are_cut_one_by_one() -> None:
    # Without the cut each of these would keep its own copy of almost a megabyte.
    names = b"n" * 1_000_000
    found = layout(with_sections([(i, 0, 0) for i in range(4000)], names))
    assert len(found.parts) == 4001
    assert max(len(part.name) for part in found.parts) == 64


def test_section_name_outside_of_the_names_is_empty() -> None:
    found = layout(with_sections([(1 << 31, 5, 6)], b"\x00.x\x00"))
    assert found.parts[0] == Part(b"", 0, 5, 6)


def test_table_of_more_sections_than_any_linker_writes_is_not_read() -> None:
    data = bytearray(with_sections([(0, 0, 0)], b"\x00"))
    data[60:62] = struct.pack("<H", 5000)
    assert layout(bytes(data)) == Executable((), ())


@pytest.mark.parametrize("offset", [-1, (1 << 40) + 1])
def test_offset_outside_of_any_file_is_refused(offset: int) -> None:
    with pytest.raises(NotExecutable, match="outside"):
        at(io.BytesIO(b"abc"), offset, 1)


def test_at_gives_fewer_bytes_at_the_end() -> None:
    assert at(io.BytesIO(b"abc"), 1, 10) == b"bc"
    assert at(io.BytesIO(b"abc"), 99, 10) == b""


@pytest.mark.parametrize(("order", "value"), [("little", 0x0201), ("big", 0x0102)])
def test_number_by_byte_order(order: str, value: int) -> None:
    assert number(b"\x00\x01\x02", 1, 2, order) == value
    assert number(b"\x01", 5, 4, order) == 0


def test_only_the_first_data_sections_are_searched_for_go() -> None:
    class Counting(io.BytesIO):
        read_bytes = 0

        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            self.read_bytes += len(data)
            return data

    names = b"\x00.data\x00".ljust(1_000_000, b"\x00")
    data = Counting(with_sections([(1, 64, 1_000_000)] * 1000, names))
    with pytest.raises(gobuild.NoBuildInfo, match="no build information"):
        gobuild.read(data)
    assert data.read_bytes < 20_000_000


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([elf(b"B"), elf(b"B", bits=32, big=True), pe(b"B"), pe(b"B", wide=False)]), st.data())
def test_damaged_header_is_read_or_refused(data: bytes, draw: st.DataObject) -> None:
    changed = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 8))):
        changed[draw.draw(st.integers(0, 300) | st.integers(0, len(changed) - 1)) % len(changed)] = draw.draw(
            st.sampled_from([0, 1, 0x7F, 0x80, 0xFF])
        )
    try:
        found = layout(bytes(changed))
    except NotExecutable:
        return
    assert all(len(part.name) <= 64 for part in found.parts)
