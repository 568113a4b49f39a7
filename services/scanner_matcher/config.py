"""The Matcher's configuration: upstream's scanner file, environment overrides, defaults.

Read once by `main.py`. The file is shared with the Indexer, so its keys are accepted
here too; an unknown key is an error. `SCANNER_V4_` plus the key's path in capitals
overrides one value (`SCANNER_V4_MATCHER_READINESS`).
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
from pyrox.version import WIRE_VERSION

# Upstream's scanner/VULNERABILITY_VERSION: the form of bundle that this reader knows.
VULNERABILITY_VERSION = "v3"
_BUNDLES = "https://definitions.stackrox.io/v4/vulnerability-bundles/dev/vulnerabilities.zip"
DEFAULT_CERTS = "/run/secrets/stackrox.io/certs"
_MAX_FILE = 1024 * 1024

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
    "indexer.database.conn_string": (env.text, ""),
    "indexer.database.password_file": (env.text, ""),
    "indexer.get_layer_timeout": (env.duration, timedelta(minutes=1)),
    "indexer.repository_to_cpe_url": (env.text, ""),
    "indexer.repository_to_cpe_file": (env.text, ""),
    "indexer.name_to_repos_url": (env.text, ""),
    "indexer.name_to_repos_file": (env.text, ""),
    "matcher.enable": (env.boolean, True),
    "matcher.database.conn_string": (env.text, "host=/var/run/postgresql"),
    "matcher.database.password_file": (env.text, ""),
    "matcher.indexer_addr": (env.text, ""),
    "matcher.vulnerabilities_url": (env.text, _BUNDLES),
    "matcher.enable_rc_vuln_bundle": (env.boolean, False),
    "matcher.vulnerability_version": (env.text, ""),
    "matcher.readiness": (env.text, "database"),
    "matcher.vuln_bundle_allowlist": (env.text, ""),
}

ANONYMOUS = env.Setting(
    "ROX_SCANNER_V4_ALLOW_ANONYMOUS_AUTH",
    env.boolean,
    False,
    "let callers without a service certificate in; for debugging",
)
METRICS_PORT = env.Setting("ROX_METRICS_PORT", env.text, ":9090", "address of the plain metrics")
_READINESS = frozenset({"database", "vulnerability"})


@dataclass(frozen=True, slots=True)
class Config:
    """All that the Matcher is told."""

    http_listen_addr: str
    grpc_listen_addr: str
    metrics_addr: str
    log_level: str
    certs: Path
    database: Settings
    indexer_addr: str
    vulnerabilities_urls: tuple[str, ...]
    """Asked in turn until one has a bundle."""
    readiness: str
    """`database`, or `vulnerability`: not ready before the first load."""
    allowed_bundles: tuple[str, ...]
    stackrox_services: bool = False
    """Whether the bundle's address is Central's, which wants our certificate."""
    allow_anonymous: bool = False


def load(path: Path | None, environment: Mapping[str, str]) -> Config:
    """Read the file (all defaults without one) and the environment.

    Raises `Invalid` that names the key or setting to mend.
    """
    values = read_values(path.read_bytes() if path else b"", environment)
    if values["matcher.readiness"] not in _READINESS:
        raise Invalid(
            f"matcher.readiness={values['matcher.readiness']!r}: expected database or vulnerability"
        )
    return Config(
        http_listen_addr=values["http_listen_addr"],
        grpc_listen_addr=values["grpc_listen_addr"],
        metrics_addr=METRICS_PORT.read(environment),
        log_level=log_level(values["log_level"]),
        certs=Path(values["mtls.certs_dir"] or DEFAULT_CERTS),
        database=database_settings(
            values["matcher.database.conn_string"], values["matcher.database.password_file"]
        ),
        indexer_addr=values["matcher.indexer_addr"],
        vulnerabilities_urls=bundle_urls(
            values["matcher.vulnerabilities_url"],
            values["matcher.vulnerability_version"],
            candidate=values["matcher.enable_rc_vuln_bundle"],
        ),
        readiness=values["matcher.readiness"],
        allowed_bundles=tuple(
            name.strip() for name in values["matcher.vuln_bundle_allowlist"].split(",") if name.strip()
        ),
        stackrox_services=values["stackrox_services"],
        allow_anonymous=ANONYMOUS.read(environment),
    )


def bundle_urls(template: str, version: str, *, candidate: bool) -> tuple[str, ...]:
    """The addresses of the bundle, placeholders filled in.

    A given version takes the place of both placeholders; with `candidate` the release
    candidate's bundle is tried first.
    """
    release = version or WIRE_VERSION
    url = template.replace("ROX_VULNERABILITY_VERSION", version or VULNERABILITY_VERSION)
    last = url.replace("ROX_VERSION", release)
    if candidate and "ROX_VERSION" in url:
        return url.replace("ROX_VERSION", f"{release}-rc"), last
    return (last,)


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
