"""The simulated API server: an ASGI app over the store.

List in pages, watch with bookmarks and 410, create, update, the three patch forms,
delete, scale, discovery. Writes ask the registered webhooks first. What a real API
server would default or validate is not done.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import orjson
import yaml

from pyrox.errors import Exhausted, RoxError
from pyrox.k8s import kinds
from pyrox.rpc.asgi import Receive, Scope, Send
from services.local.simulated import discovery, patches
from services.local.simulated.controllers import Controllers
from services.local.simulated.resources import Address, parse
from services.local.simulated.store import Event, Json, Store, Watcher, name_of, namespace_of
from services.local.simulated.webhooks import USER, Webhooks, Write

# As etcd: an object may have 1.5 MiB.
_MAX_BODY = 3 * 1024 * 1024 // 2
_BOOKMARK_SECONDS = 30.0
_WATCH_SECONDS = 600.0
_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "AlreadyExists",
    410: "Expired",
    415: "UnsupportedMediaType",
    422: "Invalid",
    501: "NotImplemented",
}


class Problem(RoxError):
    """An answer that is a Kubernetes Status."""

    def __init__(self, code: int, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason or _REASONS.get(code, "")


class Api:
    """The app."""

    def __init__(self, *, store: Store, controllers: Controllers, webhooks: Webhooks, token: str) -> None:
        self._store = store
        self._controllers = controllers
        self._webhooks = webhooks
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        try:
            self._authenticate(scope)
            await self._answer(scope, receive, send)
        except Problem as problem:
            await _send(send, problem.code, _status(problem))
        except Exhausted as err:
            await _send(send, 429, _status(Problem(429, err.message, "TooManyRequests")))

    def _authenticate(self, scope: Scope) -> None:
        given = _header(scope, b"authorization").removeprefix(b"Bearer ")
        if not hmac.compare_digest(given, self._token):
            raise Problem(401, "Unauthorized")

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = str(scope["path"]).rstrip("/"), str(scope["method"])
        found = discovery.answer(path)
        if found is not None:
            await _send(send, 200, found)
            return
        if path in {"/healthz", "/readyz", "/livez"}:
            await _send(send, 200, {"status": "ok"})
            return
        if path.endswith(("/selfsubjectaccessreviews", "/selfsubjectreviews")) and method == "POST":
            await _send(send, 201, _may(await _read(receive)))
            return
        address = parse(path)
        if address is None:
            raise Problem(404, "the server could not find the requested resource")
        query = {key: values[0] for key, values in parse_qs(scope["query_string"].decode("latin-1")).items()}
        if method == "GET" and not address.name and query.get("watch") in {"1", "true"}:
            await self._watch(address, query, receive, send)
        elif method == "GET":
            await _send(send, 200, self._get(address, query))
        else:
            body = _parsed(await _read(receive), scope)
            code, answer = await self._write(method, address, body, query, scope)
            await _send(send, code, answer)

    # Reading.

    def _get(self, address: Address, query: Mapping[str, str]) -> Json:
        if not address.name:
            return self._list(address, query)
        found = self._existing(address)
        if address.subresource == "scale" and address.resource.scalable:
            return _scale(found)
        if address.subresource not in {"", "status"}:
            raise Problem(404, "the server could not find the requested resource")
        return found

    def _existing(self, address: Address) -> Json:
        kind = address.resource.kind
        found = self._store.get(kind, address.namespace, address.name)
        if found is None:
            raise Problem(404, f'{_plural(address)} "{address.name}" not found')
        return found

    def _list(self, address: Address, query: Mapping[str, str]) -> Json:
        resource = address.resource
        items = [one for one in self._store.list(resource.kind, address.namespace) if _asked(one, query)]
        version, after = _token(query.get("continue", ""), self._store.version)
        if version < self._store.oldest:
            raise Problem(410, "The provided continue parameter is too old")
        rest = [one for one in items if (namespace_of(one), name_of(one)) > after]
        limit = _number(query, "limit") or len(rest)
        page = rest[:limit]
        metadata: Json = {"resourceVersion": str(version)}
        if len(rest) > limit:
            last = (namespace_of(page[-1]), name_of(page[-1]))
            metadata["continue"] = base64.urlsafe_b64encode(orjson.dumps([version, *last])).decode()
            metadata["remainingItemCount"] = len(rest) - limit
        kind = f"{resource.kind.name}List"
        return {"kind": kind, "apiVersion": resource.kind.api_version, "metadata": metadata, "items": page}

    async def _watch(self, address: Address, query: Mapping[str, str], receive: Receive, send: Send) -> None:
        kind, since = address.resource.kind, _number(query, "resourceVersion")
        current = [] if since else self._store.list(kind, address.namespace)
        watcher = self._store.watch(kind, address.namespace, since or self._store.version)
        await _start(send, 200, b"application/json", None)
        if watcher is None:
            gone = Problem(410, f"too old resource version: {since} ({self._store.oldest})")
            await _line(send, {"type": "ERROR", "object": _status(gone)}, more=False)
            return
        try:
            for value in current:
                await _line(send, {"type": "ADDED", "object": value})
            seconds = min(_number(query, "timeoutSeconds") or _WATCH_SECONDS, _WATCH_SECONDS)
            await self._stream(watcher, query, float(seconds), receive, send)
        finally:
            self._store.unwatch(watcher)
        await send({"type": "http.response.body", "body": b""})

    async def _stream(
        self, watcher: Watcher, query: Mapping[str, str], seconds: float, receive: Receive, send: Send
    ) -> None:
        """Send events until the time is over, the client goes or the watcher is ended."""
        bookmarks = query.get("allowWatchBookmarks") in {"1", "true"}
        gone = asyncio.create_task(_disconnected(receive))
        try:
            async with asyncio.timeout(seconds):
                while not gone.done():
                    event = await _next(watcher, gone)
                    if event is None:
                        return
                    if isinstance(event, Event):
                        if _asked(event.object, query):
                            await _line(send, {"type": event.type, "object": event.object})
                    elif bookmarks:
                        await _line(send, self._bookmark(watcher))
        except TimeoutError:
            return
        finally:
            gone.cancel()

    def _bookmark(self, watcher: Watcher) -> Json:
        metadata = {"resourceVersion": str(self._store.version), "creationTimestamp": None}
        kind = {"kind": watcher.kind.name, "apiVersion": watcher.kind.api_version}
        return {"type": "BOOKMARK", "object": {**kind, "metadata": metadata}}

    # Writing.

    async def _write(
        self, method: str, address: Address, body: Any, query: Mapping[str, str], scope: Scope
    ) -> tuple[int, Json]:
        if address.subresource in {"exec", "attach", "portforward"}:
            await self._connect(address, body)
        match method:
            case "POST" if not address.name:
                return 201, await self._create(address, _object(body), query)
            case "PUT" if address.name:
                return 200, await self._update(address, _object(body), query)
            case "PATCH" if address.name:
                return await self._patch(address, body, query, scope)
            case "DELETE" if address.name:
                return 200, await self._delete(address, query)
        raise Problem(405, "the server does not allow this method on the requested resource")

    async def _connect(self, address: Address, body: Any) -> None:
        """Ask about a command in a pod, which the simulation then cannot run."""
        self._existing(replace(address, subresource=""))
        options = body if isinstance(body, dict) else {}
        await self._admit(Write("CONNECT", address, address.name, options))
        raise Problem(501, "pods of the simulated cluster run no processes")

    async def _create(self, address: Address, body: Json, query: Mapping[str, str]) -> Json:
        value = self._complete(address, body)
        if not name_of(value):
            raise Problem(422, "metadata.name: Required value: name or generateName is required")
        address = replace(address, namespace=namespace_of(value))
        kind = address.resource.kind
        if self._store.get(kind, address.namespace, name_of(value)) is not None:
            raise Problem(409, f'{_plural(address)} "{name_of(value)}" already exists')
        dry = "dryRun" in query
        await self._admit(Write("CREATE", address, name_of(value), value, dry_run=dry))
        return value if dry else self._keep(address, value)

    async def _update(self, address: Address, body: Json, query: Mapping[str, str]) -> Json:
        known = self._existing(replace(address, subresource=""))
        if address.subresource == "scale":
            return _scale(await self._rescale(address, known, body, query))
        value = self._complete(address, body)
        asked = body.get("metadata", {}).get("resourceVersion")
        if asked and asked != known["metadata"]["resourceVersion"]:
            raise Problem(
                409,
                f'Operation cannot be fulfilled on {_plural(address)} "{address.name}": the object has been '
                "modified; please apply your changes to the latest version and try again",
                "Conflict",
            )
        return await self._change(address, known, value, query)

    async def _patch(
        self, address: Address, body: Any, query: Mapping[str, str], scope: Scope
    ) -> tuple[int, Json]:
        form = _header(scope, b"content-type").split(b";")[0].decode("latin-1")
        known = self._store.get(address.resource.kind, address.namespace, address.name)
        if known is None and form == "application/apply-patch+yaml" and not address.subresource:
            return 201, await self._create(address, _object(body), query)
        known = self._existing(replace(address, subresource=""))
        if address.subresource == "scale":
            return 200, _scale(await self._rescale(address, known, _object(body), query))
        if form in {"application/strategic-merge-patch+json", "application/apply-patch+yaml"}:
            value = patches.strategic(known, _object(body))
        elif form == "application/merge-patch+json":
            value = patches.merge(known, _object(body))
        else:
            raise Problem(415, f"the body of the request was in an unknown format: {form}")
        return 200, await self._change(address, known, value, query)

    async def _rescale(self, address: Address, known: Json, body: Json, query: Mapping[str, str]) -> Json:
        wanted = body.get("spec", {}).get("replicas")
        if not isinstance(wanted, int) or wanted < 0 or not address.resource.scalable:
            raise Problem(422, "spec.replicas: Invalid value: must be a number from 0 on")
        value = {**known, "spec": {**known["spec"], "replicas": wanted}}
        scale = {**_scale(known), "spec": {"replicas": wanted}}
        await self._admit(Write("UPDATE", address, address.name, scale, _scale(known), "dryRun" in query))
        return self._keep(address, value)

    async def _change(self, address: Address, known: Json, value: Json, query: Mapping[str, str]) -> Json:
        same = {
            key: known["metadata"].get(key)
            for key in ("name", "namespace", "uid")
            if key in known["metadata"]
        }
        value = {**value, "metadata": {**(value.get("metadata") or {}), **same}}
        if address.subresource != "status":
            value = {**value, "status": known["status"]} if "status" in known else value
        dry = "dryRun" in query
        await self._admit(Write("UPDATE", address, address.name, value, known, dry))
        return value if dry else self._keep(address, value)

    async def _delete(self, address: Address, query: Mapping[str, str]) -> Json:
        known = self._existing(address)
        dry = "dryRun" in query
        await self._admit(Write("DELETE", address, address.name, None, known, dry))
        if not dry:
            kind = address.resource.kind
            self._store.delete(kind, address.namespace, address.name)
            self._controllers.removed(known)
            if kind == kinds.NAMESPACE:
                self._empty(address.name)
        return known

    def _empty(self, namespace: str) -> None:
        """A deleted namespace takes everything in it along."""
        for kind, value in list(self._store.all()):
            if namespace_of(value) == namespace:
                self._store.delete(kind, namespace, name_of(value))

    async def _admit(self, write: Write) -> None:
        refused = await self._webhooks.refusal(write)
        if refused is not None:
            raise Problem(refused.code, refused.message, refused.reason)

    def _complete(self, address: Address, body: Json) -> Json:
        """The object with the namespace of its path. Raises `Problem` when they contradict."""
        metadata = body.get("metadata")
        if not isinstance(metadata, dict):
            raise Problem(400, "the object has no metadata")
        metadata = dict(metadata)
        if address.resource.namespaced:
            namespace = metadata.get("namespace") or address.namespace or "default"
            if address.namespace and namespace != address.namespace:
                raise Problem(400, "the namespace of the provided object does not match the namespace sent")
            if self._store.get(kinds.NAMESPACE, "", namespace) is None:
                raise Problem(404, f'namespaces "{namespace}" not found')
            metadata["namespace"] = namespace
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = f"{metadata['generateName']}{self._store.version % 100_000:05d}"
        return {**body, "metadata": metadata}

    def _keep(self, address: Address, value: Json) -> Json:
        kind = address.resource.kind
        if kind == kinds.NAMESPACE:
            labels = {
                "kubernetes.io/metadata.name": name_of(value),
                **(value["metadata"].get("labels") or {}),
            }
            value = {**value, "metadata": {**value["metadata"], "labels": labels}}
        stored = self._store.put(kind, value)
        self._controllers.settle(kind, stored)
        return self._store.get(kind, namespace_of(stored), name_of(stored)) or stored


async def _next(watcher: Watcher, gone: asyncio.Task[None]) -> Event | bool | None:
    """The next event; True when a bookmark is due; None when the watch is over."""
    waiting = asyncio.create_task(watcher.events.get())
    done, _ = await asyncio.wait(
        {waiting, gone}, timeout=_BOOKMARK_SECONDS, return_when=asyncio.FIRST_COMPLETED
    )
    if waiting in done:
        return waiting.result()
    waiting.cancel()
    return None if gone in done else True


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _asked(value: Json, query: Mapping[str, str]) -> bool:
    """Whether the object passes the field and label selectors (equality only)."""
    labels = value["metadata"].get("labels") or {}
    for text, lookup in (
        (query.get("labelSelector", ""), labels.get),
        (query.get("fieldSelector", ""), lambda key: _field(value, key)),
    ):
        for part in filter(None, text.split(",")):
            key, separator, wanted = part.replace("==", "=").partition("=")
            unequal = key.endswith("!")
            if separator and (lookup(key.rstrip("!")) == wanted) is unequal:
                return False
    return True


def _field(value: Json, key: str) -> str:
    found: Any = value
    for word in key.split("."):
        found = found.get(word) if isinstance(found, dict) else None
    return "" if found is None else str(found)


def _token(text: str, version: int) -> tuple[int, tuple[str, str]]:
    if not text:
        return version, ("", "")
    try:
        at, namespace, name = orjson.loads(base64.urlsafe_b64decode(text))
        return int(at), (str(namespace), str(name))
    except (ValueError, TypeError) as err:
        raise Problem(400, "continue key is not valid") from err


def _number(query: Mapping[str, str], key: str) -> int:
    text = query.get(key, "")
    if not text:
        return 0
    if not text.isdigit():
        raise Problem(400, f"{key}: {text!r} is no number")
    return int(text)


def _scale(value: Json) -> Json:
    keys = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: value["metadata"].get(key) for key in keys},
        "spec": {"replicas": value["spec"].get("replicas", 1)},
        "status": {"replicas": (value.get("status") or {}).get("replicas", 0)},
    }


def _may(raw: bytes) -> Json:
    try:
        body = _object(orjson.loads(raw))
    except orjson.JSONDecodeError as err:
        raise Problem(400, f"the body is no JSON: {err}") from err
    return {**body, "status": {"allowed": True, "userInfo": USER}}


def _plural(address: Address) -> str:
    resource = address.resource
    return resource.kind.plural + (f".{resource.group}" if resource.group else "")


def _object(body: Any) -> Json:
    if not isinstance(body, dict):
        raise Problem(400, "the body is no object")
    return body


def _parsed(raw: bytes, scope: Scope) -> Any:
    if not raw:
        return None
    try:
        if b"yaml" in _header(scope, b"content-type"):
            return yaml.safe_load(raw)
        return orjson.loads(raw)
    except (orjson.JSONDecodeError, yaml.YAMLError) as err:
        raise Problem(400, f"the body cannot be read: {err}") from err


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > _MAX_BODY:
            raise Problem(413, f"Request entity too large: limit is {_MAX_BODY}", "RequestEntityTooLarge")
        if not message.get("more_body"):
            return bytes(body)


def _header(scope: Scope, name: bytes) -> bytes:
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return b""


def _status(problem: Problem) -> Json:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": problem.message,
        "reason": problem.reason,
        "code": problem.code,
    }


async def _start(send: Send, status: int, content_type: bytes, length: int | None) -> None:
    headers = [(b"content-type", content_type)]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def _send(send: Send, status: int, answer: Json) -> None:
    body = orjson.dumps(answer)
    await _start(send, status, b"application/json", len(body))
    await send({"type": "http.response.body", "body": body})


async def _line(send: Send, event: Json, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": orjson.dumps(event) + b"\n", "more_body": more})
