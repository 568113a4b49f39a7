"""A real image of a private registry, scanned by Central; what is found is computed a second way.

debootstrap's root with packages added by pip, npm and Maven lies in Debian's registry, behind
TLS and basic auth. Central, Indexer and Matcher are processes. Packages must equal what the
native tools list, vulnerabilities what `tests.support.feeds` makes of the raw files.

The credentials are given by `POST /v1/imageintegrations`. Upstream's integration message has
no field for a CA: the registry's comes from the directory of additional CAs, as it does there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import httpx
import pytest
from packaging.utils import canonicalize_name

from pyrox.clock import SystemClock
from pyrox.mtls.identity import SCANNER_V4_INDEXER, SCANNER_V4_MATCHER
from pyrox.scan.repositories import Mappings
from services.compliance.node.index import index_node
from services.local import starter
from tests.support import feeds, pg, real_image
from tests.support.central import PASSWORD, ROOT, RunningCentral, running_central
from tests.support.docker_registry import Real, serving
from tests.support.pg import free_port
from tests.support.scanner_process import Process, running
from tools.build_vuln_bundle import build

pytestmark = [
    pytest.mark.needs(
        "root", "debootstrap", "docker_registry", "postgres", "shared", "dpkg", "node", "maven"
    ),
    pytest.mark.timeout(600),
]

# What a client gets; `components` of the scan, by where they come from.
ECOSYSTEMS = {"OS": "dpkg", "PYTHON": "PyPI", "NODEJS": "npm", "JAVA": "Maven"}
ENFORCED = "Fixable Severity at least Important"
"""The default policy that fails builds, and that this image violates."""
OWN = "No Log4Shell"
OWN_POLICY = {
    "name": OWN,
    "severity": "CRITICAL_SEVERITY",
    "lifecycleStages": ["BUILD"],
    "categories": ["Vulnerability Management"],
    "enforcementActions": ["FAIL_BUILD_ENFORCEMENT"],
    "policyVersion": "1.1",
    "policySections": [{"policyGroups": [{"fieldName": "CVE", "values": [{"value": "CVE-2021-44228"}]}]}],
}


@dataclass(frozen=True)
class Site:
    """What the tests talk to."""

    central: RunningCentral
    registry: Real
    image: str

    def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """A call of the administrator."""
        with self.central.client() as client:
            return client.request(method, path, json=body, timeout=120)

    def integration(self, password: str) -> dict[str, Any]:
        """The registry as an image integration."""
        docker = {"endpoint": f"https://{self.registry.host}", "username": "puller", "password": password}
        return {"name": "private", "type": "docker", "categories": ["REGISTRY"], "docker": docker}

    def roxctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What a person or a pipeline runs."""
        command = (sys.executable, "-m", "roxctl.main", "--insecure-skip-tls-verify")
        place = ("-e", f"127.0.0.1:{self.central.port}", "--password", PASSWORD)
        return subprocess.run(
            [*command, *place, *arguments],
            capture_output=True,
            text=True,
            env={**os.environ, "HOME": str(self.registry.directory)},
            cwd=ROOT,
            timeout=120,
            check=False,
        )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory for all; half a gigabyte is not kept for the next run."""
    made = tmp_path_factory.mktemp("real-image")
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def root(place: Path) -> Path:
    """The image's file system."""
    real_image.build(place / "root")
    return place / "root"


@pytest.fixture(scope="module")
def bundle(place: Path, shared: Path) -> Path:
    """The feeds' advisories and the starter set, as the Matcher loads them."""
    build(shared / "data/feeds", place / "feeds.zip")
    starter.write(place / "starter.zip", SystemClock())
    with zipfile.ZipFile(place / "all.zip", "w") as together:
        for part in ("feeds", "starter"):
            with zipfile.ZipFile(place / f"{part}.zip") as archive:
                for info in archive.infolist():
                    name = f"bundles/{part}-{Path(info.filename).name}"
                    together.writestr(zipfile.ZipInfo(name, info.date_time), archive.read(info))
    return place / "all.zip"


@pytest.fixture(scope="module")
def site(place: Path, root: Path, bundle: Path, pg_server: pg.TestServer) -> Iterator[Site]:
    """Everything runs, and the image is pushed."""
    for name in ("registry", "authorities", "scratch"):
        (place / name).mkdir()
    settings, addresses = pg_server.database(), [f"127.0.0.1:{free_port()}" for _ in range(2)]
    environment = {
        "ROX_SCANNER_V4": "true",
        "ROX_SCANNER_V4_INDEXER_ENDPOINT": addresses[0],
        "ROX_SCANNER_V4_MATCHER_ENDPOINT": addresses[1],
    }
    arguments = ("--additional-ca", str(place / "authorities"), "--allow-local-registries")
    scratch = {"TMPDIR": str(place / "scratch")}
    indexing = {
        "SCANNER_V4_GRPC_LISTEN_ADDR": addresses[0],
        "ROX_ADDITIONAL_CA_DIR": str(place / "authorities"),
    }
    matching = {
        "SCANNER_V4_GRPC_LISTEN_ADDR": addresses[1],
        "SCANNER_V4_MATCHER_VULNERABILITIES_URL": bundle.as_uri(),
        "SCANNER_V4_MATCHER_INDEXER_ADDR": addresses[0],
        "SCANNER_V4_MATCHER_READINESS": "vulnerability",
    }
    with serving(place / "registry") as registry:
        (place / "authorities/registry.crt").write_text(registry.ca_pem)
        registry.push("team/real", "1", *(path.read_bytes() for path in real_image.layers(root, place)))
        with running_central(
            place / "central", pg_server.database(), arguments=arguments, environment=environment
        ) as central:
            pki = central.pki
            indexer = Process("scanner_indexer", settings, pki, SCANNER_V4_INDEXER, **scratch, **indexing)
            matcher = Process("scanner_matcher", settings, pki, SCANNER_V4_MATCHER, **scratch, **matching)
            with running(indexer, matcher):
                ready(matcher)
                yield Site(central, registry, f"{registry.host}/team/real:1")


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
def components(site: Site) -> list[dict[str, Any]]:
    """The components of the scanned image, after the credentials were given."""
    made = site.call("POST", "/v1/imageintegrations", site.integration("right"))
    assert made.status_code == 200, made.text
    assert made.json()["docker"]["password"] == "******"
    scanned = site.call("POST", "/v1/images/scan", {"imageName": site.image})
    assert scanned.status_code == 200, scanned.text
    scan = scanned.json()["scan"]
    assert scan["operatingSystem"] == "debian:11"
    found: list[dict[str, Any]] = scan["components"]
    return found


