"""Collector's settings: read from flags and environment once, checked before anything starts.

Names and defaults are upstream's (`collector/lib/CollectorConfig.cpp`); flags hold only
what differs between a pod and a developer's machine. It must not open anything.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pyrox import env
from pyrox.env import Address, Setting
from pyrox.errors import Invalid
from pyrox.mtls.choice import Places

SERVER = Setting("GRPC_SERVER", env.text, "", "address of Sensor; without it signals go to standard output")
SNI = Setting("SNI_HOSTNAME", env.text, "sensor.stackrox.svc", "name that Sensor's certificate carries")
JSON_CONFIG = Setting("COLLECTOR_CONFIG", env.text, "{}", "JSON with tlsConfig and logLevel")
METHOD = Setting("COLLECTION_METHOD", env.text, "CORE_BPF", "how the kernel is watched")
TLS_CERTS = Setting("ROX_COLLECTOR_TLS_CERTS", env.text, "", "directory of ca.pem, cert.pem and key.pem")
TLS_CA = Setting("ROX_COLLECTOR_TLS_CA", env.text, "", "the service CA")
TLS_CERT = Setting("ROX_COLLECTOR_TLS_CLIENT_CERT", env.text, "", "Collector's certificate")
TLS_KEY = Setting("ROX_COLLECTOR_TLS_CLIENT_KEY", env.text, "", "Collector's key")
NO_ARGUMENTS = Setting(
    "ROX_COLLECTOR_NO_PROCESS_ARGUMENTS", env.boolean, default=False, about="leave arguments out of signals"
)
BUFFER = Setting("ROX_COLLECTOR_SINSP_BUFFER_SIZE", int, 8 << 20, "bytes of the ring buffer of the kernel")
NO_FLOWS = Setting(
    "ROX_COLLECTOR_DISABLE_NETWORK_FLOWS", env.boolean, default=False, about="tell Sensor of no connections"
)
INTERVAL = Setting(
    "ROX_COLLECTOR_SCRAPE_INTERVAL", int, 0, "seconds between looks at connections; 0 means the JSON's"
)
GLOWS = Setting(
    "ROX_ENABLE_AFTERGLOW", env.boolean, default=True, about="keep connections open for a while that are gone"
)
GLOW = Setting("ROX_AFTERGLOW_PERIOD", int, 300, "how many seconds that is")
LOG_LEVEL = Setting("ROX_COLLECTOR_LOG_LEVEL", env.text, "", "least severe log lines that are written")
NODE_NAME = Setting("NODE_HOSTNAME", env.text, "", "node that Collector runs on, shown by /ready")

_CERTS = "/run/secrets/stackrox.io/certs"
# Central's enumeration has more names than the kernel has ways; the older ones mean CO-RE too.
_WATCHING = frozenset({"CORE_BPF", "EBPF", "KERNEL_MODULE"})
NO_COLLECTION = "NO_COLLECTION"
# Upstream's level names that Python's logging does not have.
_LEVELS = {"trace": "debug", "warn": "warning", "fatal": "critical"}
# Upstream's interval; its afterglow may be no longer than this.
_SCRAPE_SECONDS, _LONGEST_INTERVAL, _LONGEST_GLOW = 30, 3600, 300
_SMALLEST_BUFFER, _LARGEST_BUFFER = 64 << 10, 512 << 20


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """What Collector shows and whom it trusts."""

    ca: Path
    cert: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Network:
    """How connections are looked at."""

    interval: timedelta
    afterglow: timedelta


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that `app.build` needs to know."""

    listen: Address
    metrics: Address
    server: str
    """Empty: signals go to standard output as JSON."""
    sni: str
    tls: TlsFiles
    certs: Places
    watch_kernel: bool
    arguments: bool
    network: Network | None
    """None: connections are not looked at."""
    buffer_bytes: int
    queue_limit: int
    host: Path
    node_name: str
    log_level: str


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="collector", description="PyRox Collector")
    made.add_argument("--listen", default=":8080", help="address of the status endpoint")
    made.add_argument("--metrics", default=":9090", help="address of the Prometheus endpoint")
    made.add_argument(
        "--host", type=Path, default=Path("/host"), help="where the node's file system is mounted"
    )
    made.add_argument("--queue", type=int, default=10_000, help="signals that may wait for Sensor")
    return made


