"""Probes and metrics as an ASGI app."""

from __future__ import annotations

from typing import Any

import pytest

from pyrox.metrics import Metrics
from pyrox.rpc.health import liveness, metrics_probe, probe_app, readiness


class Site:
    def __init__(self) -> None:
        self.ready = False
        self.metrics = Metrics("central")
        self.app = probe_app(
            {
                "/health/liveness": liveness,
                "/health/readiness": readiness(self.check),
                "/metrics": metrics_probe(self.metrics),
            }
        )

    async def check(self) -> bool:
        return self.ready

    async def get(self, path: str, method: str = "GET") -> tuple[int, dict[bytes, bytes], bytes]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "http.request"}

        await self.app({"type": "http", "path": path, "method": method}, receive, send)
        start, body = sent
        return start["status"], dict(start["headers"]), body["body"]


async def test_readiness_is_503_until_the_check_holds() -> None:
    site = Site()
    assert (await site.get("/health/readiness"))[::2] == (503, b"")
    site.ready = True
    assert (await site.get("/health/readiness"))[::2] == (200, b"")


async def test_liveness_is_200_before_the_process_is_ready() -> None:
    assert (await Site().get("/health/liveness"))[::2] == (200, b"")


async def test_metrics_are_prometheus_text() -> None:
    site = Site()
    site.metrics.counter("calls", "calls served").inc()
    status, headers, body = await site.get("/metrics")
    assert status == 200
    assert headers[b"content-type"].startswith(b"text/plain; version=0.0.4")
    assert b"rox_central_calls_total 1.0" in body
    assert headers[b"content-length"] == str(len(body)).encode()


async def test_head_has_the_headers_without_the_body() -> None:
    site = Site()
    site.metrics.counter("calls", "calls served")
    status, headers, body = await site.get("/metrics", "HEAD")
    assert (status, body) == (200, b"")
    assert int(headers[b"content-length"]) > 0


@pytest.mark.parametrize(("path", "method", "status"), [("/", "GET", 404), ("/metrics", "POST", 405)])
async def test_other_requests_are_refused(path: str, method: str, status: int) -> None:
    assert (await Site().get(path, method))[0] == status
