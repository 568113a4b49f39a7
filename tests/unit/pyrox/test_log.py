"""Logs: form, level, fields, and secrets that must not appear."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest
import structlog

from pyrox import log
from pyrox.log import mask_secrets


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """The process's logging as it was, whatever a test sets up."""
    root = logging.getLogger()
    before = structlog.get_config(), root.level
    yield
    structlog.reset_defaults()
    structlog.configure(**before[0])
    structlog.contextvars.clear_contextvars()
    root.setLevel(before[1])


def test_json_line_has_message_fields_process_and_time(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup(process="central", level="info", form="json")
    log.get("services.central.x").info("cluster registers", cluster="prod", count=3)
    line = json.loads(capsys.readouterr().err)
    moment = line.pop("timestamp")
    assert moment.endswith("Z")
    assert line == {
        "event": "cluster registers",
        "level": "info",
        "module": "services.central.x",
        "process": "central",
        "cluster": "prod",
        "count": 3,
    }


def test_console_line_goes_to_standard_error_without_colours(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup(process="sensor")
    log.get("m").warning("link lost", seconds=5)
    out, err = capsys.readouterr()
    assert not out
    assert "link lost" in err
    assert "seconds=5" in err
    assert "\x1b" not in err


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("INFO", ["info", "warning", "error"]),
        ("Warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_level_hides_what_is_less_severe(
    capsys: pytest.CaptureFixture[str], level: str, shown: list[str]
) -> None:
    log.setup(process="central", level=level, form="json")
    logger = log.get("m")
    for name in ("debug", "info", "warning", "error"):
        getattr(logger, name)("said")
    assert [json.loads(line)["level"] for line in capsys.readouterr().err.splitlines()] == shown


def test_setup_refuses_an_unknown_level() -> None:
    with pytest.raises(ValueError, match="unknown log level 'loud'"):
        log.setup(process="central", level="loud")


def test_line_of_an_error_holds_its_trace_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup(process="central", form="json")
    try:
        raise RuntimeError("broken")
    except RuntimeError as err:
        log.get("m").error("unexpected error", exc_info=err)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "RuntimeError: broken" in json.loads(lines[0])["exception"]


def test_line_break_in_a_value_makes_no_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup(process="central", form="json")
    log.get("m").info("login", user='x"}\n{"event":"forged"}')
    lines = capsys.readouterr().err.splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["login"]


@pytest.mark.parametrize(
    "field",
    [
        "db_password",
        "PASSWORD",
        "clientSecret",
        "refresh_token",
        "Authorization",
        "credentials",
        "private_key",
    ],
)
def test_value_of_a_field_that_speaks_of_secrets_is_masked(field: str) -> None:
    assert mask_secrets(None, "info", {field: "s3cr3t", "event": "x"}) == {field: "***", "event": "x"}


def test_other_fields_stay() -> None:
    event = {"event": "token issued", "name": "ci", "cluster": "prod", "key_id": "jwtk0"}
    assert mask_secrets(None, "info", dict(event)) == event


def test_masked_value_does_not_reach_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup(process="central", form="json")
    log.get("m").bind(api_token="eyJhbGci").info("request", password="letmein")
    err = capsys.readouterr().err
    assert "eyJhbGci" not in err
    assert "letmein" not in err


def test_other_libraries_speak_from_warning_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    log.setup(process="central", level="debug")
    logging.getLogger("asyncio").info("quiet")
    logging.getLogger("asyncio").warning("loud")
    err = capsys.readouterr().err
    assert "loud" in err
    assert "quiet" not in err


@pytest.mark.parametrize("form", ["json", "console"])
def test_setup_loads_no_rich_and_still_shows_traces(form: str) -> None:
    script = (
        "import sys; from pyrox import log\n"
        f"log.setup(process='central', form={form!r})\n"
        "try: raise RuntimeError('broken')\n"
        "except RuntimeError as err: log.get('m').error('failed', exc_info=err)\n"
        "print('rich' in sys.modules)"
    )
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "False\n"
    assert "RuntimeError: broken" in done.stderr
    assert "Traceback (most recent call last)" in done.stderr


def test_hidden_module_is_found_again_afterwards() -> None:
    script = "import pyrox.log, rich; print(rich.__name__)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "rich\n"


def test_console_line_of_an_error_is_followed_by_its_plain_trace(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup(process="sensor")
    try:
        raise RuntimeError("broken")
    except RuntimeError as err:
        log.get("m").error("unexpected error", exc_info=err)
    lines = capsys.readouterr().err.splitlines()
    assert "unexpected error" in lines[0]
    assert lines[1] == "Traceback (most recent call last):"
    assert lines[-1] == "RuntimeError: broken"


def test_logger_that_was_used_before_writes_to_the_standard_error_of_the_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = io.StringIO(), io.StringIO()
    monkeypatch.setattr("sys.stderr", first)
    log.setup(process="sensor")
    logger = log.get("of the moment")
    logger.info("one")
    monkeypatch.setattr("sys.stderr", second)
    first.close()
    logger.info("two")
    assert "two" in second.getvalue()
