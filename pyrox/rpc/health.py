"""A small ASGI app for probes and metrics.

Each process serves one beside its real port, through a `Front` without gRPC: plain on
the metrics port, with TLS where the kubelet probes by HTTPS. It must not know what
makes a process ready.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from pyrox.metrics import Metrics
from pyrox.rpc.asgi import AsgiApp, Receive, Scope, Send


@dataclass(frozen=True, slots=True)
class Answer:
    """What a probe gets."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"


Probe = Callable[[], Awaitable[Answer]]
Check = Callable[[], Awaitable[bool]]


def probe_app(routes: Mapping[str, Probe]) -> AsgiApp:
    """An app that answers GET and HEAD on exactly these paths."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI's form
        if scope["type"] != "http":
            return
        route = routes.get(scope["path"])
        if route is None:
            answer = Answer(404, b"not found\n")
        elif scope["method"] not in {"GET", "HEAD"}:
            answer = Answer(405, b"only GET is served here\n")
        else:
            answer = await route()
        await _send(answer, send, body=scope["method"] != "HEAD")

    return app


def readiness(check: Check) -> Probe:
    """200 when the check holds, else 503, both with an empty body."""

    async def probe() -> Answer:
        return Answer(200 if await check() else 503)

    return probe


async def liveness() -> Answer:
    """200 with an empty body: whoever can answer is alive."""
    return Answer(200)


def metrics_probe(metrics: Metrics) -> Probe:
    """The metrics of the process in Prometheus' text form."""

    async def probe() -> Answer:
        return Answer(body=metrics.render(), content_type="text/plain; version=0.0.4; charset=utf-8")

    return probe


async def _send(answer: Answer, send: Send, *, body: bool) -> None:
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body if body else b""})