def load(arguments: Sequence[str], environment: Mapping[str, str]) -> Config:
    """The configuration. Raises `Invalid` that names the setting at fault."""
    flags = parser().parse_args(arguments)
    document = _document(environment)
    if flags.queue < 1:
        raise Invalid(f"--queue {flags.queue}: expected 1 or more")
    tls = _tls(document, environment)
    return Config(
        listen=Address.parse(flags.listen),
        metrics=Address.parse(flags.metrics),
        server=SERVER.read(environment),
        sni=SNI.read(environment),
        tls=tls,
        certs=Places.read(environment, tls.cert.parent),
        watch_kernel=_method(environment),
        arguments=not NO_ARGUMENTS.read(environment),
        network=_network(document, environment),
        buffer_bytes=_buffer(environment),
        queue_limit=flags.queue,
        host=flags.host,
        node_name=NODE_NAME.read(environment),
        log_level=_level(LOG_LEVEL.read(environment) or _text(document, "logLevel") or "info"),
    )


def _document(environment: Mapping[str, str]) -> Mapping[str, object]:
    text = JSON_CONFIG.read(environment)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as err:
        raise Invalid(f"{JSON_CONFIG.name}={text[:200]!r}: not JSON: {err}") from err
    if not isinstance(document, dict):
        raise Invalid(f"{JSON_CONFIG.name}={text[:200]!r}: expected a JSON object")
    return document


def _text(document: Mapping[str, object], key: str) -> str:
    value = document.get(key, "")
    if not isinstance(value, str):
        raise Invalid(f"{JSON_CONFIG.name}: {key}: expected a text")
    return value


def _tls(document: Mapping[str, object], environment: Mapping[str, str]) -> TlsFiles:
    """A file's own variable wins over the directory's, the directory's over the JSON."""
    given = document.get("tlsConfig", {})
    if not isinstance(given, dict):
        raise Invalid(f"{JSON_CONFIG.name}: tlsConfig: expected an object")
    directory = TLS_CERTS.read(environment)

    def choose(own: Setting[str], file: str, key: str) -> Path:
        of_directory = f"{directory}/{file}" if directory else ""
        return Path(own.read(environment) or of_directory or _text(given, key) or f"{_CERTS}/{file}")

    return TlsFiles(
        ca=choose(TLS_CA, "ca.pem", "caCertPath"),
        cert=choose(TLS_CERT, "cert.pem", "clientCertPath"),
        key=choose(TLS_KEY, "key.pem", "clientKeyPath"),
    )


def _method(environment: Mapping[str, str]) -> bool:
    """Whether the kernel is watched at all."""
    method = METHOD.read(environment).upper().replace("-", "_")
    if method not in _WATCHING | {NO_COLLECTION}:
        raise Invalid(f"{METHOD.name}={method!r}: expected CORE_BPF or NO_COLLECTION")
    return method != NO_COLLECTION


def _network(document: Mapping[str, object], environment: Mapping[str, str]) -> Network | None:
    if NO_FLOWS.read(environment) or document.get("turnOffScrape") is True:
        return None
    given = document.get("scrapeInterval", _SCRAPE_SECONDS)
    seconds = INTERVAL.read(environment) or given
    if not isinstance(seconds, int) or not 0 < seconds <= _LONGEST_INTERVAL:
        raise Invalid(f"scrape interval {seconds!r}: expected 1 to {_LONGEST_INTERVAL} whole seconds")
    glow = GLOW.read(environment) if GLOWS.read(environment) else 0
    if not 0 <= glow <= _LONGEST_GLOW:
        raise Invalid(f"{GLOW.name}={glow}: expected 0 to {_LONGEST_GLOW}")
    return Network(interval=timedelta(seconds=seconds), afterglow=timedelta(seconds=glow))


def _buffer(environment: Mapping[str, str]) -> int:
    """The kernel takes powers of two only; the next one above what is asked for."""
    asked = BUFFER.read(environment)
    if not _SMALLEST_BUFFER <= asked <= _LARGEST_BUFFER:
        raise Invalid(f"{BUFFER.name}={asked}: expected {_SMALLEST_BUFFER} to {_LARGEST_BUFFER} bytes")
    return int(1 << (asked - 1).bit_length())


def _level(text: str) -> str:
    return _LEVELS.get(text.lower(), text.lower())
