"""The Matcher's configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyrox.errors import Invalid
from services.scanner_matcher.config import bundle_urls, load


def test_defaults_are_upstreams() -> None:
    config = load(None, {})
    assert config.readiness == "database"
    assert config.indexer_addr == ""
    assert config.allowed_bundles == ()
    assert config.vulnerabilities_urls[0].endswith("/v4/vulnerability-bundles/dev/vulnerabilities.zip")


def test_settings_of_the_environment_win() -> None:
    config = load(
        None,
        {
            "SCANNER_V4_MATCHER_READINESS": "vulnerability",
            "SCANNER_V4_MATCHER_VULN_BUNDLE_ALLOWLIST": "debian, osv",
            "SCANNER_V4_MATCHER_INDEXER_ADDR": "scanner-v4-indexer.stackrox.svc:8443",
        },
    )
    assert (config.readiness, config.allowed_bundles) == ("vulnerability", ("debian", "osv"))
    assert config.indexer_addr == "scanner-v4-indexer.stackrox.svc:8443"


def test_unknown_readiness_is_refused() -> None:
    with pytest.raises(Invalid, match=r"matcher\.readiness='soon'"):
        load(None, {"SCANNER_V4_MATCHER_READINESS": "soon"})


@pytest.mark.parametrize(
    ("template", "version", "candidate", "wanted"),
    [
        ("https://c/x?version=ROX_VULNERABILITY_VERSION", "", False, ("https://c/x?version=v3",)),
        ("https://d/ROX_VERSION/v.zip", "", False, ("https://d/4.11.0/v.zip",)),
        ("https://d/ROX_VERSION/v.zip", "", True, ("https://d/4.11.0-rc/v.zip", "https://d/4.11.0/v.zip")),
        ("https://d/ROX_VERSION/v.zip", "dev", False, ("https://d/dev/v.zip",)),
        ("https://d/plain.zip", "", True, ("https://d/plain.zip",)),
    ],
)
def test_placeholders_of_the_address_are_filled(
    template: str, version: str, wanted: tuple[str, ...], *, candidate: bool
) -> None:
    assert bundle_urls(template, version, candidate=candidate) == wanted


FILE = """
stackrox_services: true
http_listen_addr: 0.0.0.0:9443
log_level: trace
mtls: {certs_dir: /certs}
indexer:
  enable: false
  get_layer_timeout: 1m
  repository_to_cpe_url: https://x
matcher:
  enable: true
  database:
    conn_string: host=db port=5433 user=m dbname=v4 sslmode=disable pool_max_conns=33
    password_file: %s
  vulnerabilities_url: https://central.stackrox.svc/x?version=ROX_VULNERABILITY_VERSION
  vuln_bundle_allowlist: [debian, " osv ", ""]
  enable_rc_vuln_bundle: true
  readiness: vulnerability
proxy:
"""


def test_file_of_upstreams_chart_is_read(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret\n")
    file = tmp_path / "config.yaml"
    file.write_text(FILE % (tmp_path / "password"))
    config = load(file, {"SCANNER_V4_HTTP_LISTEN_ADDR": "127.0.0.1:1", "ROX_METRICS_PORT": "disabled"})
    assert (config.http_listen_addr, config.grpc_listen_addr) == ("127.0.0.1:1", "127.0.0.1:8443")
    assert (config.metrics, config.log_level, config.certs) == (None, "debug", Path("/certs"))
    database = config.database
    assert (database.host, database.port, database.user, database.database) == ("db", 5433, "m", "v4")
    assert (database.password, database.max_size) == ("s3cret", 33)
    assert config.vulnerabilities_urls == ("https://central.stackrox.svc/x?version=v3",)
    assert (config.allowed_bundles, config.readiness) == (("debian", "osv"), "vulnerability")
    assert config.stackrox_services
    assert not config.allow_anonymous


def test_file_with_a_mistake_is_refused_by_key(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("matcher: {databse: {}}")
    with pytest.raises(Invalid, match=r"unknown keys: matcher\.databse"):
        load(file, {})


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"SCANNER_V4_MATCHER_DATABASE_CONN_STRING": "postgres://x"}, "URLs are not supported"),
        ({"SCANNER_V4_MATCHER_ENABLE_RC_VULN_BUNDLE": "x"}, "SCANNER_V4_MATCHER_ENABLE_RC_VULN_BUNDLE='x'"),
        ({"ROX_SCANNER_V4_ALLOW_ANONYMOUS_AUTH": "x"}, "ROX_SCANNER_V4_ALLOW_ANONYMOUS_AUTH"),
        (
            {
                "SCANNER_V4_MATCHER_DATABASE_CONN_STRING": "host=db password=x",
                "SCANNER_V4_MATCHER_DATABASE_PASSWORD_FILE": "/x",
            },
            "although password_file is set",
        ),
    ],
)
def test_environment_with_a_mistake_names_it(environment: dict[str, str], words: str) -> None:
    with pytest.raises(Invalid, match=words):
        load(None, environment)


def test_proxy_of_the_file_or_else_of_the_environment_is_for_the_feed(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("url: http://proxy:3128\nexcludes: [inner.example]\n")
    named = load(None, {"SCANNER_V4_PROXY_CONFIG_DIR": str(tmp_path)})
    assert named.proxies.for_url("https://definitions.example/v.zip") == "http://proxy:3128"
    assert named.proxies.for_url("https://inner.example/v.zip") == ""
    of_environment = load(None, {"HTTPS_PROXY": "http://other:1"})
    assert of_environment.proxies.for_url("https://definitions.example/v.zip") == "http://other:1"
    assert load(None, {}).proxies.for_url("https://definitions.example/v.zip") == ""
