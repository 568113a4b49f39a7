"""A whole Central on its one TLS port: custom routes, certificates on them, the portal behind all."""

from __future__ import annotations

import base64
import io
import json
import os
import ssl
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import yaml

from pyrox.clock import SystemClock
from pyrox.mtls.ca import ServiceTrust, load_certificates
from pyrox.mtls.identity import Subject
from pyrox.mtls.reload import CertFiles
from pyrox.pg.pool import Pool
from pyrox.pg.settings import Settings
from tests.support import pg, served
from tests.support.bundles import offline_bundle
from tests.support.central import ADMIN, PASSWORD, RunningCentral, running_central
from tests.support.fleet import GREEN, RED, Fleet
from tests.support.pki import COLLECTOR, Pki
from tests.support.rpc_caller import call, channel

pytestmark = [pytest.mark.needs("postgres")]
ZIP, HELM = "/api/extensions/clusters/zip", "/api/extensions/clusters/helm-config.yaml"
DEFINITIONS = "/api/extensions/scannerdefinitions"
NO_ID = "00000000-0000-4000-8000-000000000000"
METADATA = next(method for method in served.methods() if method.path == "/v1.MetadataService/GetMetadata")


@dataclass
class Site:
    """A Central with a fleet, files to serve, and callers of every kind."""

    central: RunningCentral
    directory: Path
    limited: str
    reader: str

    def ask(
        self, method: str, path: str, *, token: str = "", cert: CertFiles | None = None, **more: Any
    ) -> httpx.Response:
        """One request: with a token, a certificate, or as nobody when `token` is `-`."""
        auth = None if token or cert else (ADMIN, PASSWORD)
        headers = {"authorization": f"Bearer {token}"} if token not in {"", "-"} else {}
        context = ssl.create_default_context(cafile=str(self.central.pki.ca_file))
        context.check_hostname = False  # the certificate names no address
        if cert:
            context.load_cert_chain(cert.cert, cert.key)
        with httpx.Client(
            base_url=self.central.url, auth=auth, headers=headers, verify=context, timeout=30
        ) as client:
            return client.request(method, path, **more)

    def certificate(self, subject: Subject) -> CertFiles:
        return self.central.pki.files(subject, f"{subject.type}-{subject.id[:8]}-{subject.init_bundle}")


async def fill(settings: Settings) -> None:
    pool = Pool(settings=settings, clock=SystemClock())
    await pool.connect()
    try:
        await Fleet(pool).write()
    finally:
        await pool.close()


