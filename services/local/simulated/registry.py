"""The demo registry: the read half of the Distribution API, as an ASGI app over the images."""

from __future__ import annotations

import json
import re

from pyrox.rpc.asgi import Receive, Scope, Send
from services.local.simulated.images import MANIFEST_TYPE, Images

_PATH = re.compile(r"/v2/(?P<name>[a-z0-9._/-]+)/(?P<what>manifests|blobs|tags)/(?P<reference>[^/]+)")


class Registry:
    """The app."""

    def __init__(self, images: Images) -> None:
        self._images = images

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's form
        """Answer one request."""
        if scope["type"] != "http":
            return
        status, kind, body, digest = self._answer(str(scope["method"]), str(scope["path"]))
        headers = [
            (b"content-type", kind.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"docker-distribution-api-version", b"registry/2.0"),
        ]
        if digest:
            headers.append((b"docker-content-digest", digest.encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _answer(self, method: str, path: str) -> tuple[int, str, bytes, str]:
        """Status, media type, body and digest."""
        if method not in {"GET", "HEAD"}:
            return _error(405, "UNSUPPORTED", "this registry can only be read")
        if path in {"/v2", "/v2/"}:
            return 200, "application/json", b"{}", ""
        if path == "/v2/_catalog":
            return _json({"repositories": self._images.repositories()})
        found = _PATH.fullmatch(path)
        if found is None or found["name"] not in self._images.repositories():
            return _error(404, "NAME_UNKNOWN", "repository name not known to registry")
        return self._part(found["name"], found["what"], found["reference"])

    def _part(self, name: str, what: str, reference: str) -> tuple[int, str, bytes, str]:
        images = self._images
        if what == "tags":
            return _json({"name": name, "tags": images.tags(name)})
        if what == "manifests":
            digest = images.manifests.get((name, reference), "")
            if not digest:
                return _error(404, "MANIFEST_UNKNOWN", "manifest unknown")
            return 200, MANIFEST_TYPE, images.bodies[digest], digest
        blob = images.blobs.get(reference)
        if blob is None:
            return _error(404, "BLOB_UNKNOWN", "blob unknown to registry")
        return 200, "application/octet-stream", blob, reference


def _json(document: object) -> tuple[int, str, bytes, str]:
    return 200, "application/json", json.dumps(document).encode(), ""


def _error(status: int, code: str, message: str) -> tuple[int, str, bytes, str]:
    body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
    return status, "application/json", body, ""
