"""The bytes of one file: whole, and refused when they are not what the manifest says."""

from __future__ import annotations

import zlib

import pytest

from pyrox.pb.api.v1 import db_service_pb2 as pb
from services.central.backups.contents import Contents
from services.central.backups.errors import Refused
from services.central.backups.upload import Upload

TEXT = b"backup " * 40_000


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


async def contents(
    sent: bytes, *, packed: bool, encoded: int | None = None, size: int | None = None, crc: int | None = None
) -> Contents:
    """A file of which these bytes were sent, and the manifest's idea of it."""
    upload = Upload()
    if sent:
        await upload.put(sent)
    await upload.end()
    plain = TEXT if packed else sent
    file = pb.DBExportManifest.File(
        name="postgres.dump",
        encoding=pb.DBExportManifest.DEFLATED if packed else pb.DBExportManifest.UNCOMPREESSED,
        encoded_size=len(sent) if encoded is None else encoded,
        decoded_size=len(plain) if size is None else size,
        decoded_crc32=zlib.crc32(plain) if crc is None else crc,
    )
    return Contents(file=file, upload=upload)


@pytest.mark.parametrize("packed", [False, True])
async def test_contents_are_what_was_sent(packed: bool) -> None:
    made = await contents(deflated(TEXT) if packed else TEXT, packed=packed)
    assert await made.whole() == TEXT


@pytest.mark.parametrize("packed", [False, True])
async def test_empty_file_is_empty(packed: bool) -> None:
    made = await contents(deflated(b"") if packed else b"", packed=packed, size=0, crc=0)
    assert await made.whole() == b""


async def test_bomb_ends_at_its_declared_size() -> None:
    bomb = deflated(bytes(64 << 20))
    made = await contents(bomb, packed=True, size=1000, crc=0)
    chunks = made.chunks()
    with pytest.raises(Refused, match="it holds more than the 1000 bytes that the manifest says"):
        await anext(chunks)


@pytest.mark.parametrize(
    ("sent", "options", "message"),
    [
        (b"abc", {"packed": False, "encoded": 5, "size": 5}, "unexpected EOF"),
        (
            b"abc",
            {"packed": False, "crc": 7},
            f"checksum mismatch: {zlib.crc32(b'abc'):x}, the manifest says 7",
        ),
        (deflated(TEXT)[:-9], {"packed": True}, "unexpected EOF"),
        (deflated(TEXT) + b"more", {"packed": True}, "not all bytes in file chunk were read"),
        (b"\xff" * 40, {"packed": True}, "its compressed data are damaged"),
        (deflated(TEXT), {"packed": True, "size": len(TEXT) + 1}, f"it holds {len(TEXT)} bytes"),
    ],
)
async def test_contents_that_differ_from_the_manifest_are_refused(
    sent: bytes, options: dict[str, bool | int], message: str
) -> None:
    made = await contents(sent, **options)  # type: ignore[arg-type]  # a table of options
    with pytest.raises(Refused) as caught:
        await made.whole()
    assert message in caught.value.message
