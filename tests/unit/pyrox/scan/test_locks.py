"""Lock files count where nothing else of their ecosystem can be seen."""

from __future__ import annotations

import pytest

from pyrox.scan import locks
from pyrox.scan.coalesce import coalesce
from pyrox.scan.model import LayerFinds, NoteKind
from pyrox.scan.protocols import Limits
from tests.unit.pyrox.scan.detecting import find, names

NPM = b'{"packages": {"node_modules/a": {"version": "1.0.0"}, "node_modules/b": {"version": "2.0.0"}}}'
MODULE = b'{"name": "a", "version": "1.0.0"}'
PIPFILE = b'{"default": {"Idna_X": {"version": "==3.7"}}}'
METADATA = b"Name: %s\nVersion: 1\n"


def report(*layers: dict[str, bytes]) -> set[tuple[str, str]]:
    """What the image of these layers holds: names and databases."""
    finds = [LayerFinds(f"sha256:{number}", {"all": find(files)}) for number, files in enumerate(layers)]
    made = coalesce(finds)
    return {(made.packages[key].name, e.package_db) for key, es in made.environments.items() for e in es}


def test_lock_file_alone_counts() -> None:
    found = find({"app/package-lock.json": NPM})
    assert names(found) == [("a", "1.0.0"), ("b", "2.0.0")]
    assert found.packages[0].normalized.kind == "semver"
    assert report({"app/package-lock.json": NPM}) == {
        ("a", "nodejs:app/package-lock.json"),
        ("b", "nodejs:app/package-lock.json"),
    }


@pytest.mark.parametrize("later", [False, True])
def test_lock_file_above_installed_packages_does_not_count(later: bool) -> None:
    lock, module = {"app/package-lock.json": NPM}, {"app/node_modules/a/package.json": MODULE}
    layers = (lock, module) if later else (lock | module,)
    assert report(*layers) == {("a", "nodejs:app/node_modules/a/package.json")}


def test_lock_file_beside_another_applications_packages_counts() -> None:
    files = {"app/package-lock.json": NPM, "usr/lib/node_modules/a/package.json": MODULE}
    assert len(report(files)) == 3


@pytest.mark.parametrize(("installed", "counts"), [(b"idna-x", False), (b"pip", True)])
def test_lock_file_of_packages_that_are_elsewhere_counts_without_any_of_them(
    installed: bytes, counts: bool
) -> None:
    place = "usr/lib/python3.11/site-packages/x.dist-info/METADATA"
    found = report({"app/Pipfile.lock": PIPFILE, place: METADATA % installed})
    assert (("idna_x", "python:app/Pipfile.lock") in {(name.lower(), db) for name, db in found}) is counts


def test_lock_file_that_a_later_layer_removes_does_not_count() -> None:
    first = LayerFinds("sha256:1", {"all": find({"app/package-lock.json": NPM})})
    gone = coalesce(
        [first, LayerFinds("sha256:2", {"w": type(first.merged())(whiteouts=("app/.wh.package-lock.json",))})]
    )
    assert gone.packages == {}


@pytest.mark.parametrize(
    "path",
    [
        "app/node_modules/x/yarn.lock",
        "usr/lib/python3/site-packages/x/poetry.lock",
        "root/.cargo/registry/src/index/x-1/Cargo.lock",
        "usr/lib/ruby/gems/3.1.0/gems/x-1/Gemfile.lock",
        "app/vendor/x/y/composer.lock",
    ],
)
def test_lock_file_inside_an_installed_package_is_never_read(path: str) -> None:
    assert find({path: b"\xff"}).notes == ()


@pytest.mark.parametrize("name", sorted(locks.NAMES))
def test_damaged_lock_file_of_every_name_is_a_note(name: str) -> None:
    finds = find({f"app/{name}": b"\xff{"})
    assert [(note.kind, note.subject) for note in finds.notes] == [(NoteKind.MALFORMED, f"app/{name}")]


def test_packages_of_lock_files_are_bounded() -> None:
    finds = find({"app/package-lock.json": NPM}, Limits(packages=1))
    assert (len(finds.packages), finds.notes[0].kind) == (1, NoteKind.TOO_MANY)
