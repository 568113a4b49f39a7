"""Compliance's settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyrox.env import Address
from pyrox.errors import Invalid
from services.compliance import config

CERTS = Path("/run/secrets/stackrox.io/certs")


def test_defaults_are_the_charts() -> None:
    read = config.load([], {"ROX_NODE_NAME": "node-1"})
    assert (read.node_name, read.sensor, read.metrics) == ("node-1", "sensor.stackrox.svc:443", None)
    assert (read.ca_file, read.files.cert, read.files.key) == (
        CERTS / "ca.pem",
        CERTS / "cert.pem",
        CERTS / "key.pem",
    )


@pytest.mark.parametrize(("text", "address"), [("disabled", None), (":9091", Address.parse("9091"))])
def test_metrics_port_may_be_disabled(text: str, address: Address | None) -> None:
    read = config.load([], {"ROX_NODE_NAME": "n", "ROX_METRICS_PORT": text})
    assert read.metrics == address


def test_missing_node_name_is_named() -> None:
    with pytest.raises(Invalid, match="ROX_NODE_NAME"):
        config.load([], {})
