"""An image's bill of materials by Central, Indexer and Matcher, as roxctl and the portal ask for it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from pyrox.clock import SystemClock
from pyrox.mtls.identity import SCANNER_V4_INDEXER, SCANNER_V4_MATCHER
from pyrox.pg.pool import Pool
from pyrox.pg.settings import Settings
from tests.support import pg
from tests.support.central import PASSWORD, RunningCentral, running_central
from tests.support.cli import roxctl
from tests.support.definitions import archive, debian, lines
from tests.support.fake_registry import FakeRegistry, layer_of, running
from tests.support.pg import free_port
from tests.support.scanner_process import Process
from tests.support.scanner_process import running as started

pytestmark = pytest.mark.needs("postgres")
PATH = "/api/v1/images/sbom"
LAYER = layer_of(
    {
        "etc/os-release": b'ID=debian\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nVERSION="12 (bookworm)"\n'
        b"VERSION_CODENAME=bookworm\nPRETTY_NAME=Debian\n",
        "var/lib/dpkg/status": b"Package: openssl\nStatus: install ok installed\nArchitecture: amd64\n"
        b"Version: 3.0.11-1~deb12u1\n\n",
        "app/node_modules/lodash/package.json": json.dumps({"name": "lodash", "version": "4.17.4"}).encode(),
    }
)
PACKAGES = {("openssl", "3.0.11-1~deb12u1"), ("lodash", "4.17.4")}


@dataclass
class Site:
    """Everything runs, and the image is pushed."""

    central: RunningCentral
    scanner_database: Settings
    image: str
    digest: str

    def environment(self, home: Path) -> dict[str, str]:
        """What roxctl is told by."""
        return {
            "ROX_ENDPOINT": f"127.0.0.1:{self.central.port}",
            "ROX_CA_CERT_FILE": str(self.central.pki.ca_file),
            "ROX_ADMIN_PASSWORD": PASSWORD,
            "HOME": str(home),
        }

    def post(self, **body: Any) -> httpx.Response:
        with self.central.client() as client:
            return client.post(PATH, json=body)


def ready(process: Process, seconds: float = 60.0) -> None:
    """Return when the process says that it is."""
    deadline = time.monotonic() + seconds
    with httpx.Client(verify=False, trust_env=False) as client:  # noqa: S501 - the probe alone matters
        while time.monotonic() < deadline:
            try:
                if client.get(f"https://{process.probes}/health/readiness").is_success:
                    return
            except httpx.TransportError:
                assert process.running.poll() is None, f"{process.name} ended"
            time.sleep(0.1)
    raise AssertionError(f"{process.name} is not ready after {seconds:g} s")


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, pg_server: pg.TestServer, central_database: Settings
) -> Iterator[Site]:
    place = tmp_path_factory.mktemp("bills")
    bundle = place / "vulnerabilities.zip"
    bundle.write_bytes(archive({"debian": lines([debian("CVE-2099-0001", "openssl", "3.0.15-1~deb12u1")])}))
    indexing, matching = (f"127.0.0.1:{free_port()}" for _ in range(2))
    environment = {
        "ROX_SCANNER_V4": "true",
        "ROX_SCANNER_V4_INDEXER_ENDPOINT": indexing,
        "ROX_SCANNER_V4_MATCHER_ENDPOINT": matching,
    }
    arguments, database = ("--allow-local-registries",), pg_server.database()
    with (
        running(FakeRegistry()) as registry,
        running_central(
            place / "central", central_database, arguments=arguments, environment=environment
        ) as central,
    ):
        digest = registry.push("team/app", "1", [LAYER])
        indexer = Process(
            "scanner_indexer", database, central.pki, SCANNER_V4_INDEXER, SCANNER_V4_GRPC_LISTEN_ADDR=indexing
        )
        matcher = Process(
            "scanner_matcher",
            database,
            central.pki,
            SCANNER_V4_MATCHER,
            SCANNER_V4_GRPC_LISTEN_ADDR=matching,
            SCANNER_V4_MATCHER_VULNERABILITIES_URL=bundle.as_uri(),
            SCANNER_V4_MATCHER_INDEXER_ADDR=indexing,
            SCANNER_V4_MATCHER_READINESS="vulnerability",
        )
        with started(indexer, matcher):
            ready(indexer)
            ready(matcher)
            with central.client() as client:
                made = client.post("/v1/imageintegrations", json=integration(registry))
            assert made.status_code == 200, made.text
            yield Site(central, database, f"{registry.host}/team/app:1", digest)


def integration(registry: FakeRegistry) -> dict[str, Any]:
    return {
        "name": "lab",
        "type": "docker",
        "categories": ["REGISTRY"],
        "docker": {"endpoint": registry.base},
    }


def packages(bill: bytes) -> set[tuple[str, str]]:
    """Name and version of what the document lists, without the image's own parts."""
    found = {(one["name"], one.get("versionInfo", "")) for one in json.loads(bill)["packages"]}
    return found & PACKAGES


