"""Vulnerability bundles in upstream's form, and Central's endpoint that serves them."""

from __future__ import annotations

import io
import json
import ssl
import threading
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import zstandard

PATH = "/api/extensions/scannerdefinitions"
BOOKWORM = {
    "did": "debian",
    "name": "Debian GNU/Linux",
    "version": "12 (bookworm)",
    "version_code_name": "bookworm",
    "version_id": "12",
    "pretty_name": "Debian GNU/Linux 12 (bookworm)",
}

BULLSEYE = {
    "did": "debian",
    "name": "Debian GNU/Linux",
    "version": "11 (bullseye)",
    "version_code_name": "bullseye",
    "version_id": "11",
    "pretty_name": "Debian GNU/Linux 11 (bullseye)",
}


def debian(
    cve: str, package: str, fixed: str = "", *, severity: str = "High", system: Mapping[str, str] = BOOKWORM
) -> dict[str, object]:
    """A record as upstream's Debian updater writes it."""
    return {
        "Updater": "debian/updater",
        "Ref": "39445a4a-6fe7-484b-b1e5-e37d0a5abd67",
        "Kind": "vulnerability",
        "Vuln": {
            "updater": "debian/updater",
            "name": cve,
            "description": f"about {cve}",
            "issued": "2026-01-01T00:00:00Z",
            "links": f"https://security-tracker.debian.org/tracker/{cve}",
            "severity": severity.lower(),
            "normalized_severity": severity,
            "package": {"name": package, "version": "", "kind": "source"},
            "distribution": dict(system),
            "fixed_in_version": fixed,
        },
    }


def osv(name: str, repository: str, package: str, fixed: str, vector: str = "") -> dict[str, object]:
    """A record as upstream's OSV updater writes it for repositories without number ranges."""
    return {
        "Updater": f"osv/{repository}",
        "Ref": "90ec188b-ede1-4213-9611-c72abc07d8e4",
        "Kind": "vulnerability",
        "Vuln": {
            "updater": f"osv/{repository}",
            "name": name,
            "description": f"about {name}",
            "issued": "2018-10-09T00:00:00Z",
            "links": f"https://osv.dev/vulnerability/{name.split(' ', maxsplit=1)[0]}",
            "severity": vector,
            "normalized_severity": "High",
            "package": {"name": package, "version": "", "kind": "binary"},
            "repository": {"name": repository, "uri": "", "key": "", "cpe": ""},
            "fixed_in_version": fixed,
            "range": None,
        },
    }


def enrichment(updater: str, cve: str, content: Mapping[str, object]) -> dict[str, object]:
    """A record of an enricher such as `nvd` or `clair.epss`."""
    return {
        "Updater": updater,
        "Ref": "0b7ab6f6-52a7-4d6e-9a7a-0c7cf9c0b1a2",
        "Kind": "enrichment",
        "Enrichment": {"tags": [cve], "enrichment": dict(content)},
    }


def nvd(cve: str, description: str, vector: str, score: float) -> dict[str, object]:
    """NVD's record of a CVE."""
    metric = {"type": "Primary", "cvssData": {"vectorString": vector, "baseScore": score}}
    content = {
        "id": cve,
        "published": "2026-01-02T03:04:05.000",
        "descriptions": [{"lang": "en", "value": description}],
        "metrics": {"cvssMetricV31": [metric]},
    }
    return enrichment("nvd", cve, content)


def lines(records: Sequence[Mapping[str, object]]) -> bytes:
    """The zstd-compressed lines of one bundle."""
    return zstandard.compress(b"".join(json.dumps(record).encode() + b"\n" for record in records))


def archive(bundles: Mapping[str, bytes], made: datetime = datetime(2026, 8, 1, tzinfo=UTC)) -> bytes:
    """The zip of all bundles, each with the same time."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as opened:
        for name, data in bundles.items():
            info = zipfile.ZipInfo(f"bundles/{name}.json.zst", made.timetuple()[:6])
            opened.writestr(info, data)
    return out.getvalue()


@dataclass
class Definitions:
    """What Central has, and who asked."""

    body: bytes = b""
    modified: datetime = datetime(2026, 8, 1, tzinfo=UTC)
    status: int = 200
    requests: list[dict[str, str]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    base: str = ""

    @property
    def url(self) -> str:
        """The address for `matcher.vulnerabilities_url`."""
        return f"{self.base}{PATH}?version=ROX_VULNERABILITY_VERSION"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    definitions: Definitions

    def log_message(self, *args: object) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        """Serve the zip as Central's `ServeContent` does."""
        have = self.definitions
        have.requests.append({"path": self.path, **{k.lower(): v for k, v in self.headers.items()}})
        since = self.headers.get("If-Modified-Since", "")
        status = have.status
        if status == 200 and since and parsedate_to_datetime(since) >= have.modified:
            status = 304
        have.answers.append(status)
        body = have.body if status == 200 else b""
        self.send_response(status)
        self.send_header("Last-Modified", format_datetime(have.modified, usegmt=True))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that go away are part of the tests."""


@contextmanager
def serving(have: Definitions, tls: ssl.SSLContext | None = None) -> Iterator[Definitions]:
    """Serve on a free loopback port."""
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"definitions": have}))
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    have.base = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield have
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
