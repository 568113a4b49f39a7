"""Words that the commands of `central db restore` share: the state of a restore, the question."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pyrox.pb.api.v1 import db_service_pb2 as pb
from pyrox.pb.api.v1.empty_pb2 import Empty
from roxctl.app import App
from roxctl.central_client import Central
from roxctl.errors import CliError, code_of

R = TypeVar("R")
_NOT_SUPPORTED = "server does not support V2 restore functionality"


def active(central: Central, *, seconds: float, try_seconds: float) -> pb.DBRestoreProcessStatus | None:
    """The restore that is going on, or None. Raises `CliError`."""
    answer = supported(
        lambda: central.call(
            "/v1.DBService/GetActiveRestoreProcess",
            Empty(),
            pb.GetActiveDBRestoreProcessResponse,
            seconds=seconds,
            try_seconds=try_seconds,
        )
    )
    return answer.active_status if answer.HasField("active_status") else None


def supported(call: Callable[[], R]) -> R:
    """The call's result. Raises `CliError` that says so when Central has no such call."""
    try:
        return call()
    except CliError as error:
        if code_of(error) == "Unimplemented":
            raise CliError(_NOT_SUPPORTED) from error
        raise


def tell(app: App, status: pb.DBRestoreProcessStatus) -> None:
    """Everything about a restore."""
    say, metadata = app.console.result, status.metadata
    say("Active database restore process information")
    say("===========================================")
    local, files = metadata.header.local_file, metadata.header.manifest.files
    total = sum(file.encoded_size for file in files)
    percent = 100 * status.bytes_read / total if total else 0.0
    progress = (
        f"{status.bytes_read}/{total} bytes ({percent:.2f}%); {status.files_processed}/{len(files)} files"
    )
    rows = [
        ("ID", metadata.id),
        ("State", pb.DBRestoreProcessStatus.State.Name(status.state)),
        ("Started at", metadata.start_time.ToDatetime().strftime("%Y-%m-%d %H:%M:%S +0000 UTC")),
        ("Started by", metadata.initiating_user_name),
    ]
    if metadata.header.HasField("local_file"):
        rows.append(("Source file", f"{local.path} ({local.bytes_size} bytes)"))
    rows.append(("Transfer progress", f"{progress} processed"))
    if status.error:
        rows.append(("Error status", status.error))
    for name, value in rows:
        say(f"{name}:")
        # Names come from whoever began the restore: nothing that moves the cursor.
        say("  " + "".join(char if char.isprintable() else "?" for char in value))


def confirm(app: App, *, force: bool) -> None:
    """Go on only when the user agrees. Raises `CliError`."""
    if not force and not app.console.ask("Are you sure?"):
        raise CliError("User rejected")
