from __future__ import annotations

import json
from pathlib import Path

import pytest

from pyrox.env import Address
from pyrox.errors import Invalid
from services.collector.config import load

CERTS = Path("/run/secrets/stackrox.io/certs")


def test_load_nothing_given_takes_upstream_defaults() -> None:
    config = load([], {})
    assert (config.listen, config.metrics) == (Address.parse(":8080"), Address.parse(":9090"))
    assert config.server == ""
    assert config.sni == "sensor.stackrox.svc"
    assert (config.tls.ca, config.tls.cert, config.tls.key) == (
        CERTS / "ca.pem",
        CERTS / "cert.pem",
        CERTS / "key.pem",
    )
    assert config.watch_kernel
    assert config.arguments
    assert config.buffer_bytes == 8 << 20
    assert config.log_level == "info"


def test_load_files_own_variable_beats_directory_beats_json() -> None:
    document = {"tlsConfig": {"caCertPath": "/j/ca", "clientCertPath": "/j/cert", "clientKeyPath": "/j/key"}}
    given = {"COLLECTOR_CONFIG": json.dumps(document)}
    assert load([], given).tls.key == Path("/j/key")
    given["ROX_COLLECTOR_TLS_CERTS"] = "/d"
    assert load([], given).tls.key == Path("/d/key.pem")
    given["ROX_COLLECTOR_TLS_CLIENT_KEY"] = "/own"
    tls = load([], given).tls
    assert (tls.ca, tls.cert, tls.key) == (Path("/d/ca.pem"), Path("/d/cert.pem"), Path("/own"))


@pytest.mark.parametrize(
    ("environment", "level"),
    [
        ({"COLLECTOR_CONFIG": '{"logLevel": "WARNING"}'}, "warning"),
        ({"COLLECTOR_CONFIG": '{"logLevel": "INFO"}', "ROX_COLLECTOR_LOG_LEVEL": "trace"}, "debug"),
        ({"ROX_COLLECTOR_LOG_LEVEL": "FATAL"}, "critical"),
    ],
)
def test_load_log_level_knows_upstream_names(environment: dict[str, str], level: str) -> None:
    assert load([], environment).log_level == level


@pytest.mark.parametrize(
    ("method", "watch"), [("CORE_BPF", True), ("core-bpf", True), ("EBPF", True), ("NO_COLLECTION", False)]
)
def test_load_collection_method_says_whether_the_kernel_is_watched(method: str, watch: bool) -> None:
    assert load([], {"COLLECTION_METHOD": method}).watch_kernel is watch


def test_load_buffer_is_rounded_up_to_a_power_of_two() -> None:
    assert load([], {"ROX_COLLECTOR_SINSP_BUFFER_SIZE": "9000000"}).buffer_bytes == 16 << 20


@pytest.mark.parametrize(
    ("arguments", "environment", "named"),
    [
        ([], {"COLLECTOR_CONFIG": "{"}, "COLLECTOR_CONFIG"),
        ([], {"COLLECTOR_CONFIG": "[]"}, "COLLECTOR_CONFIG"),
        ([], {"COLLECTOR_CONFIG": "[" * 100_000}, "COLLECTOR_CONFIG"),
        ([], {"COLLECTOR_CONFIG": '{"tlsConfig": 1}'}, "tlsConfig"),
        ([], {"COLLECTOR_CONFIG": '{"tlsConfig": {"caCertPath": 1}}'}, "caCertPath"),
        ([], {"COLLECTOR_CONFIG": '{"logLevel": 1}'}, "logLevel"),
        ([], {"COLLECTION_METHOD": "MAGIC"}, "COLLECTION_METHOD"),
        ([], {"ROX_COLLECTOR_SINSP_BUFFER_SIZE": "1"}, "ROX_COLLECTOR_SINSP_BUFFER_SIZE"),
        ([], {"ROX_COLLECTOR_SINSP_BUFFER_SIZE": "big"}, "ROX_COLLECTOR_SINSP_BUFFER_SIZE"),
        ([], {"ROX_COLLECTOR_NO_PROCESS_ARGUMENTS": "perhaps"}, "ROX_COLLECTOR_NO_PROCESS_ARGUMENTS"),
        (["--listen", "x"], {}, "address"),
        (["--queue", "0"], {}, "--queue"),
    ],
)
def test_load_setting_that_cannot_be_used_is_named(
    arguments: list[str], environment: dict[str, str], named: str
) -> None:
    with pytest.raises(Invalid, match=named):
        load(arguments, environment)
