"""Bounds that every detector keeps."""

from __future__ import annotations

import pytest

from tests.unit.pyrox.scan.detecting import find
from tests.unit.pyrox.scan.ecosystems.dpkg.test_index import STATUS


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
