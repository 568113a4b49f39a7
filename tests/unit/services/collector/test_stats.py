from __future__ import annotations

import json

from pyrox.metrics import Metrics
from services.collector.loader import Counters
from services.collector.stats import Stats, expose, status_page


def test_expose_shows_counts_under_upstream_names() -> None:
    stats, metrics = Stats(), Metrics("collector")
    refreshed = []
    expose(stats, metrics, lambda: refreshed.append(1))
    stats.sent, stats.kernel, stats.problem = 3, Counters(sent=5, lost=2, outside=7, missed=1), ""
    shown = metrics.render().decode()
    for line in (
        'rox_collector_events{type="kernel"} 8.0',
        'rox_collector_events{type="drops"} 2.0',
        'rox_collector_events{type="ringbufferDrops"} 2.0',
        'rox_collector_events{type="preemptions"} 1.0',
        'rox_collector_events{type="processSent"} 3.0',
        'rox_collector_events{type="processSendFailures"} 0.0',
        'rox_collector_events{type="processRateLimitCount"} 0.0',
        "rox_collector_ebpf_loaded 1.0",
        "rox_collector_sensor_connected 0.0",
    ):
        assert line in shown
    assert refreshed


def test_ready_while_the_kernel_is_watched_gives_the_counts() -> None:
    stats = Stats(problem="", kernel=Counters(sent=5, lost=2, outside=7))
    ready, _ = status_page(stats, "node-1", lambda: None)
    answer = ready()
    assert answer.status == 200
    document = json.loads(answer.body)
    assert document["status"] == "ok"
    assert document["collector"]["node"] == "node-1"
    assert (document["collector"]["events"], document["collector"]["drops"]) == (7, 2)
    assert document["collector"]["filtered_events"] == 7


def test_ready_without_the_kernel_gives_503_and_the_reason_and_live_stays() -> None:
    ready, live = status_page(Stats(problem="no BTF"), "", lambda: None)
    answer = ready()
    assert answer.status == 503
    assert json.loads(answer.body)["reason"] == "no BTF"
    assert live().status == 200
