"""`/api/extensions/certgen/*`: renewed service certificates as Secrets to apply by hand.

The portal's expiry banner and `roxctl sensor generate-certs` call them. Paths, names and
messages are upstream's (`central/certgen`). It must not know how certificates are made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import yaml
from fastapi import APIRouter, Request
from fastapi.responses import Response

from pyrox.errors import Invalid, NotFound, RoxError
from pyrox.mtls.ca import CertificateAuthority
from pyrox.mtls.identity import (
    CENTRAL,
    CENTRAL_DB,
    NAMESPACE,
    SCANNER_V4_DB,
    SCANNER_V4_INDEXER,
    SCANNER_V4_MATCHER,
    Subject,
    service_slug,
)
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.policy.quoting import quote
from pyrox.rpc.authz import Permissions
from pyrox.rpc.call import Call
from pyrox.version import WIRE_VERSION
from services.central.clusters.store import ClusterStore
from services.central.routes.answers import EVERY_METHOD, download, json_error, json_refusal
from services.central.routes.clusters import file_name, wanted_id
from services.central.routes.guard import Guard

PREFIX = "/api/extensions/certgen"
_WRITE = Permissions(write=("Administration",))
_REFUSAL = "invalid params: a JSON object with the id of a cluster is expected"
_METHOD_NOT_ALLOWED = 405
_FAILED_PRECONDITION = 9
_EXTERNAL_DB = "Cannot use this service to generate central DB certificate when using external database"
_SCANNER = (Subject("SCANNER_SERVICE", "Scanner"), Subject("SCANNER_DB_SERVICE", "Scanner DB"))
_SCANNER_V4 = (SCANNER_V4_INDEXER, SCANNER_V4_MATCHER, SCANNER_V4_DB)
_SECURED = ("SENSOR_SERVICE", "COLLECTOR_SERVICE", "ADMISSION_CONTROL_SERVICE")
_CENTRAL_RELEASE = "stackrox-central-services"
_SECURED_RELEASE = "stackrox-secured-cluster-services"


@dataclass(frozen=True, slots=True)
class Renewal:
    """What certificates are made with."""

    ca: CertificateAuthority
    jwt_key: Callable[[], bytes]
    """The key that signs tokens, as PEM; Central's Secret carries it along."""
    external_database: bool


def certgen_router(renewal: Renewal, clusters: ClusterStore, guard: Guard) -> APIRouter:
    """The four routes."""
    router = APIRouter()

    async def central(request: Request) -> Response:
        await guard.check(request, _WRITE)
        what = request.url.path.rpartition("/")[2]
        return _wrong_method(request) or _central(what, request.query_params.get("v", ""), renewal)

    async def cluster(request: Request) -> Response:
        call = await guard.check(request, _WRITE)
        return _wrong_method(request) or await _cluster(request, call, renewal.ca, clusters)

    for name in ("central", "central-db", "scanner"):
        router.add_api_route(f"{PREFIX}/{name}", central, methods=list(EVERY_METHOD))
    router.add_api_route(f"{PREFIX}/cluster", cluster, methods=list(EVERY_METHOD))
    return router


def _wrong_method(request: Request) -> Response | None:
    if request.method == "POST":
        return None
    return json_error(_METHOD_NOT_ALLOWED, f"invalid method {request.method}, only POST allowed")


def _central(what: str, version: str, renewal: Renewal) -> Response:
    """The Secrets of one part of the central services."""
    if what == "central":
        keys = {"ca-key.pem": renewal.ca.key_pem, "jwt-key.pem": renewal.jwt_key()}
        return download(_documents([_central_secret(renewal.ca, CENTRAL, keys)]), "central-tls.yaml")
    if what == "central-db":
        if renewal.external_database:
            return json_error(400, _EXTERNAL_DB, code=_FAILED_PRECONDITION)
        return download(_documents([_central_secret(renewal.ca, CENTRAL_DB)]), "central-db-tls.yaml")
    # The portal asks for `scanner?v=4`; without a version the StackRox Scanner is meant.
    if version not in {"", "4"}:
        return json_refusal(Invalid.because(f"unknown scanner version {quote(version)}"))
    subjects = _SCANNER_V4 if version else _SCANNER
    name = "scanner-v4-tls.yaml" if version else "scanner-tls.yaml"
    return download(_documents([_central_secret(renewal.ca, one) for one in subjects]), name)


async def _cluster(
    request: Request, call: Call, ca: CertificateAuthority, clusters: ClusterStore
) -> Response:
    """The Secrets of a secured cluster, whose certificates carry its id."""
    try:
        found = await _found(await wanted_id(request, _REFUSAL), call, clusters)
    except RoxError as error:
        return json_refusal(error)
    secrets = [_secured_secret(ca, found, service) for service in _SECURED]
    return download(_documents(secrets), f"cluster-{file_name(found.name)}-tls.yaml")


async def _found(wanted: str, call: Call, clusters: ClusterStore) -> Cluster:
    if not wanted:
        raise Invalid.because("no cluster ID specified")
    found = await clusters.get(wanted, scope=call.scope("Cluster"))
    if found is None:
        raise NotFound.because(f"cluster with ID {quote(wanted)} not found")
    return found


def _central_secret(
    ca: CertificateAuthority, subject: Subject, more: Mapping[str, bytes] | None = None
) -> dict[str, object]:
    issued = ca.issue(subject)
    slug = service_slug(subject.type)
    data = {"ca.pem": ca.cert_pem, "cert.pem": issued.cert_pem, "key.pem": issued.key_pem, **(more or {})}
    component = "scanner-v4" if slug.startswith("scanner-v4") else slug.removesuffix("-db")
    return _secret(f"{slug}-tls", _labels(_CENTRAL_RELEASE, component), data)


def _secured_secret(ca: CertificateAuthority, cluster: Cluster, service: str) -> dict[str, object]:
    issued = ca.issue(Subject(service, cluster.id))
    slug = service_slug(service)
    # Sensor's upgrader refuses objects without this label.
    labels = {**_labels(_SECURED_RELEASE, slug), "auto-upgrade.stackrox.io/component": "sensor"}
    data = {
        "ca.pem": ca.cert_pem,
        f"{slug}-cert.pem": issued.cert_pem,
        f"{slug}-key.pem": issued.key_pem,
    }
    return _secret(f"{slug}-tls", labels, data)


def _labels(release: str, component: str) -> dict[str, str]:
    """What the charts label every object of theirs with."""
    return {
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/instance": release,
        "app.kubernetes.io/managed-by": "Helm",
        "app.kubernetes.io/name": "stackrox",
        "app.kubernetes.io/part-of": release,
        "app.kubernetes.io/version": WIRE_VERSION,
        "rhacs.redhat.com/tls": "true",
    }


def _secret(name: str, labels: Mapping[str, str], data: Mapping[str, bytes]) -> dict[str, object]:
    annotations = {"helm.sh/hook": "pre-install,pre-upgrade", "helm.sh/resource-policy": "keep"}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "labels": dict(labels),
            "annotations": annotations,
        },
        "type": "Opaque",
        "stringData": {key: value.decode() for key, value in sorted(data.items())},
    }


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks, so that certificates can be read."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _documents(secrets: Sequence[Mapping[str, object]]) -> bytes:
    return yaml.dump_all(secrets, Dumper=_Dumper, sort_keys=False).encode()
