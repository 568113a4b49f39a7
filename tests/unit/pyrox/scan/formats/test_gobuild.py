"""Go's build information in both layouts, in ELF of every shape and in PE, and damaged."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrox.scan.formats import gobuild
from pyrox.scan.formats.gobuild import BuildInfo, Module, NoBuildInfo, read

TEXT = (
    b"path\texample.org/cmd\nmod\texample.org/app\tv1.2.3\th1:x\ndep\tgithub.com/a/b\tv0.1.0\th1:y\n"
    b"dep\tgithub.com/c/d\tv0.2.0\n=>\tgithub.com/e/f\tv0.3.0\th1:z\nbuild\tvcs=git\n"
)
FRAMED = b"0" * 16 + TEXT + b"1" * 16
EXPECTED = BuildInfo(
    "go1.22.1",
    Module("example.org/app", "v1.2.3"),
    (Module("github.com/a/b", "v0.1.0"), Module("github.com/e/f", "v0.3.0")),
    (("vcs", "git"),),
)
BASE = 0x400000


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def inline(version: bytes = b"go1.22.1", text: bytes = FRAMED) -> bytes:
    head = gobuild.MAGIC + bytes([8, 2]) + b"\x00" * 16
    return head + varint(len(version)) + version + varint(len(text)) + text


def pointers(at: int, pointer: int, big: bool) -> bytes:
    """The layout before Go 1.18; the block is loaded at `BASE + at`."""
    mark = (">" if big else "<") + ("Q" if pointer == 8 else "I")

    def word(*values: int) -> bytes:
        return b"".join(struct.pack(mark, value) for value in values)

    address = BASE + at
    texts = address + 32 + 4 * pointer
    head = (
        gobuild.MAGIC + bytes([pointer, int(big)]) + word(address + 32, address + 32 + 2 * pointer)
    ).ljust(32, b"\x00")
    return head + word(texts, 8, texts + 8, len(FRAMED)) + b"go1.22.1" + FRAMED


def elf(
    block: bytes, *, bits: int = 64, big: bool = False, section: bytes = b".go.buildinfo", kind: int = 2
) -> bytes:
    """An executable whose one segment is the whole file; the block stands at 256."""
    mark = ">" if big else "<"
    wide = bits == 64
    names = b"\x00" + section + b"\x00.shstrtab\x00"
    body = block + names
    names_at, table_at = 256 + len(block), 256 + len(body)
    size = table_at + 3 * (64 if wide else 40)
    head = b"\x7fELF" + bytes([2 if wide else 1, 2 if big else 1]) + b"\x01" * 10
    head += struct.pack(mark + "HHI", kind, 62, 1)
    head += struct.pack(mark + ("QQQ" if wide else "III"), 0, 64, table_at)
    head += struct.pack(
        mark + "IHHHHHH", 0, 64, 56 if wide else 32, 1, 64 if wide else 40, 3 if section else 0, 2
    )
    if wide:
        segment = struct.pack(mark + "IIQQQQQQ", 1, 6, 0, BASE, BASE, size, size, 1)
    else:
        segment = struct.pack(mark + "IIIIIIII", 1, 0, BASE, BASE, size, size, 6, 1)
    entry = mark + ("IIQQQQIIQQ" if wide else "IIIIIIIIII")
    table = b"".join(
        struct.pack(entry, name, 1, 0, BASE + at, at, length, 0, 0, 0, 0)
        for name, at, length in [(0, 0, 0), (1, 256, len(block)), (len(section) + 2, names_at, len(names))]
    )
    return (head.ljust(64, b"\x00") + segment).ljust(256, b"\x00") + body + table


def pe(block: bytes, *, wide: bool = True) -> bytes:
    head = b"MZ".ljust(60, b"\x00") + struct.pack("<I", 64)
    coff = b"PE\x00\x00" + struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 240, 2)
    optional = struct.pack("<H", 0x20B if wide else 0x10B).ljust(24 if wide else 28, b"\x00")
    optional = (optional + struct.pack("<Q" if wide else "<I", BASE)).ljust(240, b"\x00")
    section = b".data".ljust(8, b"\x00") + struct.pack(
        "<IIIIIIHHI", len(block), 1024, len(block), 1024, 0, 0, 0, 0, 0
    )
    return (head + coff + optional + section).ljust(1024, b"\x00") + block


def parsed(data: bytes) -> BuildInfo:
    return read(io.BytesIO(data))


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("big", [False, True])
def test_elf_of_every_shape_in_both_layouts(bits: int, big: bool) -> None:
    assert parsed(elf(inline(), bits=bits, big=big)) == EXPECTED
    assert parsed(elf(pointers(256, bits // 8, big), bits=bits, big=big)) == EXPECTED


@pytest.mark.parametrize("wide", [False, True])
def test_pe_in_both_layouts(wide: bool) -> None:
    assert parsed(pe(inline(), wide=wide)) == EXPECTED
    assert parsed(pe(pointers(1024, 8 if wide else 4, big=False), wide=wide)) == EXPECTED


def test_elf_without_sections_is_searched_by_segment() -> None:
    assert parsed(elf(inline(), section=b"")) == EXPECTED


def test_magic_that_is_not_aligned_is_passed_over() -> None:
    assert parsed(elf(b"x" + gobuild.MAGIC + b"x" * 17 + inline(), section=b".data")) == EXPECTED


def test_text_without_its_frame_is_read_too() -> None:
    assert parsed(elf(inline(text=b"mod\tm\tv1\n"))) == BuildInfo("go1.22.1", Module("m", "v1"), ())
    assert parsed(elf(inline(text=b""))) == BuildInfo("go1.22.1", None, ())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x7fELF", "too short"),
        (b"#!/bin/sh\n" + b"x" * 100, "neither ELF nor PE"),
        (elf(b"nothing here at all".ljust(64)), "no build information"),
        (elf(inline(), kind=1), "not an executable"),
        (b"MZ".ljust(60, b"\x00") + struct.pack("<I", 70) + b"NE" * 30, "not a PE"),
        (elf(inline(b"odd")), "without a version"),
        (elf(gobuild.MAGIC + bytes([3, 0]) + b"\x00" * 16), "unknown form"),
        (pe(gobuild.MAGIC + b"\x08"), "ends early"),
        (elf(gobuild.MAGIC + bytes([8, 2]) + b"\x00" * 16 + b"\xff" * 9 + b"\x01"), "too large"),
        (
            elf(
                pointers(256, 8, big=False).replace(
                    struct.pack("<Q", len(FRAMED)), struct.pack("<Q", 1 << 40)
                )
            ),
            "too large",
        ),
        (elf(pointers(900_000, 8, big=False)), "without a version"),
    ],
)
def test_file_without_readable_information_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(NoBuildInfo, match=reason):
        parsed(data)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([elf(inline()), elf(pointers(256, 8, big=False)), pe(inline())]), st.data())
def test_damaged_executable_is_read_or_refused(data: bytes, draw: st.DataObject) -> None:
    changed = bytearray(data[: draw.draw(st.integers(0, len(data)))])
    for _ in range(draw.draw(st.integers(0, 5)) if changed else 0):
        changed[draw.draw(st.integers(0, len(changed) - 1))] = draw.draw(st.integers(0, 255))
    try:
        found = parsed(bytes(changed))
    except NoBuildInfo:
        return
    assert found.go_version.startswith(("go", "devel"))


def test_header_far_into_its_section_is_found() -> None:
    content = elf(b"\x00" * (3 << 20) + inline(), section=b".data")
    assert read(io.BytesIO(content)).go_version == "go1.22.1"


def test_header_out_of_its_alignment_is_no_header() -> None:
    content = elf(b"\x00" * ((3 << 20) + 8) + inline(), section=b".data")
    with pytest.raises(NoBuildInfo):
        read(io.BytesIO(content))
