"""How far a transfer is, in words."""

from __future__ import annotations

import io

import pytest

from roxctl.app import App
from roxctl.central.transfer import Progress, size
from roxctl.console import Console
from tests.support.cli import StoppedTimer


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def made(err: io.StringIO) -> tuple[App, StoppedTimer]:
    timer = StoppedTimer()
    console = Console(out=io.StringIO(), err=err, stdin=io.StringIO(), color=False)
    return App(console=console, environment={}, timer=timer), timer


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0.0 B"), (1023, "1023.0 B"), (1536, "1.5 KiB"), (5 << 20, "5.0 MiB"), (1 << 50, "1024.0 TiB")],
)
def test_size_is_told_in_a_fitting_unit(count: int, text: str) -> None:
    assert size(count) == text


def test_log_gets_a_line_a_minute_and_one_at_the_end() -> None:
    err = io.StringIO()
    app, timer = made(err)
    progress = Progress(app, "a.zip", total=4096, done=1024)
    for _ in range(2):
        timer.sleep(40)
        progress.add(1024)
    progress.end()
    assert err.getvalue() == (
        "3.0 KiB / 4.0 KiB  25.6 B/s  a.zip ETA 00:00:40\n3.0 KiB / 4.0 KiB  25.6 B/s  a.zip ETA 00:00:40\n"
    )


def test_terminal_gets_one_line_that_changes() -> None:
    err = Terminal()
    app, timer = made(err)
    progress = Progress(app, "a.zip", total=0)
    timer.sleep(2)
    progress.add(2048)
    progress.end()
    line = "2.0 KiB  1.0 KiB/s  a.zip\x1b[K"
    assert err.getvalue() == f"\r{line}\r{line}\n"
