"""`roxctl central init-bundles list`."""

from __future__ import annotations

from roxctl.app import App
from roxctl.central.bundles import listed
from roxctl.cli import command as declare
from roxctl.cli import pass_app, retry_timeout, timeout
from roxctl.errors import CliError


@declare("list", "List all init bundles.")
@timeout("1m")
@retry_timeout()
@pass_app
def command(app: App, *, seconds: float, try_seconds: float) -> None:
    """Print them."""
    from pyrox.pb.api.v1 import cluster_init_service_pb2 as pb  # noqa: PLC0415 - protobuf is slow to import
    from pyrox.pb.api.v1 import empty_pb2  # noqa: PLC0415 - protobuf is slow to import

    try:
        with app.central() as central:
            found = central.call(
                "/v1.ClusterInitService/GetInitBundles",
                empty_pb2.Empty(),
                pb.InitBundleMetasResponse,
                seconds=seconds,
                try_seconds=try_seconds,
            )
    except CliError as error:
        raise error.wrap("getting all init bundles") from error
    app.console.write(listed(found.items, "Created By"))
