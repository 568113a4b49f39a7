"""Files that lie: each gives a note, and what stands beside them is still found."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrox.scan import catalogue
from pyrox.scan.formats import dockerfile, gobuild, lockjson, locktext, locktoml, phparray
from pyrox.scan.layer import index_layer
from pyrox.scan.model import Finds, Note, NoteKind
from pyrox.scan.protocols import Limits
from tests.unit.pyrox.scan.detecting import in_layer, names
from tests.unit.pyrox.scan.formats import test_gobuild

NEIGHBOUR = {"srv/z.dist-info/METADATA": (b"Name: neighbour\nVersion: 1\n", 0o644)}
DEEP = b'{"a":' * 100_000
MANIFEST = b"Manifest-Version: 1.0\nBundle-SymbolicName: org.x\nBundle-Version: 1.0\n"


def packed(members: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def nested(depth: int) -> bytes:
    """A jar in a jar in a jar …"""
    inner = packed({"META-INF/MANIFEST.MF": MANIFEST})
    for _ in range(depth):
        inner = packed({"META-INF/MANIFEST.MF": MANIFEST, "lib/inner.jar": inner}, zipfile.ZIP_STORED)
    return inner


def bomb() -> bytes:
    return packed({"META-INF/MANIFEST.MF": MANIFEST, "lib/inner.jar": b"\0" * (140 << 20)})


def lying_size() -> bytes:
    """The inner jar says that it has 30 bytes."""
    content = bytearray(packed({"META-INF/x": b"", "a.jar": b"\0" * 100_000}))
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = content.rfind(mark)
        struct.pack_into("<I", content, at + offset, 30)
    return bytes(content)


def huge_manifest() -> bytes:
    return packed({"META-INF/MANIFEST.MF": b"X-Long: y\n" * 500_000})


def huge_directory() -> bytes:
    """An end record that speaks of a directory of two gigabytes."""
    return b"PK\x03\x04" + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 65535, 65535, 1 << 31, 4, 0)


def program_with_list(section: bytes) -> bytes:
    return test_gobuild.elf(section, section=b".dep-v0")


def go_with_long_text() -> bytes:
    block = gobuild.MAGIC + bytes([8, 2]) + b"\x00" * 16 + b"\xff\xff\xff\xff\x0f"
    return test_gobuild.elf(block)


@pytest.mark.parametrize(
    ("path", "content", "kind"),
    [
        ("a.jar", lambda: nested(20), NoteKind.TOO_DEEP),
        ("a.jar", bomb, NoteKind.TOO_LARGE),
        ("a.jar", lying_size, NoteKind.MALFORMED),
        ("a-1.0.jar", huge_manifest, NoteKind.MALFORMED),
        ("a.jar", huge_directory, NoteKind.TOO_LARGE),
        ("a.war", lambda: b"PK\x03\x04" + b"\0" * 100, NoteKind.MALFORMED),
        ("bin/x", lambda: program_with_list(zlib.compress(b"[" * (20 << 20))), NoteKind.MALFORMED),
        ("bin/x", lambda: program_with_list(b"no zlib"), NoteKind.MALFORMED),
        ("node_modules/x/package.json", lambda: DEEP, NoteKind.MALFORMED),
        ("vendor/composer/installed.json", lambda: DEEP, NoteKind.MALFORMED),
        ("app/x.deps.json", lambda: DEEP, NoteKind.MALFORMED),
        ("app/package-lock.json", lambda: DEEP, NoteKind.MALFORMED),
        ("app/Pipfile.lock", lambda: b'{"default": {"a": {"version": 5}}}', NoteKind.MALFORMED),
        ("app/Cargo.lock", lambda: b"\xff\xfe", NoteKind.MALFORMED),
        ("root/buildinfo/labels.json", lambda: DEEP, NoteKind.MALFORMED),
        ("root/buildinfo/content_manifests/x.json", lambda: DEEP, NoteKind.MALFORMED),
        ("var/lib/dnf/history.sqlite", lambda: b"SQLite format 3\0" + b"\xff" * 8000, NoteKind.MALFORMED),
        ("x/specifications/x.gemspec", lambda: b"s.name = " * 100_000, NoteKind.MALFORMED),
        ("x.egg-info/PKG-INFO", lambda: b"Name: x\n" * 100_000, NoteKind.MALFORMED),
    ],
)
def test_file_that_lies_is_a_note_and_its_neighbour_is_found(
    path: str, content: Callable[[], bytes], kind: NoteKind
) -> None:
    finds = in_layer({path: (content(), 0o755)} | NEIGHBOUR)
    assert ("neighbour", "1") in names(finds)
    assert [note.kind for note in finds.notes] == [kind]
    assert finds.notes[0].subject.startswith(path)


def test_program_of_go_that_lies_about_its_length_is_no_program_of_go() -> None:
    finds = in_layer({"bin/x": (go_with_long_text(), 0o755)} | NEIGHBOUR)
    assert (names(finds), finds.notes) == ([("neighbour", "1")], ())


def test_archive_with_a_bad_manifest_still_has_its_name_and_what_is_inside() -> None:
    inner = packed({"META-INF/MANIFEST.MF": MANIFEST})
    outer = packed({"META-INF/MANIFEST.MF": b"X-Long: y\n" * 500_000, "lib/inner.jar": inner})
    assert names(in_layer({"outer-2.1.jar": (outer, 0o644)})) == [("outer", "2.1"), ("org.x", "1.0")]


def test_web_application_without_its_own_manifest_still_shows_its_libraries() -> None:
    war = packed({"WEB-INF/lib/inner.jar": packed({"META-INF/MANIFEST.MF": MANIFEST})})
    finds = in_layer({"shop.war": (war, 0o644)})
    assert [p.package_db for p in finds.packages] == ["jar:shop.war:WEB-INF/lib/inner.jar"]


class Endless(io.RawIOBase):
    """A tar with one member of a gigabyte that is never in memory, then a small one."""

    def __init__(self, path: str, size: int) -> None:
        info = tarfile.TarInfo(path)
        info.size = size
        small = tarfile.TarInfo("node_modules/y/package.json")
        content = b'{"name": "y", "version": "1.0.0"}'
        small.size = len(content)
        self._parts: list[bytes | int] = [
            info.tobuf(),
            size,
            small.tobuf() + content.ljust(512, b"\0") + b"\0" * 1024,
        ]

    def read(self, size: int = -1, /) -> bytes:
        assert size > 0
        while self._parts:
            head = self._parts[0]
            if isinstance(head, int):
                given = b"\0" * min(size, head)
                self._parts[0] = head - len(given)
            else:
                given = head[:size]
                self._parts[0] = head[len(given) :]
            if given:
                return given
            self._parts.pop(0)
        return b""


def test_manifest_of_a_gigabyte_is_passed_over_with_a_note() -> None:
    stream = Endless("node_modules/x/package.json", 1 << 30)
    found = index_layer(stream, digest="sha256:0", detectors=catalogue.detectors()).finds
    merged: Finds = found.merged()
    detail = f"{1 << 30} bytes; nodejs reads at most {Limits().text_bytes}"
    assert merged.notes == (Note(NoteKind.TOO_LARGE, "node_modules/x/package.json", detail),)
    assert names(merged) == [("y", "1.0.0")]


READERS: tuple[Callable[[bytes], object], ...] = (
    lambda data: dockerfile.labels(data.decode("utf-8", "replace")),
    lambda data: list(phparray.texts(data.decode("utf-8", "replace"))),
    *(
        lambda data, reader=reader: list(reader(data))
        for reader in (
            lockjson.npm,
            lockjson.pipfile,
            lockjson.composer,
            lockjson.nuget,
            locktext.yarn,
            locktext.pnpm,
            locktext.bundler,
            locktext.gradle,
            locktoml.python,
            locktoml.cargo,
        )
    ),
)
WORDS = st.sampled_from(
    b"""[[package]]
name = "a"
version = "1"
packages:
  /a@1.0.0:
GEM
    a (1)
a:b:1=c
"a@1":
  version "1"
""".splitlines(keepends=True)
    + b"array( 'a' => ) LABEL\ta= ENV\tb $b ${b:- { } [ ] , \" \\ \xff \0".split(b" ")
    + [b"\n", b" ", b'"packages":', b'"dependencies":']
)


@settings(max_examples=300, deadline=None)
@given(parts=st.lists(WORDS | st.binary(max_size=8), max_size=40))
def test_readers_read_or_refuse_whatever_they_are_given(parts: list[bytes]) -> None:
    data = b"".join(parts)
    refused = 0
    for reader in READERS:
        try:
            reader(data)
        except ValueError:
            refused += 1
    # Those of plain lines know no wrong line, only texts that are no Unicode.
    assert refused <= len(READERS) - 2
