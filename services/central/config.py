"""Central's settings: read from flags and environment once, checked before anything starts.

Defaults are the paths at which upstream's chart mounts secrets and configuration. It
must not open anything but configuration files.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import yaml

from pyrox import env, features
from pyrox.env import Address, Setting
from pyrox.errors import Invalid
from pyrox.proxy import ProxyFile
from services.central import endpoints
from services.central.declarative.settings import DIRECTORY, DeclarativeSettings
from services.central.endpoints import Listen

SECRETS = Path("/run/secrets/stackrox.io")
ENDPOINTS = Path("/etc/stackrox.d/endpoints/endpoints.yaml")
EXTERNAL_DB = Path("/etc/ext-db/central-external-db.yaml")


def _positive(text: str) -> int:
    """A whole number above nothing."""
    number = int(text)
    if number <= 0:
        raise ValueError("expected a number above 0")
    return number


MAX_MESSAGE = Setting(
    "ROX_GRPC_MAX_MESSAGE_SIZE", _positive, 24 << 20, "receive limit of gRPC messages in bytes"
)
OFFLINE = Setting("ROX_OFFLINE_MODE", env.boolean, default=False, about="never reach for vulnerability feeds")
INDEXER = Setting(
    "ROX_SCANNER_V4_INDEXER_ENDPOINT",
    env.text,
    "scanner-v4-indexer.stackrox.svc:8443",
    "address of the Indexer",
)
MATCHER = Setting(
    "ROX_SCANNER_V4_MATCHER_ENDPOINT",
    env.text,
    "scanner-v4-matcher.stackrox.svc:8443",
    "address of the Matcher",
)
REPROCESSING = Setting(
    "ROX_REPROCESSING_INTERVAL", env.span, timedelta(hours=4), "how often active images are scanned again"
)
BASELINE_DURATION = Setting(
    "ROX_BASELINE_GENERATION_DURATION",
    env.span,
    timedelta(hours=1),
    "how long the processes of a deployment are learned",
)
RISK_INTERVAL = Setting(
    "ROX_RISK_REPROCESSING_INTERVAL",
    env.span,
    timedelta(seconds=5),
    "how long changes gather before risks are computed",
)
BASELINE_RISK = Setting(
    "ROX_PROCESS_BASELINE_RISK", env.boolean, default=True, about="suspicious processes raise the risk"
)
SCAN_TIMEOUT = Setting("ROX_SCAN_TIMEOUT", env.span, timedelta(minutes=10), "longest scan of one image")
SBOM_REQUEST = Setting(
    "ROX_SBOM_GEN_MAX_REQ_SIZE_BYTES", _positive, 100 * 1024, "how much of a request for an SBOM is read"
)
SBOM_SCAN = Setting(
    "ROX_SBOM_SCAN_MAX_REQ_SIZE_BYTES", _positive, 100 * 1024 * 1024, "the largest SBOM that is scanned"
)
LOG_LEVEL = Setting("LOGLEVEL", env.text, "info", "least severe log lines that are written")
NAMESPACE = Setting("POD_NAMESPACE", env.text, "", "namespace that Central runs in")
PLAIN_ENDPOINTS = Setting(
    "ROX_PLAINTEXT_ENDPOINTS", env.text, "", "comma list of [http@|grpc@][addr:]port without TLS"
)
SECURE_ENDPOINTS = Setting(
    "ROX_SECURE_ENDPOINTS", env.text, "", "comma list of further [http@|grpc@][addr:]port with TLS"
)


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that `app.build` needs to know."""

    metrics: Address | None
    certs: Path
    htpasswd: Path
    jwt: Path
    default_tls: Path
    database_source: str
    database_password: str
    database_external: bool
    ui: Path
    cli: Path
    definitions: Path
    indexer: str
    matcher: str
    offline: bool
    max_message_bytes: int
    reprocessing: timedelta
    scan_timeout: timedelta
    log_level: str
    additional_ca: str
    """PEM of further CAs that registries may use."""
    allow_local_registries: bool
    """Whether an integration may name this machine; only for an installation on one machine."""
    proxies: ProxyFile
    """What stands between Central and addresses outside the installation."""
    sbom_request_bytes: int = SBOM_REQUEST.default
    sbom_scan_bytes: int = SBOM_SCAN.default
    baseline_duration: timedelta = BASELINE_DURATION.default
    risk_interval: timedelta = RISK_INTERVAL.default
    baseline_risk: bool = BASELINE_RISK.default
    endpoints: tuple[Listen, ...] = ()
    namespace: str = ""
    declarative: DeclarativeSettings = field(default_factory=DeclarativeSettings)
    kubeconfig: Path | None = None
    """How to reach the API server from outside a pod."""
    flags: Mapping[features.Flag, bool] = field(default_factory=dict)

    @property
    def scanner_v4(self) -> bool:
        """Whether a scanner is installed."""
        return self.flags.get(features.SCANNER_V4, False)


