"""Retries of a whole command."""

from __future__ import annotations

import io

import pytest

from roxctl.app import App
from roxctl.attempts import repeated
from roxctl.console import Console
from roxctl.errors import CallFailed, CliError
from tests.support.cli import StoppedTimer


class Work:
    """Fails as told, then answers."""

    def __init__(self, *errors: CliError) -> None:
        self.errors = list(errors)
        self.calls = 0
        self.err = io.StringIO()
        console = Console(out=io.StringIO(), err=self.err, stdin=io.StringIO(), color=False)
        self.timer = StoppedTimer()
        self.app = App(console=console, environment={}, timer=self.timer)

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"

    def run(self, retries: int = 3) -> str:
        return repeated(self.app, self, doing="Checking", final="checking failed", retries=retries, delay=3)


AWAY = CallFailed("Unavailable", "away")


def test_repeated_returns_after_failures_that_pass() -> None:
    work = Work(AWAY, AWAY)
    assert work.run() == "done"
    assert work.timer.waits == [3, 3]
    line = "ERROR:\tChecking failed: rpc error: code = Unavailable desc = away. Retrying after 3 seconds...\n"
    assert work.err.getvalue() == line * 2


def test_repeated_gives_up_after_the_retries() -> None:
    work = Work(*[AWAY] * 9)
    with pytest.raises(CliError, match=r"^checking failed after 3 retries: rpc error"):
        work.run()
    assert work.calls == 4


@pytest.mark.parametrize("error", [CliError("no"), CallFailed("PermissionDenied", "no")])
def test_repeated_final_failure_is_not_retried(error: CliError) -> None:
    work = Work(error)
    with pytest.raises(CliError, match=r"^checking failed: "):
        work.run()
    assert work.calls == 1


def test_repeated_without_retries_fails_at_once() -> None:
    with pytest.raises(CliError, match=r"^checking failed: rpc error"):
        Work(AWAY).run(retries=0)
