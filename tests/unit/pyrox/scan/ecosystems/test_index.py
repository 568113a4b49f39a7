"""What each detector makes of the files that it reads, good and bad."""

from __future__ import annotations

import hashlib
import io
import struct
import tarfile
import zipfile
import zlib

import pytest

from pyrox.scan import catalogue
from pyrox.scan.ecosystems.go import index as go
from pyrox.scan.ecosystems.nodejs import index as nodejs
from pyrox.scan.ecosystems.python import index as python
from pyrox.scan.formats import jar, osrelease
from pyrox.scan.layer import index_files, index_layer
from pyrox.scan.model import Distribution, Finds, NoteKind
from pyrox.scan.protocols import Limits
from pyrox.scan.versions import pep440
from tests.unit.pyrox.scan.formats import test_gobuild, test_rpmdb


def find(files: dict[str, bytes], limits: Limits | None = None) -> Finds:
    return index_files(files, digest="sha256:0", detectors=catalogue.detectors(), limits=limits).merged()


def names(finds: Finds) -> list[tuple[str, str]]:
    return [(package.name, package.version) for package in finds.packages]


STATUS = b"""\
Package: libc6
Status: install ok installed
Architecture: amd64
Source: glibc (2.36-8)
Version: 2.36-9
Description: words
 Package: not-a-field
 more

Package: bash
Status: install ok installed
Architecture: amd64
Version: 5.2-1

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: broken
Status: install ok installed
Architecture: amd64
"""


def test_dpkg_installed_packages_with_source_hint_and_files() -> None:
    finds = find(
        {
            "var/lib/dpkg/status": STATUS,
            "var/lib/dpkg/info/libc6:amd64.md5sums": b"abc  usr/lib/x\n",
            "var/lib/dpkg/info/bash.list": b"/.\n/bin/bash\n/usr/share/doc/bash\n"
            b"/lib/python3/dist-packages/x.egg-info\n",
        }
    )
    bash, libc = finds.packages
    assert (libc.source_name, libc.source_version, libc.package_db) == (
        "glibc",
        "2.36-8",
        "var/lib/dpkg/status",
    )
    assert libc.repository_hint == hashlib.md5(b"abc  usr/lib/x\n", usedforsecurity=False).hexdigest()
    assert (bash.source_name, bash.source_version, bash.repository_hint) == ("bash", "5.2-1", "")
    assert {o.path for o in finds.owned} == {"usr/bin/bash", "usr/lib/python3/dist-packages/x.egg-info"}
    assert finds.databases == ("var/lib/dpkg/status",)
    assert [note.kind for note in finds.notes] == [NoteKind.MALFORMED]


def test_dpkg_other_status_file_counts_only_with_info_beside_it() -> None:
    assert names(find({"opt/root/status": STATUS})) == []
    assert names(find({"opt/root/status": STATUS, "opt/root/info/bash.list": b""})) == [
        ("bash", "5.2-1"),
        ("libc6", "2.36-9"),
    ]


def test_dpkg_vcpkg_database_is_left_out_with_a_note() -> None:
    vcpkg = b"Package: zlib\nPort-Version: 1\nStatus: install ok installed\n"
    finds = find({"var/lib/dpkg/status": vcpkg})
    assert (names(finds), [note.kind for note in finds.notes]) == ([], [NoteKind.UNSUPPORTED])


def test_dpkg_line_that_is_no_field_is_a_note() -> None:
    finds = find({"var/lib/dpkg/status": b"garbage\n" + STATUS})
    assert any("garbage" in note.detail for note in finds.notes)
    assert len(finds.packages) == 2


def test_dpkg_packages_above_the_limit_are_a_note() -> None:
    finds = find({"var/lib/dpkg/status": STATUS}, Limits(packages=1))
    assert (len(finds.packages), finds.notes[-1].kind) == (1, NoteKind.TOO_MANY)


def test_distroless_each_file_is_a_database() -> None:
    finds = find(
        {
            "var/lib/dpkg/status.d/libc6": b"Package: libc6\nVersion: 2\n"
            b"Architecture: amd64\nSource: glibc\n",
            "var/lib/dpkg/status.d/libc6.md5sums": b"0  usr/bin/ldd\n",
            "var/lib/dpkg/status.d/bad": b"Package: x\n",
        }
    )
    (package,) = finds.packages
    assert (package.package_db, package.filepath) == ("var/lib/dpkg/status.d/libc6",) * 2
    assert (package.source_name, package.source_version) == ("glibc", "2")
    assert [o.path for o in finds.owned] == ["usr/bin/ldd"]
    assert finds.notes[0].subject == "var/lib/dpkg/status.d/bad"


