"""A real image through a real registry, Indexer and Matcher; what is found is computed a second way.

The root is debootstrap's, with packages added by pip and npm, and a jar. Packages must
equal what the native tools list; vulnerabilities must equal what a short script makes of
the raw feeds with `dpkg --compare-versions` and `packaging`.
"""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.version import InvalidVersion, Version

from pyrox.mtls.identity import CENTRAL, SCANNER_V4_INDEXER, SCANNER_V4_MATCHER
from pyrox.pb.internalapi.scanner.v4 import indexer_service_pb2, matcher_service_pb2
from pyrox.pb.internalapi.scanner.v4.common_pb2 import Contents
from pyrox.pb.internalapi.scanner.v4.indexer_service_pb2_grpc import IndexerStub
from pyrox.pb.internalapi.scanner.v4.matcher_service_pb2_grpc import MatcherStub
from pyrox.pb.internalapi.scanner.v4.vulnerability_report_pb2 import VulnerabilityReport
from tests.support import pg, real_image, scanner
from tests.support.definitions import archive, debian, lines, osv
from tests.support.docker_registry import Real, serving
from tests.support.pki import Pki
from tests.support.real_image import run
from tools.build_vuln_bundle import build

pytestmark = [
    pytest.mark.needs("root", "debootstrap", "docker_registry", "postgres", "shared", "dpkg", "node"),
    pytest.mark.timeout(400),
]

