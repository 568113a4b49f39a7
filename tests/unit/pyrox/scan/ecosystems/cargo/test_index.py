"""Lists of crates in Rust executables."""

from __future__ import annotations

import struct
import zlib

import pytest

from pyrox.scan.model import Finds, NoteKind
from pyrox.scan.protocols import Limits
from tests.unit.pyrox.scan.detecting import in_layer
from tests.unit.pyrox.scan.formats import test_gobuild

CRATES = (
    b'{"packages": [{"name": "serde", "version": "1.0.1"},'
    b' {"name": "cc", "version": "1.0.0", "kind": "build"}, {}]}'
)


def test_rust_crates_of_an_auditable_executable() -> None:
    content = test_gobuild.elf(zlib.compress(CRATES), section=b".dep-v0")
    finds = in_layer(
        {"bin/tool": (content, 0o755), "x/_native.so": (content, 0o644), "x/data": (content, 0o644)}
    )
    assert [(p.name, p.version, p.package_db) for p in finds.packages] == [
        ("serde", "1.0.1", "cargo:bin/tool"),
        ("serde", "1.0.1", "cargo:x/_native.so"),
    ]
    other = test_gobuild.elf(b"x" * 64)
    assert in_layer({"bin/tool": (other, 0o755)}) == Finds()


@pytest.mark.parametrize(
    "section", [b"no zlib", zlib.compress(b"[" * 100_000), zlib.compress(b'{"packages": 1}')]
)
def test_rust_broken_list_is_a_note(section: bytes) -> None:
    finds = in_layer({"bin/tool": (test_gobuild.elf(section, section=b".dep-v0"), 0o755)})
    assert [note.kind for note in finds.notes] == [NoteKind.MALFORMED]


def test_rust_crates_above_the_limit() -> None:
    listed = b'{"packages": [{"name": "a", "version": "1"}, {"name": "b", "version": "1"}]}'
    content = test_gobuild.elf(zlib.compress(listed), section=b".dep-v0")
    assert len(in_layer({"bin/x": (content, 0o755)}, Limits(packages=1)).packages) == 1


def test_executable_whose_section_points_outside_is_left_out() -> None:
    content = test_gobuild.elf(test_gobuild.inline(), section=b".dep-v0")
    moved = content.replace(
        struct.pack("<QQQ", 0, test_gobuild.BASE + 256, 256), struct.pack("<QQQ", 0, 0, 1 << 50)
    )
    assert moved != content
    assert in_layer({"bin/x": (moved, 0o755)}) == Finds()