@pytest.mark.parametrize("path", ["lib/apk/db/installed", "usr/lib/apk/db/installed"])
def test_apk_both_places_and_last_entry_without_newline(path: str) -> None:
    data = b"P:musl\nV:1.2.4-r2\nA:x86_64\nc:abc\no:musl\n"
    data += b"F:usr/bin\nR:tool\nR:other\nF:\nR:top\n\nV:9\n\nP:zlib\nV:1.3-r2"
    finds = find({path: data})
    assert names(finds) == [("musl", "1.2.4-r2"), ("zlib", "1.3-r2")]
    musl, zlib = finds.packages
    assert (musl.arch, musl.repository_hint, musl.source_name, musl.source_version) == (
        "x86_64",
        "abc",
        "musl",
        "1.2.4-r2",
    )
    assert (zlib.source_name, zlib.source_version) == ("", "")
    assert [o.path for o in finds.owned] == ["usr/bin/tool", "usr/bin/other"]
    assert finds.notes[0].kind is NoteKind.MALFORMED


def test_apk_packages_above_the_limit_end_the_reading() -> None:
    finds = find({"lib/apk/db/installed": b"P:a\nV:1\n\nP:b\nV:1\n\nP:c\nV:1\n"}, Limits(packages=1))
    assert (len(finds.packages), len(finds.notes)) == (1, 1)


def test_python_every_form_of_metadata() -> None:
    meta = b"Metadata-Version: 2.1\nName: %s\nVersion: 1.0\n\nName: not\n"
    finds = find(
        {
            "usr/lib/python3/dist-packages/Requests-2.dist-info/METADATA": meta % b"Requests",
            "a/foo.egg-info/PKG-INFO": meta % b"foo",
            "a/bare.egg-info": meta % b"bare",
            "a/zipped.egg/EGG-INFO/PKG-INFO": meta % b"zipped",
            "a/other/PKG-INFO": meta % b"source-tree",
        }
    )
    places = {package.name: package.package_db for package in finds.packages}
    assert places == {
        "requests": "python:usr/lib/python3/dist-packages",
        "foo": "python:a",
        "bare": "python:a",
        "zipped": "python:a/zipped.egg",
    }
    assert [r.name for r in finds.repositories] == ["pypi"]


def test_python_package_of_the_system_is_left_out() -> None:
    meta = b"Name: x\nVersion: 1\n"
    finds = find({"s/x.dist-info/METADATA": meta, "s/x.dist-info/INSTALLER": b"rpm\n"})
    assert finds.packages == ()
    assert names(find({"s/x.dist-info/METADATA": meta, "s/x.dist-info/INSTALLER": b"pip\n"})) == [("x", "1")]


def test_python_version_outside_pep440_is_kept_with_a_note() -> None:
    finds = find({"s/x.dist-info/METADATA": b"Name: x\nVersion: 2004d\n"})
    assert (names(finds), finds.notes[0].kind) == ([("x", "2004d")], NoteKind.UNPARSABLE_VERSION)


def test_python_metadata_without_name_is_a_note() -> None:
    assert find({"s/x.dist-info/METADATA": b"hello\n"}).notes[0].kind is NoteKind.MALFORMED


@pytest.mark.parametrize(
    ("version", "numbers"),
    [
        ("2.19.0", (0, 2, 19, 0, 0, 0, 0, 0, 0, 0)),
        ("1!1.2.3.4.5.6a7.post8.dev9", (1, 1, 2, 3, 4, 5, -3, 7, 8, -9)),
        ("1.dev3", (0, 1, 0, 0, 0, 0, -(2**31) + 3, 0, 0, 0)),
        ("1rc2", (0, 1, 0, 0, 0, 0, -1, 2, 0, 0)),
    ],
)
def test_python_normalized_numbers_are_upstreams(version: str, numbers: tuple[int, ...]) -> None:
    parts = pep440.parse(version)
    assert parts is not None
    assert python.normalized(parts).v == numbers


