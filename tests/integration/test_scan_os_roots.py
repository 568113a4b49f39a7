"""Images of small systems in a real registry: packages equal what the native tools list.

The roots are made by rpmbuild and rpm, db5.3_load, dpkg-deb, and for apk by hand in the form
that apk-tools writes, read a second time by a reader that shares nothing with the Indexer's.
Registry, Indexer and database are real; Central is this test.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from pyrox.mtls.identity import CENTRAL, SCANNER_V4_INDEXER
from pyrox.pb.internalapi.scanner.v4 import indexer_service_pb2 as pb
from pyrox.pb.internalapi.scanner.v4.common_pb2 import Contents, Package
from pyrox.pb.internalapi.scanner.v4.index_report_pb2 import IndexReport
from pyrox.pb.internalapi.scanner.v4.indexer_service_pb2_grpc import IndexerStub
from pyrox.pg.settings import Settings
from tests.support import os_roots, scanner
from tests.support.docker_registry import Real, serving
from tests.support.fake_registry import digest_of, layer_of
from tests.support.pki import Pki

if TYPE_CHECKING:
    from pyrox.pb.internalapi.scanner.v4.indexer_service_pb2_grpc import IndexerAsyncStub

pytestmark = [
    pytest.mark.needs("root", "postgres", "docker_registry", "rpm", "dpkg"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
]

# Fedora's, Alpine's and Debian's own words (their os-release files).
FEDORA = b'NAME="Fedora Linux"\nID=fedora\nVERSION_ID=40\nPRETTY_NAME="Fedora Linux 40"\n'
ALPINE = b'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.19.1\nPRETTY_NAME="Alpine Linux v3.19"\n'
DEBIAN = (
    b'PRETTY_NAME="Distroless"\nNAME="Debian GNU/Linux"\nID="debian"\nVERSION_ID="12"\n'
    b'VERSION="Debian GNU/Linux 12 (bookworm)"\n'
)
# Names, versions and commits as in Alpine's v3.19 package index.
APK = """C:Q1zR5OQ1ds0fUqxZ0m4R2Xnp8nOG4=
P:musl
V:1.2.4_git20230717-r4
A:x86_64
o:musl
c:ca7f2ab5e88794e4e654b40776f8a92256f50639
F:lib
R:ld-musl-x86_64.so.1
a:0:0:755
R:libc.musl-x86_64.so.1

C:Q1RS1fmsgKxCO4u2xyaBs8IzcaO5Q=
P:libcrypto3
V:3.1.4-r5
A:x86_64
o:openssl
c:b784a22cad0c452586b438cb7a597d846fc09ff4
F:usr
F:usr/lib
R:libcrypto.so.3

P:py3-six
V:1.16.0-r7
A:noarch
o:py3-six
F:usr/lib/python3.11/site-packages/six-1.16.0.dist-info
R:METADATA

