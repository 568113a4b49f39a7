"""Red Hat's container images by their labels and by their Dockerfiles."""

from __future__ import annotations

import pytest

from pyrox.scan.ecosystems.rhcc import index as rhcc
from pyrox.scan.model import Kind, NoteKind
from tests.unit.pyrox.scan.detecting import find

PATH = "root/buildinfo/labels.json"
LABELS = (
    b'{"name": "ubi9", "architecture": "x86_64", "cpe": "cpe:/a:redhat:rhacs:4.8::el8",'
    b' "org.opencontainers.image.created": "2024-05-01T10:00:00Z", "other": 5}'
)
CPE = "cpe:2.3:a:redhat:rhacs:4.8:*:el8:*:*:*:*:*"
DOCKERFILE = "root/buildinfo/Dockerfile-openshift-ose-cli-v4.12.0-202301"
LINES = b"""FROM sha256:abc
ENV NAME=openshift/ose-cli
LABEL \\
    com.redhat.component="ose-cli-container" \\
    name=$NAME architecture="x86_64"
"""


@pytest.mark.parametrize("path", [PATH, "usr/share/buildinfo/labels.json"])
def test_labels_give_three_packages_and_the_products_repository(path: str) -> None:
    finds = find({path: LABELS})
    assert [(p.name, p.version, p.kind, p.source_name) for p in finds.packages] == [
        ("ubi9", "1714557600", Kind.SOURCE, ""),
        ("ubi9", "1714557600", Kind.BINARY, "ubi9"),
        ("ubi9", "1714557600", Kind.ANCESTRY, "ubi9"),
    ]
    assert {(p.arch, p.package_db, p.repository_hint, p.repository) for p in finds.packages} == {
        ("x86_64", path, "rhcc", CPE)
    }
    assert finds.packages[0].normalized.v == (1714557600, *(0,) * 9)
    assert [(r.name, r.key, r.cpe) for r in finds.repositories] == [(CPE, rhcc.KEY, CPE)]


def test_values_in_a_second_pair_of_quotes_are_unquoted() -> None:
    quoted = LABELS.replace(b'"ubi9"', b'"\\"ubi9\\""').replace(b'"x86_64"', b'"\\"x86_64\\""')
    assert {(p.name, p.arch) for p in find({PATH: quoted}).packages} == {("ubi9", "x86_64")}
    assert find({PATH: LABELS.replace(b'"ubi9"', b'"\\"ubi9"')}).packages[0].name == '"ubi9'


@pytest.mark.parametrize(
    "label", [b'"name"', b'"architecture"', b'"cpe"', b'"org.opencontainers.image.created"']
)
def test_label_that_is_missing_is_a_note(label: bytes) -> None:
    finds = find({PATH: LABELS.replace(label, b'"x"')})
    assert (finds.packages, [note.kind for note in finds.notes]) == ((), [NoteKind.UNSUPPORTED])


@pytest.mark.parametrize("content", [b"{", b'{"name": 5}', b'{"a":' * 100_000])
def test_damaged_labels_are_a_note(content: bytes) -> None:
    assert [note.kind for note in find({PATH: content}).notes] == [NoteKind.MALFORMED]


def test_dockerfile_gives_three_packages_of_the_catalogue() -> None:
    finds = find({DOCKERFILE: LINES})
    assert [(p.name, p.version, p.kind) for p in finds.packages] == [
        ("ose-cli-container", "v4.12.0-202301", Kind.SOURCE),
        ("openshift/ose-cli", "v4.12.0-202301", Kind.BINARY),
        ("openshift/ose-cli", "v4.12.0-202301", Kind.ANCESTRY),
    ]
    assert finds.packages[0].normalized.v[:3] == (4, 12, 0)
    assert finds.repositories == (rhcc.GOLD,)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("root/buildinfo/Dockerfile-ubi8", LINES),
        ("root/buildinfo/Dockerfile-ubi8-latest-1", LINES),
        (DOCKERFILE, LINES.replace(b"architecture", b"arch")),
        (DOCKERFILE, b"\xff\x00"),
    ],
)
def test_dockerfile_without_version_or_labels_is_of_the_catalogue_only(path: str, content: bytes) -> None:
    finds = find({path: content})
    assert (finds.packages, finds.repositories) == ((), (rhcc.GOLD,))


def test_number_beyond_the_wire_has_no_normalized_form() -> None:
    assert rhcc.normalized("99999999999-1").kind == ""
