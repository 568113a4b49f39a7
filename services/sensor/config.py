"""Sensor's settings: read from flags and environment once, checked before anything starts.

Names and defaults are upstream's; flags hold only what differs between a pod and a
developer's machine. It must not open anything.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pyrox import env
from pyrox.env import Address, Setting
from pyrox.errors import Invalid
from pyrox.mtls.choice import Places
from services.sensor.runtime.processfilter import MODES, FilterLimits

_CERTS = Path("/run/secrets/stackrox.io/certs")

CENTRAL = Setting("ROX_CENTRAL_ENDPOINT", env.text, "central.stackrox.svc:443", "address of Central")
CERT_FILE = Setting("ROX_MTLS_CERT_FILE", Path, _CERTS / "cert.pem", "Sensor's certificate")
KEY_FILE = Setting("ROX_MTLS_KEY_FILE", Path, _CERTS / "key.pem", "Sensor's key")
CA_FILE = Setting("ROX_MTLS_CA_FILE", Path, _CERTS / "ca.pem", "the service CA")
NAMESPACE = Setting("POD_NAMESPACE", env.text, "stackrox", "namespace that Sensor runs in")
NODE_NAME = Setting("K8S_NODE_NAME", env.text, "", "node that Sensor runs on")
HELM_CONFIG = Path("helm-cluster-config/config.yaml")
HELM_NAME = Path("helm-effective-cluster-name/cluster-name")
KUBECONFIG = Setting("KUBECONFIG", env.text, "", "kubeconfig; without it the pod's account is used")
RETRY_INITIAL = Setting(
    "ROX_SENSOR_CONNECTION_RETRY_INITIAL_INTERVAL",
    env.span,
    timedelta(seconds=10),
    "first pause between attempts to reach Central",
)
RETRY_LONGEST = Setting(
    "ROX_SENSOR_CONNECTION_RETRY_MAX_INTERVAL",
    env.span,
    timedelta(minutes=5),
    "longest pause between attempts to reach Central",
)
DEDUPER_TIMEOUT = Setting(
    "ROX_DEDUPER_STATE_TIMEOUT", env.span, timedelta(seconds=30), "wait for each message of the greeting"
)
MAX_MESSAGE = Setting("ROX_GRPC_MAX_MESSAGE_SIZE", int, 24 << 20, "receive limit of gRPC messages in bytes")
OUTBOX = Setting("ROX_RESPONSES_CHANNEL_BUFFER_SIZE", int, 100_000, "messages that may wait for the stream")
KEPT = Setting(
    "ROX_SENSOR_PROCESS_INDICATOR_BUFFER_SIZE", int, 50_000, "runtime events kept while Central is away"
)
DETECTOR_QUEUE = Setting(
    "ROX_SENSOR_DETECTOR_PROCESS_INDICATOR_BUFFER_SIZE", int, 20_000, "processes that may wait for detection"
)
# Upstream's tick is a constant of 30 s (sensor/common/networkflow/manager).
FLOW_INTERVAL = Setting(
    "ROX_SENSOR_NETFLOW_INTERVAL", env.span, timedelta(seconds=30), "how often network flows are told"
)
IMAGE_TTL = Setting("ROX_REPROCESSING_INTERVAL", env.span, timedelta(hours=4), "how long images are kept")
SCAN_TIMEOUT = Setting("ROX_SCAN_TIMEOUT", env.span, timedelta(minutes=10), "longest scan of one image")
FILTER_MODE = Setting("ROX_PROCESS_FILTER_MODE", env.text, "default", "aggressive, default or minimal")
LOG_LEVEL = Setting("LOGLEVEL", env.text, "info", "least severe log lines that are written")


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that `app.build` needs to know."""

    listen: Address
    webhook: Address | None
    """A second port that answers probes only; none unless it is asked for."""
    metrics: Address | None
    central: str
    cert_file: Path
    key_file: Path
    ca_file: Path
    certs: Places
    namespace: str
    node_name: str
    kubeconfig: Path | None
    helm_config: Path
    helm_name: Path
    cluster_id_file: Path
    losses_file: Path
    retry_initial: timedelta
    retry_longest: timedelta
    greeting_timeout: timedelta
    max_message_bytes: int
    outbox_limit: int
    kept_limit: int
    detector_queue: int
    image_ttl: timedelta
    flow_interval: timedelta
    scan_timeout: timedelta
    process_filter: FilterLimits
    log_level: str


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="kubernetes-sensor", description="PyRox Sensor")
    made.add_argument("--listen", default=":8443", help="address of the TLS port for Collector and Admission")
    made.add_argument("--webhook", default="", help="address of a TLS port for probes only")
    made.add_argument(
        "--secrets",
        type=Path,
        default=Path("/run/secrets/stackrox.io"),
        help="directory of the mounted secrets",
    )
    made.add_argument(
        "--cache", type=Path, default=Path("/var/cache/stackrox"), help="directory that outlives the process"
    )
    return made


def load(arguments: Sequence[str], environment: Mapping[str, str]) -> Config:
    """The configuration. Raises `Invalid` that names the setting at fault."""
    flags = parser().parse_args(arguments)
    kubeconfig = KUBECONFIG.read(environment)
    cert_file = CERT_FILE.read(environment)
    mode = FILTER_MODE.read(environment)
    if mode not in MODES:
        raise Invalid(f"{FILTER_MODE.name}={mode!r}: expected one of {', '.join(MODES)}")
    return Config(
        listen=Address.parse(flags.listen),
        webhook=Address.parse(flags.webhook) if flags.webhook else None,
        metrics=env.METRICS_PORT.read(environment),
        central=CENTRAL.read(environment),
        cert_file=cert_file,
        key_file=KEY_FILE.read(environment),
        ca_file=CA_FILE.read(environment),
        certs=Places.read(environment, cert_file.parent),
        namespace=NAMESPACE.read(environment),
        node_name=NODE_NAME.read(environment),
        kubeconfig=Path(kubeconfig) if kubeconfig else None,
        helm_config=flags.secrets / HELM_CONFIG,
        helm_name=flags.secrets / HELM_NAME,
        cluster_id_file=flags.cache / "cluster-id",
        losses_file=flags.cache / "runtime-events-lost",
        retry_initial=RETRY_INITIAL.read(environment),
        retry_longest=RETRY_LONGEST.read(environment),
        greeting_timeout=DEDUPER_TIMEOUT.read(environment),
        max_message_bytes=MAX_MESSAGE.read(environment),
        outbox_limit=OUTBOX.read(environment),
        kept_limit=KEPT.read(environment),
        detector_queue=DETECTOR_QUEUE.read(environment),
        image_ttl=IMAGE_TTL.read(environment),
        flow_interval=FLOW_INTERVAL.read(environment),
        scan_timeout=SCAN_TIMEOUT.read(environment),
        process_filter=MODES[mode],
        log_level=LOG_LEVEL.read(environment),
    )
