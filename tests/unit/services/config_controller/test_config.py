from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pyrox.env import Address
from pyrox.errors import Invalid
from services.config_controller.config import load


def test_defaults_are_those_of_the_chart() -> None:
    config = load([], {})
    assert config.health == Address.parse(":8081")
    assert config.token == Path("/var/run/secrets/stackrox.io/m2m/token")
    assert config.certs == Path("/run/secrets/stackrox.io/certs")
    assert (config.central, config.namespace) == ("central.stackrox.svc:443", "stackrox")
    assert config.interval == timedelta(minutes=30)
    assert config.kubeconfig is None


def test_flags_and_environment_are_read() -> None:
    environment = {
        "POD_NAMESPACE": "acs",
        "ROX_CONFIG_CONTROLLER_RECONCILE_INTERVAL": "90s",
        "KUBECONFIG": "/k",
        "LOGLEVEL": "debug",
    }
    config = load(["--health-probe-bind-address=127.0.0.1:1", "--token", "/t"], environment)
    assert config.central == "central.acs.svc:443"
    assert (config.interval, config.kubeconfig) == (timedelta(seconds=90), Path("/k"))
    assert (config.token, config.log_level, config.health.port) == (Path("/t"), "debug", 1)
    assert load([], {"ROX_CENTRAL_ENDPOINT": "c:8443"}).central == "c:8443"


def test_setting_that_cannot_be_read_is_named() -> None:
    with pytest.raises(Invalid, match="ROX_CONFIG_CONTROLLER_RECONCILE_INTERVAL"):
        load([], {"ROX_CONFIG_CONTROLLER_RECONCILE_INTERVAL": "soon"})
