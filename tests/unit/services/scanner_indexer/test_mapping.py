"""Red Hat's mapping file."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from pyrox.errors import Unavailable
from services.scanner_indexer import mapping
from services.scanner_indexer.mapping import RemoteFile, RepositoryMapping, parse_names, parse_repositories


def test_mapping_leaves_out_repositories_without_names() -> None:
    cpes = {"cpes": ["cpe:/o:redhat:enterprise_linux:8"]}
    body = json.dumps({"data": {"rhel-8": cpes, "empty": {"cpes": []}, "none": {}}})
    assert parse_repositories(body.encode()) == {"rhel-8": ["cpe:/o:redhat:enterprise_linux:8"]}


def test_names_of_containers_without_places_are_left_out() -> None:
    body = b'{"data": {"toolbox-container": ["rhel8/toolbox", "ubi8/toolbox"], "none": []}}'
    assert parse_names(body) == {"toolbox-container": ["rhel8/toolbox", "ubi8/toolbox"]}


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"data": 5}', b'{"data": {"a": "b"}}', b'{"data": {"a": [5]}}']
)
def test_names_of_containers_in_another_form_are_an_error(body: bytes) -> None:
    with pytest.raises(Unavailable, match="expected form"):
        parse_names(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"data": []}',
        b'{"data": {"a": {"cpes": [5]}}}',
        b'{"data": {"a": 5}}',
        b'{"data": {"a": {"cpes": "cpe:/o:x"}}}',
        b'{"data": {"a": {"cpes": {"cpe:/o:x": 1}}}}',
    ],
)
def test_mapping_of_another_form_is_an_error(body: bytes) -> None:
    with pytest.raises(Unavailable, match="expected form"):
        parse_repositories(body)


FILE = b'{"data": {"rhel-8": {"cpes": ["cpe:/o:redhat:enterprise_linux:8"]}}}'
SEED = b'{"data": {"seed": {"cpes": ["cpe:/o:redhat:enterprise_linux:7"]}}}'


class Server:
    """Gives one answer to all, and remembers what it was asked."""

    def __init__(self, answer: httpx.Response | httpx.HTTPError) -> None:
        self._answer = answer
        self.asked: list[httpx.Request] = []

    def mapping(self, seed: Path | None = None) -> RepositoryMapping:
        file = RemoteFile(
            url="https://central/repo2cpe",
            seed=seed,
            client=lambda: httpx.AsyncClient(transport=httpx.MockTransport(self._handle)),
            parse=parse_repositories,
        )
        return RepositoryMapping(file)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if isinstance(self._answer, httpx.HTTPError):
            raise self._answer
        return self._answer


async def test_mapping_is_fetched_with_the_servers_time() -> None:
    server = Server(httpx.Response(200, content=FILE, headers={"last-modified": "Mon"}))
    found = await server.mapping().get("")
    assert (found.modified, found.last_modified, list(found.mapping)) == (True, "Mon", ["rhel-8"])
    assert "if-modified-since" not in server.asked[0].headers


async def test_mapping_that_did_not_change_says_only_that() -> None:
    server = Server(httpx.Response(304))
    found = await server.mapping().get("Mon")
    assert (found.modified, found.last_modified, dict(found.mapping)) == (False, "Mon", {})
    assert server.asked[0].headers["if-modified-since"] == "Mon"


FAILURES = [
    (httpx.Response(500), "https://central/repo2cpe: 500"),
    (httpx.ConnectError("refused"), "https://central/repo2cpe: refused"),
    (httpx.ReadTimeout(""), "https://central/repo2cpe: ReadTimeout"),
    (httpx.Response(200, content=b"<html>"), "expected form"),
]


@pytest.mark.parametrize(("answer", "words"), FAILURES)
async def test_server_that_fails_is_told_without_a_seed(
    answer: httpx.Response | httpx.HTTPError, words: str
) -> None:
    with pytest.raises(Unavailable, match=words):
        await Server(answer).mapping().get("")


@pytest.mark.parametrize(("answer", "words"), FAILURES)
async def test_seed_answers_a_first_request_only(
    answer: httpx.Response | httpx.HTTPError, words: str, tmp_path: Path
) -> None:
    seed = tmp_path / "seed.json"
    seed.write_bytes(SEED)
    made = Server(answer).mapping(seed)
    found = await made.get("")
    # No time: the next request without one asks the server again.
    assert (found.modified, found.last_modified, list(found.mapping)) == (True, "", ["seed"])
    with pytest.raises(Unavailable, match=words):
        await made.get("Mon")


async def test_mapping_over_its_bound_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapping, "_MAX_BYTES", len(FILE) - 1)
    with pytest.raises(Unavailable, match=f"larger than {len(FILE) - 1} bytes"):
        await Server(httpx.Response(200, content=FILE)).mapping().get("")