def parser() -> argparse.ArgumentParser:
    """The command line; only what differs between a pod and a developer's machine."""
    made = argparse.ArgumentParser(prog="central", description="PyRox Central")
    made.add_argument("--listen", default=":8443", help="address of the one TLS port")
    made.add_argument("--secrets", type=Path, default=SECRETS, help="directory of the mounted secrets")
    made.add_argument("--external-db", type=Path, default=EXTERNAL_DB, help="file with centralDB.source")
    made.add_argument("--endpoints", type=Path, default=ENDPOINTS, help="file with further endpoints")
    made.add_argument("--ui", type=Path, default=Path("/ui"), help="directory of the built portal")
    made.add_argument(
        "--cli", type=Path, default=Path("/assets/downloads/cli"), help="directory of roxctl downloads"
    )
    made.add_argument(
        "--additional-ca",
        type=Path,
        default=Path("/usr/local/share/ca-certificates"),
        help="directory of further CAs (*.crt) that registries may use",
    )
    made.add_argument(
        "--allow-local-registries",
        action="store_true",
        help="let integrations name this machine's own addresses",
    )
    made.add_argument(
        "--definitions", type=Path, default=Path("/stackrox-data"), help="offline scanner definitions"
    )
    made.add_argument(
        "--declarative", type=Path, default=DIRECTORY, help="directory of mounted declarative configuration"
    )
    made.add_argument(
        "--kubeconfig", type=Path, default=None, help="kubeconfig; without it the pod's account is used"
    )
    return made


def load(arguments: Sequence[str], environment: Mapping[str, str]) -> Config:
    """The configuration. Raises `Invalid` that names the setting or file at fault."""
    flags = parser().parse_args(arguments)
    source, external = _database(flags.external_db)
    return Config(
        metrics=env.METRICS_PORT.read(environment),
        certs=flags.secrets / "certs",
        htpasswd=flags.secrets / "htpasswd" / "htpasswd",
        jwt=flags.secrets / "jwt",
        default_tls=flags.secrets / "default-tls-cert",
        database_source=source,
        database_password=_text(flags.secrets / "db-password" / "password"),
        database_external=external,
        ui=flags.ui,
        cli=flags.cli,
        definitions=flags.definitions,
        indexer=INDEXER.read(environment),
        matcher=MATCHER.read(environment),
        offline=OFFLINE.read(environment),
        max_message_bytes=MAX_MESSAGE.read(environment),
        reprocessing=REPROCESSING.read(environment),
        scan_timeout=SCAN_TIMEOUT.read(environment),
        sbom_request_bytes=SBOM_REQUEST.read(environment),
        sbom_scan_bytes=SBOM_SCAN.read(environment),
        baseline_duration=BASELINE_DURATION.read(environment),
        risk_interval=RISK_INTERVAL.read(environment),
        baseline_risk=BASELINE_RISK.read(environment),
        log_level=LOG_LEVEL.read(environment),
        additional_ca="\n".join(_text(path) for path in sorted(flags.additional_ca.glob("*.crt"))),
        allow_local_registries=flags.allow_local_registries,
        proxies=ProxyFile(
            flags.secrets / "proxy-config" / "config.yaml", environment, NAMESPACE.read(environment)
        ),
        namespace=NAMESPACE.read(environment),
        declarative=DeclarativeSettings.load(flags.declarative, environment),
        kubeconfig=flags.kubeconfig,
        endpoints=endpoints.load(
            Address.parse(flags.listen),
            flags.endpoints,
            plain=PLAIN_ENDPOINTS.read(environment),
            secure=SECURE_ENDPOINTS.read(environment),
        ),
        flags={flag: flag.enabled(environment) for flag in features.ALL},
    )


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as err:
        raise Invalid(
            f"{path}: {err.strerror}; mount the secret, or name its directory with --secrets"
        ) from err
    except UnicodeDecodeError as err:
        raise Invalid(f"{path}: not a text file") from err


def _database(path: Path) -> tuple[str, bool]:
    """The source string and whether the database is the user's own."""
    try:
        loaded = yaml.safe_load(_text(path)) or {}
        section = loaded["centralDB"]
        source = section["source"]
        if not source or not isinstance(source, str):
            raise TypeError(f"source is {source!r}")
        return source, bool(section.get("external", False))
    except (yaml.YAMLError, KeyError, TypeError) as err:
        raise Invalid(f"{path}: expected centralDB.source: {err}") from err