def token_of(client: httpx.Client, name: str, access: dict[str, str], rules: dict[str, Any]) -> str:
    """A token of a role of its own."""
    permissions = client.post("/v1/permissionsets", json={"name": name, "resourceToAccess": access})
    scope = client.post("/v1/simpleaccessscopes", json={"name": name, "rules": rules})
    role = {
        "permissionSetId": permissions.raise_for_status().json()["id"],
        "accessScopeId": scope.raise_for_status().json()["id"],
    }
    client.post(f"/v1/roles/{name}", json={"name": name, **role}).raise_for_status()
    made = client.post("/v1/apitokens/generate", json={"name": name, "roles": [name]})
    return str(made.raise_for_status().json()["token"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, database: Settings) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("central")
    cli, definitions = directory / "cli", directory / "definitions"
    cli.mkdir()
    definitions.mkdir()
    (cli / "roxctl-linux-amd64").write_bytes(b"\x7fELF")
    (definitions / "vulnerabilities.zip").write_bytes(b"0123456789")
    arguments = ("--cli", str(cli), "--definitions", str(definitions))
    with running_central(directory, database, arguments=arguments) as central:
        pg.outside(fill(database))
        rights = {"Cluster": "READ_ACCESS", "Administration": "READ_ACCESS"}
        with central.client() as client:
            limited = token_of(client, "Alpha", rights, {"includedClusters": ["alpha"]})
            reader = token_of(client, "Images", {"Image": "READ_ACCESS"}, {"includedClusters": ["alpha"]})
        yield Site(central, directory, limited, reader)


def sensor(cluster_id: str, bundle: str = "") -> Subject:
    return Subject("SENSOR_SERVICE", cluster_id, bundle)


def archive_of(answer: httpx.Response) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


# --- installation files of clusters ----------------------------------------------------


def test_zip_holds_new_certificates_of_the_cluster_that_verify(site: Site) -> None:
    answer = site.ask("POST", ZIP, json={"id": RED.cluster_id, "createUpgraderSA": True})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="sensor-alpha.zip"'
    files = archive_of(answer)
    trust = ServiceTrust(load_certificates(site.central.pki.ca.cert_pem), SystemClock())
    assert files["ca.pem"].encode() == site.central.pki.ca.cert_pem
    for slug in ("sensor", "collector", "admission-control"):
        leaf = load_certificates(files[f"{slug}-cert.pem"].encode())[0]
        assert trust.subject_of(leaf).id == RED.cluster_id
        assert trust.subject_of(leaf).init_bundle == ""
    values = yaml.safe_load(files["values.yaml"])
    assert values["clusterName"] == "alpha"
    again = archive_of(site.ask("POST", ZIP, json={"id": RED.cluster_id}))
    assert again["sensor-key.pem"] != files["sensor-key.pem"]


def test_helm_values_of_a_cluster_hold_no_key(site: Site) -> None:
    answer = site.ask("POST", HELM, json={"id": GREEN.cluster_id})
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="values-beta.yaml"'
    assert yaml.safe_load(answer.text)["clusterName"] == "beta"
    assert "PRIVATE" not in answer.text


@pytest.mark.parametrize("path", [ZIP, HELM])
def test_installation_files_are_given_within_the_scope_only(site: Site, path: str) -> None:
    assert site.ask("POST", path, token=site.limited, json={"id": RED.cluster_id}).status_code == 200
    answer = site.ask("POST", path, token=site.limited, json={"id": GREEN.cluster_id})
    assert (answer.status_code, answer.text) == (404, f"cluster {GREEN.cluster_id}: not found\n")


@pytest.mark.parametrize("path", [ZIP, HELM])
def test_sensor_gets_the_files_of_its_own_cluster_only(site: Site, path: str) -> None:
    own = site.certificate(sensor(RED.cluster_id))
    assert site.ask("POST", path, cert=own, json={"id": RED.cluster_id}).status_code == 200
    answer = site.ask("POST", path, cert=own, json={"id": GREEN.cluster_id})
    assert answer.status_code == 403
    assert "a Sensor may ask for its own cluster only" in answer.text
    other = site.certificate(Subject(COLLECTOR.type, RED.cluster_id))
    assert site.ask("POST", path, cert=other, json={"id": RED.cluster_id}).status_code == 403


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        (b'{"id": ""}', 400, "id of the cluster must be given: invalid arguments\n"),
        (b"{}", 400, "id of the cluster must be given: invalid arguments\n"),
        (b"", 400, "the body must be a JSON object with the id of a cluster: invalid arguments\n"),
        (b"[1]", 400, "the body must be a JSON object with the id of a cluster: invalid arguments\n"),
        (b'{"id": 5}', 400, "the body must be a JSON object with the id of a cluster: invalid arguments\n"),
        (b"\xff{", 400, "the body must be a JSON object with the id of a cluster: invalid arguments\n"),
        (json.dumps({"id": NO_ID}).encode(), 404, f"cluster {NO_ID}: not found\n"),
        (b'{"id": "no uuid"}', 404, "cluster no uuid: not found\n"),
        (b'{"id": "' + b"x" * 70_000 + b'"}', 429, "the request is larger than 65536 bytes\n"),
    ],
    ids=["empty id", "no id", "empty", "list", "number", "bytes", "unknown", "no uuid", "large"],
)
def test_installation_files_of_no_cluster_are_refused(
    site: Site, body: bytes, status: int, text: str
) -> None:
    answer = site.ask("POST", ZIP, content=body)
    assert (answer.status_code, answer.text) == (status, text)


