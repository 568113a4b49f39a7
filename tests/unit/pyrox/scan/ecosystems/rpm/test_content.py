"""Content manifests, and dnf's history where they say nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyrox.scan.model import NoteKind
from tests.unit.pyrox.scan.detecting import find
from tests.unit.pyrox.scan.ecosystems.rpm.test_dnf import DNF4, DNF5, HISTORY
from tests.unit.pyrox.scan.formats.test_sqlitefile import database

MANIFEST = b'{"metadata": {"image_layer_index": 2}, "content_sets": ["rhel-8-b", "rhel-8-a", "rhel-8-a"]}'
FIRST = "root/buildinfo/content_manifests/x.json"
DNF_4, DNF_5 = "var/lib/dnf/history.sqlite", "usr/lib/sysimage/libdnf5/transaction_history.sqlite"


@pytest.mark.parametrize(
    "path", [FIRST, "usr/share/buildinfo/content_manifests/x.json", "usr/share/buildinfo/content-sets.json"]
)
def test_repositories_of_a_manifest_in_each_place(path: str) -> None:
    found = find({path: MANIFEST}).repositories
    assert [(one.name, one.uri) for one in found] == [
        ("rhel-8-a", "repoid=rhel-8-a"),
        ("rhel-8-b", "repoid=rhel-8-b"),
    ]


def test_first_place_counts_and_the_first_file_there() -> None:
    files = {
        "usr/share/buildinfo/a.json": b'{"content_sets": ["third"]}',
        "root/buildinfo/content_manifests/b.json": b'{"content_sets": ["second"]}',
        "root/buildinfo/content_manifests/a.json": b'{"content_sets": ["first"]}',
        "usr/share/buildinfo/deeper/a.json": b"{",
    }
    finds = find(files)
    assert ([one.name for one in finds.repositories], finds.notes) == (["first"], ())


@pytest.mark.parametrize("path", [DNF_4, DNF_5])
def test_history_counts_without_a_manifest(tmp_path: Path, path: str) -> None:
    finds = find({path: database(tmp_path, *(DNF4 if path == DNF_4 else DNF5)).getvalue()})
    assert tuple(one.name for one in finds.repositories) == HISTORY.repoids
    assert finds.origins == HISTORY.origins


@pytest.mark.parametrize(("hint", "names"), [(b"true", HISTORY.repoids), (b"false", ("a",))])
def test_manifest_says_whether_the_history_counts(
    tmp_path: Path, hint: bytes, names: tuple[str, ...]
) -> None:
    manifest = b'{"content_sets": ["a"], "from_dnf_hint": %s}' % hint
    finds = find({FIRST: manifest, DNF_4: database(tmp_path, *DNF4).getvalue()})
    assert tuple(one.name for one in finds.repositories) == names
    assert bool(finds.origins) == (hint == b"true")


@pytest.mark.parametrize(
    ("path", "content"),
    [(FIRST, b"{"), (FIRST, b'{"content_sets": "x"}'), (FIRST, b"[" * 100_000), (DNF_4, b"x" * 4096)],
)
def test_damage_is_a_note(path: str, content: bytes) -> None:
    finds = find({path: content})
    assert [(note.kind, note.subject) for note in finds.notes] == [(NoteKind.MALFORMED, path)]
    assert finds.repositories == ()


def test_manifest_without_content_sets_says_nothing() -> None:
    assert find({FIRST: b'{"content_sets": null}'}).repositories == ()
