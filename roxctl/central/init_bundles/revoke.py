"""`roxctl central init-bundles revoke`."""

from __future__ import annotations

from collections.abc import Mapping

import click

from roxctl.app import App
from roxctl.central.bundles import chosen
from roxctl.cli import command as declare
from roxctl.cli import pass_app, retry_timeout, switch, timeout
from roxctl.errors import CliError, quoted
from roxctl.output.columns import aligned


@declare("revoke", "Revoke init bundles, by id or by name.")
@click.argument("names", metavar="<init bundle ID or name>...", nargs=-1)
@switch("-f", "--force", help="Do not ask, even when clusters are cut off.")
@timeout("1m")
@retry_timeout()
@pass_app
def command(app: App, *, names: tuple[str, ...], force: bool, seconds: float, try_seconds: float) -> None:
    """Revoke them, after a question when clusters use them."""
    if not names:
        raise CliError("requires at least 1 arg(s), only received 0")
    from pyrox.pb.api.v1 import cluster_init_service_pb2 as pb  # noqa: PLC0415 - protobuf is slow to import
    from pyrox.pb.api.v1 import empty_pb2  # noqa: PLC0415 - protobuf is slow to import

    limits = {"seconds": seconds, "try_seconds": try_seconds}
    with app.central() as central:
        known = central.call(
            "/v1.ClusterInitService/GetInitBundles", empty_pb2.Empty(), pb.InitBundleMetasResponse, **limits
        )
        found = chosen(known.items, names, "init bundle")
        impacted = {cluster.id: cluster.name for item in found for cluster in item.impacted_clusters}
        if not force and impacted and not _confirmed(app, impacted):
            return
        request = pb.InitBundleRevokeRequest(
            ids=[item.id for item in found], confirm_impacted_clusters_ids=sorted(impacted)
        )
        try:
            done = central.call(
                "/v1.ClusterInitService/RevokeInitBundle", request, pb.InitBundleRevokeResponse, **limits
            )
        except CliError as error:
            raise error.wrap("revoking init bundles") from error
    for revoked in done.init_bundle_revoked_ids:
        app.console.info(f"Revoked {quoted(revoked)}")
    for failure in done.init_bundle_revocation_errors:
        app.console.error(f"Error revoking {quoted(failure.id)}: {failure.error}")
    if done.init_bundle_revocation_errors:
        count = len(done.init_bundle_revoked_ids)
        app.console.error(f"Failed. Revoked {count} of {len(found)} init bundle(s)")
    else:
        app.console.info(f"Revoked {len(found)} init bundle(s)")


def _confirmed(app: App, impacted: Mapping[str, str]) -> bool:
    app.console.result("Revoking init bundle(s) will impact the following cluster(s):")
    rows = sorted(([cluster_id, name] for cluster_id, name in impacted.items()), key=lambda row: row[1])
    app.console.write(aligned([["Cluster ID", "Cluster Name"], *rows]))
    return app.console.ask("Are you sure you want to revoke the init bundle(s)?")
