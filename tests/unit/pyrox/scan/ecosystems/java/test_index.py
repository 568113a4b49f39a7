"""Java archives: stages of identification, nesting, hostile archives."""

from __future__ import annotations

import io
import zipfile

import pytest

from pyrox.scan.formats import jar
from pyrox.scan.model import NoteKind
from pyrox.scan.protocols import Limits
from tests.unit.pyrox.scan.detecting import find, names


def zipped(files: dict[str, bytes], prefix: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return prefix + buffer.getvalue()


POM = b"#comment\ngroupId=org.example\nartifactId=%s\nversion=1.0\n"


MANIFEST = (
    b"Manifest-Version: 1.0\nBundle-SymbolicName: org.foo;singleton:=true\nImplementation-Title: Foo\n Bar\n"
    b"Implementation-Version: 2.0\n\nName: x\nImplementation-Version: 9\n"
)


def test_java_poms_first_then_nested_archives() -> None:
    inner = zipped({"META-INF/maven/x/pom.properties": POM % b"inner"})
    outer = zipped(
        {
            "META-INF/maven/a/pom.properties": POM % b"outer",
            "META-INF/MANIFEST.MF": MANIFEST,
            "BOOT-INF/lib/inner.jar": inner,
        },
        prefix=b"#!/bin/sh\nexec java\n",
    )
    finds = find({"app.jar": outer})
    assert names(finds) == [("org.example:outer", "1.0"), ("org.example:inner", "1.0")]
    assert [p.package_db for p in finds.packages] == ["maven:app.jar", "maven:app.jar:BOOT-INF/lib/inner.jar"]
    assert all(p.repository_hint.startswith("sha1:") and p.filepath == "app.jar" for p in finds.packages)


def test_java_manifest_and_file_name_stages() -> None:
    finds = find(
        {
            "a/foo.jar": zipped({"META-INF/MANIFEST.MF": MANIFEST}),
            "a/bar-1.2.3-SNAPSHOT.jar": zipped({"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\n"}),
            "a/javax.servlet-3.0.jar": zipped({"x.class": b""}),
            "a/nothing.jar": zipped({"META-INF/x": b""}),
        }
    )
    assert names(finds) == [("org.foo:FooBar", "2.0"), ("bar", "1.2.3-SNAPSHOT"), ("javax.servlet", "3.0")]
    assert [p.package_db.partition(":")[0] for p in finds.packages] == ["jar", "file", "file"]


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        (b"Group-Id: g\nExtension-Name: e\nPlugin-Version: 3\n", ("g:e", "3")),
        (b"Implementation-Vendor: The Company\nBundle-Name: n\nBundle-Version: 1\n", ("n", "1")),
        (b"Bundle-SymbolicName: same\nBundle-Name: same\nBundle-Version: 1\n", ("same", "1")),
        (b"Bundle-Version: 1\n", None),
        (b"no colon\nBundle-Name: n\n", None),
    ],
)
def test_java_manifest_names(manifest: bytes, expected: tuple[str, str] | None) -> None:
    assert jar.manifest_names(manifest) == expected


@pytest.mark.parametrize(
    ("content", "limits", "kind"),
    [
        (b"PK" + b"\x00" * 40, Limits(), NoteKind.MALFORMED),
        (zipped({"x.class": b""}), Limits(), NoteKind.UNSUPPORTED),
        (
            zipped({"META-INF/a": b"", "b": b"", "c": b""}),
            Limits(archive_directory_bytes=20),
            NoteKind.TOO_LARGE,
        ),
        (
            zipped({"META-INF/a": b"", "i.jar": b"\x00" * 100_000}),
            Limits(archive_live_bytes=5000),
            NoteKind.TOO_LARGE,
        ),
        (
            zipped({"META-INF/a": b"", "i.jar": b"\x00" * 100_000}),
            Limits(archive_bytes=5000),
            NoteKind.TOO_LARGE,
        ),
        (
            zipped({"META-INF/a": b"", "i.jar": zipped({"META-INF/b": b""})}),
            Limits(nesting=1),
            NoteKind.TOO_DEEP,
        ),
        (
            zipped({"META-INF/a": b""})[:-4].replace(b"META-INF/a", b"META-INF/\xff"),
            Limits(),
            NoteKind.MALFORMED,
        ),
    ],
)
def test_java_hostile_archive_is_a_note(content: bytes, limits: Limits, kind: NoteKind) -> None:
    finds = find({"lib/x.jar": content}, limits)
    assert [note.kind for note in finds.notes] == [kind]


def test_java_bad_pom_leaves_the_other_stages() -> None:
    data = bytearray(zipped({"META-INF/m/pom.properties": b"a" * 1000, "META-INF/MANIFEST.MF": MANIFEST}))
    position = data.find(b"pom.properties") + len("pom.properties")
    data[position : position + 4] = b"\xff" * 4
    finds = find({"x.jar": bytes(data)})
    assert names(finds) == [("org.foo:FooBar", "2.0")]
    assert finds.notes[0].subject == "x.jar:META-INF/m/pom.properties"


def test_java_broken_nested_member_and_tiny_file() -> None:
    data = bytearray(zipped({"META-INF/a": b"", "i.jar": b"q" * 200}))
    position = data.find(b"i.jar") + len("i.jar")
    data[position : position + 3] = b"\xff" * 3
    finds = find({"x.jar": bytes(data), "tiny.jar": b"PK"})
    assert [note.subject for note in finds.notes] == ["x.jar:i.jar"]


def test_java_packages_above_the_limit() -> None:
    poms = {f"META-INF/{i}/pom.properties": POM % str(i).encode() for i in range(3)}
    assert len(find({"x.jar": zipped(poms)}, Limits(packages=2)).packages) == 2


def test_java_empty_archive_is_a_note_and_a_smaller_file_is_none() -> None:
    empty = zipped({})
    assert len(empty) == jar.MIN_SIZE
    assert [note.kind for note in find({"x.jar": empty}).notes] == [NoteKind.UNSUPPORTED]
    assert find({"x.jar": empty[:-1]}).notes == ()