@pytest.mark.parametrize("path", [ZIP, HELM])
def test_strangers_body_is_not_looked_at(site: Site, path: str) -> None:
    for body in (b"not json", b"{}", b"x" * 100_000):
        answer = site.ask("POST", path, token="-", content=body)
        assert answer.status_code == 403
        assert "credentials not found" in answer.text
        assert site.ask("POST", path, token=site.reader, content=body).status_code == 403


# --- scanner definitions, downloads, documents -----------------------------------------


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("SENSOR_SERVICE", 200),
        ("SCANNER_V4_INDEXER_SERVICE", 200),
        ("SCANNER_V4_MATCHER_SERVICE", 200),
        ("COLLECTOR_SERVICE", 403),
    ],
)
def test_definitions_are_fetched_with_a_certificate(site: Site, kind: str, status: int) -> None:
    answer = site.ask("GET", f"{DEFINITIONS}?version=dev", cert=site.certificate(Subject(kind, kind)))
    assert answer.status_code == status
    if status == 200:
        assert answer.content == b"0123456789"
        since = {"if-modified-since": answer.headers["last-modified"]}
        again = site.ask(
            "GET", f"{DEFINITIONS}?version=dev", cert=site.certificate(Subject(kind, kind)), headers=since
        )
        assert (again.status_code, again.content) == (304, b"")


def test_definitions_with_a_certificate_of_another_ca_are_refused(site: Site) -> None:
    foreign = Pki(site.directory / "foreign").files(sensor(RED.cluster_id))
    with pytest.raises(httpx.TransportError):
        site.ask("GET", f"{DEFINITIONS}?version=dev", cert=foreign).raise_for_status()


def test_uploaded_definitions_outlive_the_request(site: Site) -> None:
    mapping = os.urandom(200_000)
    upload = offline_bundle({"repository-to-cpe.json": mapping})
    assert site.ask("GET", f"{DEFINITIONS}?file=repo2cpe").status_code == 404
    assert site.ask("POST", DEFINITIONS, token=site.limited, content=upload).status_code == 403
    assert site.ask("POST", DEFINITIONS, content=upload).status_code == 200
    assert site.ask("GET", f"{DEFINITIONS}?file=repo2cpe").content == mapping


@pytest.mark.parametrize(("name", "status"), [("roxctl-linux-amd64", 200), ("nosuch", 404), ("%00", 404)])
def test_download_over_the_wire(site: Site, name: str, status: int) -> None:
    assert site.ask("GET", f"/api/cli/download/{name}").status_code == status
    assert site.ask("GET", f"/api/cli/download/{name}", token="-").status_code == 401


