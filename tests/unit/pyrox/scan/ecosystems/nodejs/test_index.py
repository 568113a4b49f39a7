"""Manifests of Node.js packages."""

from __future__ import annotations

from pyrox.scan.ecosystems.nodejs import index as nodejs
from pyrox.scan.model import NoteKind
from tests.unit.pyrox.scan.detecting import find, names


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


def test_node_packages_of_other_package_managers_and_not_of_tests() -> None:
    manifest = b'\xef\xbb\xbf{"name": "x", "version": "1.0.0"}'
    paths = {
        "a/node_modules/.pnpm/x@1.0.0/node_modules/x/package.json": True,
        "a/node_modules/.pnpm/@s+x@1.0.0/node_modules/@s/x/package.json": True,
        "a/node_modules/.store/x-npm-1.0.0-abc/node_modules/x/package.json": True,
        "a/node_modules/.store/x-npm-1.0.0-abc/package/package.json": True,
        "a/node_modules/x/test/fixtures/node_modules/y/package.json": False,
        "a/node_modules/x/dist/node_modules/y/package.json": False,
        "a/node_modules/.cache/package.json": False,
        "a/my_node_modules/x/package.json": False,
        "a/my_node_modules/b/node_modules/x/package.json": True,
    }
    for path, found in paths.items():
        assert bool(find({path: manifest}).packages) is found, path
