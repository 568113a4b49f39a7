"""Java archives whose numbers, members or texts are made to cost more than they are."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrox.scan.formats.jar import ArchiveProblem, Artifact, JarReader, manifest_names
from pyrox.scan.model import NoteKind
from pyrox.scan.protocols import Limits

POM = b"groupId=g\nartifactId=a\nversion=1\n"


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The same bytes whenever it is called: a member carries no time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return buffer.getvalue()


def read(
    data: bytes, location: str = "x.jar", limits: Limits | None = None
) -> list[Artifact | ArchiveProblem]:
    return list(JarReader(limits or Limits()).read(location, io.BytesIO(data)))


def wide(data: bytes, directory_bytes: int) -> bytes:
    """The zip with a zip64 end record and locator before its end, as `zipfile` looks for them."""
    end = data.rfind(b"PK\x05\x06")
    size, offset = struct.unpack_from("<II", data, end + 12)
    assert size < 1 << 20
    record = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 1, 1, directory_bytes, offset)
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, end, 1)
    return data[:end] + record + locator + data[end:]


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_pom_is_read_from_every_method_of_compression(method: int) -> None:
    (found,) = read(packed({"META-INF/maven/g/a/pom.properties": POM}, method))
    assert isinstance(found, Artifact)
    assert (found.name, found.version, found.stage, found.location) == ("g:a", "1", "maven", "x.jar")
    assert len(found.sha1) == 40


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
@settings(max_examples=60, deadline=None)
@given(draw=st.data())
def test_damaged_archive_gives_artifacts_or_problems(method: int, draw: st.DataObject) -> None:
    inner = packed({"META-INF/m/pom.properties": POM})
    changed = bytearray(packed({"META-INF/m/pom.properties": POM, "lib/i.jar": inner}, method))
    for _ in range(draw.draw(st.integers(1, 5))):
        changed[draw.draw(st.integers(0, len(changed) - 1))] = draw.draw(st.integers(0, 255))
    for found in read(bytes(changed)):
        assert isinstance(found, Artifact | ArchiveProblem)


def test_damaged_lzma_member_is_a_problem_and_the_name_still_counts() -> None:
    data = bytearray(packed({"META-INF/m/pom.properties": POM * 100}, zipfile.ZIP_LZMA))
    start = data.index(b"pom.properties") + len("pom.properties")
    data[start + 9 : start + 40] = b"\xff" * 31
    problem, artifact = read(bytes(data), "lib/name-2.5.jar")
    assert isinstance(problem, ArchiveProblem)
    assert (problem.kind, problem.location) == (
        NoteKind.MALFORMED,
        "lib/name-2.5.jar:META-INF/m/pom.properties",
    )
    assert isinstance(artifact, Artifact)
    assert (artifact.name, artifact.version, artifact.stage) == ("name", "2.5", "file")


def test_wide_directory_behind_a_small_end_record_is_refused() -> None:
    data = wide(packed({"META-INF/m/pom.properties": POM}), directory_bytes=17_000_000)
    (problem,) = read(data)
    assert isinstance(problem, ArchiveProblem)
    assert (problem.kind, problem.detail) == (
        NoteKind.TOO_LARGE,
        "zip directory of 17000000 bytes: at most 16000000 are read",
    )


def test_wide_record_of_an_honest_archive_is_read() -> None:
    data = packed({"META-INF/m/pom.properties": POM})
    (size,) = struct.unpack_from("<I", data, data.rfind(b"PK\x05\x06") + 12)
    (found,) = read(wide(data, directory_bytes=size))
    assert isinstance(found, Artifact)


def test_encrypted_member_is_a_problem() -> None:
    data = bytearray(packed({"META-INF/m/pom.properties": POM}))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + flags] |= 1
    (problem,) = read(bytes(data))
    assert isinstance(problem, ArchiveProblem)
    assert "encrypted" in problem.detail


def test_pom_of_several_artifacts_gives_each_once() -> None:
    other = POM.replace(b"artifactId=a", b"artifactId=b")
    found = read(
        packed(
            {
                "META-INF/1/pom.properties": POM,
                "META-INF/2/pom.properties": other,
                "META-INF/3/pom.properties": POM,
            }
        )
    )
    assert [item.name for item in found if isinstance(item, Artifact)] == ["g:a", "g:b"]


@pytest.mark.parametrize(
    "text", [b"groupId=g\nartifactId=a\n", b"#groupId=g\n!version=1\n", b"\xff\xfe", b""]
)
def test_incomplete_pom_leaves_the_file_name(text: bytes) -> None:
    (found,) = read(packed({"META-INF/m/pom.properties": text}), "a/b-1.0.jar")
    assert isinstance(found, Artifact)
    assert (found.name, found.version, found.stage) == ("b", "1.0", "file")


def test_properties_of_windows_with_blanks_and_comments_are_read() -> None:
    text = b"#Generated by Maven\r\n! more\r\n groupId = g \r\nartifactId=a\r\nversion=1=2\r\nversion=3\r\n"
    (found,) = read(packed({"META-INF/m/pom.properties": text}))
    assert isinstance(found, Artifact)
    assert (found.name, found.version) == ("g:a", "1=2")


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("a/log4j-core-2.14.1.jar", ("log4j-core", "2.14.1")),
        ("a/x-1.0-SNAPSHOT.war", ("x", "1.0-SNAPSHOT")),
        ("a.war:WEB-INF/lib/guava-31.0-jre.jar", ("guava", "31.0-jre")),
        ("a/noversion.jar", None),
        ("a/-1.0.jar", None),
        ("a/n\u00e4me-1.0.jar", None),
        ("a/x-1.0.JAR", None),
        ("a/" + "n" * 1030 + "-1.0.jar", None),
    ],
)
def test_name_and_version_of_a_file_name(location: str, expected: tuple[str, str] | None) -> None:
    found = [
        (f.name, f.version) for f in read(packed({"META-INF/x": b""}), location) if isinstance(f, Artifact)
    ]
    assert found == ([expected] if expected else [])


def test_file_name_of_many_dashes_is_passed_over() -> None:
    # A pattern that goes back over 65,000 characters would take minutes here.
    assert read(packed({"META-INF/x": b""}), "a" + "-0" * 32_000 + "!.jar") == []


def test_manifest_value_of_a_million_lines_is_joined() -> None:
    content = b"Bundle-Name: n\nBundle-Version: 1\n" + b" x\n" * 1_000_000
    assert manifest_names(content) == ("n", "1" + "x" * 1_000_000)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b" leading: continuation\nBundle-Name: n\nBundle-Version: 1\n", ("n", "1")),
        (b"Bundle-Name: n\r\nBundle-Version: 1\r\n\r\nBundle-Version: 2\r\n", ("n", "1")),
        (b"BUNDLE-NAME: n\nbundle-version: 1\n", ("n", "1")),
        (b"Bundle-Name: n\nBundle-Name: m\nBundle-Version: 1\n", ("m", "1")),
        (b"Bundle-Name: n\nodd line\n more\nBundle-Version: 1\n", ("n", "1")),
        (
            b"Bundle-SymbolicName: g;x:=y\nSpecification-Title: a b\nSpecification-Version: 3\n",
            ("g:a b", "3"),
        ),
        (b"Implementation-Vendor-Id: v\nImplementation-Version: 3\n", ("v", "3")),
        (b"\n\nBundle-Name: n\nBundle-Version: 1\n", None),
        (b"", None),
    ],
)
def test_manifest_main_section_in_odd_forms(content: bytes, expected: tuple[str, str] | None) -> None:
    assert manifest_names(content) == expected


def test_nested_archives_share_one_budget() -> None:
    inner = packed({"META-INF/m/pom.properties": POM})
    data = packed({"META-INF/x": b"", **{f"l/{i}.jar": inner for i in range(5)}})
    found = read(data, "x-1.jar", Limits(archive_bytes=2 * (len(inner) + len(POM)) + 10))
    assert [type(item).__name__ for item in found] == [
        "Artifact",
        "Artifact",
        "Artifact",
        "ArchiveProblem",
        "ArchiveProblem",
        "ArchiveProblem",
    ]
    assert {item.kind for item in found if isinstance(item, ArchiveProblem)} == {NoteKind.TOO_LARGE}
