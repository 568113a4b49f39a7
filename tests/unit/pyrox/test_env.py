"""Settings: spellings of booleans and durations, empty values, errors that name the setting."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from pyrox import env
from pyrox.env import Address, Setting, boolean, duration, environ, metrics_port, text
from pyrox.errors import Invalid

PORT = Setting("ROX_PORT", int, 8443, "where to listen")
WAIT = Setting("ROX_WAIT", duration, timedelta(minutes=5), "how long to wait")
OFFLINE = Setting("ROX_OFFLINE_MODE", boolean, default=False, about="never reach out")


@pytest.mark.parametrize(
    ("spelling", "value"),
    [(spelling, True) for spelling in ("1", "t", "T", "true", "TRUE", "True")]
    + [(spelling, False) for spelling in ("0", "f", "F", "false", "FALSE", "False")],
)
def test_boolean_takes_gos_spellings(spelling: str, value: bool) -> None:
    assert boolean(spelling) is value


@pytest.mark.parametrize("spelling", ["yes", "no", "on", "off", "2", "-1", " true", "true ", "tRuE", "fALSE"])
def test_boolean_refuses_what_go_refuses(spelling: str) -> None:
    with pytest.raises(ValueError, match="expected true or false"):
        boolean(spelling)


@pytest.mark.parametrize(
    ("spelling", "value"),
    [
        ("0", timedelta(0)),
        ("0s", timedelta(0)),
        ("30s", timedelta(seconds=30)),
        ("5m", timedelta(minutes=5)),
        ("4h", timedelta(hours=4)),
        ("1h30m", timedelta(minutes=90)),
        ("1h2m3.5s", timedelta(hours=1, minutes=2, seconds=3.5)),
        ("1.5h", timedelta(minutes=90)),
        ("250ms", timedelta(milliseconds=250)),
        ("10us", timedelta(microseconds=10)),
        ("10\u00b5s", timedelta(microseconds=10)),
        ("10\u03bcs", timedelta(microseconds=10)),
        ("2000ns", timedelta(microseconds=2)),
        ("+5m", timedelta(minutes=5)),
        (".5s", timedelta(seconds=0.5)),
        ("1.s", timedelta(seconds=1)),
    ],
)
def test_duration_reads_gos_form(spelling: str, value: timedelta) -> None:
    assert duration(spelling) == value


@pytest.mark.parametrize(
    "spelling",
    [
        "",
        "+",
        "5",
        "m",
        "5 m",
        "5m ",
        " 5m",
        "5d",
        "1h-30m",
        "-5m",
        "++5m",
        "1,5h",
        ".s",
        "1e3s",
        "\u0665s",
        "1h30",
        "h1",
    ],
)
def test_duration_refuses_other_forms(spelling: str) -> None:
    with pytest.raises(ValueError, match="expected a duration such as 30s, 5m or 1h30m"):
        duration(spelling)


@pytest.mark.parametrize("spelling", ["9999999999999h", "9" * 400 + "h"])
def test_duration_beyond_what_time_can_hold_is_refused(spelling: str) -> None:
    with pytest.raises(ValueError, match="too long"):
        duration(spelling)


@pytest.mark.parametrize(
    ("setting", "raw", "value"),
    [(PORT, "443", 443), (WAIT, "10s", timedelta(seconds=10)), (OFFLINE, "true", True)],
)
def test_setting_reads_its_own_name(setting: Setting[object], raw: str, value: object) -> None:
    assert setting.read({setting.name: raw, "ROX_OTHER": "x"}) == value


@pytest.mark.parametrize("setting", [PORT, WAIT, OFFLINE])
@pytest.mark.parametrize("environment", [{}, {"ROX_PORT": "", "ROX_WAIT": "", "ROX_OFFLINE_MODE": ""}])
def test_setting_unset_or_empty_has_its_default(
    setting: Setting[object], environment: dict[str, str]
) -> None:
    assert setting.read(environment) == setting.default


@pytest.mark.parametrize(
    ("setting", "raw", "message"),
    [
        (PORT, "http", "ROX_PORT='http': invalid literal for int() with base 10: 'http'"),
        (WAIT, "soon", "ROX_WAIT='soon': expected a duration such as 30s, 5m or 1h30m"),
        (OFFLINE, "ja", "ROX_OFFLINE_MODE='ja': expected true or false"),
    ],
)
def test_setting_that_cannot_be_read_is_named(setting: Setting[object], raw: str, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        setting.read({setting.name: raw})
    assert caught.value.message == message


def test_setting_lets_other_errors_of_its_reader_pass() -> None:
    def broken(_: str) -> int:
        raise RuntimeError("our fault")

    parse: Callable[[str], int] = broken
    with pytest.raises(RuntimeError, match="our fault"):
        Setting("ROX_X", parse, 1, "").read({"ROX_X": "1"})


def test_text_is_taken_as_it_stands() -> None:
    assert text("  a b ") == "  a b "


def test_environ_is_the_process_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROX_TEST_ONLY", "seen")
    assert environ()["ROX_TEST_ONLY"] == "seen"
    assert env.environ().get("ROX_NOT_SET_ANYWHERE") is None


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [(":1", "0.0.0.0", 1), ("2", "0.0.0.0", 2), ("h:3", "h", 3), ("[::1]:65535", "::1", 65535)],  # noqa: S104
)
def test_address_is_read_with_and_without_a_host(text: str, host: str, port: int) -> None:
    assert env.Address.parse(text) == env.Address(host, port)


@pytest.mark.parametrize("text", ["", "x", ":", "h:65536", "h:-1", "h:\uff11"])
def test_address_without_a_port_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="expected \\[host:\\]port"):
        env.Address.parse(text)


@pytest.mark.parametrize(
    ("spelling", "address"),
    [("disabled", None), (":9091", Address.parse("9091")), ("127.0.0.1:0", Address("127.0.0.1", 0))],
)
def test_metrics_port_is_an_address_or_disabled(spelling: str, address: Address | None) -> None:
    assert metrics_port(spelling) == address


def test_span_is_a_duration_above_nothing() -> None:
    assert env.span("1s") == timedelta(seconds=1)
    with pytest.raises(ValueError, match="expected a duration above 0s"):
        env.span("0s")


@pytest.mark.parametrize(
    ("given", "address"),
    [("", Address.parse(":9090")), ("disabled", None), ("9191", Address.parse(":9191"))],
)
def test_metrics_setting_is_the_usual_port_unless_told(given: str, address: Address | None) -> None:
    assert env.METRICS_PORT.read({"ROX_METRICS_PORT": given}) == address