def test_python_number_too_large_for_the_wire_has_no_normalized_form() -> None:
    parts = pep440.parse("99999999999")
    assert parts is not None
    assert python.normalized(parts).kind == ""


def test_node_packages_below_node_modules_only() -> None:
    finds = find(
        {
            "app/node_modules/lodash/package.json": b'{"name": "lodash", "version": "4.17.4",'
            b' "x": {"name": 1}}',
            "app/package.json": b'{"name": "app", "version": "1.0.0"}',
            "app/node_modules/empty/package.json": b"{}",
            "app/node_modules/bad/package.json": b"[1]",
            "app/node_modules/odd/package.json": b'{"name": "odd", "version": "latest"}',
        }
    )
    assert names(finds) == [("lodash", "4.17.4"), ("odd", "latest")]
    assert finds.packages[0].normalized.v == (0, 4, 17, 4, 0, 0, 0, 0, 0, 0)
    assert finds.packages[0].package_db == "nodejs:app/node_modules/lodash/package.json"
    assert [note.kind for note in finds.notes] == [NoteKind.MALFORMED, NoteKind.UNPARSABLE_VERSION]


def test_node_deep_nesting_is_a_note() -> None:
    finds = find({"node_modules/x/package.json": b'{"a":' + b"[" * 100_000})
    assert finds.notes[0].kind is NoteKind.MALFORMED


def test_node_numbers_beyond_the_wire_have_no_normalized_form() -> None:
    assert nodejs.normalized("99999999999.0.0").kind == ""


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


SYSTEMS = {
    'ID=debian\nVERSION_ID="12"\nVERSION="12 (bookworm)"\n': (
        "debian",
        "12 (bookworm)",
        "12",
        "Debian GNU/Linux 12 (bookworm)",
    ),
    "ID=debian\nVERSION_CODENAME=trixie\n": ("debian", "trixie", "", "Debian GNU/Linux trixie"),
    'ID=ubuntu\nVERSION_ID="22.04"\nVERSION_CODENAME=jammy\n': (
        "ubuntu",
        "22.04 (Jammy)",
        "22.04",
        "Ubuntu 22.04",
    ),
    "ID=alpine\nVERSION_ID=3.19.1\n": ("alpine", "3.19", "", "Alpine Linux v3.19"),
    'ID=alpine\nVERSION_ID=3.20_alpha\nPRETTY_NAME="Alpine Linux edge"\n': (
        "alpine",
        "edge",
        "",
        "Alpine Linux edge",
    ),
    'ID=wolfi\nNAME="Wolfi"\nPRETTY_NAME="Wolfi"\nVERSION_ID="20230201"\n': (
        "wolfi",
        "20230201",
        "20230201",
        "Wolfi",
    ),
    'ID="rhel"\nPRETTY_NAME="Red Hat Enterprise Linux 9.4 (Plow)"\n': (
        "rhel",
        "9",
        "9",
        "Red Hat Enterprise Linux Server 9",
    ),
    'ID="almalinux"\nNAME="AlmaLinux"\nVERSION_ID="9.3"\nPRETTY_NAME="AlmaLinux 9.3"\n': (
        "almalinux",
        "9",
        "9",
        "AlmaLinux 9.3",
    ),
    "ID=fedora\nNAME=Fedora\nVERSION_ID=40\n": ("fedora", "40", "40", "Fedora 40"),
    'ID=amzn\nVERSION_ID="2023"\nPRETTY_NAME="Amazon Linux 2023"\n': (
        "amzn",
        "2023",
        "2023",
        "Amazon Linux 2023",
    ),
    'ID="opensuse-leap"\nCPE_NAME="cpe:/o:opensuse:leap:15.5"\nPRETTY_NAME="L"\n': (
        "opensuse-leap",
        "15.5",
        "15.5",
        "L",
    ),
    'ID="sles"\nCPE_NAME="cpe:/o:suse:sles:15:sp5"\nPRETTY_NAME="S"\n': ("sles", "15", "15", "S"),
    'ID=photon\nPRETTY_NAME="VMware Photon OS/Linux 4.0"\nVERSION_ID=4.0\n': (
        "photon",
        "4.0",
        "4.0",
        "VMware Photon OS/Linux 4.0",
    ),
    "ID=arch\nNAME='Arch Linux'\nbad line\n": ("arch", "", "", "Arch Linux"),
}


