"""The offline bundle that our own builder writes is one that Central takes."""

from __future__ import annotations

import zipfile
from pathlib import Path

from pyrox.version import WIRE_VERSION
from services.central.definitions.bundle import Release, accepted
from services.central.definitions.store import V2, V4
from tools.build_vuln_bundle import wrap


def test_wrapped_bundle_is_accepted_by_central_of_this_release(tmp_path: Path) -> None:
    built, offline, scratch = tmp_path / "built.zip", tmp_path / "offline.zip", tmp_path / "scratch"
    built.write_bytes(b"PK advisories")
    scratch.mkdir()
    wrap(built, offline)
    found = accepted(offline, scratch, Release(WIRE_VERSION))
    assert found.keys() == {V2, V4}
    with zipfile.ZipFile(found[V4]) as archive:
        assert archive.read("vulnerabilities.zip") == b"PK advisories"
