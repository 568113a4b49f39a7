"""Admission's settings."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pyrox.env import Address
from pyrox.errors import Invalid
from services.admission import config


def test_defaults_are_those_of_a_pod() -> None:
    made = config.load([], {})
    assert (made.listen.port, made.metrics) == (8443, Address.parse(":9090"))
    assert made.sensor == "sensor.stackrox.svc:443"
    assert made.certs.used == Path("/run/secrets/stackrox.io/certs")
    assert made.certs.new == Path("/run/secrets/stackrox.io/certs-new")
    assert made.certs.legacy == Path("/run/secrets/stackrox.io/certs-legacy")
    assert (made.image_ttl, made.image_bytes) == (timedelta(hours=4), 200 << 20)
    assert made.drain == timedelta(seconds=15)


def test_flags_and_environment_change_them() -> None:
    made = config.load(
        ["--listen", "127.0.0.1:1", "--drain", "1s"],
        {
            "ROX_SENSOR_ENDPOINT": "s:2",
            "ROX_ADMISSION_CONTROL_IMAGE_CACHE_TTL": "1m",
            "ROX_ADMISSION_CONTROL_IMAGE_CACHE_MAX_SIZE": "500",
        },
    )
    assert (made.listen.host, made.listen.port, made.sensor) == ("127.0.0.1", 1, "s:2")
    assert (made.image_ttl, made.drain) == (timedelta(minutes=1), timedelta(seconds=1))
    assert made.image_bytes == 500 << 20


def test_bad_address_is_named() -> None:
    with pytest.raises(Invalid, match="address 'x:y'"):
        config.load(["--listen", "x:y"], {})


def test_metrics_port_may_be_disabled() -> None:
    assert config.load([], {"ROX_METRICS_PORT": "disabled"}).metrics is None


def test_images_kept_for_no_time_are_refused() -> None:
    with pytest.raises(
        Invalid, match="ROX_ADMISSION_CONTROL_IMAGE_CACHE_TTL='0s': expected a duration above 0s"
    ):
        config.load([], {"ROX_ADMISSION_CONTROL_IMAGE_CACHE_TTL": "0s"})