@pytest.mark.parametrize("path", osrelease.OS_RELEASE)
@pytest.mark.parametrize("text", SYSTEMS)
def test_distribution_of_os_release(text: str, path: str) -> None:
    (found,) = find({path: text.encode()}).distributions
    assert (found.did, found.version, found.version_id, found.pretty_name) == SYSTEMS[text]


@pytest.mark.parametrize(
    ("path", "text", "did", "version"),
    [
        (
            "etc/lsb-release",
            "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=20.04\nDISTRIB_CODENAME=focal\n",
            "ubuntu",
            "20.04 (Focal)",
        ),
        ("etc/issue", "Welcome to Alpine Linux 3.3\n", "alpine", "3.3"),
        ("etc/redhat-release", "Red Hat Enterprise Linux Server release 7.9 (Maipo)\n", "rhel", "7"),
    ],
)
def test_distribution_of_older_files(path: str, text: str, did: str, version: str) -> None:
    (found,) = find({path: text.encode()}).distributions
    assert (found.did, found.version) == (did, version)


@pytest.mark.parametrize("text", ["", "ID=ubuntu\nVERSION_ID=22.04\n", "ID=alpine\n", "NAME=x\n"])
def test_distribution_that_cannot_be_told_is_none(text: str) -> None:
    assert find({"etc/os-release": text.encode()}).distributions == ()


def test_os_release_quotes_and_escapes() -> None:
    values = osrelease.parse('A=\'a \\ b\'\nB="x\\"y"\nC=pl\\ain\nnot an assignment\n  D=1\n')
    assert values == {"A": "a \\ b", "B": 'x"y', "C": "plain", "D": "1"}


def test_debian_distribution_is_upstreams_field_for_field() -> None:
    text = (
        b'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\n'
        b'VERSION="12 (bookworm)"\nVERSION_CODENAME=bookworm\nID=debian\n'
    )
    assert find({"usr/lib/os-release": text}).distributions == (
        Distribution(
            "debian",
            "Debian GNU/Linux",
            "12 (bookworm)",
            "bookworm",
            "12",
            "",
            "",
            "Debian GNU/Linux 12 (bookworm)",
        ),
    )


def test_node_files_deeper_than_the_package_are_its_own_affair() -> None:
    manifest = b'{"name": "x", "version": "1.0.0"}'
    paths = {
        "node_modules/x/package.json": True,
        "a/node_modules/@s/x/package.json": True,
        "node_modules/x/node_modules/y/package.json": True,
        "node_modules/x/test/package.json": False,
        "node_modules/@s/package.json": False,
        "node_modules/package.json": False,
    }
    for path, found in paths.items():
        assert bool(find({path: manifest}).packages) is found, path


@pytest.mark.parametrize(
    "files",
    [
        {"var/lib/dpkg/status": STATUS.replace(b"bash", b"b" * 2000)},
        {"s/x.dist-info/METADATA": b"Name: " + b"x" * 2000 + b"\nVersion: 1\n"},
        {"node_modules/x/package.json": b'{"name": "x", "version": "' + b"1" * 2000 + b'"}'},
        {"lib/apk/db/installed": b"P:" + b"x" * 2000 + b"\nV:1\n"},
    ],
)
def test_absurdly_long_name_or_version_is_a_note(files: dict[str, bytes]) -> None:
    finds = find(files)
    assert all(len(package.name) + len(package.version) < 2000 for package in finds.packages)
    assert any("1024 characters" in note.detail for note in finds.notes)


def test_dpkg_status_files_too_large_together_are_a_note() -> None:
    files = {f"d{i}/status": b"x" * 90 for i in range(5)} | {f"d{i}/info/a.list": b"" for i in range(5)}
    finds = find(files, Limits(text_bytes=100))
    assert [note.kind for note in finds.notes].count(NoteKind.TOO_MANY) == 3


def test_dpkg_lists_and_python_metadata_have_a_bound() -> None:
    lists = {f"var/lib/dpkg/info/p{i}.md5sums": b"" for i in range(4)}
    assert [note.kind for note in find(lists, Limits(packages=2)).notes] == [NoteKind.TOO_MANY] * 2
    wheels = {f"s/p{i}.dist-info/METADATA": b"Name: p\nVersion: 1\n" for i in range(4)}
    finds = find(wheels, Limits(packages=2))
    assert ([note.kind for note in finds.notes], len(finds.packages)) == ([NoteKind.TOO_MANY] * 2, 2)


