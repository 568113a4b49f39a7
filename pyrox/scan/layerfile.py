"""Reading of one layer's compressed file by the detectors, from its first byte to its last.

The Indexer calls it in a worker process, `scannerctl index` in its own. What cannot be read, a
file or the rest of a damaged layer, is a note of the layer's finds. It must not know where the
file comes from.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO, Final, cast

from pyrox.scan.formats.bounded import StreamDamage
from pyrox.scan.formats.unpacked import Unpacked
from pyrox.scan.layer import WALK, WHITEOUT, LayerResult, index_layer
from pyrox.scan.model import Finds, LayerFinds, Note
from pyrox.scan.protocols import Detector

# What the walk of a layer itself finds stands beside the detectors' results.
WALKS: Final = (WALK, WHITEOUT)
_BUFFER: Final = 1 << 20
_SPOOL_BYTES: Final = 16 << 20
Open = Callable[[], BinaryIO]


def read_layer_file(opened: Open, size: int, digest: str, wanted: Sequence[Detector]) -> LayerFinds:
    """Read the layer once; a second time when hard links led back to files that had passed.

    Args:
        opened: opens the compressed file, at its beginning.
        size: its bytes, against which what comes out is bounded.
        digest: the layer's digest, copied into the result.
        wanted: who looks.
    """
    first = _pass(opened, size, digest, wanted, {})
    found = first.finds.by_detector
    if first.missed:
        for name, finds in _pass(opened, size, digest, wanted, first.missed).finds.by_detector.items():
            # The walk notes and whiteouts of the second pass are those of the first.
            if name not in WALKS:
                found[name] = found.get(name, Finds()) + finds
    return first.finds


def _pass(
    opened: Open, size: int, digest: str, wanted: Sequence[Detector], aliases: Mapping[str, tuple[str, ...]]
) -> LayerResult:
    with opened() as file, io.BufferedReader(Unpacked(file, compressed=size), _BUFFER) as stream:
        result = index_layer(stream, digest=digest, detectors=wanted, spool=_spool, aliases=aliases)
        if not aliases:
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
