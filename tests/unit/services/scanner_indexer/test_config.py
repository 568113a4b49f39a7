"""The Indexer's configuration: upstream's file, environment, defaults."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pyrox.errors import Invalid
from services.scanner_indexer.config import load


def test_defaults_are_upstreams() -> None:
    config = load(None, {})
    assert (config.http_listen_addr, config.grpc_listen_addr) == ("127.0.0.1:9443", "127.0.0.1:8443")
    assert config.certs.used == Path("/run/secrets/stackrox.io/certs")
    assert (config.database.host, config.database.database) == ("/var/run/postgresql", "postgres")
    assert config.layer_timeout == timedelta(minutes=1)
    assert (config.expiry.start, config.expiry.duration) == (timedelta(days=7), timedelta(days=23))
    assert not config.allow_anonymous


def test_file_of_upstreams_chart_is_read(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("s3cret\n")
    file = tmp_path / "config.yaml"
    file.write_text(
        f"""
stackrox_services: true
http_listen_addr: 0.0.0.0:9443
grpc_listen_addr: 0.0.0.0:8443
log_level: trace
indexer:
  enable: true
  database:
    conn_string: >-
      host=db port=5432 user=postgres sslmode=disable statement_timeout=60000 pool_max_conns=80
      client_encoding=UTF8
    password_file: {password}
  get_layer_timeout: 90s
  repository_to_cpe_url: https://central.stackrox.svc/api/extensions/scannerdefinitions?file=repo2cpe
matcher:
  enable: false
  vuln_bundle_allowlist: [alpine, debian]
proxy:
"""
    )
    config = load(file, {"SCANNER_V4_GRPC_LISTEN_ADDR": "127.0.0.1:1"})
    assert (config.grpc_listen_addr, config.http_listen_addr) == ("127.0.0.1:1", "0.0.0.0:9443")
    assert (config.database.host, config.database.password, config.database.max_size) == ("db", "s3cret", 80)
    assert config.database.statement_seconds == 60
    assert (config.layer_timeout, config.log_level, config.stackrox_services) == (
        timedelta(seconds=90),
        "debug",
        True,
    )


def test_mistake_in_the_file_and_in_the_environment_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("indexer: {databse: {}}")
    with pytest.raises(Invalid, match=r"unknown keys: indexer\.databse"):
        load(file, {})
    with pytest.raises(Invalid, match="SCANNER_V4_INDEXER_GET_LAYER_TIMEOUT='x'"):
        load(None, {"SCANNER_V4_INDEXER_GET_LAYER_TIMEOUT": "x"})


@pytest.mark.parametrize("key", ["repository_to_cpe_file", "name_to_repos_file"])
def test_missing_seed_file_is_refused(key: str) -> None:
    with pytest.raises(Invalid, match=f"indexer.{key}: /no/such/file does not exist"):
        load(None, {f"SCANNER_V4_INDEXER_{key.upper()}": "/no/such/file"})


def test_short_expiry_is_raised_to_an_hour() -> None:
    config = load(None, {"ROX_SCANNER_V4_MANIFEST_DELETE_INTERVAL_START": "1s"})
    assert config.expiry.start == timedelta(hours=1)


def test_additional_authorities_are_collected(tmp_path: Path) -> None:
    (tmp_path / "01-b.crt").write_text("B")
    (tmp_path / "00-a.crt").write_text("A")
    (tmp_path / "readme.txt").write_text("C")
    assert load(None, {"ROX_ADDITIONAL_CA_DIR": str(tmp_path)}).additional_cas == "A\nB"


def test_metrics_port_may_be_disabled() -> None:
    assert load(None, {"ROX_METRICS_PORT": "disabled"}).metrics is None


@pytest.mark.parametrize(
    "name", ["ROX_SCANNER_V4_MANIFEST_GC_INTERVAL", "SCANNER_V4_INDEXER_GET_LAYER_TIMEOUT"]
)
def test_interval_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(Invalid, match="expected a duration above 0s"):
        load(None, {name: "0s"})
