"""Admission's settings: read from flags and environment once, checked before anything starts.

Names, paths and defaults are upstream's. It must not open anything.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pyrox import env
from pyrox.env import Address, Setting
from pyrox.mtls.choice import Places

SENSOR = Setting("ROX_SENSOR_ENDPOINT", env.text, "sensor.stackrox.svc:443", "address of Sensor")
NAMESPACE = Setting("POD_NAMESPACE", env.text, "stackrox", "namespace that Admission runs in")
IMAGE_TTL = Setting(
    "ROX_ADMISSION_CONTROL_IMAGE_CACHE_TTL",
    env.span,
    timedelta(hours=4),
    "how long scanned images are kept",
)
IMAGE_MEBIBYTES = Setting(
    "ROX_ADMISSION_CONTROL_IMAGE_CACHE_MAX_SIZE", int, 200, "mebibytes of images kept, as charts give it"
)
LOG_LEVEL = Setting("LOGLEVEL", env.text, "info", "least severe log lines that are written")


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that `app.build` needs to know."""

    listen: Address
    metrics: Address | None
    certs: Places
    state: Path
    mounted: Path
    sensor: str
    namespace: str
    image_ttl: timedelta
    image_bytes: int
    drain: timedelta
    log_level: str


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="admission-control", description="PyRox Admission controller")
    made.add_argument("--listen", default=":8443", help="address of the webhook")
    made.add_argument(
        "--certs", type=Path, default=Path("/run/secrets/stackrox.io/certs"), help="own certificate"
    )
    made.add_argument(
        "--state",
        type=Path,
        default=Path("/var/lib/stackrox/admission-control"),
        help="where settings are kept",
    )
    made.add_argument(
        "--mounted",
        type=Path,
        default=Path("/run/config/stackrox.io/admission-control/config"),
        help="where the ConfigMap with settings is mounted",
    )
    made.add_argument("--drain", default="15s", help="how long to serve after the order to stop")
    return made


def load(arguments: Sequence[str], environment: Mapping[str, str]) -> Config:
    """The configuration. Raises `Invalid` that names the setting at fault."""
    flags = parser().parse_args(arguments)
    return Config(
        listen=Address.parse(flags.listen),
        metrics=env.METRICS_PORT.read(environment),
        certs=Places.read(environment, flags.certs),
        state=flags.state,
        mounted=flags.mounted,
        sensor=SENSOR.read(environment),
        namespace=NAMESPACE.read(environment),
        image_ttl=IMAGE_TTL.read(environment),
        image_bytes=IMAGE_MEBIBYTES.read(environment) << 20,
        drain=env.duration(flags.drain),
        log_level=LOG_LEVEL.read(environment),
    )
