"""Files that install a secured cluster, for `roxctl sensor get-bundle` and the portal."""

from __future__ import annotations

import asyncio

import yaml
from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, ValidationError

from pyrox.errors import Exhausted, Invalid, NotAuthorized, NotFound
from pyrox.mtls.ca import CertificateAuthority
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.rpc.authz import AnyOf, Permissions, Services
from pyrox.rpc.call import Call
from pyrox.rpc.scope import EVERYTHING
from services.central.charts import SECURED, Charts
from services.central.clusters.store import ClusterStore
from services.central.link.installation import bundle, values
from services.central.routes.guard import Guard

_ZIP = AnyOf.of(Permissions(read=("Cluster", "Administration")), Services.of("SENSOR_SERVICE"))
_HELM = AnyOf.of(Permissions(read=("Cluster",)), Services.of("SENSOR_SERVICE"))
# Upstream's request has an id, a version and three switches.
MAX_REQUEST = 64 * 1024
_REFUSAL = "the body must be a JSON object with the id of a cluster"


class ClusterRequest(BaseModel):
    """Which cluster; the other fields of upstream's request mean nothing to a chart."""

    model_config = ConfigDict(extra="ignore")
    id: str = ""


def clusters_router(
    clusters: ClusterStore, ca: CertificateAuthority, charts: Charts, guard: Guard
) -> APIRouter:
    """`/api/extensions/clusters/zip` and `/api/extensions/clusters/helm-config.yaml`."""
    router = APIRouter()

    async def cluster_of(request: Request, call: Call) -> Cluster:
        wanted = await wanted_id(request, _REFUSAL)
        if not wanted:
            raise Invalid.because("id of the cluster must be given")
        service = call.identity.service
        if service is not None and service.id != wanted:
            raise NotAuthorized.of("a Sensor may ask for its own cluster only")
        scope = EVERYTHING if service is not None else call.scope("Cluster")
        found = await clusters.get(wanted, scope=scope)
        if found is None:
            raise NotFound.because(f"cluster {wanted}")
        return found

    @router.post("/api/extensions/clusters/zip")
    async def archive(request: Request) -> Response:
        found = await cluster_of(request, await guard.check(request, _ZIP))
        headers = {"Content-Disposition": f'attachment; filename="sensor-{file_name(found.name)}.zip"'}
        content = await asyncio.to_thread(lambda: bundle(ca, found, charts.files(SECURED)))
        return Response(content, media_type="application/zip", headers=headers)

    @router.post("/api/extensions/clusters/helm-config.yaml")
    async def helm(request: Request) -> Response:
        found = await cluster_of(request, await guard.check(request, _HELM))
        text = yaml.safe_dump(dict(values(found)), sort_keys=True)
        headers = {"Content-Disposition": f'attachment; filename="values-{file_name(found.name)}.yaml"'}
        return Response(text, media_type="application/yaml", headers=headers)

    return router


async def wanted_id(request: Request, refusal: str) -> str:
    """The id in the body, read only after the caller is known; `refusal` says what a body must be.

    Raises `Invalid`, `Exhausted`.
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_REQUEST:
            raise Exhausted(f"the request is larger than {MAX_REQUEST} bytes")
    try:
        return ClusterRequest.model_validate_json(bytes(body)).id
    except ValidationError as error:
        raise Invalid.because(refusal) from error


def file_name(name: str) -> str:
    """The name with everything but ASCII letters, digits, dots and dashes made dashes."""
    return "".join(c if c.isascii() and (c.isalnum() or c in ".-_") else "-" for c in name)
