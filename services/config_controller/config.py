"""The controller's settings: read from flags and environment once, checked before anything starts.

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

CENTRAL = Setting(
    "ROX_CENTRAL_ENDPOINT", env.text, "", "address of Central; by default central.<namespace>.svc:443"
)
NAMESPACE = Setting("POD_NAMESPACE", env.text, "stackrox", "namespace whose resources are followed")
INTERVAL = Setting(
    "ROX_CONFIG_CONTROLLER_RECONCILE_INTERVAL",
    env.span,
    timedelta(minutes=30),
    "how often a settled resource is compared with Central",
)
KUBECONFIG = Setting("KUBECONFIG", env.text, "", "kubeconfig; without it the pod's account is used")
LOG_LEVEL = Setting("LOGLEVEL", env.text, "info", "least severe log lines that are written")


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that `app.build` needs to know."""

    health: Address
    certs: Path
    token: Path
    central: str
    namespace: str
    interval: timedelta
    kubeconfig: Path | None
    log_level: str


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="config-controller", description="PyRox config controller")
    made.add_argument("--health-probe-bind-address", default=":8081", help="address of /healthz and /readyz")
    made.add_argument(
        "--certs", type=Path, default=Path("/run/secrets/stackrox.io/certs"), help="directory of ca.pem"
    )
    made.add_argument(
        "--token",
        type=Path,
        default=Path("/var/run/secrets/stackrox.io/m2m/token"),
        help="file with the token of the pod's account that Central is shown",
    )
    return made


def load(arguments: Sequence[str], environment: Mapping[str, str]) -> Config:
    """The configuration. Raises `Invalid` that names the setting at fault."""
    flags = parser().parse_args(arguments)
    namespace = NAMESPACE.read(environment)
    kubeconfig = KUBECONFIG.read(environment)
    return Config(
        health=Address.parse(flags.health_probe_bind_address),
        certs=flags.certs,
        token=flags.token,
        central=CENTRAL.read(environment) or f"central.{namespace}.svc:443",
        namespace=namespace,
        interval=INTERVAL.read(environment),
        kubeconfig=Path(kubeconfig) if kubeconfig else None,
        log_level=LOG_LEVEL.read(environment),
    )
