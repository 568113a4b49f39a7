"""`roxctl central db restore status`."""

from __future__ import annotations

from roxctl.app import App
from roxctl.cli import command as declare
from roxctl.cli import pass_app, retry_timeout, timeout
from roxctl.errors import CliError


@declare("status", "Show the restore that is going on.")
@timeout("1h")
@retry_timeout("0s")
@pass_app
def command(app: App, *, seconds: float, try_seconds: float) -> None:
    """Ask Central."""
    from roxctl.central.db.restore.report import active, tell  # noqa: PLC0415 - protobuf is slow to import

    with app.central() as central:
        try:
            status = active(central, seconds=seconds, try_seconds=try_seconds)
        except CliError as error:
            raise error.wrap("could not get information about active restore process") from error
    if status is None:
        app.console.result("No restore process is currently in progress.")
    else:
        tell(app, status)
