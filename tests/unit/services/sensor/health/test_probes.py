"""What Sensor's second port answers."""

from __future__ import annotations

from pyrox.metrics import Metrics
from services.sensor.health.probes import probes
from services.sensor.link.outbox import Outbox


async def test_connected_follows_the_stream_and_ready_does_not() -> None:
    outbox = Outbox(limit=10, kept_limit=10, metrics=Metrics("sensor"))
    routes = probes(outbox)
    assert (await routes["/connected"]()).status == 503
    outbox.go_live()
    assert (await routes["/connected"]()).status == 200
    outbox.go_offline()
    assert [(await routes[path]()).status for path in ("/connected", "/ready")] == [503, 200]