"""
SIX = b"Metadata-Version: 2.1\nName: six\nVersion: 1.16.0\n"
REQUESTS = b"Metadata-Version: 2.1\nName: requests\nVersion: 2.31.0\n"
APK_SIX = "usr/lib/python3.11/site-packages/six-1.16.0.dist-info/METADATA"
CONTROLS = {
    "tzdata": "Package: tzdata\nVersion: 2024a-0+deb12u1\nArchitecture: all\n",
    "libssl3": "Package: libssl3\nSource: openssl\nVersion: 3.0.11-1~deb12u2\nArchitecture: amd64\n",
    "base-files": "Package: base-files\nVersion: 12.4+deb12u5\nArchitecture: amd64\n",
    "python3-yaml": (
        "Package: python3-yaml\nSource: pyyaml (6.0-3)\nVersion: 6.0-3+b2\nArchitecture: amd64\n"
    ),
}
TAIL = "Maintainer: Nobody <nobody@localhost>\nDescription: x\n"
YAML = "usr/lib/python3/dist-packages/PyYAML-6.0.egg-info/PKG-INFO"


@dataclass(frozen=True)
class Site:
    """Where images are pushed, and who indexes them."""

    registry: Real
    indexer: IndexerAsyncStub

    async def index(self, name: str, *layers: bytes) -> IndexReport:
        """Push an image and have it indexed."""
        digest = self.registry.push(f"roots/{name}", "1", *layers)
        request = pb.GetOrCreateIndexReportRequest(hash_id=f"/v4/containerimage/{digest}")
        image = request.container_image
        image.url = f"https://{self.registry.host}/roots/{name}@{digest}"
        image.username, image.password, image.insecure_skip_tls_verify = "puller", "right", True
        return await self.indexer.GetOrCreateIndexReport(request)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(database: Settings, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    pki = Pki(tmp_path_factory.mktemp("pki"))
    with serving(tmp_path_factory.mktemp("registry")) as registry:
        async with (
            scanner.indexer(database, pki) as app,
            scanner.channel(app.front.addresses[0], pki, CENTRAL, SCANNER_V4_INDEXER) as channel,
        ):
            yield Site(registry, IndexerStub(channel))


@dataclass(frozen=True)
class RpmRoot:
    """A root with an rpm database."""

    path: Path
    signed_by: str


@pytest.fixture(scope="module")
def rpms(tmp_path_factory: pytest.TempPathFactory) -> RpmRoot:
    place = tmp_path_factory.mktemp("rpms")
    packages = os_roots.built_rpms(place)
    key = os_roots.sign(place, next(path for path in packages if path.name.startswith("nodejs-18")))
    os_roots.install(place / "root", packages, key)
    (place / "root/etc").mkdir(exist_ok=True)
    (place / "root/etc/os-release").write_bytes(FEDORA)
    said = os_roots.rpm(place / "root", "-q", "nodejs", "--qf", "%{RSAHEADER:pgpsig}").decode()
    return RpmRoot(place / "root", said.rpartition("Key ID ")[2])


FORMS = {
    "sqlite": ("sqlite", "rpmdb.sqlite"),
    "ndb": ("ndb", "Packages.db"),
    "bdb little": ("bdb", "Packages"),
    "bdb big": ("bdb", "Packages"),
}


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest, rpms: RpmRoot, tmp_path: Path) -> tuple[str, bytes, Path]:
    """The prefix of the form, the image's layer, and a root whose database has the form."""
    kind, name = FORMS[request.param]
    database = tmp_path / "root" / os_roots.DB_PATH[1:] / name
    database.parent.mkdir(parents=True)
    records = os_roots.headers(rpms.path)
    if kind == "sqlite":
        database.write_bytes((rpms.path / os_roots.DB_PATH[1:] / name).read_bytes())
    elif kind == "ndb":
        os_roots.write_ndb(database, records)
    else:
        os_roots.write_bdb(database, records, "<" if request.param == "bdb little" else ">")
    for path in ("etc/os-release", os_roots.SIX):
        target = tmp_path / "root" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((rpms.path / path).read_bytes())
    return kind, os_roots.layer(tmp_path / "root", tmp_path / "layer.tar.gz"), tmp_path / "root"


