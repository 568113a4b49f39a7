"""`roxctl central init-bundles fetch-ca`."""

from __future__ import annotations

import click

from roxctl.app import App
from roxctl.central.bundles import OutputFile
from roxctl.cli import command as declare
from roxctl.cli import pass_app, retry_timeout, timeout
from roxctl.errors import BadOption, CliError

_OPENING = "opening output file for writing CA config"
_WRITTEN = "The CA configuration has been written to file {}."


@declare("fetch-ca", "Fetch Central's CA as Helm values, for those who make their own secrets.")
@click.option("--output", default="", help="File for the values (- for standard output).")
@timeout("1m")
@retry_timeout()
@pass_app
def command(app: App, *, output: str, seconds: float, try_seconds: float) -> None:
    """Fetch and write it."""
    if not output:
        raise BadOption("no output file specified with --output (for stdout, specify '-')")
    from pyrox.pb.api.v1 import cluster_init_service_pb2 as pb  # noqa: PLC0415 - protobuf is slow to import
    from pyrox.pb.api.v1 import empty_pb2  # noqa: PLC0415 - protobuf is slow to import

    with OutputFile(output, _OPENING, 0o644) as file, app.central() as central:
        try:
            config = central.call(
                "/v1.ClusterInitService/GetCAConfig",
                empty_pb2.Empty(),
                pb.GetCAConfigResponse,
                seconds=seconds,
                try_seconds=try_seconds,
            )
        except CliError as error:
            raise error.wrap("fetching CA config") from error
        file.write(app, config.helm_values_bundle, _WRITTEN)
