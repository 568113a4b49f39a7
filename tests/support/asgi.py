"""Requests to an ASGI app without a socket: whole answers, streams, WebSockets, clients that leave."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyrox.rpc.asgi import AsgiApp
from pyrox.rpc.peers import SCOPE_KEY, Peer

Headers = Mapping[str, str] | Sequence[tuple[str, str]]


@dataclass
class Answer:
    """What the app sent."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    parts: list[bytes] = field(default_factory=list)
    ended: bool = False

    @property
    def raw(self) -> bytes:
        return b"".join(self.parts)

    @property
    def body(self) -> bytes:
        return gzip.decompress(self.raw) if self.headers.get("content-encoding") == "gzip" else self.raw

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def scope_of(kind: str, method: str, target: str, headers: Headers, peer: Peer | None) -> dict[str, Any]:
    path, _, query = target.partition("?")
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return {
        "type": kind,
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(key.lower().encode(), value.encode("latin-1")) for key, value in pairs],
        "state": {} if peer is None else {SCOPE_KEY: peer},
    }


async def request(
    app: AsgiApp,
    method: str,
    target: str,
    *,
    body: bytes | list[bytes] = b"",
    headers: Headers = (),
    peer: Peer | None = None,
    leave: asyncio.Event | None = None,
) -> Answer:
    """One HTTP request; with `leave` the client closes the connection when it is set."""
    answer = Answer()
    parts = [body] if isinstance(body, bytes) else body
    events: list[dict[str, Any]] = [
        {"type": "http.request", "body": part, "more_body": index < len(parts) - 1}
        for index, part in enumerate(parts)
    ]

    async def receive() -> dict[str, Any]:
        if events:
            return events.pop(0)
        await (leave or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    async def send(event: Any) -> None:
        if event["type"] == "http.response.start":
            answer.status = event["status"]
            answer.headers = {
                key.decode().lower(): value.decode("latin-1") for key, value in event["headers"]
            }
        else:
            answer.parts.append(event["body"])
            answer.ended = not event.get("more_body", False)

    await app(scope_of("http", method, target, headers, peer), receive, send)
    return answer


class WebSocket:
    """The client's end of a WebSocket."""

    def __init__(self, app: AsgiApp, path: str, headers: Mapping[str, str]) -> None:
        self._to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._to_app.put_nowait({"type": "websocket.connect"})
        scope = scope_of("websocket", "GET", path, headers, None)
        self.task = asyncio.ensure_future(app(scope, self._to_app.get, self._from_app.put))  # type: ignore[arg-type]

    def send(self, data: bytes | str) -> None:
        kind = "bytes" if isinstance(data, bytes) else "text"
        self._to_app.put_nowait({"type": "websocket.receive", kind: data})

    def leave(self) -> None:
        self._to_app.put_nowait({"type": "websocket.disconnect", "code": 1006})

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(60):
            return await self._from_app.get()


async def no_fallback(scope: Any, receive: Any, send: Any) -> None:
    """An app that answers 418, to show that a request was passed on."""
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b"fallback"})