def test_go_modules_main_module_and_toolchain() -> None:
    content = test_gobuild.elf(test_gobuild.inline(b"go1.22.1 X:nocoverageredesign"))
    finds = in_layer(
        {
            "usr/local/bin/app": (content, 0o755),
            "usr/local/bin/data": (content, 0o644),
            "bin/sh": (b"#!", 0o755),
        }
    )
    assert names(finds) == [
        ("stdlib", "1.22.1"),
        ("example.org/app", "v1.2.3"),
        ("github.com/a/b", "v0.1.0"),
        ("github.com/e/f", "v0.3.0"),
    ]
    assert {package.package_db for package in finds.packages} == {"go:usr/local/bin/app"}
    assert finds.packages[0].normalized.v == (0, 1, 22, 1, 0, 0, 0, 0, 0, 0)
    assert finds.notes == ()


def test_go_library_by_its_name_is_not_read_and_packages_are_bounded() -> None:
    content = test_gobuild.elf(test_gobuild.inline())
    assert in_layer({"usr/lib/libx.so.1.2": (content, 0o755)}).packages == ()
    assert len(in_layer({"app": (content, 0o755)}, Limits(packages=2)).packages) == 2


def test_go_version_without_numbers_has_no_normalized_form() -> None:
    assert go.normalized("(devel)").kind == ""
    assert go.normalized("v0.0.0-20170424173420-06e7a29f36a3").v == (0,) * 10


