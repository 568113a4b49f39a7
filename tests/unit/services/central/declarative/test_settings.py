from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pyrox.errors import Invalid
from services.central.declarative.settings import DIRECTORY, DeclarativeSettings


def test_defaults_are_upstreams() -> None:
    made = DeclarativeSettings.load(DIRECTORY, {})
    assert made == DeclarativeSettings()
    assert (made.enabled, made.watch, made.reconcile) == (True, timedelta(seconds=5), timedelta(seconds=20))
    assert made.directory == Path("/run/stackrox.io/declarative-configuration")


def test_environment_is_read_and_checked() -> None:
    environment = {
        "ROX_DECLARATIVE_CONFIGURATION": "false",
        "ROX_DECLARATIVE_CONFIG_WATCH_INTERVAL": "1s",
        "ROX_DECLARATIVE_CONFIG_RECONCILE_INTERVAL": "2s",
    }
    made = DeclarativeSettings.load(Path("/d"), environment)
    assert (made.enabled, made.watch.seconds, made.reconcile.seconds) == (False, 1, 2)
    with pytest.raises(Invalid, match="ROX_DECLARATIVE_CONFIG_WATCH_INTERVAL"):
        DeclarativeSettings.load(Path("/d"), {"ROX_DECLARATIVE_CONFIG_WATCH_INTERVAL": "often"})
