"""The command line itself: unknown words, and errors of subcommands."""

from __future__ import annotations

import argparse
import io
import subprocess
import sys

import pytest

from pyrox.errors import NotFound
from services.scannerctl import main
from services.scannerctl.command import Command, Streams


def streams() -> Streams:
    return Streams(stdin=io.BytesIO(), out=io.StringIO(), err=io.StringIO(), environment={})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "COMMAND"),
        (["dance"], "invalid choice: 'dance'"),
        (["compare"], "--ecosystem"),
        (["compare", "--ecosystem", "pacman"], "invalid choice: 'pacman'"),
    ],
)
def test_command_line_that_is_not_understood_ends_with_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main.run(arguments, streams())
    assert stopped.value.code == 2
    assert words in capsys.readouterr().err


def test_error_of_a_subcommand_is_one_line_and_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(arguments: argparse.Namespace, streams: Streams) -> int:
        raise NotFound("image 'x': no such image")

    command = Command(name="fail", summary="Fails.", flags=lambda _: None, run=fail)
    monkeypatch.setattr(main, "commands", lambda _: [command])
    given = streams()
    assert main.run(["fail"], given) == 1
    assert isinstance(given.err, io.StringIO)
    assert given.err.getvalue() == "scannerctl fail: image 'x': no such image\n"


@pytest.mark.parametrize("word", ["index", "compare"])
def test_command_that_asks_no_service_loads_nothing_that_does(word: str) -> None:
    code = (
        "import sys; from services.scannerctl import main\n"
        f"try: main.parser({word!r}).parse_args([{word!r}, '--help'])\n"
        "except SystemExit: print([name for name in ('grpc', 'asyncpg', 'structlog') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_every_command_is_listed_once_by_its_name() -> None:
    names = [command.name for command in main.commands()]
    assert len(set(names)) == len(names) == len(main.COMMANDS)
    assert [command.name for command in main.commands("index")] == ["index"]
