"""Sensor's settings."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pyrox.env import Address
from pyrox.errors import Invalid
from services.sensor.config import load


def test_load_nothing_set_gives_upstreams_defaults() -> None:
    config = load([], {})
    assert config.central == "central.stackrox.svc:443"
    assert config.cert_file == Path("/run/secrets/stackrox.io/certs/cert.pem")
    assert (config.retry_initial, config.retry_longest) == (timedelta(seconds=10), timedelta(minutes=5))
    assert (config.outbox_limit, config.kept_limit, config.detector_queue) == (100_000, 50_000, 20_000)
    assert config.listen == Address("0.0.0.0", 8443)  # noqa: S104 - the default under test
    assert config.kubeconfig is None


def test_load_webhook_port_is_off_unless_named() -> None:
    assert load([], {}).webhook is None
    assert load(["--webhook", ":9443"], {}).webhook == Address("0.0.0.0", 9443)  # noqa: S104 - as in a pod


def test_load_filter_mode() -> None:
    assert load([], {"ROX_PROCESS_FILTER_MODE": "aggressive"}).process_filter.exact_matches == 1
    with pytest.raises(Invalid, match="ROX_PROCESS_FILTER_MODE"):
        load([], {"ROX_PROCESS_FILTER_MODE": "wild"})


def test_load_bad_address_is_named() -> None:
    with pytest.raises(Invalid, match="expected"):
        load(["--listen", "here"], {})


@pytest.mark.parametrize(
    ("text", "address"), [("disabled", None), ("9191", Address.parse(":9191")), ("h:1", Address("h", 1))]
)
def test_load_metrics_port_is_an_address_or_disabled(text: str, address: Address | None) -> None:
    assert load([], {"ROX_METRICS_PORT": text}).metrics == address


@pytest.mark.parametrize(
    "name",
    [
        "ROX_SENSOR_CONNECTION_RETRY_INITIAL_INTERVAL",
        "ROX_SENSOR_CONNECTION_RETRY_MAX_INTERVAL",
        "ROX_DEDUPER_STATE_TIMEOUT",
        "ROX_REPROCESSING_INTERVAL",
        "ROX_SCAN_TIMEOUT",
    ],
)
def test_load_interval_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(Invalid, match=f"{name}='0s': expected a duration above 0s"):
        load([], {name: "0s"})
