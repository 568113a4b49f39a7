"""The Indexer's configuration: upstream's scanner file, environment overrides, defaults.

Read once by `main.py`. The file is shared with the Matcher, so its keys are accepted
here too; an unknown key is an error. `SCANNER_V4_` plus the key's path in capitals
overrides one value (`SCANNER_V4_INDEXER_GET_LAYER_TIMEOUT`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from pyrox import env
from pyrox.errors import Invalid
from pyrox.pg.settings import Settings

DEFAULT_CERTS = "/run/secrets/stackrox.io/certs"
_MAX_FILE = 1024 * 1024
_REPO_TO_CPE = "https://security.access.redhat.com/data/metrics/repository-to-cpe.json"
_NAME_TO_REPOS = "https://security.access.redhat.com/data/metrics/container-name-repos-map.json"

# Key to (reader of its text, default): the whole of upstream's scanner/config/config.go.
_KEYS: Mapping[str, tuple[Callable[[str], Any], Any]] = {
    "stackrox_services": (env.boolean, False),
    "http_listen_addr": (env.text, "127.0.0.1:9443"),
    "grpc_listen_addr": (env.text, "127.0.0.1:8443"),
    "log_level": (env.text, "info"),
    "mtls.certs_dir": (env.text, ""),
    "proxy.config_dir": (env.text, ""),
    "proxy.config_file": (env.text, "config.yaml"),
    "indexer.enable": (env.boolean, True),
    "indexer.database.conn_string": (env.text, "host=/var/run/postgresql"),
    "indexer.database.password_file": (env.text, ""),
    "indexer.get_layer_timeout": (env.duration, timedelta(minutes=1)),
    "indexer.repository_to_cpe_url": (env.text, _REPO_TO_CPE),
    "indexer.repository_to_cpe_file": (env.text, ""),
    "indexer.name_to_repos_url": (env.text, _NAME_TO_REPOS),
    "indexer.name_to_repos_file": (env.text, ""),
    "matcher.enable": (env.boolean, True),
    "matcher.database.conn_string": (env.text, ""),
    "matcher.database.password_file": (env.text, ""),
    "matcher.indexer_addr": (env.text, ""),
    "matcher.vulnerabilities_url": (env.text, ""),
    "matcher.enable_rc_vuln_bundle": (env.boolean, False),
    "matcher.vulnerability_version": (env.text, ""),
    "matcher.readiness": (env.text, "database"),
    "matcher.vuln_bundle_allowlist": (env.text, ""),
}

_SETTINGS = (
    DELETE_START := env.Setting(
        "ROX_SCANNER_V4_MANIFEST_DELETE_INTERVAL_START", env.duration, timedelta(hours=168),
        "the shortest life of an index report",
    ),
    DELETE_DURATION := env.Setting(
        "ROX_SCANNER_V4_MANIFEST_DELETE_DURATION", env.duration, timedelta(hours=552),
        "how much longer a report may live; its end is drawn at random",
    ),
    GC_INTERVAL := env.Setting(
        "ROX_SCANNER_V4_MANIFEST_GC_INTERVAL", env.duration, timedelta(hours=4),
        "how often expired reports are deleted",
    ),
    GC_THROTTLE := env.Setting(
        "ROX_SCANNER_V4_MANIFEST_GC_THROTTLE", int, 100, "how many reports one deletion takes at a time"
    ),
    ANONYMOUS := env.Setting(
        "ROX_SCANNER_V4_ALLOW_ANONYMOUS_AUTH", env.boolean, False,
        "let callers without a service certificate in; for debugging",
    ),
    ADDITIONAL_CAS := env.Setting(
        "ROX_ADDITIONAL_CA_DIR",
        env.text,
        "/usr/local/share/ca-certificates",
        "directory of further CAs for registries, `*.crt`; the default is where charts mount them",
    ),
    METRICS_PORT := env.Setting("ROX_METRICS_PORT", env.text, ":9090", "address of the plain metrics"),
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
    metrics_addr: str
    log_level: str
    certs: Path
    database: Settings
    layer_timeout: timedelta
    repository_to_cpe_url: str
    repository_to_cpe_file: Path | None
    expiry: Expiry
    additional_cas: str = ""
    """PEM texts of authorities that registries are trusted by, beside the system's."""
    stackrox_services: bool = False
    """Whether the mapping's address is Central's or Sensor's, which want our certificate."""
    allow_anonymous: bool = False