def in_layer(files: dict[str, tuple[bytes, int]], limits: Limits | None = None) -> Finds:
    """Files with their modes, through a tar stream."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, (content, mode) in files.items():
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(content), mode
            tar.addfile(info, io.BytesIO(content))
    buffer.seek(0)
    return index_layer(
        buffer, digest="sha256:0", detectors=catalogue.detectors(), limits=limits
    ).finds.merged()


SPECIFICATIONS = "usr/lib/ruby/gems/3.1.0/specifications/"


def test_ruby_gems_with_plain_names_and_versions() -> None:
    finds = find(
        {
            SPECIFICATIONS + "rake-13.0.6.gemspec": b"Gem::Specification.new do |s|\n"
            b'  s.name = "rake".freeze\n'
            b'  s.version = "13.0.6"\n  s.required_rubygems_version = "1"\nend\n',
            SPECIFICATIONS + "default/json-2.6.1.gemspec": b"  spec.name = 'json'\n"
            b"  spec.version = Gem::Version.new('2.6.1')\n",
            SPECIFICATIONS + "odd.gemspec": b"s.name = NAME\ns.version = VERSION\n",
            "usr/gems/rake-13.0.6/rake.gemspec": b's.name = "rake"\ns.version = "13.0.6"\n',
        }
    )
    assert names(finds) == [("rake", "13.0.6"), ("json", "2.6.1")]
    assert finds.packages[0].package_db == f"ruby:{SPECIFICATIONS}rake-13.0.6.gemspec"
    assert [note.kind for note in finds.notes] == [NoteKind.MALFORMED]


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


def test_dotnet_packages_of_a_dependency_file() -> None:
    libraries = b'{"App/1.0.0": {"type": "project"},'
    libraries += b' "Newtonsoft.Json/13.0.1": {"type": "package"}, "odd": {"type": "package"}}'
    finds = find(
        {"app/App.deps.json": b'{"runtimeTarget": {}, "libraries": ' + libraries + b"}", "x.deps.json": b"["}
    )
    assert names(finds) == [("Newtonsoft.Json", "13.0.1")]
    assert [note.subject for note in finds.notes] == ["x.deps.json"]


@pytest.mark.parametrize("form", [b'{"packages": %s}', b"%s"])
def test_php_packages_of_both_forms(form: bytes) -> None:
    entries = b'[{"name": "symfony/yaml", "version": "v5.4.0", "x": 1}, {"name": "without version"}]'
    finds = find({"app/vendor/composer/installed.json": form % entries})
    assert names(finds) == [("symfony/yaml", "v5.4.0")]
    assert [r.name for r in finds.repositories] == ["packagist"]


@pytest.mark.parametrize("path", ["vendor/composer/installed.json", "a.deps.json"])
def test_packages_of_lists_are_bounded_and_damage_is_a_note(path: str) -> None:
    many = {
        "vendor/composer/installed.json": b'[{"name": "a", "version": "1"}, {"name": "b", "version": "1"}]',
        "a.deps.json": b'{"libraries": {"a/1": {"type": "package"}, "b/1": {"type": "package"}}}',
    }
    assert len(find({path: many[path]}, Limits(packages=1)).packages) == 1
    assert [note.kind for note in find({path: b"{"}).notes] == [NoteKind.MALFORMED]


def test_rust_crates_above_the_limit() -> None:
    listed = b'{"packages": [{"name": "a", "version": "1"}, {"name": "b", "version": "1"}]}'
    content = test_gobuild.elf(zlib.compress(listed), section=b".dep-v0")
    assert len(in_layer({"bin/x": (content, 0o755)}, Limits(packages=1)).packages) == 1


def test_rpm_packages_with_source_module_hint_and_files() -> None:
    full = test_rpmdb.package(
        "nodejs",
        EPOCH=1,
        MODULARITY="nodejs:18:8090:abc",
        PAYLOAD_DIGEST=["f00d"],
        PAYLOAD_ALGORITHM=8,
        BASE_NAMES=["node", "package.json"],
        DIR_NAMES=["/usr/bin/", "/usr/lib/node_modules/npm/"],
        DIR_INDEXES=[0, 1],
    )
    database = test_rpmdb.sqlite(
        full, test_rpmdb.package("gpg-pubkey"), test_rpmdb.package(""), b"broken", test_rpmdb.package("z")
    )
    finds = find({"usr/lib/sysimage/rpm/rpmdb.sqlite": database, "x/Packages": b"no database"})
    node, last = finds.packages
    assert (node.name, node.version, node.arch, node.module) == (
        "nodejs",
        "1:1.0-1.el9",
        "x86_64",
        "nodejs:18",
    )
    assert (node.source_name, node.source_version, node.source_module) == (
        "nodejs-src",
        "1.0-1.el9",
        "nodejs:18",
    )
    assert (node.package_db, node.repository_hint) == ("sqlite:usr/lib/sysimage/rpm", "hash=sha256:f00d")
    assert (last.name, last.version, last.repository_hint) == ("z", "1.0-1.el9", "")
    assert [o.path for o in finds.owned] == ["usr/bin/node", "usr/lib/node_modules/npm/package.json"]
    assert finds.databases == ("sqlite:usr/lib/sysimage/rpm",)
    assert [note.kind for note in finds.notes] == [NoteKind.MALFORMED] * 2


def test_rpm_hint_names_the_signing_key() -> None:
    packet = b"\x88" + bytes([len(test_rpmdb.V4)]) + test_rpmdb.V4
    header = test_rpmdb.header({1000: "a", 1001: "1", 1002: "1", 268: packet})
    (package,) = find({"var/lib/rpm/Packages": test_rpmdb.bdb(header)}).packages
    assert (package.repository_hint, package.package_db) == (f"key={test_rpmdb.KEY.hex()}", "bdb:var/lib/rpm")
    assert (package.source_name, package.source_module) == ("", "")


def test_rpm_damaged_database_keeps_what_came_before_and_packages_are_bounded() -> None:
    headers = [test_rpmdb.package(name) for name in ("a", "b", "c")]
    data = test_rpmdb.ndb(*headers)
    finds = find({"var/lib/rpm/Packages.db": data[: len(data) - len(headers[2]) - 40]})
    assert ([p.name for p in finds.packages][:2], len(finds.notes)) == (["a", "b"], 1)
    assert len(find({"var/lib/rpm/Packages.db": data}, Limits(packages=2)).packages) == 2


def test_executable_whose_section_points_outside_is_left_out() -> None:
    content = test_gobuild.elf(test_gobuild.inline(), section=b".dep-v0")
    moved = content.replace(
        struct.pack("<QQQ", 0, test_gobuild.BASE + 256, 256), struct.pack("<QQQ", 0, 0, 1 << 50)
    )
    assert moved != content
    assert in_layer({"bin/x": (moved, 0o755)}) == Finds()


def test_java_empty_archive_is_a_note_and_a_smaller_file_is_none() -> None:
    empty = zipped({})
    assert len(empty) == jar.MIN_SIZE
    assert [note.kind for note in find({"x.jar": empty}).notes] == [NoteKind.UNSUPPORTED]
    assert find({"x.jar": empty[:-1]}).notes == ()
