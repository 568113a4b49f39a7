"""The port that Prometheus scrapes, asked over a real socket."""

from __future__ import annotations

import asyncio

import httpx

from pyrox.clock import SystemClock
from pyrox.env import Address
from pyrox.metrics import Metrics
from pyrox.rpc.monitoring import metrics_fronts


async def test_metrics_port_answers_metrics_and_nothing_else() -> None:
    metrics = Metrics("sensor")
    metrics.counter("events", "events seen").inc(3)
    (front,) = metrics_fronts(Address("127.0.0.1", 0), metrics, SystemClock())
    ready = asyncio.Event()
    task = asyncio.create_task(front.run(ready.set))
    await ready.wait()
    host, port = front.addresses[0]
    async with httpx.AsyncClient(base_url=f"http://{host}:{port}", trust_env=False) as client:
        found = await client.get("/metrics")
        assert (found.status_code, "rox_sensor_events_total 3.0" in found.text) == (200, True)
        assert (await client.get("/debug/pprof/")).status_code == 404
        assert (await client.post("/metrics")).status_code == 405
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
