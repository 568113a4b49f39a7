"""`roxctl central crs revoke`."""

from __future__ import annotations

import click

from roxctl.app import App
from roxctl.central.bundles import chosen
from roxctl.cli import command as declare
from roxctl.cli import pass_app, retry_timeout, timeout
from roxctl.errors import CliError, quoted


@declare("revoke", "Revoke cluster registration secrets, by id or by name.")
@click.argument("names", metavar="<CRS ID or name>...", nargs=-1)
@timeout("1m")
@retry_timeout()
@pass_app
def command(app: App, *, names: tuple[str, ...], seconds: float, try_seconds: float) -> None:
    """Revoke them."""
    if not names:
        raise CliError("requires at least 1 arg(s), only received 0")
    from pyrox.pb.api.v1 import cluster_init_service_pb2 as pb  # noqa: PLC0415 - protobuf is slow to import
    from pyrox.pb.api.v1 import empty_pb2  # noqa: PLC0415 - protobuf is slow to import

    limits = {"seconds": seconds, "try_seconds": try_seconds}
    with app.central() as central:
        known = central.call(
            "/v1.ClusterInitService/GetCRSs", empty_pb2.Empty(), pb.CRSMetasResponse, **limits
        )
        found = chosen(known.items, names, "CRS")
        request = pb.CRSRevokeRequest(ids=[item.id for item in found])
        try:
            done = central.call("/v1.ClusterInitService/RevokeCRS", request, pb.CRSRevokeResponse, **limits)
        except CliError as error:
            raise error.wrap("revoking CRSs") from error
    for revoked in done.revoked_ids:
        app.console.info(f"Revoked {quoted(revoked)}")
    for failure in done.crs_revocation_errors:
        app.console.error(f"Error revoking {quoted(failure.id)}: {failure.error}")
    if done.crs_revocation_errors:
        app.console.error(f"Failed. Revoked {len(done.revoked_ids)} of {len(found)} CRS(s)")
    else:
        app.console.info(f"Revoked {len(found)} CRS(s)")
