"""An image of a private registry: credentials by API, scan by Central, verdict by roxctl.

Debian's registry over TLS with basic auth, a real Central process, Indexer and Matcher.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_scan_whole import APP, BASE
from tests.support import pg, scanner
from tests.support.central import PASSWORD, ROOT, RunningCentral, running_central
from tests.support.definitions import archive, debian, lines, osv
from tests.support.docker_registry import Real, serving
from tests.support.pg import free_port

pytestmark = [pytest.mark.needs("postgres", "docker_registry")]
ADVISORIES = {
    "debian": [
        debian("CVE-2023-5363", "openssl", "3.0.11-1~deb12u2"),
        debian("CVE-2099-1", "openssl", "1.0"),
    ],
    "npm": [osv("GHSA-fvqr-27wr-82fm CVE-2018-3721", "npm", "lodash", "fixed=4.17.5")],
}
POLICY = {
    "name": "No old lodash",
    "severity": "HIGH_SEVERITY",
    "lifecycleStages": ["BUILD"],
    "categories": ["Vulnerability Management"],
    "enforcementActions": ["FAIL_BUILD_ENFORCEMENT"],
    "policyVersion": "1.1",
    "policySections": [{"policyGroups": [{"fieldName": "CVE", "values": [{"value": "CVE-2018-3721"}]}]}],
}


@dataclass(frozen=True)
class Site:
    """What the test talks to."""

    central: RunningCentral
    registry: Real
    image: str

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """A call of the administrator; in a thread, since the scanner runs in this loop."""

        def work() -> Any:
            with self.central.client() as client:
                return client.request(method, path, json=body)

        return await asyncio.to_thread(work)

    def integration(self, password: str) -> dict[str, Any]:
        docker = {"endpoint": f"https://{self.registry.host}", "username": "puller", "password": password}
        return {"name": "private", "type": "docker", "categories": ["REGISTRY"], "docker": docker}

    async def roxctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable,
            "-m",
            "roxctl.main",
            "--insecure-skip-tls-verify",
            "-e",
            f"127.0.0.1:{self.central.port}",
        ]
        environment = {**os.environ, "ROX_ADMIN_PASSWORD": PASSWORD, "HOME": str(self.registry.directory)}
        return await asyncio.to_thread(
            subprocess.run,
            [*command, "--password", PASSWORD, *arguments],
            capture_output=True,
            text=True,
            env=environment,
            cwd=ROOT,
            timeout=120,
            check=False,
        )


@pytest.fixture
async def site(tmp_path: Path, pg_server: pg.TestServer) -> AsyncIterator[Site]:
    (tmp_path / "registry").mkdir()
    with serving(tmp_path / "registry") as registry:
        registry.push("team/app", "1", BASE, APP)
        authorities = tmp_path / "authorities"
        authorities.mkdir()
        (authorities / "registry.crt").write_text(registry.ca_pem)
        (tmp_path / "all.zip").write_bytes(archive({name: lines(rows) for name, rows in ADVISORIES.items()}))
        indexer, matcher = free_port(), free_port()
        environment = {
            "ROX_SCANNER_V4": "true",
            "ROX_SCANNER_V4_INDEXER_ENDPOINT": f"127.0.0.1:{indexer}",
            "ROX_SCANNER_V4_MATCHER_ENDPOINT": f"127.0.0.1:{matcher}",
        }
        arguments = ("--additional-ca", str(authorities), "--allow-local-registries")
        place = tmp_path / "central"
        with running_central(
            place, pg_server.database(), arguments=arguments, environment=environment
        ) as central:
            settings = pg_server.database()
            to_indexer = {
                "SCANNER_V4_GRPC_LISTEN_ADDR": f"127.0.0.1:{indexer}",
                "ROX_ADDITIONAL_CA_DIR": str(authorities),
            }
            to_matcher = {
                "SCANNER_V4_GRPC_LISTEN_ADDR": f"127.0.0.1:{matcher}",
                "SCANNER_V4_MATCHER_VULNERABILITIES_URL": (tmp_path / "all.zip").as_uri(),
                "SCANNER_V4_MATCHER_INDEXER_ADDR": f"127.0.0.1:{indexer}",
            }
            async with (
                scanner.indexer(settings, central.pki, **to_indexer),
                scanner.matcher(settings, central.pki, **to_matcher) as running,
            ):
                await scanner.loaded(running)
                yield Site(central, registry, f"{registry.host}/team/app:1")


async def test_wrong_password_shows_the_registrys_own_words(site: Site) -> None:
    answer = await site.call("POST", "/v1/imageintegrations", site.integration("wrong"))
    assert answer.status_code == 400, answer.text
    assert "authentication required" in answer.json()["message"]
    assert "wrong" not in answer.text
    listed = (await site.call("GET", "/v1/imageintegrations")).json()["integrations"]
    assert [one for one in listed if one["name"] == "private"] == []


async def test_private_image_is_scanned_and_its_check_fails_the_build(site: Site) -> None:
    without = await site.roxctl("image", "scan", "--image", site.image)
    assert without.returncode == 1
    assert "authentication required" in without.stderr
    made = await site.call("POST", "/v1/imageintegrations", site.integration("right"))
    assert made.status_code == 200, made.text
    assert made.json()["docker"]["password"] == "******"
    scanned = await site.call("POST", "/v1/images/scan", {"imageName": site.image})
    assert scanned.status_code == 200, scanned.text
    image = scanned.json()
    found = {
        (part["name"], part["version"], vuln["cve"], vuln["fixedBy"])
        for part in image["scan"]["components"]
        for vuln in part["vulns"]
    }
    assert found == {
        ("openssl", "3.0.11-1~deb12u1", "CVE-2023-5363", "3.0.11-1~deb12u2"),
        ("lodash", "4.17.4", "CVE-2018-3721", "4.17.5"),
    }
    assert image["scan"]["operatingSystem"] == "debian:12"
    await _check_image(site)


async def _check_image(site: Site) -> None:
    """An enforced default policy fails the build, none after it is off, an own one does again."""
    name = "Fixable Severity at least Important"
    fails = await site.roxctl("image", "check", "--image", site.image)
    assert fails.returncode == 1
    assert name in fails.stdout
    listed = (await site.call("GET", f"/v1/policies?query=Policy:{name}")).json()["policies"]
    await site.call("PATCH", f"/v1/policies/{listed[0]['id']}", {"disabled": True})
    passes = await site.roxctl("image", "check", "--image", site.image)
    assert passes.returncode == 0, passes.stderr
    policy = await site.call("POST", "/v1/policies?enableStrictValidation=true", POLICY)
    assert policy.status_code == 200, policy.text
    fails = await site.roxctl("image", "check", "--image", site.image)
    assert fails.returncode == 1
    assert "No old lodash" in fails.stdout