LOG4J = "org.apache.logging.log4j:log4j-core"
# Beside the feeds: advisories of our own, so that every ecosystem has hits.
EXTRA = {
    "starter-os": [debian("CVE-2099-0001", "util-linux", "99.0"), debian("CVE-2099-0002", "zlib")],
    "starter": [
        osv("GHSA-fvqr-27wr-82fm CVE-2018-3721", "npm", "lodash", "fixed=4.17.5"),
        osv("GHSA-fixed-in-npm", "npm", "minimist", "fixed=0.0.1"),
        osv("GHSA-jfh8-c2jp-5v3q CVE-2021-44228", "maven", LOG4J, "introduced=2.13.0&fixed=2.15.0"),
        osv("GHSA-other", "maven", LOG4J, "introduced=2.0&fixed=2.3.1"),
    ],
}  # fmt: skip
EXTRA_HITS = {
    ("util-linux", "CVE-2099-0001", "99.0"),
    ("zlib", "CVE-2099-0002", ""),
    ("lodash", "CVE-2018-3721", "4.17.5"),
    (LOG4J, "CVE-2021-44228", "2.15.0"),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The image's file system."""
    directory = tmp_path_factory.mktemp("image") / "root"
    real_image.build(directory)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    with serving(tmp_path_factory.mktemp("registry")) as real:
        yield real


def listed(root: Path) -> dict[str, set[tuple[str, str]]]:
    """What the native tools say is installed, by ecosystem."""
    dpkg = run(
        "dpkg-query",
        f"--admindir={root}/var/lib/dpkg",
        "-W",
        "-f",
        "${Package}\t${Version}\t${db:Status-Status}\n",
    )
    packages = root / "usr/local/lib/python3.11/dist-packages"
    pip = json.loads(run(sys.executable, "-m", "pip", "list", "--format=json", "--path", str(packages)))
    npm = real_image.npm("ls", "--all", "--parseable", "--long", cwd=root / "srv/app").splitlines()
    names = [line.split(":")[1] for line in npm if "node_modules" in line]
    return {
        "dpkg": {
            (n, v)
            for n, v, status in (line.split("\t") for line in dpkg.splitlines())
            if status == "installed"
        },
        "python": {(p["name"].lower(), str(Version(p["version"]))) for p in pip},
        "npm": {tuple(name.rsplit("@", 1)) for name in names},  # type: ignore[misc]
    }


def indexed(contents: Contents) -> dict[str, set[tuple[str, str]]]:
    """What the report says, in the same form."""
    found: dict[str, set[tuple[str, str]]] = {"dpkg": set(), "python": set(), "npm": set()}
    for key, package in contents.packages.items():
        database = contents.environments[key].environments[0].package_db
        if database.startswith("python:"):
            found["python"].add((package.name.lower(), str(Version(package.version))))
        elif database.startswith("nodejs:"):
            found["npm"].add((package.name, package.version))
        elif "dpkg" in database:
            found["dpkg"].add((package.name, package.version))
    return found


def newer(a: str, b: str) -> bool:
    return subprocess.run(["dpkg", "--compare-versions", a, "lt", b], check=False).returncode == 0


def dpkg_hits(root: Path, feeds: Path) -> tuple[set[tuple[str, str, str]], int]:
    """(source, CVE, fix) by the tracker, and how many fixed versions stay silent."""
    tracker = json.loads(gzip.decompress((feeds / "debian/tracker.json.gz").read_bytes()))
    out = run(
        "dpkg-query", f"--admindir={root}/var/lib/dpkg", "-W", "-f", "${source:Package}\t${source:Version}\n"
    )
    hits, silent = set(), 0
    for source, version in {tuple(line.split("\t")) for line in out.splitlines()}:
        for cve, issue in tracker.get(source, {}).items():
            release = issue["releases"].get("bookworm")
            if release is None or release.get("fixed_version") == "0":
                continue
            fixed = release.get("fixed_version", "")
            if not fixed or newer(version, fixed):
                hits.add((source, cve, fixed))
            else:
                silent += 1
    return hits, silent


def pypi_hits(installed: set[tuple[str, str]], feeds: Path) -> tuple[set[tuple[str, str, str]], int]:
    """(project, shown name, fix) by the OSV documents, evaluated as the schema says; and the silent ones."""
    versions = {folded(name): Version(version) for name, version in installed}
    hits: set[tuple[str, str, str]] = set()
    silent = 0
    with zipfile.ZipFile(feeds / "osv/PyPI/all.zip") as documents:
        for info in documents.infolist():
            document = json.loads(documents.read(info))
            for affected in document.get("affected", []) if not document.get("withdrawn") else []:
                name = folded(affected["package"]["name"])
                if name in versions:
                    fixes = osv_fixes(affected, versions[name])
                    hits |= {(name, shown(document), fix) for fix in fixes}
                    silent += not fixes
    return hits, silent


def folded(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def shown(document: dict[str, Any]) -> str:
    """The name that a report shows: a CVE where the advisory or its links hold one."""
    pages = [f"https://osv.dev/vulnerability/{alias}" for alias in document.get("aliases", [])]
    links = " ".join([*(reference["url"] for reference in document.get("references", [])), *pages])
    for pattern in (r"CVE-\d{4}-\d+", r"GHSA(-[2-9cfghjmpqrvwx]{4}){3}", r"[A-Z]+-\d{4}[-:]\d+"):
        for text in (document["id"], links):
            if found := re.search(pattern, text):
                return found[0]
    return str(document["id"])


def osv_fixes(affected: dict[str, Any], version: Version) -> set[str]:
    """The fix of each range that holds the version (empty text for none); no element: not affected."""
    fixes = set()
    for part in affected.get("ranges", []):
        if part["type"] not in {"ECOSYSTEM", "SEMVER"}:
            continue
        start: Version | None = None
        for event in sorted(
            part["events"], key=lambda e: (Version(next(iter(e.values()))), "introduced" in e)
        ):
            ((kind, text),) = event.items()
            if kind == "introduced":
                start = start or Version(text)
            elif start is not None:
                inside = version < Version(text) if kind == "fixed" else version <= Version(text)
                if start <= version and inside:
                    fixes.add(text if kind == "fixed" else "")
                start = None
        if start is not None and start <= version:
            fixes.add("")
    if not fixes and any(same(text, version) for text in affected.get("versions", [])):
        fixes.add("")
    return fixes


def same(text: str, version: Version) -> bool:
    try:
        return Version(text) == version
    except InvalidVersion:
        return False


async def test_real_image_is_scanned_as_its_tools_and_feeds_say(
    root: Path, registry: Real, pg_server: pg.TestServer, shared: Path, tmp_path: Path
) -> None:
    feeds = shared / "data/feeds"
    build(feeds, tmp_path / "feeds.zip")
    with zipfile.ZipFile(tmp_path / "feeds.zip") as built:
        bundles = {Path(i.filename).name.removesuffix(".json.zst"): built.read(i) for i in built.infolist()}
    bundles |= {name: lines(records) for name, records in EXTRA.items()}
    (tmp_path / "all.zip").write_bytes(archive(bundles))
    layers = [path.read_bytes() for path in real_image.layers(root, tmp_path)]
    digest = registry.push("team/real", "1", *layers)
    (tmp_path / "cas").mkdir()
    (tmp_path / "cas/registry.crt").write_text(registry.ca_pem)
    pki, settings = Pki(tmp_path / "pki"), pg_server.database()
    async with (
        scanner.indexer(settings, pki, ROX_ADDITIONAL_CA_DIR=str(tmp_path / "cas")) as indexer,
        scanner.channel(indexer.front.addresses[0], pki, CENTRAL, SCANNER_V4_INDEXER) as to_indexer,
    ):
        asked = indexer_service_pb2.GetOrCreateIndexReportRequest(hash_id=f"/v4/containerimage/{digest}")
        asked.container_image.url = f"https://{registry.host}/team/real@{digest}"
        asked.container_image.username, asked.container_image.password = "puller", "right"
        index = await IndexerStub(to_indexer).GetOrCreateIndexReport(asked)
        address = "{}:{}".format(*indexer.front.addresses[0])
        more = {
            "SCANNER_V4_MATCHER_VULNERABILITIES_URL": (tmp_path / "all.zip").as_uri(),
            "SCANNER_V4_MATCHER_INDEXER_ADDR": address,
        }
        async with scanner.matcher(settings, pki, **more) as matcher:
            await scanner.loaded(matcher)
            async with scanner.channel(
                matcher.front.addresses[0], pki, CENTRAL, SCANNER_V4_MATCHER
            ) as to_matcher:
                wanted = matcher_service_pb2.GetVulnerabilitiesRequest(hash_id=asked.hash_id)
                report: VulnerabilityReport = await MatcherStub(to_matcher).GetVulnerabilities(wanted)
    installed = listed(root)
    assert indexed(index.contents) == installed
    assert {d.did for d in index.contents.distributions.values()} == {"debian"}
    check_hits(report, root, feeds, installed)


def check_hits(
    report: VulnerabilityReport, root: Path, feeds: Path, installed: dict[str, set[tuple[str, str]]]
) -> None:
    hits: set[tuple[str, str, str]] = set()
    pypi: set[tuple[str, str, str]] = set()
    for key, values in report.package_vulnerabilities.items():
        package = report.contents.packages[key]
        for found in (report.vulnerabilities[v] for v in values.values):
            if found.updater == "osv/pypi":
                pypi.add((folded(package.name), found.name, found.fixed_in_version))
            else:
                hits.add((package.source.name or package.name, found.name, found.fixed_in_version))
    by_tracker, silent_dpkg = dpkg_hits(root, feeds)
    by_osv, silent_pypi = pypi_hits(installed["python"], feeds)
    assert hits == by_tracker | EXTRA_HITS
    assert pypi == by_osv
    assert len(hits) + len(pypi) >= 20
    assert silent_dpkg + silent_pypi >= 20
