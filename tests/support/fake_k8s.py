"""A small Kubernetes API server for tests: list in pages, watch, bookmarks, writes.

It keeps objects in memory and speaks plain HTTP on loopback. It checks nothing that a
real API server checks.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from pyrox.k8s.kinds import Kind

Json = dict[str, Any]


class FakeKubernetes:
    """The server and the test's handle on its objects."""

    def __init__(self) -> None:
        self.version = 100
        self.objects: dict[str, dict[tuple[str, str], Json]] = defaultdict(dict)
        self.missing: set[str] = set()
        """Collection paths that answer 404."""
        self.requests: list[tuple[str, str]] = []
        self.writes: list[tuple[str, str, Any]] = []
        self.oldest = 0
        """Watches from an older version answer 410."""
        self.port = 0
        self._watchers: dict[str, set[asyncio.Queue[Json | None]]] = defaultdict(set)
        self._history: list[tuple[int, str, Json]] = []

    def put(self, kind: Kind, value: Json) -> Json:
        """Create or change an object and tell the watchers."""
        self.version += 1
        metadata = value.setdefault("metadata", {})
        metadata.setdefault("uid", str(uuid.uuid4()))
        key = (metadata.get("namespace", ""), metadata["name"])
        event = "MODIFIED" if key in self.objects[kind.path] else "ADDED"
        stored = {
            **value,
            "metadata": {**metadata, "resourceVersion": str(self.version), "managedFields": [{}]},
        }
        self.objects[kind.path][key] = stored
        self._tell(
            kind.path,
            {"type": event, "object": {"kind": kind.name, "apiVersion": kind.api_version, **stored}},
        )
        return stored

    def remove(self, kind: Kind, name: str, namespace: str = "") -> None:
        """Delete an object and tell the watchers."""
        self.version += 1
        gone = self.objects[kind.path].pop((namespace, name))
        gone["metadata"]["resourceVersion"] = str(self.version)
        self._tell(kind.path, {"type": "DELETED", "object": gone})

    def bookmark(self, kind: Kind) -> None:
        """Send a bookmark with the newest version."""
        self.version += 1
        metadata = {"resourceVersion": str(self.version)}
        self._tell(kind.path, {"type": "BOOKMARK", "object": {"kind": kind.name, "metadata": metadata}})

    def send_raw(self, kind: Kind, event: Json) -> None:
        """Send any event."""
        self._tell(kind.path, event)

    def end_watches(self, kind: Kind) -> None:
        """End all watches of the kind."""
        for queue in self._watchers[kind.path]:
            queue.put_nowait(None)

    def forget_history(self) -> None:
        """Make every version before now too old."""
        self.oldest = self.version
        self._history.clear()

    def watching(self, kind: Kind) -> int:
        """How many watches of the kind are open."""
        return len(self._watchers[kind.path])

    def _tell(self, path: str, event: Json) -> None:
        self._history.append((self.version, path, event))
        for queue in self._watchers[path]:
            queue.put_nowait(event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        self.requests.append((request.method, str(request.rel_url)))
        path = request.path
        if request.method == "GET":
            return await self._get(request, path)
        body = json.loads(await request.read() or b"{}")
        self.writes.append((request.method, path, body))
        return web.json_response(self._write(request.method, path, body))

    def _write(self, method: str, path: str, body: Json) -> Json:
        """Keep merge patches and writes of objects that exist; others are only recorded."""
        collection, key = _split(path)
        found = self.objects[collection].get(key)
        if method == "DELETE" and found is not None:
            del self.objects[collection][key]
            self.version += 1
            self._tell(collection, {"type": "DELETED", "object": found})
        if method in {"POST", "PUT"}:
            name = body.get("metadata", {}).get("name", "")
            self.objects[collection if method == "PUT" else path][key if method == "PUT" else ("", name)] = (
                body
            )
        return body

    async def _get(self, request: web.Request, path: str) -> web.StreamResponse:
        if path == "/version":
            return web.json_response({"gitVersion": "v1.33.13", "buildDate": "2026-01-01T00:00:00Z"})
        if path in self.missing:
            return web.json_response(
                {"message": "the server could not find the requested resource"}, status=404
            )
        if request.query.get("watch"):
            return await self._watch(request, path)
        collection, key = _split(path)
        if key in self.objects.get(collection, {}):
            return web.json_response(self.objects[collection][key])
        if collection != path and path not in self.objects and "/namespaces/" in path:
            return web.json_response({"message": f'"{key[1]}" not found'}, status=404)
        return self._list(request, path)

    def _list(self, request: web.Request, path: str) -> web.Response:
        items = list(self.objects[path].values())
        start, limit = int(request.query.get("continue", "0")), int(request.query.get("limit", "500"))
        metadata: Json = {"resourceVersion": str(self.version)}
        if start + limit < len(items):
            metadata["continue"] = str(start + limit)
        return web.json_response({"metadata": metadata, "items": items[start : start + limit]})

    async def _watch(self, request: web.Request, path: str) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        since = int(request.query.get("resourceVersion") or 0)
        if since < self.oldest:
            gone = {
                "type": "ERROR",
                "object": {"kind": "Status", "code": 410, "message": "too old resource version"},
            }
            await response.write(json.dumps(gone).encode() + b"\n")
            return response
        queue: asyncio.Queue[Json | None] = asyncio.Queue()
        for version, where, event in self._history:
            if where == path and version > since:
                queue.put_nowait(event)
        self._watchers[path].add(queue)
        try:
            while (event := await queue.get()) is not None:
                await response.write(json.dumps(event).encode() + b"\n")
        finally:
            self._watchers[path].discard(queue)
        return response

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FakeKubernetes]:
        """Serve on a free port of loopback."""
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        try:
            yield self
        finally:
            for queues in self._watchers.values():
                for queue in queues:
                    queue.put_nowait(None)
            await runner.cleanup()

    def kubeconfig(self, directory: Path) -> Path:
        """Write a kubeconfig that leads here."""
        path = directory / "kubeconfig"
        path.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "t",
                    "contexts": [{"name": "t", "context": {"cluster": "t", "user": "t"}}],
                    "clusters": [{"name": "t", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}],
                    "users": [{"name": "t", "user": {"token": "fake-token"}}],
                }
            )
        )
        return path


def _split(path: str) -> tuple[str, tuple[str, str]]:
    """The collection over all namespaces, and namespace and name, of an object's path."""
    parts = path.strip("/").split("/")
    if "namespaces" in parts[:-2]:
        at = parts.index("namespaces")
        if len(parts) - at >= 4:
            return "/" + "/".join([*parts[:at], parts[at + 2]]), (parts[at + 1], parts[at + 3])
    return "/" + "/".join(parts[:-1]), ("", parts[-1])
