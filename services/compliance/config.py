"""Compliance's settings: read from flags and environment once, checked before anything starts.

Names and defaults are upstream's (`compliance/`, `pkg/env`). It must not open anything.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyrox import env
from pyrox.env import Address, Setting
from pyrox.errors import Invalid
from pyrox.mtls.choice import Places
from pyrox.mtls.reload import CertFiles

SENSOR = Setting("ROX_ADVERTISED_ENDPOINT", env.text, "sensor.stackrox.svc:443", "address of Sensor")
NODE_NAME = Setting("ROX_NODE_NAME", env.text, "", "the node that this process runs on")
METRICS_PORT = Setting(
    "ROX_METRICS_PORT", env.metrics_port, None, "address of the Prometheus endpoint, or `disabled`"
)
LOG_LEVEL = Setting("LOGLEVEL", env.text, "info", "least severe log lines that are written")
_CERTS = "/run/secrets/stackrox.io/certs"
CA_FILE = Setting("ROX_MTLS_CA_FILE", Path, Path(_CERTS, "ca.pem"), "the service CA")
CERT_FILE = Setting("ROX_MTLS_CERT_FILE", Path, Path(_CERTS, "cert.pem"), "Collector's certificate")
KEY_FILE = Setting("ROX_MTLS_KEY_FILE", Path, Path(_CERTS, "key.pem"), "its key")


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that `app.build` needs to know."""

    sensor: str
    node_name: str
    ca_file: Path
    files: CertFiles
    certs: Places
    metrics: Address | None
    log_level: str


def parser() -> argparse.ArgumentParser:
    """The command line; charts say everything by the environment."""
    return argparse.ArgumentParser(prog="compliance", description="PyRox Compliance")


def load(arguments: Sequence[str], environment: Mapping[str, str]) -> Config:
    """The configuration. Raises `Invalid` that names the setting at fault."""
    parser().parse_args(arguments)
    node_name = NODE_NAME.read(environment)
    if not node_name:
        raise Invalid(f"{NODE_NAME.name} is not set; a pod takes it from spec.nodeName")
    files = CertFiles(CERT_FILE.read(environment), KEY_FILE.read(environment))
    return Config(
        sensor=SENSOR.read(environment),
        node_name=node_name,
        ca_file=CA_FILE.read(environment),
        files=files,
        certs=Places.read(environment, files.cert.parent),
        metrics=METRICS_PORT.read(environment),
        log_level=LOG_LEVEL.read(environment),
    )
