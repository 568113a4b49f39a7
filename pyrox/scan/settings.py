"""The scanner's configuration file: its keys and their defaults, which are upstream's.

Indexer and Matcher read the same file, each for its own part, so both accept every key.
`SCANNER_V4_` plus the key's path in capitals overrides one value
(`SCANNER_V4_INDEXER_GET_LAYER_TIMEOUT`). What a value means is the processes' matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from pyrox import env, keyfile

DEFAULT_CERTS: Final = "/run/secrets/stackrox.io/certs"
_PREFIX: Final = "SCANNER_V4_"
_SOCKET: Final = "host=/var/run/postgresql"
_REPO_TO_CPE: Final = "https://security.access.redhat.com/data/metrics/repository-to-cpe.json"
_NAME_TO_REPOS: Final = "https://security.access.redhat.com/data/metrics/container-name-repos-map.json"
_BUNDLES: Final = "https://definitions.stackrox.io/v4/vulnerability-bundles/dev/vulnerabilities.zip"

# The whole of upstream's scanner/config/config.go.
KEYS: Final[keyfile.Keys] = {
    "stackrox_services": (env.boolean, False),
    "http_listen_addr": (env.text, "127.0.0.1:9443"),
    "grpc_listen_addr": (env.text, "127.0.0.1:8443"),
    "log_level": (env.text, "info"),
    "mtls.certs_dir": (env.text, ""),
    "proxy.config_dir": (env.text, ""),
    "proxy.config_file": (env.text, "config.yaml"),
    "indexer.enable": (env.boolean, True),
    "indexer.database.conn_string": (env.text, _SOCKET),
    "indexer.database.password_file": (env.text, ""),
    "indexer.get_layer_timeout": (env.span, timedelta(minutes=1)),
    "indexer.repository_to_cpe_url": (env.text, _REPO_TO_CPE),
    "indexer.repository_to_cpe_file": (env.text, ""),
    "indexer.name_to_repos_url": (env.text, _NAME_TO_REPOS),
    "indexer.name_to_repos_file": (env.text, ""),
    "matcher.enable": (env.boolean, True),
    "matcher.database.conn_string": (env.text, _SOCKET),
    "matcher.database.password_file": (env.text, ""),
    "matcher.indexer_addr": (env.text, ""),
    "matcher.vulnerabilities_url": (env.text, _BUNDLES),
    "matcher.enable_rc_vuln_bundle": (env.boolean, False),
    "matcher.vulnerability_version": (env.text, ""),
    "matcher.readiness": (env.text, "database"),
    "matcher.vuln_bundle_allowlist": (env.text, ""),
}

ANONYMOUS: Final = env.Setting(
    "ROX_SCANNER_V4_ALLOW_ANONYMOUS_AUTH",
    env.boolean,
    False,
    "let callers without a service certificate in; for debugging",
)


def read(raw: bytes, environment: Mapping[str, str]) -> dict[str, Any]:
    """The value of each of `KEYS`. Raises `Invalid` that names the key or variable to mend."""
    return keyfile.read(raw, environment, KEYS, prefix=_PREFIX)


def log_level(text: str) -> str:
    """Our level for upstream's (`trace` is debug; `fatal` and `panic` are error)."""
    return {"trace": "debug", "fatal": "error", "panic": "error"}.get(text.lower(), text.lower())
