"""The stored form of what detectors found: MessagePack of the model's values.

Used by the layer worker, which makes it, and by `store`, which keeps it. A change of
`pyrox.scan.model` that this form cannot read must raise the detectors' versions.
"""

from __future__ import annotations

import msgspec

from pyrox.errors import Internal
from pyrox.scan.model import Finds, Note


def pack_finds(finds: Finds) -> bytes:
    """The bytes to store."""
    return msgspec.msgpack.encode(finds)


def unpack_finds(data: bytes) -> Finds:
    """The finds again; `Internal` when the bytes are not finds."""
    try:
        return msgspec.msgpack.decode(data, type=Finds)
    except (msgspec.MsgspecError, ValueError) as err:
        raise Internal(f"stored layer finds cannot be read: {err}") from err


def pack_notes(notes: tuple[Note, ...]) -> bytes:
    """The bytes to store."""
    return msgspec.msgpack.encode(notes)