async def test_rpm_packages_of_every_form_equal_what_rpm_lists(
    site: Site, rpms: RpmRoot, form: tuple[str, bytes, Path]
) -> None:
    kind, layer, root = form
    added = layer_of({"usr/lib/python3.9/site-packages/requests-2.31.0.dist-info/METADATA": REQUESTS})
    report = await site.index(f"rpm-{kind}", layer, added)
    # Debian's rpm cannot read NDB; those headers are the SQLite database's.
    listed = os_roots.listed(rpms.path if kind == "ndb" else root, kind if kind == "bdb" else "sqlite")
    found = of_database(report.contents, f"{kind}:var/lib/rpm")
    assert len(listed) == 4
    assert {(p.name, p.version, p.arch, p.module) for p in found} == {
        (name, version, arch, ":".join(module.split(":")[:2])) for name, version, arch, _, module in listed
    }
    assert {(p.name, f"{p.source.name}-{p.source.version}.src.rpm") for p in found} == {
        (name, source) for name, _, _, source, _ in listed
    }
    assert {p.name: p.repository_hint.partition("key=")[2] for p in found if "key=" in p.repository_hint} == {
        "nodejs": rpms.signed_by
    }
    # `six` belongs to an rpm; `requests` came later and belongs to nobody.
    assert {p.name for p in report.contents.packages.values()} - {p.name for p in found} == {"requests"}
    assert [(d.did, d.version_id) for d in report.contents.distributions.values()] == [("fedora", "40")]


def of_database(contents: Contents, package_db: str) -> list[Package]:
    """The packages of a report that a database records."""
    return [
        contents.packages[key]
        for key, places in contents.environments.items()
        if any(place.package_db == package_db for place in places.environments)
    ]


def apk_rows(text: str) -> set[tuple[str, ...]]:
    """A second reader of apk's database: the whole stanza by its letters."""
    rows = [dict(line.split(":", 1) for line in stanza.splitlines()) for stanza in text.strip().split("\n\n")]
    return {(row["P"], row["V"], row["A"], row["o"], row.get("c", "")) for row in rows}


@pytest.mark.parametrize("path", ["lib/apk/db/installed", "usr/lib/apk/db/installed"])
async def test_apk_packages_of_both_places_equal_a_second_reading(site: Site, path: str) -> None:
    base = layer_of({"etc/os-release": ALPINE, path: APK.encode()})
    report = await site.index("apk", base, layer_of({APK_SIX: SIX}))
    found = {
        (p.name, p.version, p.arch, p.source.name, p.repository_hint)
        for p in report.contents.packages.values()
    }
    assert found == apk_rows(APK)
    assert len(found) == 3
    places = {e.package_db for places in report.contents.environments.values() for e in places.environments}
    assert places == {path}
    (system,) = report.contents.distributions.values()
    assert (system.did, system.version, system.pretty_name) == ("alpine", "3.19", "Alpine Linux v3.19")


async def test_distroless_packages_equal_what_dpkg_deb_lists(site: Site, tmp_path: Path) -> None:
    controls = {name: control + TAIL for name, control in CONTROLS.items()}
    files = {f"python3-yaml:{YAML}": "Metadata-Version: 1.2\nName: PyYAML\nVersion: 6.0\n"}
    root = tmp_path / "root"
    os_roots.distroless(root, tmp_path, controls, files)
    (root / "etc").mkdir()
    (root / "etc/os-release").write_bytes(DEBIAN)
    # As distroless images do: a layer for each package.
    layers = [os_roots.layer(root, tmp_path / "os.tar.gz", "./etc")]
    status = "./var/lib/dpkg/status.d"
    for name in CONTROLS:
        paths = (
            f"{status}/{name}",
            f"{status}/{name}.md5sums",
            *(["./usr"] if name == "python3-yaml" else []),
        )
        layers.append(os_roots.layer(root, tmp_path / f"{name}.tar.gz", *paths))
    report = await site.index("distroless", *layers)
    found = {
        (p.name, p.version, p.arch, p.source.name, p.source.version)
        for p in report.contents.packages.values()
    }
    assert found == os_roots.debs_listed(tmp_path)
    assert len(found) == len(CONTROLS)
    by_name = {p.name: key for key, p in report.contents.packages.items()}
    introduced = {
        name: report.contents.environments[key].environments[0].introduced_in for name, key in by_name.items()
    }
    assert introduced == {name: digest_of(layer) for name, layer in zip(CONTROLS, layers[1:], strict=True)}
    (system,) = report.contents.distributions.values()
    assert (system.did, system.version_id, system.version_code_name) == ("debian", "12", "bookworm")
