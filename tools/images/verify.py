"""Hold the bill of materials of an image against what our own scanner finds in it.

`python -m tools.images.verify ARCHIVE...`, run by `make images-check`: the Indexer's
detectors read the layers, and their packages must be those of the SBOM beside the archive.
"""

from __future__ import annotations

import json
import re
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import BinaryIO, cast

from pyrox.scan.catalogue import detectors
from pyrox.scan.coalesce import coalesce
from pyrox.scan.layer import index_layer
from pyrox.scan.model import IndexReport, Kind, LayerFinds

# What the scanner calls an ecosystem, and the type of its package URLs.
_KINDS = {"dpkg": "deb", "python": "pypi"}
Found = set[tuple[str, str, str]]


def scan(archive: Path) -> IndexReport:
    """The Indexer's report of an image."""
    found = []
    with tarfile.open(archive) as tar:
        listed = tar.extractfile("manifest.json")
        assert listed is not None  # noqa: S101 - `docker save` writes it
        for name in json.load(listed)[0]["Layers"]:
            layer = tar.extractfile(name)
            assert layer is not None  # noqa: S101
            found.append(_layer(cast("BinaryIO", layer), name))
    return coalesce(found)


def _layer(stream: BinaryIO, name: str) -> LayerFinds:
    return index_layer(
        stream,
        digest=name,
        detectors=detectors(),
        spool=lambda: cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=16 << 20)),
    ).finds


def scanned(report: IndexReport) -> Found:
    """(type, name, version) of every package that the scanner found."""
    return {
        (
            _KINDS.get(package.ecosystem, package.ecosystem),
            _name(package.ecosystem, package.name),
            package.version,
        )
        for package in report.packages.values()
        if package.kind is Kind.BINARY
    }


def billed(text: str) -> Found:
    """(type, name, version) of every package of an SBOM."""
    found = set()
    for package in json.loads(text)["packages"]:
        for reference in package.get("externalRefs", []):
            kind = reference["referenceLocator"].removeprefix("pkg:").partition("/")[0]
            found.add((kind, _name(kind, package["name"]), package["versionInfo"]))
    return found


def plain(name: str) -> str:
    """A Python package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _name(kind: str, name: str) -> str:
    return plain(name) if kind in {"python", "pypi"} else name


def differences(archive: Path) -> list[str]:
    """One line for each package that only one of the two knows, and for each file not read."""
    report = scan(archive)
    found, bill = scanned(report), billed(archive.with_suffix(".spdx.json").read_text())
    lines = [f"only the scanner finds {' '.join(package)}" for package in sorted(found - bill)]
    lines += [f"only the SBOM lists {' '.join(package)}" for package in sorted(bill - found)]
    lines += [f"not read: {note.subject}: {note.detail}" for note in report.notes]
    return lines if bill else [*lines, "the SBOM is empty"]


def main(archives: list[str]) -> int:
    """Compare; 1 when an image differs."""
    wrong = 0
    for name in archives:
        lines = differences(Path(name))
        print(f"{name}: {'; '.join(lines) if lines else 'the SBOM is what the scanner finds'}")
        wrong += bool(lines)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
