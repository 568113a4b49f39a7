"""`roxctl scanner upload-db`: an offline bundle for Central."""

from __future__ import annotations

from pathlib import Path

import click

from roxctl.app import App
from roxctl.cli import command as declare
from roxctl.cli import pass_app, required, timeout
from roxctl.errors import CliError

_PATH = "/api/extensions/scannerdefinitions"


@declare("upload-db", "Upload an offline bundle of vulnerability definitions.")
@click.option("--scanner-db-file", default="", help="File with the vulnerability definitions.")
@timeout("10m")
@pass_app
def command(app: App, *, scanner_db_file: str, seconds: float) -> None:
    """Send it."""
    required(scanner_db_file, "scanner-db-file")
    path = Path(scanner_db_file)
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CliError(f"could not open file: open {scanner_db_file}: {reason}") from error
    try:
        answer = app.rest().request("POST", _PATH, seconds=seconds, body=path)
    except CliError as error:
        raise error.wrap("could not connect with scanner definitions API") from error
    app.console.note(answer.body.decode("utf-8", "replace"))
