"""`POST /api/policy/custom-resource/save-as-zip`: policies as SecurityPolicy resources.

The portal's policy list calls it. Statuses, messages and names of files are upstream's
(`central/policy/handlers/handler.go`). It must not know what a resource says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from uuid import uuid4

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response
from google.protobuf import json_format

from pyrox.clock import Clock
from pyrox.errors import Invalid
from pyrox.pb.api.v1.policy_service_pb2 import PolicyError, PolicyOperationError, PolicyOperationErrorList
from pyrox.pb.storage.policy_pb2 import Policy
from pyrox.rpc.authz import Permissions
from services.central.policies.custom_resource import distinct_name, resource_name, resource_text
from services.central.routes.answers import EVERY_METHOD, json_error
from services.central.routes.guard import Guard
from services.central.routes.helm_charts import packed

PATH = "/api/policy/custom-resource/save-as-zip"
_READ = Permissions(read=("WorkflowAdministration",))
_METHOD_NOT_ALLOWED = 405
_INVALID, _INTERNAL = 3, 13
# Room for ids of all policies that an installation could have.
_BODY_BYTES = 1 << 20
_MISSING = (
    "Failed to retrieve all policies. Check error details for a list of policies that could not be retrieved."
)
PolicyOf = Callable[[str], Awaitable[Policy | None]]


def policy_resources_router(policy_of: PolicyOf, clock: Clock, guard: Guard) -> APIRouter:
    """The route; `policy_of` gives the policy of an id."""
    router = APIRouter()

    async def save(request: Request) -> Response:
        await guard.check(request, _READ)
        if request.method != "POST":
            return Response(status_code=_METHOD_NOT_ALLOWED)
        try:
            wanted = _ids(await _body(request))
        except Invalid as error:
            return json_error(500, error.message, code=_INTERNAL)
        found = {one: await policy_of(one) for one in wanted}
        if missing := [one for one, policy in found.items() if policy is None]:
            return _not_found(missing)
        policies = [policy for policy in found.values() if policy is not None]
        content = await asyncio.to_thread(_archive, policies)
        moment = clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        headers = {"Content-Disposition": f'attachment; filename="security_policies_{moment}.zip"'}
        return Response(content, media_type="application/zip", headers=headers)

    router.add_api_route(PATH, save, methods=list(EVERY_METHOD))
    return router


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _BODY_BYTES:
            raise Invalid(f"the request is longer than {_BODY_BYTES} bytes")
    return bytes(body)


def _ids(body: bytes) -> Sequence[str]:
    """The ids that are asked for, each once. Raises `Invalid`."""
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"decoding the request: {error}") from error
    ids = (asked.get("ids") or []) if isinstance(asked, dict) else None
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise Invalid('decoding the request: expected {"ids": [...]} with texts')
    return list(dict.fromkeys(ids))


def _not_found(ids: Sequence[str]) -> Response:
    errors = [PolicyOperationError(policy_id=one, error=PolicyError(error="not found")) for one in ids]
    details = json_format.MessageToDict(PolicyOperationErrorList(errors=errors))
    details = {"@type": "type.googleapis.com/v1.PolicyOperationErrorList", **details}
    answer = {"code": _INVALID, "message": _MISSING, "details": [details]}
    return Response(orjson.dumps(answer), status_code=400, media_type="text/plain; charset=utf-8")


def _archive(policies: Sequence[Policy]) -> bytes:
    """A file for each policy, called after its resource."""
    files: dict[str, bytes] = {}
    for policy in policies:
        name = resource_name(policy.name, lambda: str(uuid4()))
        if f"{name}.yaml" in files:
            name = distinct_name(name, policy.id)
        # This Central holds no notifiers, so none has a name that another one would know.
        files[f"{name}.yaml"] = resource_text(policy, name, {}).encode()
    return packed(files)
