"""Lists of installed PHP packages."""

from __future__ import annotations

import pytest

from pyrox.scan.model import NoteKind
from pyrox.scan.protocols import Limits
from tests.unit.pyrox.scan.detecting import find, names


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
