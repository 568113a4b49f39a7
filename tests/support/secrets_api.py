"""A Kubernetes API server for tests that knows Secrets and one Deployment, and their conflicts.

It speaks plain HTTP on loopback, keeps objects in memory, and answers as a real one:
409 for what exists or was changed, 404 for what does not, 403 for verbs that a test takes
away.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

Json = dict[str, Any]
_SECRETS = "/api/v1/namespaces/{namespace}/secrets"


class SecretsApi:
    """The server and the test's handle on its objects."""

    def __init__(self, namespace: str = "stackrox") -> None:
        self.namespace = namespace
        self.secrets: dict[str, Json] = {}
        self.deployment: Json | None = None
        """Sensor's Deployment, if it runs as one."""
        self.forbidden: set[str] = set()
        """Verbs that are refused."""
        self.before_write: Callable[[str], None] = lambda _: None
        """Called before each write: the place for another writer."""
        self.writes: list[tuple[str, str]] = []
        self.reads: list[str] = []
        self.port = 0
        self._version = 0

    def put(self, name: str, data: dict[str, bytes], **metadata: Any) -> None:
        """Create or replace a secret from outside."""
        encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
        self._store({"metadata": {"name": name, **metadata}, "data": encoded})

    def data(self, name: str) -> dict[str, bytes]:
        """What a secret holds."""
        return {key: base64.b64decode(value) for key, value in self.secrets[name]["data"].items()}

    def _store(self, secret: Json) -> Json:
        self._version += 1
        stored = {**secret, "metadata": {**secret["metadata"], "resourceVersion": str(self._version)}}
        self.secrets[secret["metadata"]["name"]] = stored
        return stored

    async def _get(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        self.reads.append(name)
        if "get" in self.forbidden:
            return _failure(403, "Forbidden", f'secrets "{name}" is forbidden: User "u" cannot get it')
        if name not in self.secrets:
            return _failure(404, "NotFound", f'secrets "{name}" not found')
        return web.json_response(self.secrets[name])

    async def _create(self, request: web.Request) -> web.Response:
        body = json.loads(await request.read())
        name = body["metadata"]["name"]
        if "create" in self.forbidden:
            return _failure(
                403, "Forbidden", 'secrets is forbidden: User "u" cannot create resource "secrets"'
            )
        self.before_write(name)
        if name in self.secrets:
            return _failure(409, "AlreadyExists", f'secrets "{name}" already exists')
        self.writes.append(("create", name))
        return web.json_response(self._store(body), status=201)

    async def _patch(self, request: web.Request) -> web.Response:
        name, change = request.match_info["name"], json.loads(await request.read())
        if "patch" in self.forbidden:
            return _failure(403, "Forbidden", f'secrets "{name}" is forbidden: User "u" cannot patch it')
        self.before_write(name)
        if name not in self.secrets:
            return _failure(404, "NotFound", f'secrets "{name}" not found')
        old = self.secrets[name]
        metadata = change.get("metadata", {})
        wanted = metadata.get("resourceVersion", old["metadata"]["resourceVersion"])
        if wanted != old["metadata"]["resourceVersion"]:
            return _failure(409, "Conflict", "the object has been modified; please apply your changes again")
        self.writes.append(("patch", name))
        labels = {**old["metadata"].get("labels", {}), **metadata.get("labels", {})}
        merged = {
            **old,
            "metadata": {**old["metadata"], "labels": labels},
            "data": {**old["data"], **change["data"]},
        }
        return web.json_response(self._store(merged))

    async def _deployment(self, _: web.Request) -> web.Response:
        if self.deployment is None:
            return _failure(404, "NotFound", 'deployments.apps "sensor" not found')
        return web.json_response(self.deployment)

    async def _nothing(self, request: web.Request) -> web.Response:
        return _failure(404, "NotFound", f"{request.path} not found")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[SecretsApi]:
        """Serve on a free port of loopback."""
        app = web.Application()
        base = _SECRETS.format(namespace=self.namespace)
        app.router.add_get(f"{base}/{{name}}", self._get)
        app.router.add_post(base, self._create)
        app.router.add_patch(f"{base}/{{name}}", self._patch)
        app.router.add_get(f"/apis/apps/v1/namespaces/{self.namespace}/deployments/sensor", self._deployment)
        app.router.add_route("*", "/{tail:.*}", self._nothing)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        try:
            yield self
        finally:
            await runner.cleanup()

    def kubeconfig(self, directory: Path) -> Path:
        """Write a kubeconfig that leads here."""
        path = directory / "kubeconfig"
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "t",
            "contexts": [{"name": "t", "context": {"cluster": "t", "user": "t"}}],
            "clusters": [{"name": "t", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}],
            "users": [{"name": "t", "user": {"token": "secrets-token"}}],
        }
        path.write_text(json.dumps(content))
        return path


def _failure(code: int, reason: str, message: str) -> web.Response:
    status = {"kind": "Status", "status": "Failure", "reason": reason, "message": message, "code": code}
    return web.json_response(status, status=code)
