"""The plain port that Prometheus scrapes, one and the same for every process.

Each `app.py` that has metrics builds it from what its settings say. It must not know
what is measured, and it serves nothing but `/metrics`.
"""

from __future__ import annotations

from pyrox.clock import Clock
from pyrox.env import Address
from pyrox.metrics import Metrics
from pyrox.rpc.front import Endpoint, Front
from pyrox.rpc.health import metrics_probe, probe_app


def metrics_front(address: Address, metrics: Metrics, clock: Clock) -> Front:
    """A component that serves `metrics` at `address`, without TLS."""
    return Front(
        endpoints=[Endpoint(address.host, address.port)],
        app=probe_app({"/metrics": metrics_probe(metrics)}),
        peers=None,
        clock=clock,
        name="metrics",
    )


def metrics_fronts(address: Address | None, metrics: Metrics, clock: Clock) -> tuple[Front, ...]:
    """The same, or nothing where `ROX_METRICS_PORT` is `disabled`."""
    return () if address is None else (metrics_front(address, metrics, clock),)
