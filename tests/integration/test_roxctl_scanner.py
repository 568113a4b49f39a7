"""`roxctl scanner` against a real Central and a real server of bundles."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pyrox.pg.settings import Settings
from tests.support.bundles import offline_bundle, packed
from tests.support.central import PASSWORD, RunningCentral, running_central
from tests.support.cli import roxctl

pytestmark = [pytest.mark.needs("postgres")]
CONTENT = os.urandom(3 << 20)
BUNDLE = offline_bundle({"vulnerabilities.zip": CONTENT})


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory, central_database: Settings) -> Iterator[RunningCentral]:
    directory = tmp_path_factory.mktemp("central")
    arguments = ("--definitions", str(directory / "definitions"))
    with running_central(directory, central_database, arguments=arguments) as running:
        yield running


@pytest.fixture
def environment(central: RunningCentral) -> dict[str, str]:
    return {
        "ROX_ENDPOINT": f"127.0.0.1:{central.port}",
        "ROX_CA_CERT_FILE": str(central.pki.ca_file),
        "ROX_ADMIN_PASSWORD": PASSWORD,
    }


@pytest.fixture
def mirror() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/scanner/4.11/scanner-vulns-4.11.zip"
            body = BUNDLE if found else b"no"
            self.send_response(200 if found else 404)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/scanner"
    server.shutdown()
    thread.join()
    server.server_close()


def test_bundle_of_centrals_release_goes_from_the_mirror_to_the_matcher(
    central: RunningCentral, environment: dict[str, str], mirror: str, tmp_path: Path
) -> None:
    file = tmp_path / "defs.zip"
    down = roxctl(
        "scanner", "download-db", "--scanner-db-file", str(file),
        environment={**environment, "ROX_SCAN_DB_DL_BASE_URL": mirror},
    )  # fmt: skip
    assert (down.code, file.read_bytes()) == (0, BUNDLE)
    assert 'INFO:\tUsing version from Central: "4.11.0"\n' in down.err
    up = roxctl("scanner", "upload-db", "--scanner-db-file", str(file), environment=environment)
    assert (up.code, up.err) == (0, "Successfully stored scanner vulnerability definitions\n")
    with central.client() as client:
        answer = client.get("/api/extensions/scannerdefinitions", params={"version": "v3"})
    assert (answer.status_code, answer.content) == (200, CONTENT)


def test_bundle_of_another_release_is_refused_with_advice(
    environment: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "defs.zip"
    file.write_bytes(packed({"scanner-defs.zip": b"old"}))
    done = roxctl("scanner", "upload-db", "--scanner-db-file", str(file), environment=environment)
    assert done.code == 1
    assert done.err.startswith(
        "ERROR:\tcould not connect with scanner definitions API: expected status code 200, but received 400. "
        'Response Body: {"code":3,"message":"the uploaded bundle is incompatible with release version number'
    )
