"""Reading of one layer's file by the detectors, in a worker process.

`ProcessLayerReader` is what `states` uses; `read_layer` is what runs in the worker. What
cannot be read, a file or the rest of a damaged layer, is a note of the layer's finds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, cast

from pyrox.scan.catalogue import detectors as all_detectors
from pyrox.scan.layer import WALK, WHITEOUT
from pyrox.scan.layerfile import read_layer_file
from pyrox.scan.model import Finds
from pyrox.scan.protocols import Detector
from pyrox.workers import Workers
from services.scanner_indexer.finds import pack_finds
from services.scanner_indexer.store import Versions

# What the walk of a layer itself finds is stored beside the detectors' results; raise
# the version when `pyrox.scan.layer` reads more.
_WALK_VERSIONS = {WALK: "3", WHITEOUT: "1"}


def versions_of(detectors: Sequence[Detector]) -> dict[str, str]:
    """Name to version, the walk's own finds included."""
    return {detector.name: detector.version for detector in detectors} | _WALK_VERSIONS


def fingerprint_of(detectors: Sequence[Detector]) -> str:
    """Changes whenever the same image would get another report."""
    lines = sorted(f"{d.name} {d.version} {d.kind}" for d in detectors)
    lines += sorted(f"{name} {version}" for name, version in _WALK_VERSIONS.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


class ProcessLayerReader:
    """Reads layers in worker processes."""

    def __init__(self, *, workers: Workers, detectors: Sequence[Detector]) -> None:
        self._workers = workers
        self.versions: Versions = versions_of(detectors)
        self.fingerprint = fingerprint_of(detectors)

    async def read(self, path: Path, digest: str, detectors: frozenset[str]) -> Mapping[str, bytes]:
        """The packed finds of each of the detectors, empty ones included."""
        return await self._workers.run(f"layer {digest}", read_layer, str(path), digest, sorted(detectors))


def read_layer(path: str, digest: str, names: Sequence[str]) -> dict[str, bytes]:
    """Read the layer's file; see `pyrox.scan.layerfile`."""
    wanted = [detector for detector in all_detectors() if detector.name in names]
    file = Path(path)
    finds = read_layer_file(
        lambda: cast("BinaryIO", file.open("rb", buffering=0)), file.stat().st_size, digest, wanted
    )
    return {name: pack_finds(finds.by_detector.get(name, Finds())) for name in names}
