"""Metrics: names, kinds and the text that Prometheus scrapes."""

from __future__ import annotations

import pytest

from pyrox.metrics import Metrics


def samples(metrics: Metrics) -> dict[str, float]:
    lines = (line for line in metrics.render().decode().splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_counter_is_prefixed_and_ends_in_total() -> None:
    metrics = Metrics("central")
    counter = metrics.counter("events", "events seen", ("kind",))
    counter.labels("pod").inc()
    counter.labels("pod").inc(2)
    counter.labels('a"b\n').inc()
    found = samples(metrics)
    assert found['rox_central_events_total{kind="pod"}'] == 3
    assert found['rox_central_events_total{kind="a\\"b\\n"}'] == 1
    assert b"# HELP rox_central_events_total events seen" in metrics.render()


def test_gauge_goes_both_ways() -> None:
    metrics = Metrics("sensor")
    gauge = metrics.gauge("queue_size", "items waiting")
    gauge.set(5)
    gauge.dec(7)
    assert samples(metrics)["rox_sensor_queue_size"] == -2


def test_histogram_counts_into_its_own_buckets() -> None:
    metrics = Metrics("scanner")
    histogram = metrics.histogram("layer_bytes", "size of layers in bytes", buckets=(10, 100))
    for value in (5, 50, 500):
        histogram.observe(value)
    found = samples(metrics)
    assert [
        found[f'rox_scanner_layer_bytes_bucket{{le="{edge}"}}'] for edge in ("10.0", "100.0", "+Inf")
    ] == [
        1,
        2,
        3,
    ]
    assert found["rox_scanner_layer_bytes_sum"] == 555


def test_histogram_default_buckets_are_prometheus_seconds() -> None:
    metrics = Metrics("scanner")
    metrics.histogram("scan", "time of a scan in seconds").observe(0.004)
    assert samples(metrics)['rox_scanner_scan_bucket{le="0.005"}'] == 1


def test_metric_declared_twice_is_refused() -> None:
    metrics = Metrics("central")
    metrics.gauge("x", "one")
    with pytest.raises(ValueError, match="rox_central_x"):
        metrics.gauge("x", "two")


def test_metrics_of_two_processes_do_not_meet() -> None:
    one, other = Metrics("central"), Metrics("central")
    one.counter("x", "").inc()
    other.counter("x", "")
    assert samples(one)["rox_central_x_total"] == 1
    assert samples(other)["rox_central_x_total"] == 0
