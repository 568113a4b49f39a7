"""Taking a bundle zip apart, and reading it from a file."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from pyrox.errors import Exhausted, Invalid, NotFound, Unavailable
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


def packed(path: Path, method: int = zipfile.ZIP_DEFLATED) -> bytearray:
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("osv.json.zst", os.urandom(200) + bytes(5000))
    return bytearray(path.read_bytes())


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_entry_with_any_damaged_byte_is_an_error_of_its_own(tmp_path: Path, method: int) -> None:
    raw = packed(tmp_path / "whole.zip", method)
    damaged, refused = tmp_path / "damaged.zip", 0
    for at in range(42, 90):
        changed = bytearray(raw)
        changed[at] ^= 0xFF
        damaged.write_bytes(changed)
        try:
            feed.extract(damaged, feed.entries(damaged)[0], tmp_path / "out")
        except Invalid as error:
            refused += "bundle osv: the zip is damaged there" in str(error)
    assert refused > 40


@pytest.mark.parametrize(
    ("change", "why"),
    [((6, 8, 1), "encrypted"), ((8, 10, 99), "compression method is not supported")],
    ids=["password", "method"],
)
def test_entry_that_cannot_be_read_says_why(tmp_path: Path, change: tuple[int, int, int], why: str) -> None:
    raw = packed(tmp_path / "v.zip")
    local, central, value = change
    raw[local] = value
    raw[raw.rfind(b"PK\x01\x02") + central] = value
    (tmp_path / "v.zip").write_bytes(raw)
    with pytest.raises(Invalid, match=why):
        feed.extract(tmp_path / "v.zip", feed.entries(tmp_path / "v.zip")[0], tmp_path / "out")


def test_entry_and_zip_over_their_bounds_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = write(tmp_path / "v.zip", "osv.json.zst", "debian.json.zst")
    entry = feed.entries(archive)[0]
    monkeypatch.setattr(feed, "_MAX_ENTRY", 3)
    with pytest.raises(Exhausted, match="bundle osv: larger than 3 bytes"):
        feed.extract(archive, entry, tmp_path / "out")
    monkeypatch.setattr(feed, "_MAX_ENTRIES", 1)
    with pytest.raises(Invalid, match="too many or repeated entries"):
        feed.entries(archive)


def test_entry_with_an_impossible_date_is_refused(tmp_path: Path) -> None:
    archive = write(tmp_path / "v.zip", "osv.json.zst")
    raw = bytearray(archive.read_bytes())
    at = raw.rfind(b"PK\x01\x02")
    raw[at + 14 : at + 16] = (0).to_bytes(2, "little")
    archive.write_bytes(raw)
    with pytest.raises(Invalid, match="not a zip"):
        feed.entries(archive)


MODIFIED = "Sat, 01 Aug 2026 00:00:00 GMT"


class Server:
    """Answers in turn, and remembers what it was asked."""

    def __init__(self, *answers: httpx.Response | httpx.HTTPError) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, httpx.HTTPError):
            raise answer
        return answer


def source(client: Callable[[], httpx.AsyncClient], *urls: str) -> feed.Feed:
    return feed.Feed(urls=urls or ("https://central/x",), client=client)


async def test_server_is_asked_with_upstreams_headers(tmp_path: Path) -> None:
    server = Server(httpx.Response(200, content=b"zip", headers={"last-modified": MODIFIED}))
    assert await source(server).fetch(tmp_path / "v", datetime(2026, 7, 1, tzinfo=UTC))
    assert (tmp_path / "v").read_bytes() == b"zip"
    headers = server.requests[0].headers
    assert headers["x-scanner-v4-accept"] == "application/vnd.stackrox.scanner-v4.multi-bundle+zip"
    assert headers["if-modified-since"] == "Wed, 01 Jul 2026 00:00:00 GMT"


async def test_server_without_news_leaves_the_file_alone(tmp_path: Path) -> None:
    server = Server(httpx.Response(304))
    assert not await source(server).fetch(tmp_path / "v", None)
    assert "if-modified-since" not in server.requests[0].headers
    assert not (tmp_path / "v").exists()


async def test_candidates_bundle_is_asked_for_first_and_the_releases_then(tmp_path: Path) -> None:
    server = Server(
        httpx.Response(404), httpx.Response(200, content=b"zip", headers={"last-modified": MODIFIED})
    )
    assert await source(server, "https://d/rc.zip", "https://d/release.zip").fetch(tmp_path / "v", None)
    assert [request.url.path for request in server.requests] == ["/rc.zip", "/release.zip"]


@pytest.mark.parametrize("status", [301, 401, 429, 500, 503])
async def test_server_that_fails_is_not_passed_over(tmp_path: Path, status: int) -> None:
    server = Server(httpx.Response(status))
    with pytest.raises(Unavailable, match=f"vulnerability bundle https://d/a: status {status}"):
        await source(server, "https://d/a", "https://d/b").fetch(tmp_path / "v", None)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("error", "text"), [(httpx.ConnectError("refused"), "refused"), (httpx.ReadTimeout(""), "ReadTimeout")]
)
async def test_server_that_is_away_is_told_by_address(
    tmp_path: Path, error: httpx.HTTPError, text: str
) -> None:
    with pytest.raises(Unavailable, match=f"https://central/x: {text}"):
        await source(Server(error)).fetch(tmp_path / "v", None)


@pytest.mark.parametrize(
    "modified",
    [
        "",
        "yesterday",
        "Sat, 01 Aug 2026 99999999999999999999:00:00 GMT",
        "Sat, 01 Aug 2026 0:0 +9999999999999",
    ],
)
async def test_answer_without_a_usable_time_is_refused(tmp_path: Path, modified: str) -> None:
    server = Server(httpx.Response(200, content=b"zip", headers={"last-modified": modified}))
    with pytest.raises(Unavailable, match="the answer has no Last-Modified"):
        await source(server).fetch(tmp_path / "v", None)
    assert not (tmp_path / "v").exists()


async def test_answer_over_the_bound_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "_MAX_ZIP", 10)
    server = Server(httpx.Response(200, content=bytes(11), headers={"last-modified": MODIFIED}))
    with pytest.raises(Exhausted, match="larger than 10 bytes"):
        await source(server).fetch(tmp_path / "v", None)
