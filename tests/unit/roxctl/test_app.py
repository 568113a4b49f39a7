"""What one run takes from its environment: headers, logins, proxies, transports."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from pyrox.pb.api.v1 import cluster_init_service_pb2 as pb
from roxctl import tls
from roxctl.app import App, SystemTimer
from roxctl.central_client import Central
from roxctl.config import FILE_NAME
from roxctl.console import Console
from roxctl.errors import CliError
from roxctl.rest import HttpAnswer
from roxctl.settings import Settings
from roxctl.transport.native import NativeTransport
from roxctl.transport.web import WebTransport
from tests.support.cli import StoppedTimer
from tests.support.cli_wire import Wire

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def listed(wire: Wire, *flags: str, **environment: str) -> Any:
    wire.answer("GetCRSs", pb.CRSMetasResponse())
    given = {"ROX_ADMIN_PASSWORD": "", **environment}
    return wire.run("central", "crs", "list", *flags, **given)


@pytest.mark.parametrize(
    ("given", "sent"),
    [("", None), ("ci", "ci"), ("GitHub Actions", "GitHub Actions"), ("a\nb", None), ("é", None)],
)
def test_execution_environment_is_sent_when_it_can_be_a_header(
    wire: Wire, given: str, sent: str | None
) -> None:
    assert listed(wire, ROX_EXECUTION_ENV=given).code == 0
    assert wire.metadata[0].get("rh-execution-environment") == sent
    assert wire.metadata[0]["rh-roxctl-command"] == "central crs list"
    assert "authorization" not in wire.metadata[0]


@pytest.mark.parametrize("place", ["before", "after"])
def test_global_flags_stand_anywhere_and_win(wire: Wire, place: str) -> None:
    wire.answer("GetCRSs", pb.CRSMetasResponse())
    words = ["central", "crs", "list"]
    flags = ["--password", "one", "-p", "two"]
    arguments = [*flags, *words] if place == "before" else [*words, *flags]
    assert wire.run(*arguments, ROX_ADMIN_PASSWORD="three", ROX_API_TOKEN="t").code == 0
    assert wire.metadata[0]["authorization"] == "Basic YWRtaW46dHdv"


@pytest.fixture
def stored(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Writes a stored login; gives the environment that finds it."""

    def store(expires: str, endpoint: str = "localhost:8443", refresh: str = "r") -> dict[str, str]:
        access = {"accessToken": "old", "issuedAt": "i", "expiresAt": expires, "refreshToken": refresh}
        (tmp_path / FILE_NAME).write_text(yaml.safe_dump({"centrals": {endpoint: {"access": access}}}))
        return {"ROX_CONFIG_DIR": str(tmp_path)}

    return store


def renewed() -> tuple[int, HttpAnswer]:
    content = {"token": "new", "expiry": "2026-11-24T10:00:00Z"}
    return 200, HttpAnswer({}, json.dumps(content).encode())


