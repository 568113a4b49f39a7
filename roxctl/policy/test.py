"""`roxctl policy test`: arguments; the work is in `case_work.py`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from roxctl.app import App
from roxctl.cli import GoInteger, pass_app
from roxctl.cli import command as declare
from roxctl.errors import BadOption, CliError

_MOST_WORKERS = 64


@declare(
    "test",
    "Evaluate policies on recorded cases, a line of JSON each, and tell for every case the verdict, its "
    "messages and the reason. Needs no server. Exits with 1 unless every case comes out as it expects.",
)
@click.argument("files", nargs=-1, metavar="FILE...")
@click.option(
    "--workers", type=GoInteger(), default=0, help="Processes that evaluate; 0 takes one per processor."
)
@pass_app
def command(app: App, *, files: tuple[str, ...], workers: int) -> None:
    """Test them."""
    if not files:
        raise CliError("requires at least one file of cases; plain or gzip")
    missing = [f"open {name}: no such file or directory" for name in files if not Path(name).is_file()]
    if missing:
        raise BadOption(", ".join(missing))
    if not 0 <= workers <= _MOST_WORKERS:
        raise BadOption(f"--workers {workers}: give a number from 0 to {_MOST_WORKERS}")
    from roxctl.policy import case_work  # noqa: PLC0415 - protobuf is slow to import

    case_work.run(app, files, workers=workers or len(os.sched_getaffinity(0)))
