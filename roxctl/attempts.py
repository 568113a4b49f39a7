"""Repeats a whole command while its failure may pass, as `--retries` says."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from roxctl.app import App
from roxctl.errors import CliError

T = TypeVar("T")


def repeated(app: App, work: Callable[[], T], *, doing: str, final: str, retries: int, delay: int) -> T:
    """The work's result; `doing` starts the line of each failed try, `final` the last error.

    Raises `CliError`.
    """
    failed = 0
    while True:
        try:
            return work()
        except CliError as error:
            if not error.retryable or failed >= retries:
                suffix = f" after {failed} retries" if failed else ""
                raise error.wrap(f"{final}{suffix}") from error
            failed += 1
            app.console.error(f"{doing} failed: {error}. Retrying after {delay} seconds...")
            app.timer.sleep(delay)