def test_bill_of_an_image_nobody_scanned_is_made(site: Site) -> None:
    answer = site.post(imageName=site.image)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    name = site.image.replace(".", "").replace(":", "-").replace("/", "-")
    assert answer.headers["content-disposition"] == f"attachment; filename={name}.json"
    bill = answer.json()
    assert (bill["spdxVersion"], bill["name"]) == ("SPDX-2.3", site.digest)
    assert bill["comment"] == f"Generated for '{site.image}'"
    assert bill["documentNamespace"].startswith(f"https://{site.image.removesuffix(':1')}-")
    assert packages(answer.content) == PACKAGES
    with site.central.client() as client:
        assert client.get(f"/v1/images/{site.digest}").json()["scan"]["dataSource"]["name"] == "Scanner V4"


def test_bill_of_an_image_that_the_indexer_forgot_is_made_anew(site: Site) -> None:
    assert site.post(imageName=site.image).status_code == 200

    async def forget() -> int:
        pool = Pool(settings=site.scanner_database, clock=SystemClock())
        await pool.connect()
        try:
            return await pool.execute("DELETE FROM index_manifest")
        finally:
            await pool.close()

    assert asyncio.run(forget()) == 1
    answer = site.post(imageName=site.image)
    assert (answer.status_code, packages(answer.content)) == (200, PACKAGES)


def test_bill_is_scanned_without_its_image(site: Site, tmp_path: Path) -> None:
    bill = site.post(imageName=site.image).content
    with site.central.client() as client:
        answer = client.post("/api/v1/sboms/scan", content=bill, headers={"content-type": "text/spdx+json"})
    assert answer.status_code == 200, answer.text
    found = {part["name"]: part for part in answer.json()["scan"]["components"]}
    assert {name for name, _ in PACKAGES} <= set(found)
    assert [vuln["cve"] for vuln in found["openssl"]["vulns"]] == ["CVE-2099-0001"]
    assert "vulns" not in found["lodash"]
    file = tmp_path / "bill.json"
    file.write_bytes(bill)
    arguments = ("sbom", "scan", "--file", str(file), "-o", "csv", "--fail")
    done = roxctl(*arguments, environment=site.environment(tmp_path))
    assert done.code == 1, done.err
    assert "openssl,3.0.11-1~deb12u1,CVE-2099-0001," in done.out


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"imageName": ""}, 400, "generating SBOM: error parsing image name '': invalid reference format"),
        ({"imageName": 5}, 400, "decoding json request body: json: cannot unmarshal number"),
        ({"imageName": "a:1", "cluster": "x"}, 400, "generating SBOM: scans by a secured cluster"),
    ],
)
def test_requests_that_cannot_be_are_refused(
    site: Site, body: dict[str, Any], status: int, words: str
) -> None:
    answer = site.post(**body)
    assert (answer.status_code, answer.json()["code"]) == (status, 3)
    assert answer.json()["message"].startswith(words)


def test_image_that_no_registry_has_is_told_with_the_registrys_words(site: Site) -> None:
    answer = site.post(imageName=site.image.replace("app", "missing"))
    assert answer.status_code == 404
    assert answer.json()["message"].startswith("generating SBOM: image enrichment error: error getting meta")


def test_nobody_without_credentials_gets_a_bill(site: Site) -> None:
    with site.central.client(auth=None) as client:
        answer = client.post(PATH, json={"imageName": site.image})
        page = client.get(PATH)
    assert (answer.status_code, page.status_code) == (401, 401)
    assert "SPDX" not in answer.text


def test_roxctl_writes_the_bill(site: Site, tmp_path: Path) -> None:
    arguments = ("image", "sbom", "--image", site.image, "--force")
    done = roxctl(*arguments, environment=site.environment(tmp_path))
    assert (done.code, done.err) == (0, "")
    assert packages(done.out.encode()) == PACKAGES
