"""Settings of declarative configuration, with upstream's names and defaults. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pyrox import env
from pyrox.env import Setting

DIRECTORY = Path("/run/stackrox.io/declarative-configuration")
ENABLED = Setting(
    "ROX_DECLARATIVE_CONFIGURATION", env.boolean, default=True, about="follow mounted configuration"
)
WATCH = Setting(
    "ROX_DECLARATIVE_CONFIG_WATCH_INTERVAL",
    env.span,
    timedelta(seconds=5),
    "how often mounted configuration is read",
)
RECONCILE = Setting(
    "ROX_DECLARATIVE_CONFIG_RECONCILE_INTERVAL",
    env.span,
    timedelta(seconds=20),
    "how often what is declared is compared with what is",
)


@dataclass(frozen=True, slots=True)
class DeclarativeSettings:
    """What the keeper needs to know."""

    directory: Path = DIRECTORY
    enabled: bool = ENABLED.default
    watch: timedelta = WATCH.default
    reconcile: timedelta = RECONCILE.default

    @classmethod
    def load(cls, directory: Path, environment: Mapping[str, str]) -> DeclarativeSettings:
        """From the environment. Raises `Invalid` that names the setting at fault."""
        return cls(
            directory=directory,
            enabled=ENABLED.read(environment),
            watch=WATCH.read(environment),
            reconcile=RECONCILE.read(environment),
        )