@pytest.mark.parametrize(("seconds", "used"), [(31, "old"), (30, "old"), (29, "new"), (-100, "new")])
def test_stored_login_is_renewed_half_a_minute_before_its_end(
    wire: Wire, stored: Callable[..., dict[str, str]], tmp_path: Path, seconds: int, used: str
) -> None:
    environment = stored((NOW + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z"))
    wire.http_answers = [renewed()]
    assert listed(wire, **environment).code == 0
    assert wire.metadata[0]["authorization"] == f"Bearer {used}"
    kept = yaml.safe_load((tmp_path / FILE_NAME).read_text())["centrals"]["localhost:8443"]["access"]
    assert (kept["accessToken"], kept["refreshToken"]) == (used, "r")
    if used == "new":
        ((verb, path, _, _),) = wire.http
        assert (verb, path) == ("GET", "/sso/session/tokenrefresh")
        assert wire.http_headers[0]["cookie"] == "RoxRefreshToken=r"
        assert "authorization" not in wire.http_headers[0]


@pytest.mark.parametrize(
    ("change", "header"),
    [({"endpoint": "other:443"}, None), ({"refresh": ""}, "Bearer old")],
    ids=["of another Central", "without a refresh token"],
)
def test_stored_login_that_cannot_be_renewed_is_used_or_not(
    wire: Wire, stored: Callable[..., dict[str, str]], change: dict[str, str], header: str | None
) -> None:
    assert listed(wire, **stored("2020-01-01T00:00:00Z", **change)).code == 0
    assert (wire.metadata[0].get("authorization"), wire.http) == (header, [])


@pytest.mark.parametrize(
    "answer",
    [
        (401, HttpAnswer({}, b"expired")),
        (200, HttpAnswer({}, b"<html>")),
        (200, HttpAnswer({}, b"[]")),
        (200, HttpAnswer({}, b"{}")),
    ],
)
def test_stored_login_that_is_over_says_what_to_do(
    wire: Wire, stored: Callable[..., dict[str, str]], answer: tuple[int, HttpAnswer]
) -> None:
    wire.http_answers = [answer]
    done = listed(wire, **stored("2020-01-01T00:00:00Z"))
    assert (done.code, wire.calls) == (1, [])
    assert "could not renew the stored login: " in done.err
    assert done.err.endswith("run `roxctl central login` again\n")


def test_given_credentials_leave_the_stored_login_alone(
    wire: Wire, stored: Callable[..., dict[str, str]]
) -> None:
    assert listed(wire, **stored("2020-01-01T00:00:00Z"), ROX_API_TOKEN="t").code == 0
    assert (wire.metadata[0]["authorization"], wire.http) == ("Bearer t", [])


def settings(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], proxies: dict[str, str]
) -> Settings:
    for name in (
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "NO_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)
    for name, value in proxies.items():
        monkeypatch.setenv(name, value)
    console = Console(out=io.StringIO(), err=io.StringIO(), stdin=io.StringIO(), color=False)
    return App(console=console, environment=environment, timer=StoppedTimer())._settings()


PLAIN = {"ROX_ENDPOINT": "http://c:80", "ROX_INSECURE_CLIENT": "true"}


@pytest.mark.parametrize(
    ("environment", "proxies", "proxied"),
    [
        ({}, {}, False),
        ({"ROX_ENDPOINT": "c:443"}, {"https_proxy": "http://p:1"}, True),
        ({"ROX_ENDPOINT": "c:443"}, {"http_proxy": "http://p:1"}, False),
        (PLAIN, {"http_proxy": "http://p:1"}, True),
        ({"ROX_ENDPOINT": "c:443"}, {"all_proxy": "http://p:1"}, True),
        ({"ROX_ENDPOINT": "c:443"}, {"https_proxy": "http://p:1", "no_proxy": "c"}, False),
        ({"ROX_ENDPOINT": "c:443"}, {"https_proxy": "http://p:1", "no_proxy": "other"}, True),
    ],
)
def test_proxy_is_the_environments(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], proxies: dict[str, str], *, proxied: bool
) -> None:
    assert settings(monkeypatch, environment, proxies).proxied is proxied


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, NativeTransport),
        ({"force_http1": True}, WebTransport),
        ({"skip_verify": True}, WebTransport),
        ({"proxied": True}, WebTransport),
        ({"plaintext": True, "insecure": True}, WebTransport),
        ({"plaintext": True, "insecure": True, "direct_grpc": True}, NativeTransport),
    ],
)
def test_transport_follows_the_settings(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], kind: type
) -> None:
    monkeypatch.setattr(tls, "trusted_name", lambda *_: "central.stackrox")
    central = Central(
        settings=Settings("h", 1, **changes), authorization="", headers=(), timer=StoppedTimer()
    )
    made = central._connect(5)
    assert type(made) is kind
    made.close()


def test_timer_of_the_machine_goes_forward() -> None:
    timer = SystemTimer()
    before = timer.monotonic()
    timer.sleep(0)
    assert timer.monotonic() >= before
    assert timer.now().tzinfo is not None


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, 'could not read CA file "{}": No such file or directory'),
        (b"text", 'the CA file "{}" holds no certificate in PEM form'),
    ],
)
def test_ca_file_that_is_none_is_refused(tmp_path: Path, content: bytes | None, text: str) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CliError) as caught:
        tls.pool(Settings("h", 1, ca_file=str(file)))
    assert str(caught.value) == text.format(file)


def test_ca_file_is_added_to_the_systems_roots(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\nx")
    system = tls.pool(Settings("h", 1))
    assert tls.pool(Settings("h", 1, ca_file=str(tmp_path / "ca.pem"))) == (
        system + b"\n-----BEGIN CERTIFICATE-----\nx"
    )


def test_certificate_that_cannot_be_read_is_told() -> None:
    with pytest.raises(CliError, match=r"could not read the trusted certificates: .*; check --ca"):
        tls.context(Settings("h", 1), b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n")


def test_certificate_is_not_checked_only_when_told_so() -> None:
    assert not tls.context(Settings("h", 1, skip_verify=True), b"").check_hostname
    assert tls.context(Settings("h", 1), b"").check_hostname


@pytest.mark.parametrize("changes", [{"skip_verify": True}, {"proxied": True}])
def test_first_look_at_the_certificate_is_left_out(changes: dict[str, bool]) -> None:
    found = Settings("host.invalid", 1, server_name="asked", **changes)
    assert tls.trusted_name(found, tls.context(found, b""), 1) == "asked"
