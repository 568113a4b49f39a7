"""Taking a bundle zip apart, and reading it from a file."""

from __future__ import annotations

import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from pyrox.errors import Invalid, NotFound
from services.scanner_matcher import feed


def write(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for day, name in enumerate(names, 1):
            archive.writestr(zipfile.ZipInfo(name, (2026, 8, day, 0, 0, 0)), name.encode())
    return path


def test_entries_are_the_bundles_oldest_first(tmp_path: Path) -> None:
    archive = write(tmp_path / "v.zip", "bundles/osv.json.zst", "readme.txt", "debian.json.zst")
    found = feed.entries(archive)
    assert [(e.name, e.made) for e in found] == [
        ("osv", datetime(2026, 8, 1, tzinfo=UTC)),
        ("debian", datetime(2026, 8, 3, tzinfo=UTC)),
    ]
    feed.extract(archive, found[1], tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"debian.json.zst"


@pytest.mark.parametrize(
    "names", [("a/osv.json.zst", "b/osv.json.zst"), (".json.zst",), ("x" * 200 + ".json.zst",)]
)
def test_entries_with_bad_names_are_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(Invalid, match="the vulnerability bundle"):
        feed.entries(write(tmp_path / "v.zip", *names))


def test_entry_of_a_damaged_zip_is_an_error(tmp_path: Path) -> None:
    archive = write(tmp_path / "v.zip", "osv.json.zst")
    entry = feed.entries(archive)[0]
    raw = bytearray(archive.read_bytes())
    raw[45] ^= 0xFF
    archive.write_bytes(raw)
    with pytest.raises(Invalid, match="bundle osv: the zip is damaged there"):
        feed.extract(archive, entry, tmp_path / "out")
    with pytest.raises(Invalid, match="not a zip"):
        feed.entries(tmp_path / "out")


async def test_file_is_taken_when_it_is_newer(tmp_path: Path) -> None:
    archive = write(tmp_path / "v.zip", "osv.json.zst")
    os.utime(archive, (1_000_000_000, 1_000_000_000))
    made = feed.Feed(urls=[archive.as_uri()], client=httpx.AsyncClient)
    assert await made.fetch(tmp_path / "copy", None)
    assert (tmp_path / "copy").read_bytes() == archive.read_bytes()
    assert not await made.fetch(tmp_path / "copy", datetime.fromtimestamp(1_000_000_000, UTC))
    assert await made.fetch(tmp_path / "copy", datetime.fromtimestamp(999_999_999, UTC))


async def test_next_address_is_asked_when_one_has_nothing(tmp_path: Path) -> None:
    archive = write(tmp_path / "v.zip", "osv.json.zst")
    made = feed.Feed(urls=[str(tmp_path / "missing"), str(archive)], client=httpx.AsyncClient)
    assert await made.fetch(tmp_path / "copy", None)
    nothing = feed.Feed(urls=[str(tmp_path / "missing")], client=httpx.AsyncClient)
    with pytest.raises(NotFound, match="no vulnerability bundle"):
        await nothing.fetch(tmp_path / "copy", None)
