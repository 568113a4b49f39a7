"""The Matcher's configuration: upstream's scanner file, environment overrides, defaults.

Read once by `main.py`. The file is shared with the Indexer, so its keys are accepted
here too; an unknown key is an error. `SCANNER_V4_` plus the key's path in capitals
overrides one value (`SCANNER_V4_MATCHER_READINESS`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pyrox import env
from pyrox.errors import Invalid
from pyrox.pg.settings import Settings
from pyrox.proxy import ProxyFile
from pyrox.scan import settings
from pyrox.version import WIRE_VERSION

# Upstream's scanner/VULNERABILITY_VERSION: the form of bundle that this reader knows.
VULNERABILITY_VERSION = "v3"

_READINESS = frozenset({"database", "vulnerability"})


@dataclass(frozen=True, slots=True)
class Config:
    """All that the Matcher is told."""

    http_listen_addr: str
    grpc_listen_addr: str
    metrics: env.Address | None
    log_level: str
    certs: Path
    database: Settings
    indexer_addr: str
    vulnerabilities_urls: tuple[str, ...]
    """Asked in turn until one has a bundle."""
    readiness: str
    """`database`, or `vulnerability`: not ready before the first load."""
    allowed_bundles: tuple[str, ...]
    proxies: ProxyFile
    """What stands between the Matcher and a public server of bundles."""
    stackrox_services: bool = False
    """Whether the bundle's address is Central's, which wants our certificate."""
    allow_anonymous: bool = False


def load(path: Path | None, environment: Mapping[str, str]) -> Config:
    """Read the file (all defaults without one) and the environment.

    Raises `Invalid` that names the key or setting to mend.
    """
    values = settings.read(path.read_bytes() if path else b"", environment)
    if values["matcher.readiness"] not in _READINESS:
        raise Invalid(
            f"matcher.readiness={values['matcher.readiness']!r}: expected database or vulnerability"
        )
    return Config(
        http_listen_addr=values["http_listen_addr"],
        grpc_listen_addr=values["grpc_listen_addr"],
        metrics=env.METRICS_PORT.read(environment),
        log_level=settings.log_level(values["log_level"]),
        certs=Path(values["mtls.certs_dir"] or settings.DEFAULT_CERTS),
        database=Settings.from_conn_string(
            values["matcher.database.conn_string"], password_file=values["matcher.database.password_file"]
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
        proxies=ProxyFile(
            Path(values["proxy.config_dir"]) / values["proxy.config_file"]
            if values["proxy.config_dir"]
            else None,
            environment,
        ),
        stackrox_services=values["stackrox_services"],
        allow_anonymous=settings.ANONYMOUS.read(environment),
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
