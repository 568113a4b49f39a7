"""`POST /api/policy/custom-resource/save-as-zip` without a server."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
import yaml
from fastapi import FastAPI

from pyrox.pb.storage.policy_pb2 import Policy
from pyrox.rpc.call import Identity
from pyrox.rpc.scope import EVERYTHING
from services.central.routes.guard import Guard
from services.central.routes.policy_resources import PATH, policy_resources_router
from tests.support.asgi import request
from tests.support.pki import FixedClock
from tests.support.routes import People, Reads, app_of, bearer

POLICIES = {one.id: one for one in (Policy(id="a", name="Same name"), Policy(id="b", name="same NAME"))}
PEOPLE = People(
    reader=Identity(uid="r", grants=Reads("WorkflowAdministration", within=EVERYTHING)),
    other=Identity(uid="o", grants=Reads("Image", within=EVERYTHING)),
)


@pytest.fixture
def app() -> FastAPI:
    async def policy_of(policy_id: str) -> Policy | None:
        return POLICIES.get(policy_id)

    return app_of(policy_resources_router(policy_of, FixedClock(), Guard(authenticator=PEOPLE)))


async def test_policies_are_files_named_after_them(app: FastAPI) -> None:
    body = json.dumps({"ids": ["b", "a", "b"]}).encode()
    answer = await request(app, "POST", PATH, headers=bearer("reader"), body=body)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/zip")
    wanted = 'attachment; filename="security_policies_2026-11-24T09:00:00Z.zip"'
    assert answer.headers["content-disposition"] == wanted
    archive = zipfile.ZipFile(io.BytesIO(answer.body))
    assert archive.namelist() == ["same-name.yaml", "same-name-a.yaml"]
    made = yaml.safe_load(archive.read("same-name-a.yaml"))
    assert (made["metadata"]["name"], made["spec"]["policyName"]) == ("same-name-a", "Same name")


async def test_policies_that_are_not_there_are_listed(app: FastAPI) -> None:
    answer = await request(app, "POST", PATH, headers=bearer("reader"), body=b'{"ids": ["a", "x", "y"]}')
    assert answer.status == 400
    told = json.loads(answer.body)
    assert (told["code"], told["message"].split(".")[0]) == (3, "Failed to retrieve all policies")
    assert told["details"] == [
        {
            "@type": "type.googleapis.com/v1.PolicyOperationErrorList",
            "errors": [{"policyId": one, "error": {"error": "not found"}} for one in ("x", "y")],
        }
    ]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"ids": "a"}', b'{"ids": [1]}', b" " * (1 << 21)])
async def test_request_that_cannot_be_read_is_refused(app: FastAPI, body: bytes) -> None:
    answer = await request(app, "POST", PATH, headers=bearer("reader"), body=body)
    assert (answer.status, json.loads(answer.body)["code"]) == (500, 13)


async def test_no_ids_give_an_empty_archive(app: FastAPI) -> None:
    answer = await request(app, "POST", PATH, headers=bearer("reader"), body=b'{"ids": null}')
    assert zipfile.ZipFile(io.BytesIO(answer.body)).namelist() == []


@pytest.mark.parametrize(
    ("who", "method", "status"), [("other", "POST", 403), ("", "POST", 401), ("reader", "GET", 405)]
)
async def test_only_readers_of_policies_may_post(app: FastAPI, who: str, method: str, status: int) -> None:
    assert (await request(app, method, PATH, headers=bearer(who))).status == status
