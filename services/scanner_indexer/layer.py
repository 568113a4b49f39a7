"""Reading of one layer's file by the detectors, in a worker process.

`ProcessLayerReader` is what `states` uses; `read_layer` is what runs in the worker. What
cannot be read, a file or the rest of a damaged layer, is a note of the layer's finds.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, cast

from pyrox.scan.catalogue import detectors as all_detectors
from pyrox.scan.formats.bounded import StreamDamage
from pyrox.scan.layer import WALK, WHITEOUT, LayerResult, index_layer
from pyrox.scan.model import Finds, Note
from pyrox.scan.protocols import Detector
from pyrox.workers import Workers
from services.scanner_indexer.finds import pack_finds
from services.scanner_indexer.store import Versions
from services.scanner_indexer.unpack import Unpacked

# What the walk of a layer itself finds is stored beside the detectors' results; raise
# the version when `pyrox.scan.layer` reads more.
_WALK_VERSIONS = {WALK: "3", WHITEOUT: "1"}
_BUFFER = 1 << 20
_SPOOL_BYTES = 16 << 20


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
    """Read the layer once; a second time when hard links led back to files that had passed."""
    wanted = [detector for detector in all_detectors() if detector.name in names]
    first = _pass(path, digest, wanted, {})
    found = first.finds.by_detector
    if first.missed:
        for name, finds in _pass(path, digest, wanted, first.missed).finds.by_detector.items():
            # The walk notes and whiteouts of the second pass are those of the first.
            if name not in _WALK_VERSIONS:
                found[name] = found.get(name, Finds()) + finds
    return {name: pack_finds(found.get(name, Finds())) for name in names}


def _pass(
    path: str, digest: str, wanted: Sequence[Detector], aliases: Mapping[str, tuple[str, ...]]
) -> LayerResult:
    with Path(path).open("rb", buffering=0) as file:
        compressed = Path(path).stat().st_size
        raw = Unpacked(cast("BinaryIO", file), compressed=compressed)
        with io.BufferedReader(raw, _BUFFER) as stream:
            result = index_layer(stream, digest=digest, detectors=wanted, spool=_spool, aliases=aliases)
            _read_rest(stream, result)
    return result


def _read_rest(stream: BinaryIO, result: LayerResult) -> None:
    """What follows the end of the tar is part of the compressed data, which must be whole."""
    walked = result.finds.by_detector.get(WALK, Finds())
    if any(note.ends for note in walked.notes):
        return
    try:
        while stream.read(_BUFFER):
            pass
    except StreamDamage as damage:
        late = Finds(notes=(Note(damage.kind, "", damage.detail, ends=True),))
        result.finds.by_detector[WALK] = late + walked


def _spool() -> BinaryIO:
    return cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES))
