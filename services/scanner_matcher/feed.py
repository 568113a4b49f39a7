"""Where bundles come from: Central's endpoint, another HTTP server, or a file.

Used by `updates`. It fetches a zip only when it changed and takes it apart into entries;
it must not know what is in an entry.
"""

from __future__ import annotations

import lzma
import shutil
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit
from urllib.request import url2pathname

import httpx

from pyrox.errors import Exhausted, Invalid, NotFound, Unavailable
from services.scanner_matcher import compact

MULTI_BUNDLE = "application/vnd.stackrox.scanner-v4.multi-bundle+zip"
SUFFIX = ".json.zst"
# The compact form first: it is taken when this release can.
_SUFFIXES = (compact.SUFFIX, SUFFIX)
# Upstream's online bundle has some 190 MB.
_MAX_ZIP = 4 * 1024**3
_MAX_ENTRY = 8 * 1024**3
_MAX_ENTRIES = 1000
_MAX_NAME = 128
_CHUNK = 1024 * 1024
# What the library raises for damaged data, and for methods and passwords that it lacks.
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, ValueError, OSError, EOFError, RuntimeError
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """One bundle of a zip."""

    name: str
    """Base name without `.json.zst`."""
    member: str
    made: datetime
    size: int
    suffix: str = SUFFIX
    """Tells the form: upstream's lines, or the compact one."""


class Feed:
    """One place to get the zip from."""

    def __init__(self, *, urls: Sequence[str], client: Callable[[], httpx.AsyncClient]) -> None:
        """Ask the addresses in turn; the next one only when the one before has no bundle (404)."""
        self._urls = tuple(urls)
        self._client = client

    async def fetch(self, target: Path, since: datetime | None) -> bool:
        """Bring the zip to `target`; False when it did not change since the given time.

        Raises `NotFound` when no address has a bundle, `Unavailable` when a server does
        not answer well.
        """
        for url in self._urls:
            try:
                if urlsplit(url).scheme in {"http", "https"}:
                    return await self._download(url, target, since)
                return _copy(url, target, since)
            except NotFound as missing:
                last = missing
        raise last

    async def _download(self, url: str, target: Path, since: datetime | None) -> bool:
        headers = {"x-scanner-v4-accept": MULTI_BUNDLE}
        if since is not None:
            headers["if-modified-since"] = format_datetime(since, usegmt=True)
        try:
            async with self._client() as client, client.stream("GET", url, headers=headers) as response:
                if response.status_code == httpx.codes.NOT_MODIFIED:
                    return False
                if response.status_code == httpx.codes.NOT_FOUND:
                    raise NotFound(f"no vulnerability bundle at {url}")
                if response.status_code != httpx.codes.OK:
                    raise Unavailable(f"vulnerability bundle {url}: status {response.status_code}")
                await _save(response, target, url)
        except httpx.HTTPError as error:
            raise Unavailable(f"vulnerability bundle {url}: {str(error) or type(error).__name__}") from error
        return True


async def _save(response: httpx.Response, target: Path, url: str) -> None:
    modified = response.headers.get("last-modified", "")
    try:
        parsedate_to_datetime(modified)
    except (ValueError, OverflowError) as error:
        raise Unavailable(f"vulnerability bundle {url}: the answer has no Last-Modified") from error
    size = 0
    with target.open("wb") as file:
        async for chunk in response.aiter_bytes(_CHUNK):
            size += len(chunk)
            if size > _MAX_ZIP:
                raise Exhausted(f"vulnerability bundle {url}: larger than {_MAX_ZIP} bytes")
            file.write(chunk)


def _copy(url: str, target: Path, since: datetime | None) -> bool:
    path = Path(url2pathname(urlsplit(url).path)) if url.startswith("file:") else Path(url)
    try:
        # Whole seconds, as HTTP's header has them.
        if since is not None and int(path.stat().st_mtime) <= since.timestamp():
            return False
        shutil.copyfile(path, target)
    except FileNotFoundError as error:
        raise NotFound(f"no vulnerability bundle at {path}") from error
    return True


def entries(archive: Path) -> list[Entry]:
    """The bundles of a zip, oldest first, a compact one before the other of its name.

    Other files are passed over.

    Raises `Invalid` when it is no zip, when names repeat or are too many.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            found = [
                _entry(info, suffix)
                for info in opened.infolist()
                for suffix in _SUFFIXES
                if info.filename.endswith(suffix)
            ]
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise Invalid(f"the vulnerability bundle is not a zip: {error}") from error
    if len(found) > _MAX_ENTRIES or len({(entry.name, entry.suffix) for entry in found}) != len(found):
        raise Invalid("the vulnerability bundle has too many or repeated entries")
    return sorted(found, key=lambda entry: (entry.made, entry.name, _SUFFIXES.index(entry.suffix)))


def _entry(info: zipfile.ZipInfo, suffix: str) -> Entry:
    name = PurePosixPath(info.filename).name.removesuffix(suffix)
    if not name or len(name) > _MAX_NAME or not name.isprintable():
        raise ValueError(f"entry name {info.filename[:200]!r}")
    return Entry(name, info.filename, datetime(*info.date_time, tzinfo=UTC), info.file_size, suffix)


def extract(archive: Path, entry: Entry, target: Path) -> None:
    """Write one entry to a file; `Invalid` when the zip is damaged there."""
    size = 0
    try:
        with (
            zipfile.ZipFile(archive) as opened,
            opened.open(entry.member) as source,
            target.open("wb") as out,
        ):
            while chunk := source.read(_CHUNK):
                size += len(chunk)
                if size > _MAX_ENTRY:
                    raise Exhausted(f"bundle {entry.name}: larger than {_MAX_ENTRY} bytes")
                out.write(chunk)
    except _DAMAGE as error:
        raise Invalid(f"bundle {entry.name}: the zip is damaged there: {error}") from error
