"""`roxctl central db backup`: the database without the keys; the older of the two commands."""

from __future__ import annotations

from roxctl.app import App
from roxctl.central.saving import save, saving_options
from roxctl.cli import command as declare
from roxctl.cli import pass_app, retry_timeout, switch

_DEPRECATION = (
    'WARNING: The backup command has been deprecated. Please use "roxctl central backup"\n'
    "to create central backup with database, keys and certificates."
)


@declare("backup", "Save the database as a ZIP file.", deprecation=_DEPRECATION)
@saving_options
@switch("--full", help="With certificates and keys; only for the role Admin.")
@retry_timeout("0s")
@pass_app
def command(
    app: App, *, output: str, certs_only: bool, full: bool, seconds: float, try_seconds: float
) -> None:
    """Fetch it."""
    del try_seconds  # There is no gRPC call whose tries it could limit; the flag is upstream's.
    save(app, output=output, certs_only=certs_only, full=full, seconds=seconds)
