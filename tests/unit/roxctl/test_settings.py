"""Where Central is: flags before environment, endpoints, contradictions."""

from __future__ import annotations

import pytest

from roxctl.errors import CliError
from roxctl.settings import Settings, Values, read


def settings(flags: dict[str, object] | None = None, **environment: str) -> Settings:
    return read(Values(flags or {}, environment))


def test_read_defaults() -> None:
    found = settings()
    assert (found.endpoint, found.server_name, found.plaintext) == ("localhost:8443", "localhost", False)


def test_read_flag_wins_over_environment() -> None:
    assert settings({"endpoint": "a:1"}, ROX_ENDPOINT="b:2").endpoint == "a:1"
    assert settings(ROX_ENDPOINT="b:2").endpoint == "b:2"


@pytest.mark.parametrize(
    ("endpoint", "shown", "name", "plaintext"),
    [
        ("central.example.com:443", "central.example.com:443", "central.example.com", False),
        ("https://central.example.com", "central.example.com:443", "central.example.com", False),
        ("https://central.example.com:8443/", "central.example.com:8443", "central.example.com", False),
        ("http://localhost", "localhost:80", "localhost", True),
        ("10.0.0.1:443", "10.0.0.1:443", "central.stackrox", False),
        ("[::1]:443", "[::1]:443", "central.stackrox", False),
    ],
)
def test_read_endpoint(endpoint: str, shown: str, name: str, plaintext: bool) -> None:
    found = settings(ROX_ENDPOINT=endpoint, ROX_INSECURE_CLIENT="true")
    assert (found.endpoint, found.server_name, found.plaintext) == (shown, name, plaintext)


@pytest.mark.parametrize(
    ("environment", "text"),
    [
        ({"ROX_ENDPOINT": "central"}, 'invalid endpoint "central"'),
        ({"ROX_ENDPOINT": "central:99999"}, "invalid endpoint"),
        ({"ROX_ENDPOINT": "https://c/path"}, "endpoint URL must not include a path component"),
        ({"ROX_ENDPOINT": "ftp://c"}, 'invalid scheme "ftp" in endpoint URL'),
        ({"ROX_ENDPOINT": "https://c:x"}, "malformed endpoint URL"),
        (
            {"ROX_ENDPOINT": "https://c", "ROX_PLAINTEXT": "true"},
            'endpoint URL scheme "https" is incompatible with --plaintext=true setting',
        ),
        ({"ROX_PLAINTEXT": "true"}, "plaintext connection mode must be used in conjunction with --insecure"),
        (
            {"ROX_CLIENT_FORCE_HTTP1": "1", "ROX_DIRECT_GRPC_CLIENT": "1"},
            "cannot force HTTP/1 mode when direct gRPC is enabled",
        ),
        ({"ROX_INSECURE_CLIENT": "maybe"}, "ROX_INSECURE_CLIENT='maybe': set it to true or false"),
    ],
)
def test_read_refuses(environment: dict[str, str], text: str) -> None:
    with pytest.raises(CliError) as caught:
        settings(**environment)
    assert text in str(caught.value)


def test_read_explicit_plaintext_false_contradicts_http_url() -> None:
    with pytest.raises(CliError, match="--plaintext=false"):
        settings({"plaintext": False, "endpoint": "http://c"})
