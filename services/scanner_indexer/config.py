"""The Indexer's configuration: upstream's scanner file, environment overrides, defaults.

Read once by `main.py`. The file is shared with the Matcher, so its keys are accepted
here too; an unknown key is an error. `SCANNER_V4_` plus the key's path in capitals
overrides one value (`SCANNER_V4_INDEXER_GET_LAYER_TIMEOUT`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from pyrox import env
from pyrox.errors import Invalid
from pyrox.mtls.choice import Places
from pyrox.pg.settings import Settings
from pyrox.proxy import ProxyFile
from pyrox.scan import settings

_SETTINGS = (
    DELETE_START := env.Setting(
        "ROX_SCANNER_V4_MANIFEST_DELETE_INTERVAL_START", env.span, timedelta(hours=168),
        "the shortest life of an index report",
    ),
    DELETE_DURATION := env.Setting(
        "ROX_SCANNER_V4_MANIFEST_DELETE_DURATION", env.span, timedelta(hours=552),
        "how much longer a report may live; its end is drawn at random",
    ),
    GC_INTERVAL := env.Setting(
        "ROX_SCANNER_V4_MANIFEST_GC_INTERVAL", env.span, timedelta(hours=4),
        "how often expired reports are deleted",
    ),
    GC_THROTTLE := env.Setting(
        "ROX_SCANNER_V4_MANIFEST_GC_THROTTLE", int, 100, "how many reports one deletion takes at a time"
    ),
    ADDITIONAL_CAS := env.Setting(
        "ROX_ADDITIONAL_CA_DIR",
        env.text,
        "/usr/local/share/ca-certificates",
        "directory of further CAs for registries, `*.crt`; the default is where charts mount them",
    ),
    NAMESPACE := env.Setting("POD_NAMESPACE", env.text, "", "namespace that the Indexer runs in"),
    env.METRICS_PORT,
)  # fmt: skip
_LEAST_INTERVAL = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Expiry:
    """When index reports end, so that images are indexed anew from time to time."""

    start: timedelta
    duration: timedelta
    interval: timedelta
    throttle: int


@dataclass(frozen=True, slots=True)
class Config:
    """All that the Indexer is told."""

    http_listen_addr: str
    grpc_listen_addr: str
    metrics: env.Address | None
    log_level: str
    certs: Places
    database: Settings
    layer_timeout: timedelta
    repository_to_cpe_url: str
    repository_to_cpe_file: Path | None
    name_to_repos_url: str
    name_to_repos_file: Path | None
    expiry: Expiry
    proxies: ProxyFile
    """What stands between the Indexer and registries."""
    additional_cas: str = ""
    """PEM texts of authorities that registries are trusted by, beside the system's."""
    stackrox_services: bool = False
    """Whether the mapping's address is Central's or Sensor's, which want our certificate."""
    allow_anonymous: bool = False


def load(path: Path | None, environment: Mapping[str, str]) -> Config:
    """Read the file (all defaults without one) and the environment.

    Raises `Invalid` that names the key or setting to mend.
    """
    values = settings.read(path.read_bytes() if path else b"", environment)
    return Config(
        http_listen_addr=values["http_listen_addr"],
        grpc_listen_addr=values["grpc_listen_addr"],
        metrics=env.METRICS_PORT.read(environment),
        log_level=settings.log_level(values["log_level"]),
        certs=Places.read(environment, Path(values["mtls.certs_dir"] or settings.DEFAULT_CERTS)),
        database=Settings.from_conn_string(
            values["indexer.database.conn_string"], password_file=values["indexer.database.password_file"]
        ),
        layer_timeout=values["indexer.get_layer_timeout"],
        repository_to_cpe_url=values["indexer.repository_to_cpe_url"],
        repository_to_cpe_file=_seed(values, "indexer.repository_to_cpe_file"),
        name_to_repos_url=values["indexer.name_to_repos_url"],
        name_to_repos_file=_seed(values, "indexer.name_to_repos_file"),
        expiry=_expiry(environment),
        proxies=_proxies(values, environment),
        additional_cas=_authorities(Path(ADDITIONAL_CAS.read(environment))),
        stackrox_services=values["stackrox_services"],
        allow_anonymous=settings.ANONYMOUS.read(environment),
    )


def _seed(values: Mapping[str, Any], key: str) -> Path | None:
    """The file that the key names; it must be there."""
    if not values[key]:
        return None
    path = Path(values[key])
    if not path.is_file():
        raise Invalid(f"{key}: {path} does not exist")
    return path


def _proxies(values: Mapping[str, Any], environment: Mapping[str, str]) -> ProxyFile:
    directory = values["proxy.config_dir"]
    path = Path(directory) / values["proxy.config_file"] if directory else None
    return ProxyFile(path, environment, NAMESPACE.read(environment))


def _authorities(directory: Path) -> str:
    """All certificates of a directory; a missing directory has none."""
    found = sorted(directory.glob("*.crt")) if directory.is_dir() else []
    return "\n".join(path.read_text(encoding="ascii", errors="replace") for path in found)


def _expiry(environment: Mapping[str, str]) -> Expiry:
    return Expiry(
        start=max(DELETE_START.read(environment), _LEAST_INTERVAL),
        duration=max(DELETE_DURATION.read(environment), _LEAST_INTERVAL),
        interval=max(GC_INTERVAL.read(environment), _LEAST_INTERVAL),
        throttle=GC_THROTTLE.read(environment),
    )
