"""Fetches a backup from Central and writes it to a file.

`central backup` and `central db backup` are two names for it. Where the file goes and
what is said when that is impossible is upstream's (roxctl/central/backup).
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import click

from roxctl.app import App
from roxctl.central.transfer import Progress
from roxctl.cli import switch, timeout
from roxctl.errors import CliError, quoted

if TYPE_CHECKING:
    import httpx

_CONNECT_SECONDS = 30.0
# Upstream's idleTimeout; it counts only once the command's own timeout is over.
_IDLE_SECONDS = 300.0
_OK = 200
_NOT_ALLOWED = frozenset({401, 403})
_DISPOSITION = re.compile(r'filename="?([^";]+)"?')
_OUTPUT_HELP = (
    "Where to write the backup: a file, which is overwritten, or an existing directory, in which the file"
    " gets the name that Central gives it. Without it, that name in the current directory."
)


def saving_options(function: Any) -> Any:
    """The flags of both commands."""
    output = click.option("--output", default="", help=_OUTPUT_HELP)
    certs = switch(
        "--certs-only", help="Only the certificates and keys; the database is backed up otherwise."
    )
    return output(certs(timeout("1h")(function)))


def save(app: App, *, output: str, certs_only: bool, full: bool, seconds: float) -> None:
    """Fetch the backup and write it. Raises `CliError`."""
    path = "/api/extensions/backup" if full else "/db/backup"
    if certs_only:
        path = "/api/extensions/certs/backup"
    wait = max(seconds, _IDLE_SECONDS)
    with app.rest().stream("GET", path, connect=min(seconds, _CONNECT_SECONDS), read=wait) as answer:
        _check(answer)
        name = _target(answer, output)
        _write(app, answer, name)
    app.console.result(f"Wrote backup file to {quoted(name)}")


def _check(answer: httpx.Response) -> None:
    from roxctl.rest import refusal  # noqa: PLC0415 - httpx is slow to import

    if answer.status_code in _NOT_ALLOWED:
        raise CliError("Invalid credentials. Please add/fix your credentials")
    if answer.status_code != _OK:
        raise refusal(answer).wrap("Error when trying to get a backup.")


def _target(answer: httpx.Response, output: str) -> str:
    """The file to write."""
    if output and not os.path.isdir(output):  # noqa: PTH112 - the text is told as it was given
        if output.endswith(os.sep):
            raise CliError(f"invalid output {quoted(output)}: directory does not exist")
        folder = os.path.dirname(output) or "."  # noqa: PTH120 - as above
        if not os.path.isdir(folder):  # noqa: PTH112 - as above
            raise CliError(
                f"invalid output {quoted(output)}: containing directory {quoted(folder)} does not exist"
            )
        return output
    found = _DISPOSITION.search(answer.headers.get("content-disposition", ""))
    # A name from outside: only its last part, so that it stays in the directory.
    name = os.path.basename(found[1].strip()) if found else ""  # noqa: PTH119 - as above
    if name in {"", ".", ".."}:
        raise CliError("could not parse filename from header: Central named no file; give --output")
    return os.path.join(output, name)  # noqa: PTH118 - as above


def _write(app: App, answer: httpx.Response, name: str) -> None:
    total = answer.headers.get("content-length", "")
    progress = Progress(app, name, total=int(total) if total.isdecimal() else 0)
    try:
        # It holds keys or everything that Central knows: nobody else may read it.
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            for part in answer.iter_bytes():
                file.write(part)
                progress.add(len(part))
    except OSError as err:
        raise CliError(f"Could not create backup file {quoted(name)}: {err.strerror or err}") from err
    progress.end()
