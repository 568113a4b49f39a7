"""The bundle builder against a server that publishes feeds: fetch, change, fetch again, build."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import httpx
import pytest
import zstandard

from tests.conftest import shared_folder
from tests.unit.pyrox.scan.advisories.vex_documents import RHEL8, document
from tools.build_vuln_bundle import fetch_all
from tools.vulnbundle.fetch import Answer, Fetcher
from tools.vulnbundle.write import build

STAMP: Final = "Wed, 01 Jan 2025 00:00:00 GMT"


class Publisher:
    """Files by path with entity tags; remembers who asked for what, and what was sent whole."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.trouble: dict[str, int] = {}
        self.sent: list[str] = []
        self.url = ""

    def answer(self, path: str, tag: str | None) -> tuple[int, bytes, str]:
        """Status, content, entity tag."""
        if self.trouble.get(path, 0):
            self.trouble[path] -= 1
            return 503, b"", ""
        content = self.files.get(path)
        if content is None:
            return 404, b"", ""
        own = f'"{hashlib.sha256(content).hexdigest()}"'
        if tag == own:
            return 304, b"", own
        self.sent.append(path)
        return 200, content, own


@contextmanager
def serving(publisher: Publisher) -> Iterator[Publisher]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, content, tag = publisher.answer(unquote(self.path), self.headers["if-none-match"])
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.send_header("last-modified", STAMP)
            if tag:
                self.send_header("etag", tag)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        publisher.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield publisher
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def fetching(folder: Path, waits: list[float] | None = None) -> Iterator[Fetcher]:
    folder.mkdir(exist_ok=True)
    with httpx.Client(timeout=60) as client:
        yield Fetcher(
            folder,
            client,
            now=lambda: datetime(2026, 11, 24, tzinfo=UTC),
            sleep=(waits if waits is not None else []).append,
        )


def update(folder: Path, *feeds: tuple[str, str]) -> list[str]:
    """One run of the builder's fetching; what went wrong."""
    with fetching(folder) as fetcher:
        return fetch_all(fetcher, dict(feeds), folder)


def remembered(folder: Path) -> dict[str, Answer]:
    """What is known of the files' origins."""
    with fetching(folder) as fetcher:
        return fetcher.answers


def vex(name: str, version: str) -> bytes:
    return document({"fixed": [(RHEL8, f"pkg:rpm/redhat/curl@{version}?arch=x86_64")]}, name=name)


