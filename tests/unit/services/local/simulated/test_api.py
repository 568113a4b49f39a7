"""The simulated API server's answers, without a socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from pyrox.k8s import kinds
from services.local.simulated.api import Api
from services.local.simulated.controllers import Controllers
from services.local.simulated.resources import RESOURCES
from services.local.simulated.store import Store
from services.local.simulated.webhooks import Webhooks
from tests.support.asgi import Answer, request
from tests.support.pki import FixedClock

DEPLOYMENTS = "/apis/apps/v1/namespaces/shop/deployments"
MERGE = "application/merge-patch+json"


class Server:
    """The app with a namespace and a node."""

    def __init__(self) -> None:
        self.store = Store(clock=FixedClock())
        controllers = Controllers(store=self.store, digest_of=lambda _: "sha256:0")
        webhooks = Webhooks(store=self.store, services={})
        self.api = Api(store=self.store, controllers=controllers, webhooks=webhooks, token="secret")
        self.store.put(kinds.NAMESPACE, {"metadata": {"name": "shop"}})
        addresses = [{"type": "InternalIP", "address": "10.0.0.1"}]
        self.store.put(kinds.NODE, {"metadata": {"name": "n"}, "status": {"addresses": addresses}})

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        sent: Mapping[str, str] = {
            "authorization": "Bearer secret",
            "content-type": "application/json",
            **{key.replace("_", "-"): value for key, value in headers.items()},
        }
        return await request(self.api, method, path, body=raw, headers=sent)


def deployment(name: str, **spec: Any) -> dict[str, Any]:
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "c", "image": "r/c:1"}]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": 1, "template": template, **spec},
    }


async def test_without_the_token_nothing_is_told() -> None:
    server = Server()
    for given in ("", "Bearer wrong"):
        answer = await server.ask("GET", "/api/v1/namespaces", authorization=given)
        assert (answer.status, answer.json["reason"]) == (401, "Unauthorized")


async def test_an_object_is_created_read_changed_and_deleted() -> None:
    server = Server()
    assert (await server.ask("POST", DEPLOYMENTS, deployment("web"))).status == 201
    assert (await server.ask("POST", DEPLOYMENTS, deployment("web"))).json["reason"] == "AlreadyExists"
    patch = {"spec": {"replicas": 3}}
    assert (await server.ask("PATCH", f"{DEPLOYMENTS}/web", patch, content_type=MERGE)).status == 200
    found = (await server.ask("GET", f"{DEPLOYMENTS}/web")).json
    assert found["spec"]["replicas"] == found["status"]["readyReplicas"] == 3
    assert (await server.ask("DELETE", f"{DEPLOYMENTS}/web")).status == 200
    assert (await server.ask("GET", f"{DEPLOYMENTS}/web")).json[
        "message"
    ] == 'deployments.apps "web" not found'


async def test_a_put_with_an_old_version_is_a_conflict() -> None:
    server = Server()
    made = (await server.ask("POST", DEPLOYMENTS, deployment("web"))).json
    stale = {**made, "metadata": {**made["metadata"], "resourceVersion": "1"}}
    answer = await server.ask("PUT", f"{DEPLOYMENTS}/web", stale)
    assert (answer.status, answer.json["reason"]) == (409, "Conflict")


async def test_scale_changes_replicas_and_shows_them() -> None:
    server = Server()
    await server.ask("POST", DEPLOYMENTS, deployment("web"))
    scaled = await server.ask(
        "PATCH", f"{DEPLOYMENTS}/web/scale", {"spec": {"replicas": 0}}, content_type=MERGE
    )
    assert (scaled.json["kind"], scaled.json["spec"]) == ("Scale", {"replicas": 0})
    assert (await server.ask("GET", f"{DEPLOYMENTS}/web/scale")).json["spec"]["replicas"] == 0
    assert server.store.list(kinds.POD) == []


async def test_apply_creates_and_then_changes() -> None:
    server = Server()
    form = "application/apply-patch+yaml"
    first = await server.ask(
        "PATCH", f"{DEPLOYMENTS}/web", json.dumps(deployment("web")).encode(), content_type=form
    )
    again = await server.ask("PATCH", f"{DEPLOYMENTS}/web", b"spec: {replicas: 2}", content_type=form)
    assert (first.status, again.status, again.json["spec"]["replicas"]) == (201, 200, 2)


async def test_a_dry_run_stores_nothing() -> None:
    server = Server()
    assert (await server.ask("POST", f"{DEPLOYMENTS}?dryRun=All", deployment("web"))).status == 201
    assert server.store.list(kinds.DEPLOYMENT) == []


async def test_lists_come_in_pages_of_one_version() -> None:
    server = Server()
    for number in range(5):
        await server.ask("POST", DEPLOYMENTS, deployment(f"w{number}", replicas=0))
    names: list[str] = []
    token, versions = "", set()
    while True:
        page = (await server.ask("GET", f"/apis/apps/v1/deployments?limit=2&continue={token}")).json
        names += [item["metadata"]["name"] for item in page["items"]]
        versions.add(page["metadata"]["resourceVersion"])
        token = page["metadata"].get("continue", "")
        if not token:
            break
    assert names == [f"w{number}" for number in range(5)]
    assert len(versions) == 1


async def test_selectors_choose_among_objects() -> None:
    server = Server()
    for name in ("a", "b"):
        body = deployment(name)
        body["metadata"]["labels"] = {"tier": name}
        await server.ask("POST", DEPLOYMENTS, body)
    for query in ("labelSelector=tier%3Da", "fieldSelector=metadata.name%3Da", "labelSelector=tier!%3Db"):
        found = (await server.ask("GET", f"{DEPLOYMENTS}?{query}")).json["items"]
        assert [item["metadata"]["name"] for item in found] == ["a"], query


async def test_a_watch_from_too_long_ago_is_told_to_list_again() -> None:
    server = Server()
    answer = await server.ask("GET", "/api/v1/pods?watch=1&resourceVersion=5")
    event = json.loads(answer.body)
    assert (event["type"], event["object"]["code"]) == ("ERROR", 410)


async def test_a_watch_ends_when_its_client_goes() -> None:
    server, leave = Server(), asyncio.Event()
    path = f"/api/v1/namespaces?watch=1&resourceVersion={server.store.version}"
    watch = asyncio.create_task(
        request(server.api, "GET", path, headers={"authorization": "Bearer secret"}, leave=leave)
    )
    await asyncio.sleep(0)
    server.store.put(kinds.NAMESPACE, {"metadata": {"name": "late"}})
    for _ in range(5):
        await asyncio.sleep(0)
    leave.set()
    answer = await asyncio.wait_for(watch, 5)
    events = [json.loads(line) for line in answer.body.splitlines()]
    assert [(event["type"], event["object"]["metadata"]["name"]) for event in events] == [("ADDED", "late")]


async def test_a_deleted_namespace_is_empty() -> None:
    server = Server()
    await server.ask("POST", DEPLOYMENTS, deployment("web"))
    await server.ask("DELETE", "/api/v1/namespaces/shop")
    assert server.store.list(kinds.DEPLOYMENT) == []
    assert (await server.ask("POST", DEPLOYMENTS, deployment("web"))).json[
        "message"
    ] == 'namespaces "shop" not found'


async def test_discovery_names_every_resource() -> None:
    server = Server()
    groups = {group["name"] for group in (await server.ask("GET", "/apis")).json["groups"]}
    for resource in RESOURCES:
        path = f"/{'apis' if resource.group else 'api'}/{resource.kind.api_version}"
        names = {entry["name"] for entry in (await server.ask("GET", path)).json["resources"]}
        assert resource.kind.plural in names
        assert not resource.group or resource.group in groups
    assert "simulated" in (await server.ask("GET", "/version")).json["gitVersion"]


async def test_kubectl_is_told_that_fields_are_checked_here() -> None:
    server = Server()
    places = (await server.ask("GET", "/openapi/v3")).json["paths"]
    document = (await server.ask("GET", places["apis/apps/v1"]["serverRelativeURL"])).json
    patch = document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]
    assert patch["x-kubernetes-group-version-kind"] == {
        "group": "apps",
        "version": "v1",
        "kind": "Deployment",
    }
    assert patch["parameters"][0]["name"] == "fieldValidation"
    assert (await server.ask("GET", "/openapi/v3/apis/none/v1")).status == 404


async def test_the_one_user_may_do_everything() -> None:
    body = {"kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": {"verb": "list"}}}
    answer = await Server().ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body)
    assert answer.json["status"]["allowed"] is True


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/apis/none/v1/things", None, 404),
        ("GET", "/api/v1/pods/x", None, 404),
        ("POST", DEPLOYMENTS, b"{", 400),
        ("POST", DEPLOYMENTS, [], 400),
        ("POST", DEPLOYMENTS, {}, 400),
        ("POST", DEPLOYMENTS, {"metadata": {}}, 422),
        ("POST", DEPLOYMENTS, {"metadata": {"name": "x", "namespace": "other"}}, 400),
        ("POST", DEPLOYMENTS, b"x" * (2 * 1024 * 1024), 413),
        ("PATCH", f"{DEPLOYMENTS}/x", {}, 404),
        ("GET", f"{DEPLOYMENTS}?limit=many", None, 400),
        ("GET", f"{DEPLOYMENTS}?continue=junk", None, 400),
        ("POST", "/api/v1/namespaces/shop/pods/none/exec", {}, 404),
        ("DELETE", DEPLOYMENTS, None, 405),
    ],
)
async def test_a_bad_request_has_a_clear_status(method: str, path: str, body: object, status: int) -> None:
    answer = await Server().ask(method, path, body)
    assert answer.status == status
    assert answer.json["kind"] == "Status"
    assert answer.json["message"]
