"""`roxctl central db restore <file>`."""

from __future__ import annotations

from pathlib import Path

import click

from roxctl.app import App
from roxctl.cli import command as declare
from roxctl.cli import pass_app, retry_timeout, switch, timeout
from roxctl.errors import CliError, quoted


@declare("restore", "Restore Central's database from a backup (.zip) that roxctl made.")
@click.argument("files", metavar="<file>", nargs=-1)
@click.option("--file", "legacy", default="", help="Deprecated: give the file as the argument.")
@switch("-f", "--force", help="Proceed without confirmation.")
@switch("--interrupt", help="Interrupt a restore that is going on, to resume it.")
@timeout("1h")
@retry_timeout("0s")
@pass_app
def command(
    app: App,
    *,
    files: tuple[str, ...],
    legacy: str,
    force: bool,
    interrupt: bool,
    seconds: float,
    try_seconds: float,
) -> None:
    """Send the backup and wait until it is restored."""
    if len(files) != 1:
        raise CliError(f"accepts 1 arg(s), received {len(files)}")
    if legacy:
        raise CliError("legacy --file flag must not be used in conjunction with a positional argument")
    path = _checked(files[0])
    from roxctl.central.db.restore.restorer import Restorer  # noqa: PLC0415 - protobuf is slow to import

    restorer = Restorer(app, force=force, interrupt=interrupt, seconds=seconds, try_seconds=try_seconds)
    restorer.restore(path)
    app.console.result("Successfully restored DB")


def _checked(name: str) -> Path:
    path = Path(name)
    if not path.exists():
        raise CliError(f"file {quoted(name)} could not be found")
    if path.is_dir():
        raise CliError(f"expected a file not a directory for path {name}")
    return path
