"""Definition files: the newest of two, uploads whole or not at all, within a limit."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pyrox.errors import Exhausted, Invalid
from services.central.definitions import files
from services.central.definitions.files import Definitions

NAME = "vulnerabilities.zip"


@pytest.fixture
def definitions(tmp_path: Path) -> Definitions:
    (tmp_path / "bundled").mkdir()
    return Definitions(uploads=tmp_path / "uploads", bundled=tmp_path / "bundled")


def put(path: Path, text: str, modified: float) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    os.utime(path, (modified, modified))


def packed(members: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return made.getvalue()


def bundle(**members: bytes) -> bytes:
    named = {name.replace("__", "/").replace("_", "-") + ".json": data for name, data in members.items()}
    return packed({"v4-definitions-4.11.zip": packed(named)})


async def sent(data: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def uploads(definitions: Definitions) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in definitions._uploads.iterdir()}


@pytest.mark.parametrize(
    ("bundled", "uploaded", "found"),
    [(100.0, None, "bundled"), (None, 100.0, "upload"), (100.0, 200.0, "upload"), (300.0, 200.0, "bundled")],
)
def test_find_gives_the_newest(
    tmp_path: Path, definitions: Definitions, bundled: float | None, uploaded: float | None, found: str
) -> None:
    for folder, text, modified in (("bundled", "bundled", bundled), ("uploads", "upload", uploaded)):
        if modified is not None:
            put(tmp_path / folder / NAME, text, modified + 0.75)
    file = definitions.find(NAME)
    assert file is not None
    assert file.path.read_text() == found
    newest = max(filter(None, (bundled, uploaded)))
    # HTTP dates have whole seconds; a fraction would make every file look changed.
    assert file.modified == datetime.fromtimestamp(newest, UTC)


def test_find_without_a_file_gives_nothing(tmp_path: Path, definitions: Definitions) -> None:
    (tmp_path / "bundled" / NAME).mkdir()
    assert definitions.find(NAME) is None


async def test_take_stores_known_files_and_names_them(definitions: Definitions) -> None:
    inner = packed(
        {
            "vulnerabilities.zip": b"v",
            "deep/repository-to-cpe.json": b"r",
            "manifest.json": b"m",
            "../../evil.json": b"e",
        }
    )
    outer = packed({"readme": b"x", "some/v4-definitions-4.11.zip": inner})
    assert await definitions.take(sent(outer, 7)) == ["repository-to-cpe.json", "vulnerabilities.zip"]
    assert uploads(definitions) == {"vulnerabilities.zip": b"v", "repository-to-cpe.json": b"r"}


async def test_take_replaces_what_an_earlier_upload_brought(definitions: Definitions) -> None:
    await definitions.take(sent(bundle(repository_to_cpe=b"one", container_name_repos_map=b"kept")))
    await definitions.take(sent(bundle(repository_to_cpe=b"two")))
    assert uploads(definitions) == {
        "repository-to-cpe.json": b"two",
        "container-name-repos-map.json": b"kept",
    }


def encrypted() -> bytes:
    data = bytearray(packed({"v4-definitions-1.zip": packed({"x": b"x"})}, zipfile.ZIP_STORED))
    for at in (data.index(b"PK\x03\x04") + 6, data.rindex(b"PK\x01\x02") + 8):
        data[at] |= 1
    return bytes(data)


def damaged() -> bytes:
    data = bytearray(bundle(repository_to_cpe=b"some text " * 1000))
    data[60:80] = b"\xff" * 20
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the upload is no zip file that can be read"),
        (b"PK\x03\x04 something", "the upload is no zip file that can be read"),
        (bundle(repository_to_cpe=b"x")[:-30], "the upload is no zip file that can be read"),
        (packed({"scanner-defs.zip": b"old"}), r"the upload holds no v4-definitions-\*.zip"),
        (packed({"v4-definitions-4.11.zip": b"no zip"}), "the upload is no zip file that can be read"),
        (encrypted(), "the upload is no zip file that can be read"),
        (damaged(), "the upload is no zip file that can be read"),
    ],
    ids=["empty", "garbage", "cut", "old", "inner", "encrypted", "damaged"],
)
async def test_take_of_another_file_is_refused_and_leaves_nothing(
    definitions: Definitions, data: bytes, message: str
) -> None:
    with pytest.raises(Invalid, match=message):
        await definitions.take(sent(data))
    assert uploads(definitions) == {}


async def test_take_beyond_the_limit_stops_reading(
    definitions: Definitions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_UPLOAD_BYTES", 5000)
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 1000
            yield b"\0" * 1000

    with pytest.raises(Exhausted, match="the bundle is larger than 5000 bytes"):
        await definitions.take(endless())
    assert given == 6000
    assert uploads(definitions) == {}


@pytest.mark.parametrize("where", ["outer", "inner"])
async def test_take_of_a_small_upload_that_unpacks_to_much_is_refused(
    definitions: Definitions, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr(files, "MAX_UPLOAD_BYTES", 100_000)
    zeros = b"\0" * 1_000_000
    stored = packed({"repository-to-cpe.json": zeros}, zipfile.ZIP_STORED)
    data = packed({"v4-definitions-1.zip": stored}) if where == "outer" else bundle(repository_to_cpe=zeros)
    assert len(data) < 100_000
    name = "v4-definitions-1.zip" if where == "outer" else "repository-to-cpe.json"
    with pytest.raises(Exhausted, match=f"{name} unpacks to more than 100000 bytes"):
        await definitions.take(sent(data))
    assert uploads(definitions) == {}


async def test_take_that_fails_keeps_the_earlier_upload(
    definitions: Definitions, monkeypatch: pytest.MonkeyPatch
) -> None:
    await definitions.take(sent(bundle(repository_to_cpe=b"good")))
    monkeypatch.setattr(files, "MAX_UPLOAD_BYTES", 1000)
    with pytest.raises(Exhausted):
        await definitions.take(sent(bundle(container_name_repos_map=b"x", repository_to_cpe=b"\0" * 2000)))
    assert uploads(definitions) == {"repository-to-cpe.json": b"good"}


async def test_take_of_a_client_that_goes_away_leaves_nothing(definitions: Definitions) -> None:
    async def leaving() -> AsyncIterator[bytes]:
        yield b"PK"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await definitions.take(leaving())
    assert uploads(definitions) == {}
