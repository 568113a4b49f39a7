"""What Collector counts, and how it shows: metrics and the status page.

The parts add to `Stats`; Prometheus and `/ready` read it. Metric and field names are
upstream's (`rox_collector_events{type=…}`, `collector/lib/GetStatus.cpp`). It must not
know how a number comes about.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from pyrox.metrics import Metrics
from pyrox.rpc.health import Answer
from services.collector.loader import Counters


@dataclass(slots=True)
class Stats:
    """Counts of this process and the state of its two ends."""

    received: int = 0
    """Records read from the kernel."""
    malformed: int = 0
    sent: int = 0
    send_failures: int = 0
    """Signals dropped because Sensor was away or too slow."""
    stream_failures: int = 0
    rate_limited: int = 0
    scraped: int = 0
    connections: int = 0
    """Connections that Sensor was told of, new and ended."""
    kernel: Counters = Counters()  # noqa: RUF009 - immutable
    problem: str = "starting"
    """Why the kernel is not watched; empty when it is."""
    connected: bool = False


# Upstream's names of counts, then ours where it has none.
_EVENTS: dict[str, Callable[[Stats], int]] = {
    "kernel": lambda stats: stats.kernel.sent + stats.kernel.lost + stats.kernel.missed,
    "drops": lambda stats: stats.kernel.lost,
    "ringbufferDrops": lambda stats: stats.kernel.lost,
    "preemptions": lambda stats: stats.kernel.missed,
    "userspace": lambda stats: stats.received,
    "processSent": lambda stats: stats.sent,
    "processSendFailures": lambda stats: stats.send_failures,
    "grpcSendFailures": lambda stats: stats.stream_failures,
    "processRateLimitCount": lambda stats: stats.rate_limited,
    "processResolutionFailuresByEvt": lambda stats: stats.malformed,
    "argumentsUnreadable": lambda stats: stats.kernel.unreadable,
    "filtered": lambda stats: stats.kernel.outside,
    "processScraped": lambda stats: stats.scraped,
}


def expose(stats: Stats, metrics: Metrics, refresh: Callable[[], None]) -> None:
    """Show the counts to Prometheus; `refresh` brings those of the kernel up to date."""
    events = metrics.gauge("events", "events by what became of them", ["type"])

    def reader(of: Callable[[Stats], int]) -> Callable[[], float]:
        def read() -> float:
            refresh()
            return of(stats)

        return read

    for name, of in _EVENTS.items():
        events.labels(type=name).set_function(reader(of))
    counters = metrics.gauge("counters", "what happened beside events", ["type"])
    counters.labels(type="net_conn_deltas").set_function(lambda: stats.connections)
    metrics.gauge("ebpf_loaded", "1 while the kernel is watched").set_function(lambda: not stats.problem)
    metrics.gauge("sensor_connected", "1 while a stream to Sensor is open").set_function(
        lambda: stats.connected
    )


def status_page(
    stats: Stats, node: str, refresh: Callable[[], None]
) -> tuple[Callable[[], Answer], Callable[[], Answer]]:
    """The answers of `/ready` and `/live`."""

    def ready() -> Answer:
        refresh()
        return _answer(stats, node)

    def live() -> Answer:
        return Answer(body=b"ok\n")

    return ready, live


def _answer(stats: Stats, node: str) -> Answer:
    """503 with the reason while the kernel is not watched, so that the pod is seen as not ready."""
    kernel = stats.kernel
    document: dict[str, object] = {
        "status": "ok" if not stats.problem else "unavailable",
        "collector": {
            "node": node,
            "events": kernel.sent + kernel.lost + kernel.missed,
            "drops": kernel.lost,
            "preemptions": kernel.missed,
            "filtered_events": kernel.outside,
            "sent": stats.sent,
            "send_failures": stats.send_failures,
            "rate_limited": stats.rate_limited,
            "sensor_connected": stats.connected,
        },
    }
    if stats.problem:
        document["reason"] = stats.problem
    body = json.dumps(document, indent=2).encode() + b"\n"
    return Answer(503 if stats.problem else 200, body, "application/json")
