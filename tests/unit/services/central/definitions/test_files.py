"""Definition files: the newest of two, members unpacked once, uploads whole or not at all."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pyrox.errors import Exhausted, Invalid
from services.central.definitions import bundle
from services.central.definitions.bundle import Release
from services.central.definitions.files import Definitions, Wanted
from services.central.definitions.store import V2, V4, UploadInProgress
from tests.support.bundles import UPLOADED, MemoryBlobs, offline_bundle, packed, v4_definitions

NAME = "vulnerabilities.zip"
BUNDLE = Wanted.of_v4(NAME, "v3")


class Bench:
    def __init__(self, directory: Path) -> None:
        self.bundled, self.directory = directory / "bundled", directory / "rooms"
        self.bundled.mkdir()
        self.blobs = MemoryBlobs()
        self.definitions = Definitions(
            blobs=self.blobs, directory=self.directory, bundled=self.bundled, release=Release("4.11.0")
        )

    def bring(self, text: str, modified: datetime, name: str = NAME) -> None:
        (self.bundled / name).write_text(text)
        os.utime(self.bundled / name, (modified.timestamp() + 0.75, modified.timestamp() + 0.75))

    async def text(self, wanted: Wanted) -> str | None:
        found = await self.definitions.find(wanted)
        return None if found is None or found.path is None else found.path.read_text()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def sent(data: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


@pytest.mark.parametrize(
    ("bundled", "uploaded", "found"),
    [(-1, None, "bundled"), (None, 0, "upload"), (-1, 0, "upload"), (0, 0, "upload"), (1, 0, "bundled")],
)
async def test_find_gives_the_newest(
    bench: Bench, bundled: int | None, uploaded: int | None, found: str
) -> None:
    if bundled is not None:
        bench.bring("bundled", UPLOADED + timedelta(days=bundled))
    if uploaded is not None:
        bench.blobs.kept[V4] = v4_definitions({NAME: b"upload"})
    file = await bench.definitions.find(BUNDLE)
    assert file is not None
    assert file.path is not None
    assert file.path.read_text() == found
    # HTTP dates have whole seconds; a fraction would make every file look changed.
    assert file.modified == UPLOADED + timedelta(days=0 if found == "upload" else bundled or 0)


async def test_find_without_a_file_gives_nothing(bench: Bench) -> None:
    (bench.bundled / NAME).mkdir()
    assert await bench.definitions.find(BUNDLE) is None
    assert await bench.definitions.find(Wanted.of_v2("")) is None


async def test_find_of_what_the_scanner_has_reads_nothing(bench: Bench) -> None:
    bench.blobs.kept[V4] = v4_definitions({NAME: b"upload"})
    for since in (UPLOADED, UPLOADED + timedelta(seconds=1)):
        found = await bench.definitions.find(BUNDLE, since)
        assert found is not None
        assert (found.path, found.modified) == (None, UPLOADED)
    assert bench.blobs.copies == 0
    newer = await bench.definitions.find(BUNDLE, UPLOADED - timedelta(seconds=1))
    assert newer is not None
    assert newer.path is not None


async def test_find_of_what_the_installation_brought_and_the_scanner_has_is_no_file(bench: Bench) -> None:
    bench.bring("bundled", UPLOADED)
    found = await bench.definitions.find(BUNDLE, UPLOADED)
    assert found is not None
    assert found.path is None


async def test_find_copies_an_upload_once_and_anew_when_it_changes(bench: Bench) -> None:
    bench.blobs.kept[V4] = v4_definitions({NAME: b"one", "repository-to-cpe.json": b"{}"})
    assert await bench.text(BUNDLE) == "one"
    assert await bench.text(Wanted.of_v4("repository-to-cpe.json")) == "{}"
    assert bench.blobs.copies == 1
    bench.blobs.kept[V4] = v4_definitions({NAME: b"two"})
    bench.blobs.modified = UPLOADED + timedelta(days=1)
    assert await bench.text(BUNDLE) == "two"
    assert bench.blobs.copies == 2
    # The room of the old one is gone.
    assert len(list(bench.directory.iterdir())) == 1


async def test_find_of_another_form_or_name_gives_what_the_installation_brought(bench: Bench) -> None:
    bench.blobs.kept[V4] = v4_definitions({NAME: b"upload"})
    assert await bench.text(Wanted.of_v4(NAME, "v4")) is None
    assert await bench.text(Wanted.of_v4("repository-to-cpe.json")) is None
    bench.bring("bundled", UPLOADED - timedelta(days=9))
    assert await bench.text(Wanted.of_v4(NAME, "v4")) == "bundled"


async def test_find_serves_the_old_scanners_definitions_whole_and_in_parts(bench: Bench) -> None:
    bench.blobs.kept[V2] = packed({"dir/manifest.json": b"m"})
    whole = await bench.definitions.find(Wanted.of_v2(""))
    assert whole is not None
    assert whole.path is not None
    assert whole.path.read_bytes() == bench.blobs.kept[V2]
    assert whole.path.stat().st_mtime == UPLOADED.timestamp()
    assert await bench.text(Wanted.of_v2("dir/manifest.json")) == "m"
    assert await bench.text(Wanted.of_v2("../../etc/passwd")) is None


async def test_find_in_an_upload_that_is_no_zip_gives_nothing(bench: Bench) -> None:
    bench.blobs.kept[V2] = b"no zip"
    assert await bench.text(Wanted.of_v2("file")) is None


async def test_take_keeps_both_parts_and_leaves_no_files(bench: Bench) -> None:
    await bench.definitions.take(sent(offline_bundle({NAME: b"v"}), 7))
    assert bench.blobs.kept.keys() == {V2, V4}
    assert list(bench.directory.iterdir()) == []
    assert await bench.text(BUNDLE) == "v"


async def test_take_of_another_file_is_refused_and_leaves_what_was_there(bench: Bench) -> None:
    await bench.definitions.take(sent(offline_bundle({NAME: b"v"})))
    before = dict(bench.blobs.kept)
    with pytest.raises(Invalid, match="failed to open offline zip"):
        await bench.definitions.take(sent(b"no zip"))
    assert bench.blobs.kept == before
    assert list(bench.directory.iterdir()) == []


async def test_take_beyond_the_limit_stops_reading(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MAX_BYTES", 5000)
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 1000
            yield b"\0" * 1000

    with pytest.raises(Exhausted, match="the bundle is larger than 5000 bytes"):
        await bench.definitions.take(endless())
    assert given == 6000
    assert list(bench.directory.iterdir()) == []


async def test_take_beside_another_is_refused_and_free_afterwards(bench: Bench) -> None:
    async def slow() -> AsyncIterator[bytes]:
        with pytest.raises(UploadInProgress, match="scanner definitions upload already in progress"):
            await bench.definitions.take(sent(b""))
        yield offline_bundle({NAME: b"v"})

    await bench.definitions.take(slow())
    assert V4 in bench.blobs.kept
    await bench.definitions.take(sent(offline_bundle({NAME: b"w"})))
    assert await bench.text(BUNDLE) == "w"


async def test_take_with_a_full_disk_says_where(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bundle, "accepted", full)
    with pytest.raises(Exhausted, match=r"the upload cannot be kept in .*rooms: No space left on device"):
        await bench.definitions.take(sent(b"x"))


async def test_leftovers_of_a_killed_upload_are_removed_by_the_next(bench: Bench) -> None:
    (bench.directory / ".upload-dead").mkdir(parents=True)
    (bench.directory / ".upload-dead" / "received").write_bytes(b"x")
    await bench.definitions.take(sent(offline_bundle({NAME: b"v"})))
    assert list(bench.directory.iterdir()) == []
