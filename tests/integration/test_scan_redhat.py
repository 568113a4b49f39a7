"""Red Hat's content through the Indexer: manifests, labels and dnf's history become repositories.

The Indexer is a process; Red Hat's two files come from a server of the test.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pyrox.mtls.identity import CENTRAL, SCANNER_V4_INDEXER
from pyrox.pb.internalapi.scanner.v4 import common_pb2, indexer_service_pb2
from pyrox.pb.internalapi.scanner.v4.index_report_pb2 import IndexReport
from pyrox.pb.internalapi.scanner.v4.indexer_service_pb2_grpc import IndexerStub
from pyrox.scan.model import EMPTY_CPE
from tests.support import pg, scanner
from tests.support.fake_registry import FakeRegistry, layer_of, running
from tests.support.pki import Pki
from tests.support.scanner_process import Process, answered, up
from tests.unit.pyrox.scan.ecosystems.rpm.test_dnf import DNF4
from tests.unit.pyrox.scan.formats.test_rpmdb import package, sqlite
from tests.unit.pyrox.scan.formats.test_sqlitefile import database

if TYPE_CHECKING:
    from pyrox.pb.internalapi.scanner.v4.indexer_service_pb2_grpc import IndexerAsyncStub

pytestmark = pytest.mark.needs("postgres")

RELEASE = b'ID="rhel"\nVERSION_ID="9.4"\nPRETTY_NAME="Red Hat Enterprise Linux 9.4 (Plow)"\n'
FILES = {
    "/repo2cpe": {
        "data": {
            "rhel-9-baseos": {"cpes": ["cpe:/o:redhat:enterprise_linux:9::baseos"]},
            "rhel-9-appstream": {"cpes": ["cpe:/a:redhat:enterprise_linux:9::appstream"]},
        }
    },
    "/name2repos": {"data": {"openshift/ose-cli": ["openshift4/ose-cli"]}},
}
BASEOS = "cpe:2.3:o:redhat:enterprise_linux:9:*:baseos:*:*:*:*:*"
APPSTREAM = "cpe:2.3:a:redhat:enterprise_linux:9:*:appstream:*:*:*:*:*"
DOCKERFILE = (
    b"FROM x\nLABEL com.redhat.component=ose-cli-container name=openshift/ose-cli architecture=x86_64\n"
)
RPMS = sqlite(
    package("bash", VERSION="5.1", RELEASE="6.el9"),
    package("dbus", EPOCH=[1], VERSION="1.12", RELEASE="8.el9"),
)


class Handler(BaseHTTPRequestHandler):
    """Serves the two files, and says when they did not change."""

    def do_GET(self) -> None:
        content = json.dumps(FILES[self.path]).encode()
        known = self.headers.get("if-modified-since") == "Mon, 01 Jan 2024 00:00:00 GMT"
        self.send_response(304 if known else 200)
        self.send_header("last-modified", "Mon, 01 Jan 2024 00:00:00 GMT")
        self.send_header("content-length", "0" if known else str(len(content)))
        self.end_headers()
        if not known:
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing on the error stream."""


@pytest.fixture
def redhat() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path / "pki")


def cpes(contents: common_pb2.Contents) -> dict[str, list[str]]:
    """The CPEs of each package's repositories."""
    return {
        package.name: [
            contents.repositories[key].cpe
            for place in contents.environments[package_id].environments
            for key in place.repository_ids
        ]
        for package_id, package in contents.packages.items()
    }


async def test_packages_of_red_hat_have_the_products_that_they_belong_to(
    pg_server: pg.TestServer, pki: Pki, redhat: str, tmp_path: Path
) -> None:
    manifest = json.dumps({"content_sets": ["rhel-9-baseos", "rhel-9-appstream"]}).encode()
    base = layer_of({"etc/os-release": RELEASE, "var/lib/rpm/rpmdb.sqlite": RPMS})
    built = layer_of({"root/buildinfo/content_manifests/x.json": manifest})
    container = layer_of({"root/buildinfo/Dockerfile-ose-cli-v4.12.0-1": DOCKERFILE})
    history = database(tmp_path, *DNF4).getvalue()
    users = layer_of(
        {"etc/os-release": RELEASE, "var/lib/rpm/rpmdb.sqlite": RPMS, "var/lib/dnf/history.sqlite": history}
    )
    indexer = Process(
        "scanner_indexer",
        pg_server.database(),
        pki,
        SCANNER_V4_INDEXER,
        SCANNER_V4_INDEXER_REPOSITORY_TO_CPE_URL=f"{redhat}/repo2cpe",
        SCANNER_V4_INDEXER_NAME_TO_REPOS_URL=f"{redhat}/name2repos",
    )
    with running(FakeRegistry()) as registry:
        async with (
            up(indexer),
            scanner.channel(("127.0.0.1", indexer.port), pki, CENTRAL, SCANNER_V4_INDEXER) as channel,
        ):
            index: IndexerAsyncStub = IndexerStub(channel)

            async def indexed(name: str, *layers: bytes) -> common_pb2.Contents:
                digest = registry.push("team/app", name, list(layers))
                request = indexer_service_pb2.GetOrCreateIndexReportRequest(
                    hash_id=f"/v4/containerimage/{digest}"
                )
                request.container_image.url = f"{registry.base}/team/app@{digest}"
                report = await answered(lambda: index.GetOrCreateIndexReport(request))
                assert isinstance(report, IndexReport)
                return report.contents

            by_manifest = await indexed("built", base, built, container)
            by_history = await indexed("users", users)
    assert cpes(by_manifest) == {
        "bash": [APPSTREAM, BASEOS],
        "dbus": [APPSTREAM, BASEOS],
        "ose-cli-container": [EMPTY_CPE],
        "openshift4/ose-cli": [EMPTY_CPE],
    }
    assert cpes(by_history) == {"bash": [BASEOS], "dbus": [APPSTREAM]}