def test_wrong_password_shows_the_registrys_own_words(site: Site) -> None:
    answer = site.call("POST", "/v1/imageintegrations", site.integration("wrong"))
    assert answer.status_code == 400, answer.text
    assert "authentication required" in answer.json()["message"]
    assert "wrong" not in answer.text
    listed = site.call("GET", "/v1/imageintegrations").json()["integrations"]
    assert [one for one in listed if one["name"] == "private"] == []


def test_image_without_credentials_shows_the_registrys_own_words(site: Site) -> None:
    without = site.roxctl("image", "scan", "--retries", "0", "--image", site.image)
    assert without.returncode == 1
    assert "authentication required" in without.stderr


def test_packages_equal_what_the_native_tools_list(root: Path, components: list[dict[str, Any]]) -> None:
    found = [(ECOSYSTEMS[one["source"]], one["name"], one["version"]) for one in components]
    places = {(one["location"], *found[number]) for number, one in enumerate(components)}
    assert len(places) == len(components), "a package is there twice"
    listed = {
        "dpkg": {(deb.name, deb.version) for deb in real_image.debs(root)},
        "PyPI": real_image.python_packages(root),
        "npm": real_image.npm_packages(root),
        "Maven": real_image.maven_packages(),
    }
    assert {(kind, named(kind, name), version) for kind, name, version in found} == {
        (kind, *package) for kind, packages in listed.items() for package in packages
    }


def test_root_as_a_node_has_the_packages_that_dpkg_lists(root: Path) -> None:
    report, _ = index_node(root, Mappings())
    found = sorted((package.name, package.version) for package in report.packages.values())
    assert found == sorted((deb.name, deb.version) for deb in real_image.debs(root))
    assert [(system.did, system.version_id) for system in report.distributions.values()] == [("debian", "11")]
    assert report.notes == ()


def named(ecosystem: str, name: str) -> str:
    """A name as its native tool compares it."""
    return canonicalize_name(name) if ecosystem == "PyPI" else name


def test_findings_equal_what_the_raw_feeds_say(
    root: Path, shared: Path, components: list[dict[str, Any]]
) -> None:
    found = {
        (ECOSYSTEMS[one["source"]], named(ECOSYSTEMS[one["source"]], one["name"]), one["version"],
         vuln["cve"], vuln.get("fixedBy", ""))
        for one in components
        for vuln in one.get("vulns", ())
    }  # fmt: skip
    raw = shared / "data/feeds"
    trackers = [feeds.plain(raw / "debian/tracker.json.gz"), feeds.plain(starter.SOURCE / "debian.json")]
    ours = feeds.plain(starter.SOURCE / "osv.json")
    packages = [(d.name, d.version, d.source, d.source_version) for d in real_image.debs(root)]
    pypi = chain(feeds.zipped(raw / "osv/PyPI/all.zip"), ours)
    said = {
        "dpkg": feeds.debian(packages, trackers, real_image.SUITE),
        "PyPI": feeds.osv(real_image.python_packages(root), pypi, "PyPI"),
        "npm": feeds.osv(real_image.npm_packages(root), ours, "npm"),
        "Maven": feeds.osv(real_image.maven_packages(), ours, "Maven"),
    }
    assert found == {(kind, *row) for kind, findings in said.items() for row in findings.rows()}
    hits = Counter(row[0] for row in found)
    assert set(hits) == set(said)
    assert hits.total() >= 20, hits
    silent = {(kind, *package) for kind, findings in said.items() for package in findings.silent}
    assert len(silent) >= 20, silent
    assert {kind for kind, *_ in silent} == set(said)


def test_image_check_exits_by_the_enforced_policies(site: Site, components: list[dict[str, Any]]) -> None:
    """A default policy fails the build, none after it is off, an own one does again."""
    assert components
    fails = site.roxctl("image", "check", "--image", site.image)
    assert fails.returncode == 1
    assert ENFORCED in fails.stdout
    listed = site.call("GET", f"/v1/policies?query=Policy:{ENFORCED}").json()["policies"]
    site.call("PATCH", f"/v1/policies/{listed[0]['id']}", {"disabled": True})
    passes = site.roxctl("image", "check", "--image", site.image)
    assert passes.returncode == 0, passes.stdout + passes.stderr
    policy = site.call("POST", "/v1/policies?enableStrictValidation=true", OWN_POLICY)
    assert policy.status_code == 200, policy.text
    fails = site.roxctl("image", "check", "--image", site.image)
    assert fails.returncode == 1
    assert OWN in fails.stdout
