"""`roxctl central db restore cancel`."""

from __future__ import annotations

from roxctl.app import App
from roxctl.cli import command as declare
from roxctl.cli import pass_app, retry_timeout, switch, timeout
from roxctl.errors import CliError


@declare("cancel", "Cancel the restore that is going on; the data stay as they were.")
@switch("-f", "--force", help="Proceed without confirmation.")
@timeout("1h")
@retry_timeout("0s")
@pass_app
def command(app: App, *, force: bool, seconds: float, try_seconds: float) -> None:
    """Show it, ask, cancel it."""
    from pyrox.pb.api.v1.common_pb2 import ResourceByID  # noqa: PLC0415 - protobuf is slow to import
    from pyrox.pb.api.v1.empty_pb2 import Empty  # noqa: PLC0415 - protobuf is slow to import
    from roxctl.central.db.restore.report import active, confirm, tell  # noqa: PLC0415 - as above

    limits = {"seconds": seconds, "try_seconds": try_seconds}
    with app.central() as central:
        try:
            status = active(central, **limits)
        except CliError as error:
            raise error.wrap("could not get information about active restore process") from error
        if status is None:
            raise CliError("no restore process is currently in progress")
        tell(app, status)
        app.console.result("")
        app.console.result("The above restore process will be canceled.")
        confirm(app, force=force)
        central.call(
            "/v1.DBService/CancelRestoreProcess", ResourceByID(id=status.metadata.id), Empty, **limits
        )
