"""The form in which Central takes a bundle as an upload, for installations without the internet."""

from __future__ import annotations

import json
import tempfile
import zipfile
from pathlib import Path

from pyrox.version import WIRE_VERSION
from services.scanner_matcher.config import VULNERABILITY_VERSION


def wrap(vulnerabilities: Path, target: Path) -> None:
    """Write the offline bundle of this release around a bundle that `write.build` made."""
    release, form = WIRE_VERSION, VULNERABILITY_VERSION
    manifest = {"version": form, "release_versions": f"{release} {release.rpartition('.')[0]}"}
    with (
        tempfile.TemporaryDirectory() as scratch,
        zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as outer,
    ):
        inner, old = Path(scratch) / "v4.zip", Path(scratch) / "v2.zip"
        with zipfile.ZipFile(inner, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("manifest.json", json.dumps(manifest))
            archive.write(vulnerabilities, "vulnerabilities.zip")
        # A bundle without a part for the StackRox Scanner is refused; it may hold nothing.
        with zipfile.ZipFile(old, "w"):
            pass
        outer.write(old, "scanner-defs.zip")
        outer.write(inner, f"v4-definitions-{form}.zip")
