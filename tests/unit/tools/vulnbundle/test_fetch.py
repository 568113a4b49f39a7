"""Fetching one file: conditions, tries, bounds, and what is remembered."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from tools.vulnbundle.fetch import Fetcher, FetchError, Outcome

URL = "https://feeds.test/a.json"
STAMP = "Wed, 01 Jan 2025 00:00:00 GMT"
Handler = Callable[[httpx.Request], httpx.Response]


class Server:
    """Answers from a list, the last one again and again, and remembers the questions."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def fetcher(folder: Path, server: Server, waits: list[float] | None = None, limit: int = 1000) -> Fetcher:
    return Fetcher(
        folder,
        httpx.Client(transport=httpx.MockTransport(server)),
        now=lambda: datetime(2025, 1, 2, tzinfo=UTC),
        sleep=(waits if waits is not None else []).append,
        limit=limit,
    )


def good(text: str = "text", **headers: str) -> httpx.Response:
    return httpx.Response(
        200,
        stream=httpx.ByteStream(text.encode()),
        headers={"etag": '"1"', "last-modified": STAMP} | headers,
    )


def test_file_is_written_with_its_time_and_remembered(tmp_path: Path) -> None:
    made = fetcher(tmp_path, Server(good()))
    assert made.fetch(URL, "x/a.json") is Outcome.CHANGED
    assert (tmp_path / "x/a.json").read_text() == "text"
    assert (tmp_path / "x/a.json").stat().st_mtime == datetime(2025, 1, 1, tzinfo=UTC).timestamp()
    made.save()
    known = json.loads((tmp_path / ".fetched.json").read_text())["x/a.json"]
    assert (known["url"], known["etag"], known["size"], known["fetched"][:10]) == (
        URL,
        '"1"',
        4,
        "2025-01-02",
    )
    assert sorted(p.name for p in (tmp_path / "x").iterdir()) == ["a.json"]


def test_next_run_asks_with_the_validators(tmp_path: Path) -> None:
    first = fetcher(tmp_path, Server(good()))
    first.fetch(URL, "a.json")
    first.save()
    server = Server(httpx.Response(304))
    assert fetcher(tmp_path, server).fetch(URL, "a.json") is Outcome.UNCHANGED
    assert server.asked[0].headers["if-none-match"] == '"1"'
    assert server.asked[0].headers["if-modified-since"] == STAMP


def test_file_that_is_gone_or_of_another_address_is_fetched_whole(tmp_path: Path) -> None:
    server = Server(good(), good(), good())
    made = fetcher(tmp_path, server)
    made.fetch(URL, "a.json")
    (tmp_path / "a.json").unlink()
    assert made.fetch(URL, "a.json") is Outcome.UNCHANGED
    made.fetch(URL + "2", "a.json")
    assert ["if-none-match" in request.headers for request in server.asked] == [False, False, False]


def test_server_in_trouble_is_asked_again_after_growing_pauses(tmp_path: Path) -> None:
    waits: list[float] = []
    server = Server(httpx.Response(503), httpx.ConnectError("refused"), httpx.Response(429), good())
    assert fetcher(tmp_path, server, waits).fetch(URL, "a.json") is Outcome.CHANGED
    assert waits == [2.0, 4.0, 8.0]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (httpx.Response(503), "status 503 after 4 tries"),
        (httpx.ReadTimeout(""), "ReadTimeout after 4 tries"),
        (httpx.Response(403), "status 403"),
        (good("x" * 1001), "more than 1000 bytes"),
    ],
)
def test_file_that_cannot_be_had_names_its_address(
    tmp_path: Path, answer: httpx.Response | Exception, message: str
) -> None:
    with pytest.raises(FetchError, match=f"{URL}.*{message}"):
        fetcher(tmp_path, Server(answer)).fetch(URL, "a.json")
    assert list(tmp_path.iterdir()) == []


def test_answer_that_ends_early_is_asked_for_again(tmp_path: Path) -> None:
    server = Server(good("half", **{"content-length": "8"}), good("whole"))
    assert fetcher(tmp_path, server).fetch(URL, "a.json") is Outcome.CHANGED
    assert (tmp_path / "a.json").read_text() == "whole"
    assert len(server.asked) == 2


def test_failure_leaves_the_old_file(tmp_path: Path) -> None:
    made = fetcher(tmp_path, Server(good(), good("x" * 1001)))
    made.fetch(URL, "a.json")
    with pytest.raises(FetchError):
        made.fetch(URL, "a.json")
    assert (tmp_path / "a.json").read_text() == "text"


def test_absent_file_and_forgotten_file(tmp_path: Path) -> None:
    made = fetcher(tmp_path, Server(good(), httpx.Response(404)))
    made.fetch(URL, "a.json")
    assert made.fetch(URL, "b.json") is Outcome.ABSENT
    made.forget("a.json")
    assert not (tmp_path / "a.json").exists()
    assert made.answers == {}


def test_damaged_memory_is_none(tmp_path: Path) -> None:
    (tmp_path / ".fetched.json").write_text('{"a.json": {"what": 1}}')
    assert fetcher(tmp_path, Server(good())).answers == {}
