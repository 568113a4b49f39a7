"""`roxctl scanner download-db`: which release, which files in which order, where they go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from roxctl.rest import HttpAnswer
from roxctl.scanner import download_db
from tests.support.cli_wire import Wire

BASE = "https://install.stackrox.io/scanner"
BINARY = 'INFO:\tUsing version from roxctl binary: "4.11.0"\n'


class Publisher:
    """The server of bundles: answers by path, others are missing."""

    def __init__(self) -> None:
        self.has: dict[str, bytes | list[int]] = {}
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        url = str(request.url)
        self.asked.append(url)
        found = self.has.get(url, b"")
        if isinstance(found, list):
            status = found.pop(0)
            if status == 0:
                raise httpx.ConnectError("no route to host")
            return httpx.Response(status, content=b"late" if status == 200 else b"")
        return httpx.Response(200, content=found) if found else httpx.Response(404)


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Publisher:
    made = Publisher()
    client: Callable[[float], httpx.Client] = lambda _: httpx.Client(transport=httpx.MockTransport(made))  # noqa: E731
    monkeypatch.setattr(download_db, "client", client)
    return made


def url(version: str) -> str:
    return f"{BASE}/{version}/scanner-vulns-{version}.zip"


def test_release_of_central_is_downloaded_under_its_own_name(wire: Wire, publisher: Publisher) -> None:
    wire.http_answers = [(200, HttpAnswer(headers={}, body=b'{"version":"4.9.1","buildFlavor":"x"}'))]
    publisher.has[url("4.9.1")] = b"x" * (3 << 20)
    done = wire.run("scanner", "download-db")
    assert (done.code, done.out) == (0, "")
    assert done.err == (
        'INFO:\tUsing version from Central: "4.9.1"\n'
        f'INFO:\tDownloading "{url("4.9.1")}" (3 MiB)\n'
        '\nSuccessfully downloaded "4.9.1/scanner-vulns-4.9.1.zip"\n'
    )
    assert wire.http[0][:2] == ("GET", "/v1/metadata")
    assert Path("4.9.1/scanner-vulns-4.9.1.zip").read_bytes() == b"x" * (3 << 20)
    assert [path.name for path in Path("4.9.1").iterdir()] == ["scanner-vulns-4.9.1.zip"]


def test_less_exact_numbers_follow(wire: Wire, publisher: Publisher) -> None:
    publisher.has[url("4.4")] = b"zip"
    done = wire.run("scanner", "download-db", "--version", "4.4.1-extra", "--scanner-db-file", "out.zip")
    assert done.code == 0
    assert publisher.asked == [url("4.4.1-extra"), url("4.4.1"), url("4.4")]
    assert done.err == (
        'INFO:\tUsing version from command line: "4.4.1-extra"\n'
        f'INFO:\tDownloading "{url("4.4")}" (0 MiB)\n'
        '\nSuccessfully downloaded "out.zip"\n'
    )
    assert Path("out.zip").read_bytes() == b"zip"
    assert wire.http == []


def test_all_failures_are_told_when_none_is_there(wire: Wire, publisher: Publisher) -> None:
    done = wire.run("scanner", "download-db", "--version", "4.4.1")
    assert done.code == 1
    assert done.err.endswith(
        f'ERROR:\tdownloading "{url("4.4.1")}" failed with status code 404: 404 Not Found\n'
        f'downloading "{url("4.4")}" failed with status code 404: 404 Not Found\n'
    )
    assert list(Path().iterdir()) == []


def test_skipped_variants_and_central(wire: Wire, publisher: Publisher) -> None:
    done = wire.run("scanner", "download-db", "--skip-central", "--skip-variants")
    assert (done.code, publisher.asked, wire.http) == (1, [url("4.11.0")], [])
    assert done.err.startswith(BINARY)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"version": 4}'])
def test_central_that_says_no_release_is_warned_about(wire: Wire, publisher: Publisher, body: bytes) -> None:
    wire.http_answers = [(200, HttpAnswer(headers={}, body=body))]
    publisher.has[url("4.11.0")] = b"zip"
    done = wire.run("scanner", "download-db")
    assert done.code == 0
    assert done.err.startswith("WARN:\terror reading metadata from central: ")
    assert BINARY in done.err


def test_central_that_refuses_is_warned_about(wire: Wire, publisher: Publisher) -> None:
    wire.http_answers = [(401, HttpAnswer(headers={}, body=b"who"))]
    publisher.has[url("4.11.0")] = b"zip"
    done = wire.run("scanner", "download-db")
    assert done.code == 0
    assert done.err.startswith(
        "WARN:\terror contacting central: expected status code 200, but received 401. Response Body: who\n"
        + BINARY
    )


def test_release_before_scanner_v4_has_one_bundle(wire: Wire, publisher: Publisher) -> None:
    publisher.has[f"{BASE}/scanner-vuln-updates.zip"] = b"zip"
    done = wire.run("scanner", "download-db", "--version", "4.3.0")
    assert (done.code, Path("scanner-vuln-updates.zip").read_bytes()) == (0, b"zip")
    assert "INFO:\tVersion represents StackRox Scanner, downloading 'latest' bundle.\n" in done.err


def test_existing_file_is_kept_unless_forced(wire: Wire, publisher: Publisher) -> None:
    publisher.has[url("4.4")] = b"new"
    Path("out.zip").write_bytes(b"old")
    words = ("scanner", "download-db", "--version", "4.4", "--scanner-db-file", "out.zip")
    done = wire.run(*words)
    assert done.err.endswith(
        'ERROR:\tinvalid output file "4.4/scanner-vulns-4.4.zip": '
        'file "out.zip" already exists, to overwrite use `--force`\n'
    )
    assert (done.code, Path("out.zip").read_bytes(), publisher.asked) == (1, b"old", [])
    assert wire.run(*words, "--force").code == 0
    assert Path("out.zip").read_bytes() == b"new"


def test_failures_that_may_pass_are_tried_again(wire: Wire, publisher: Publisher) -> None:
    publisher.has[url("4.4")] = [503, 0, 429, 200]
    done = wire.run("scanner", "download-db", "--version", "4.4", "--scanner-db-file", "out.zip")
    assert (done.code, done.waits, Path("out.zip").read_bytes()) == (0, [10.0, 20.0, 30.0], b"late")


class Broken(httpx.SyncByteStream):
    """A body that ends in the middle."""

    def __iter__(self) -> Iterator[bytes]:
        yield b"half"
        raise httpx.ReadError("connection reset")


def test_download_that_breaks_off_leaves_no_file(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = httpx.MockTransport(lambda _: httpx.Response(200, stream=Broken()))
    monkeypatch.setattr(download_db, "client", lambda _: httpx.Client(transport=answers))
    done = wire.run("scanner", "download-db", "--version", "4.4", "--scanner-db-file", "out.zip")
    assert (done.code, done.waits, list(Path().iterdir())) == (1, [], [])
    assert done.err.endswith(f"ERROR:\t{url('4.4')}: connection reset\n")


@pytest.mark.parametrize(("status", "cause"), [(500, ""), (0, ": no route to host")])
def test_failures_that_stay_are_told(wire: Wire, publisher: Publisher, status: int, cause: str) -> None:
    publisher.has[url("4.4")] = [status] * 2
    done = wire.run("scanner", "download-db", "--version", "4.4", ROX_CLIENT_MAX_RETRIES="1")
    assert (done.code, done.waits) == (1, [10.0])
    assert done.err.endswith(f"ERROR:\tGET {url('4.4')} giving up after 2 attempt(s){cause}\n")


def test_address_of_a_mirror_is_taken_from_the_environment(wire: Wire, publisher: Publisher) -> None:
    publisher.has["http://mirror/x/4.4/scanner-vulns-4.4.zip"] = b"zip"
    done = wire.run("scanner", "download-db", "--version=4.4", ROX_SCAN_DB_DL_BASE_URL="http://mirror/x/")
    assert (done.code, publisher.asked) == (0, ["http://mirror/x/4.4/scanner-vulns-4.4.zip"])


def test_version_of_another_form_is_refused(wire: Wire, publisher: Publisher) -> None:
    done = wire.run("scanner", "download-db", "--version", "latest")
    assert (done.code, publisher.asked) == (1, [])
    assert 'ERROR:\tinvalid version "latest": invalid number of components (expected 2-4, got 1)' in done.err


def test_bundle_beyond_the_limit_leaves_no_file(
    wire: Wire, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download_db, "_MOST_BYTES", 10)
    publisher.has[url("4.4")] = b"x" * 11
    done = wire.run("scanner", "download-db", "--version", "4.4", "--scanner-db-file", "out.zip")
    assert (done.code, list(Path().iterdir())) == (1, [])
    assert "the bundle is larger than 10 bytes" in done.err
