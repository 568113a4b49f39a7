"""`/api/extensions/certgen/*`: Secrets whose certificates the service CA issued just now."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from fastapi import FastAPI

from pyrox.mtls.ca import CertificateAuthority, ServiceTrust, load_certificates
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.rpc.call import Identity
from pyrox.rpc.scope import EVERYTHING, Scope
from services.central.routes.certgen import Renewal, certgen_router
from services.central.routes.clusters import MAX_REQUEST
from services.central.routes.guard import Guard
from tests.support.asgi import Answer, request
from tests.support.callers import May
from tests.support.pki import CLUSTER_ID, FixedClock
from tests.support.routes import People, Reads, app_of, bearer, service

PREFIX = "/api/extensions/certgen/"
CLOCK = FixedClock()


class Clusters:
    """One cluster, for those whose scope includes it."""

    async def get(self, cluster_id: str, *, scope: Scope) -> Cluster | None:
        visible = cluster_id == CLUSTER_ID and scope.allows(cluster_id)
        return Cluster(id=CLUSTER_ID, name='prod / "eu"') if visible else None


@pytest.fixture(scope="module")
def ca() -> CertificateAuthority:
    return CertificateAuthority.create(clock=CLOCK)


def app_with(ca: CertificateAuthority, *, external: bool = False) -> FastAPI:
    everywhere = Identity(uid="w", grants=May(EVERYTHING, write=("Administration",)))
    people = People(
        writer=everywhere,
        reader=Identity(uid="r", grants=Reads("Administration", within=EVERYTHING)),
        sensor=service("SENSOR_SERVICE", CLUSTER_ID),
    )
    renewal = Renewal(ca, lambda: b"-----BEGIN RSA PRIVATE KEY-----\nx\n", external)
    clusters: Any = Clusters()
    return app_of(certgen_router(renewal, clusters, Guard(authenticator=people)))


@pytest.fixture
def app(ca: CertificateAuthority) -> FastAPI:
    return app_with(ca)


async def post(app: FastAPI, what: str, body: bytes = b"", word: str = "admin") -> Answer:
    return await request(app, "POST", PREFIX + what, body=body, headers=bearer(word))


def secrets(answer: Answer, file: str) -> dict[str, dict[str, Any]]:
    """The Secrets of an answer by name."""
    assert answer.status == 200, answer.body
    assert answer.headers["content-disposition"] == f'attachment; filename="{file}"'
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    found = list(yaml.safe_load_all(answer.body))
    for one in found:
        assert (one["apiVersion"], one["kind"], one["type"]) == ("v1", "Secret", "Opaque")
        assert one["metadata"]["namespace"] == "stackrox"
        assert one["metadata"]["labels"]["rhacs.redhat.com/tls"] == "true"
    return {one["metadata"]["name"]: one for one in found}


def subject(ca: CertificateAuthority, data: dict[str, str], prefix: str = "") -> str:
    """Whom the certificate names, after the CA and the key were checked."""
    leaf = load_certificates(data[f"{prefix}cert.pem"].encode())[0]
    key = load_pem_private_key(data[f"{prefix}key.pem"].encode(), password=None)
    assert leaf.public_key() == key.public_key()
    assert data["ca.pem"].encode() == ca.cert_pem
    assert (leaf.not_valid_after_utc - CLOCK.now()).days == 365
    return ServiceTrust([ca.certificate], CLOCK).subject_of(leaf).common_name


async def test_centrals_secret_is_whole(app: FastAPI, ca: CertificateAuthority) -> None:
    made = secrets(await post(app, "central"), "central-tls.yaml")
    assert set(made) == {"central-tls"}
    data = made["central-tls"]["stringData"]
    assert set(data) == {"ca.pem", "ca-key.pem", "jwt-key.pem", "cert.pem", "key.pem"}
    assert subject(ca, data) == "CENTRAL_SERVICE: Central"
    assert data["ca-key.pem"].encode() == ca.key_pem
    assert data["jwt-key.pem"].startswith("-----BEGIN RSA PRIVATE KEY-----")
    annotations = made["central-tls"]["metadata"]["annotations"]
    assert annotations["helm.sh/resource-policy"] == "keep"


@pytest.mark.parametrize(
    ("what", "file", "subjects"),
    [
        ("central-db", "central-db-tls.yaml", {"central-db-tls": "CENTRAL_DB_SERVICE: Central DB"}),
        (
            "scanner",
            "scanner-tls.yaml",
            {"scanner-tls": "SCANNER_SERVICE: Scanner", "scanner-db-tls": "SCANNER_DB_SERVICE: Scanner DB"},
        ),
        (
            "scanner?v=4",
            "scanner-v4-tls.yaml",
            {
                "scanner-v4-indexer-tls": "SCANNER_V4_INDEXER_SERVICE: Scanner V4 Indexer",
                "scanner-v4-matcher-tls": "SCANNER_V4_MATCHER_SERVICE: Scanner V4 Matcher",
                "scanner-v4-db-tls": "SCANNER_V4_DB_SERVICE: Scanner V4 DB",
            },
        ),
    ],
)
async def test_other_central_services_get_theirs(
    app: FastAPI, ca: CertificateAuthority, what: str, file: str, subjects: dict[str, str]
) -> None:
    made = secrets(await post(app, what), file)
    assert {name: subject(ca, one["stringData"]) for name, one in made.items()} == subjects
    assert all(set(one["stringData"]) == {"ca.pem", "cert.pem", "key.pem"} for one in made.values())


async def test_each_answer_has_new_keys(app: FastAPI) -> None:
    first, second = await post(app, "central-db"), await post(app, "central-db")
    assert first.body != second.body


async def test_certificates_are_readable_blocks(app: FastAPI) -> None:
    assert b"  cert.pem: |\n    -----BEGIN CERTIFICATE-----\n" in (await post(app, "central")).body


async def test_clusters_secrets_carry_its_id(app: FastAPI, ca: CertificateAuthority) -> None:
    body = json.dumps({"id": CLUSTER_ID}).encode()
    made = secrets(await post(app, "cluster", body), "cluster-prod----eu--tls.yaml")
    assert set(made) == {"sensor-tls", "collector-tls", "admission-control-tls"}
    for name, kind in (
        ("sensor", "SENSOR_SERVICE"),
        ("collector", "COLLECTOR_SERVICE"),
        ("admission-control", "ADMISSION_CONTROL_SERVICE"),
    ):
        secret = made[f"{name}-tls"]
        assert subject(ca, secret["stringData"], f"{name}-") == f"{kind}: {CLUSTER_ID}"
        assert secret["metadata"]["labels"]["auto-upgrade.stackrox.io/component"] == "sensor"


@pytest.mark.parametrize(
    ("body", "status", "code", "message"),
    [
        (b"{}", 400, 3, "no cluster ID specified: invalid arguments"),
        (b'{"id":"x"}', 404, 5, 'cluster with ID "x" not found: not found'),
        (
            b"",
            400,
            3,
            "invalid params: a JSON object with the id of a cluster is expected: invalid arguments",
        ),
        (
            b"[" * 1000,
            400,
            3,
            "invalid params: a JSON object with the id of a cluster is expected: invalid arguments",
        ),
        (b" " * (MAX_REQUEST + 1), 429, 8, f"the request is larger than {MAX_REQUEST} bytes"),
    ],
)
async def test_cluster_that_cannot_be_told_is_refused(
    app: FastAPI, body: bytes, status: int, code: int, message: str
) -> None:
    answer = await post(app, "cluster", body)
    assert (answer.status, answer.json) == (status, {"code": code, "message": message})


async def test_cluster_outside_the_callers_scope_is_not_there(app: FastAPI) -> None:
    body = json.dumps({"id": CLUSTER_ID}).encode()
    answer = await post(app, "cluster", body, word="writer")
    assert answer.status == 404


async def test_external_database_gets_no_certificate(ca: CertificateAuthority) -> None:
    answer = await post(app_with(ca, external=True), "central-db")
    text = "Cannot use this service to generate central DB certificate when using external database"
    assert (answer.status, answer.json) == (400, {"code": 9, "message": text})


async def test_unknown_scanner_is_refused(app: FastAPI) -> None:
    answer = await post(app, "scanner?v=5")
    assert answer.json == {"code": 3, "message": 'unknown scanner version "5": invalid arguments'}


@pytest.mark.parametrize("what", ["central", "central-db", "scanner", "cluster"])
async def test_everything_needs_write_access_to_administration(app: FastAPI, what: str) -> None:
    body = json.dumps({"id": CLUSTER_ID}).encode()
    for word, status in (("", 401), ("bad", 401), ("sensor", 401), ("reader", 403)):
        answer = await post(app, what, body, word=word)
        assert answer.status == status
        assert b"PRIVATE KEY" not in answer.body


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_only_post_is_taken(app: FastAPI, method: str) -> None:
    for what in ("central", "cluster"):
        answer = await request(app, method, PREFIX + what, headers=bearer("admin"))
        text = f"invalid method {method}, only POST allowed"
        assert (answer.status, answer.json) == (405, {"code": 2, "message": text})
        assert (await request(app, method, PREFIX + what)).status == 401