def packed(*documents: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in documents:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return zstandard.ZstdCompressor().compress(out.getvalue())


def lines(target: Path, bundle: str) -> str:
    with zipfile.ZipFile(target) as archive:
        data = archive.read(f"bundles/{bundle}.json.zst")
    return zstandard.ZstdDecompressor().stream_reader(data).read().decode()


def test_red_hat_archive_is_taken_once_and_then_only_changes(tmp_path: Path) -> None:
    folder = tmp_path / "feeds"
    publisher = Publisher()
    publisher.files = {
        "/vex/archive_latest.txt": b"csaf_vex_2024-08-01.tar.zst\n",
        "/vex/csaf_vex_2024-08-01.tar.zst": packed(
            ("2023/cve-2023-1001.json", vex("CVE-2023-1001", "1-1")),
            ("2023/cve-2023-1002.json", vex("CVE-2023-1002", "1-1")),
            ("2009/cve-2009-1003.json", vex("CVE-2009-1003", "1-1")),
            ("../../escape.json", b"{}"),
        ),
        "/vex/changes.csv": (
            b'"2023/cve-2023-1001.json","2024-08-02T10:00:00+00:00"\n'
            b'"2023/cve-2023-1002.json","2024-07-30T10:00:00+00:00"\n'
        ),
        "/vex/deletions.csv": b"",
        "/vex/2023/cve-2023-1001.json": vex("CVE-2023-1001", "2-2"),
    }
    with serving(publisher):
        feed = ("rhel-vex", f"{publisher.url}/vex")
        assert update(folder, feed) == []
        assert "/vex/2023/cve-2023-1001.json" in publisher.sent
        assert "/vex/2023/cve-2023-1002.json" not in publisher.sent
        build(folder, tmp_path / "one.zip")
        publisher.sent.clear()
        publisher.files["/vex/deletions.csv"] = b'"2023/cve-2023-1002.json","2024-08-03T10:00:00+00:00"\n'
        assert update(folder, feed) == []
        build(folder, tmp_path / "two.zip")
    one, two = lines(tmp_path / "one.zip", "rhel-vex"), lines(tmp_path / "two.zip", "rhel-vex")
    assert '"fixed_in_version":"0:2-2"' in one
    assert "CVE-2023-1002" in one
    assert "CVE-2009-1003" not in one
    assert "CVE-2023-1002" not in two
    assert publisher.sent == ["/vex/deletions.csv"]
    assert not (tmp_path / "escape.json").exists()


def test_amazon_is_found_by_mirror_and_index(tmp_path: Path) -> None:
    folder, publisher = tmp_path / "feeds", Publisher()
    with serving(publisher):
        place = b'<location href="repodata/ab-updateinfo.xml.gz"/>'
        index = b'<repomd><data type="updateinfo">' + place + b"</data></repomd>"
        publisher.files = {
            "/amazon/AL2/mirror.list": f"{publisher.url}/m1/x86_64/\n{publisher.url}/m2\n".encode(),
            "/m1/x86_64/repodata/repomd.xml": index,
            "/m1/x86_64/repodata/ab-updateinfo.xml.gz": b"<updates/>",
        }
        assert update(folder, ("amazon", f"{publisher.url}/amazon")) == []
        publisher.files["/m1/x86_64/repodata/repomd.xml"] = b"<repomd><data"
        (problem,) = update(folder, ("amazon", f"{publisher.url}/amazon"))
    assert (folder / "amazon/AL2/updateinfo.xml.gz").read_bytes() == b"<updates/>"
    assert "names no updateinfo" in problem


def test_server_in_trouble_and_missing_feed_do_not_stop_the_others(tmp_path: Path) -> None:
    folder, publisher = tmp_path / "feeds", Publisher()
    publisher.files = {"/debian/json": b"{}", "/kev/known_exploited_vulnerabilities.json": b"{}"}
    publisher.trouble = {"/kev/known_exploited_vulnerabilities.json": 2}
    waits: list[float] = []
    with serving(publisher), fetching(folder, waits) as fetcher:
        feeds = {name: f"{publisher.url}/{name}" for name in ("wolfi", "kev", "debian")}
        problems = fetch_all(fetcher, feeds, folder)
    assert [problem.partition(":")[0] for problem in problems] == ["wolfi"]
    assert waits == [2.0, 4.0]
    assert (folder / "debian/tracker.json").read_bytes() == b"{}"
    assert (folder / "kev/known_exploited_vulnerabilities.json").read_bytes() == b"{}"


@pytest.mark.needs("shared")
def test_real_feeds_from_a_server_become_a_bundle_with_its_origins(tmp_path: Path) -> None:
    source, folder = shared_folder() / "data/feeds", tmp_path / "feeds"
    publisher = Publisher()
    for path in source.rglob("*"):
        if path.is_file() and path.parent.name in {"Kubernetes", "Go", "v3.10", "v3.11"}:
            publisher.files["/" + path.relative_to(source).as_posix()] = path.read_bytes()
    with serving(publisher):
        feeds = [(name, f"{publisher.url}/{name}") for name in ("osv", "alpine")]
        assert update(folder, *feeds) == []
        made = build(folder, tmp_path / "one.zip", remembered(folder))
        first = {bundle.name: bundle for bundle in made}
        assert sorted(publisher.sent) == sorted(publisher.files)
        publisher.sent.clear()
        assert update(folder, *feeds) == []
    assert publisher.sent == []
    assert {name: bundle.advisories for name, bundle in first.items()} == {"osv": 4318, "alpine": 3761}
    assert '"GO-2022-' in lines(tmp_path / "one.zip", "osv")
    assert {entry.url.partition("/osv/")[0] for entry in first["osv"].inputs} == {publisher.url}