@pytest.mark.parametrize("name", ["..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "%2fetc%2fpasswd"])
@pytest.mark.parametrize("folder", ["/api/cli/download/", "/static/", "/"])
def test_no_path_leads_out_of_the_served_directories(site: Site, folder: str, name: str) -> None:
    assert "root:" not in site.ask("GET", folder + name).text


def test_documents_describe_what_is_served(site: Site) -> None:
    answer = site.ask("GET", "/api/docs/swagger", token=site.reader)
    document = answer.json()
    assert document["host"] == f"127.0.0.1:{site.central.port}"
    assert document["schemes"] == ["https"]
    assert {"/v1/ping", "/v1/clusters", "/v1/apitokens/generate"} <= document["paths"].keys()
    assert "/v2/compliance/profiles" not in document["paths"]


# --- what comes before what ------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/v1/ping", 200, "application/json"),
        ("GET", "/v1/nosuch", 404, "application/json"),
        ("GET", "/V1/ping", 404, "text/plain"),
        ("POST", "/v1/ping", 501, "application/json"),
        ("GET", "/api/graphql", 401, "text/plain"),
        ("GET", "/api/ui/dashboard", 401, "application/json"),
        ("GET", f"/api/alerts/{NO_ID}/explanation", 401, "application/json"),
    ],
)
def test_path_is_answered_by_its_owner(site: Site, method: str, path: str, status: int, kind: str) -> None:
    answer = site.ask(method, path, token="-")
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith(kind)


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ([("authorization", "Bearer x")], "credentials not found: token-based: "),
        ([("authorization", "Basic eDp5")], "credentials not found: basic: "),
        ([("authorization", "ServiceCert x")], "credentials not found"),
        ([("authorization", "te x"), ("authorization", "te y")], "credentials not found: more than one"),
    ],
)
def test_bad_credentials_on_a_custom_route_are_told_in_plain_text(
    site: Site, headers: list[tuple[str, str]], text: str
) -> None:
    answer = site.ask("GET", "/api/docs/swagger", token="-", headers=headers)
    assert answer.status_code == 401
    assert answer.text.startswith(text)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert "www-authenticate" not in answer.headers


# --- init bundles against the running server -------------------------------------------


def bundle(site: Site, name: str) -> tuple[str, CertFiles]:
    """A fresh init bundle: its id, and Sensor's certificate of it on disk."""
    made = site.ask("POST", "/v1/cluster-init/init-bundles", json={"name": name}).raise_for_status().json()
    tls = yaml.safe_load(base64.b64decode(made["helmValuesBundle"]))["sensor"]["serviceTLS"]
    directory = site.directory / name
    directory.mkdir()
    files = CertFiles.in_directory(directory)
    files.cert.write_text(tls["cert"])
    files.key.write_text(tls["key"])
    return made["meta"]["id"], files


def test_bundle_connects_until_it_is_revoked(site: Site) -> None:
    bundle_id, files = bundle(site, "one")
    kept_id, kept = bundle(site, "two")
    with channel(site.central, files) as opened:
        assert call(opened, METADATA)[0] == grpc.StatusCode.OK
        assert site.ask("GET", f"{DEFINITIONS}?version=dev", cert=files).status_code == 200
        answer = site.ask("PATCH", "/v1/cluster-init/init-bundles/revoke", json={"ids": [bundle_id]})
        assert answer.json()["initBundleRevokedIds"] == [bundle_id]
        # On the connection that stands as well as on a new one.
        status, text, _ = call(opened, METADATA)
    assert (status, text) == (
        grpc.StatusCode.UNAUTHENTICATED,
        f'credentials not found: init bundle "{bundle_id}" is revoked',
    )
    answer = site.ask("GET", f"{DEFINITIONS}?version=dev", cert=files)
    assert (answer.status_code, answer.text) == (401, f"{text}\n")
    with channel(site.central, kept) as opened:
        assert call(opened, METADATA)[0] == grpc.StatusCode.OK
    listed = site.ask("GET", "/v1/cluster-init/init-bundles").json()["items"]
    assert [item["id"] for item in listed] == [kept_id]


def test_bundle_made_up_with_the_right_ca_is_refused(site: Site) -> None:
    files = site.certificate(sensor(RED.cluster_id, NO_ID))
    with channel(site.central, files) as opened:
        assert call(opened, METADATA)[0] == grpc.StatusCode.UNAUTHENTICATED


def test_only_the_admin_role_itself_makes_bundles(site: Site) -> None:
    answer = site.ask("POST", "/v1/cluster-init/init-bundles", token=site.limited, json={"name": "x"})
    assert answer.status_code == 403
    assert answer.json()["message"] == 'not authorized: role "Admin" is required'
    own = site.certificate(sensor(RED.cluster_id))
    assert site.ask("POST", "/v1/cluster-init/crs", cert=own, json={"name": "x"}).status_code == 401
