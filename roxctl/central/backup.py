"""`roxctl central backup`: the database and the keys in one file."""

from __future__ import annotations

from roxctl.app import App
from roxctl.central.saving import save, saving_options
from roxctl.cli import command as declare
from roxctl.cli import pass_app


@declare("backup", "Save the database, the certificates and the keys as a ZIP file.")
@saving_options
@pass_app
def command(app: App, *, output: str, certs_only: bool, seconds: float) -> None:
    """Fetch it."""
    save(app, output=output, certs_only=certs_only, full=True, seconds=seconds)