def load(path: Path | None, environment: Mapping[str, str]) -> Config:
    """Read the file (all defaults without one) and the environment.

    Raises `Invalid` that names the key or setting to mend.
    """
    values = read_values(path.read_bytes() if path else b"", environment)
    seed = values["indexer.repository_to_cpe_file"]
    if seed and not Path(seed).is_file():
        raise Invalid(f"indexer.repository_to_cpe_file: {seed} does not exist")
    return Config(
        http_listen_addr=values["http_listen_addr"],
        grpc_listen_addr=values["grpc_listen_addr"],
        metrics_addr=METRICS_PORT.read(environment),
        log_level=log_level(values["log_level"]),
        certs=Path(values["mtls.certs_dir"] or DEFAULT_CERTS),
        database=database_settings(
            values["indexer.database.conn_string"], values["indexer.database.password_file"]
        ),
        layer_timeout=values["indexer.get_layer_timeout"],
        repository_to_cpe_url=values["indexer.repository_to_cpe_url"],
        repository_to_cpe_file=Path(seed) if seed else None,
        expiry=_expiry(environment),
        additional_cas=_authorities(Path(ADDITIONAL_CAS.read(environment))),
        stackrox_services=values["stackrox_services"],
        allow_anonymous=ANONYMOUS.read(environment),
    )


def read_values(raw: bytes, environment: Mapping[str, str]) -> dict[str, Any]:
    """Every key's value: from the environment, else the file, else its default."""
    if len(raw) > _MAX_FILE:
        raise Invalid("the configuration file is larger than 1 MiB")
    try:
        document = yaml.safe_load(raw) or {}
    except (yaml.YAMLError, RecursionError) as err:
        raise Invalid(f"the configuration file is not YAML: {err}") from err
    written = dict(_flat(document, ""))
    if unknown := sorted(written.keys() - _KEYS.keys()):
        raise Invalid(f"the configuration file has unknown keys: {', '.join(unknown[:10])}")
    return {key: _value(key, written, environment) for key in _KEYS}


def _flat(node: Any, path: str) -> list[tuple[str, Any]]:
    if not isinstance(node, dict):
        raise Invalid(f"the configuration file: {path or 'it'} must be a mapping")
    pairs: list[tuple[str, Any]] = []
    for name, value in node.items():
        key = f"{path}.{name}" if path else str(name)
        if key in _KEYS or not any(known.startswith(f"{key}.") for known in _KEYS):
            pairs.append((key, value))
        elif value is not None:
            pairs.extend(_flat(value, key))
    return pairs


def _value(key: str, written: Mapping[str, Any], environment: Mapping[str, str]) -> Any:
    parse, default = _KEYS[key]
    name = f"SCANNER_V4_{key.replace('.', '_').upper()}"
    text = environment.get(name, "")
    if not text:
        value = written.get(key)
        if value is None:
            return default
        name, text = key, _text(value)
    try:
        return parse(text)
    except ValueError as err:
        raise Invalid(f"{name}={text!r}: {err}") from err


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(str(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def database_settings(conn_string: str, password_file: str) -> Settings:
    """The database of a connection string in libpq's keyword form, password from its file.

    The database is `postgres` when none is named, as upstream's chart relies on.
    """
    if "://" in conn_string:
        raise Invalid("database.conn_string: URLs are not supported, write keyword=value pairs")
    written = re.search(r"(?:^|\s)password=('[^']*'|\S*)", conn_string)
    password = written[1].strip("'") if written else ""
    if password_file:
        if written:
            raise Invalid("database: conn_string has a password although password_file is set")
        password = Path(password_file).read_text(encoding="utf-8").strip()
    if "dbname=" not in conn_string:
        conn_string = f"{conn_string} dbname=postgres"
    return Settings.from_source(conn_string, password=password)


def log_level(text: str) -> str:
    """Our level for upstream's (`trace` is debug; `fatal` and `panic` are error)."""
    return {"trace": "debug", "fatal": "error", "panic": "error"}.get(text.lower(), text.lower())


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
