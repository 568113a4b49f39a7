"""`roxctl central init-bundles generate`."""

from __future__ import annotations

from contextlib import ExitStack

import click

from roxctl.app import App
from roxctl.central.bundles import OutputFile, described
from roxctl.cli import command as declare
from roxctl.cli import pass_app, retry_timeout, timeout
from roxctl.errors import BadOption, CliError

_OPENING = "opening output file for writing init bundle"
_WRITTEN = "The newly generated init bundle has been written to file {}."


@declare("generate", "Make a new init bundle.")
@click.argument("names", metavar="<init bundle name>", nargs=-1)
@click.option("--output", default="", help="File for the bundle as Helm values (- for standard output).")
@click.option("--output-secrets", default="", help="File for the bundle as Secrets (- for standard output).")
@timeout("1m")
@retry_timeout()
@pass_app
def command(
    app: App, *, names: tuple[str, ...], output: str, output_secrets: str, seconds: float, try_seconds: float
) -> None:
    """Make it and write it."""
    if len(names) != 1:
        raise BadOption("No name for the init bundle specified")
    if not output and not output_secrets:
        raise BadOption(
            "No output files specified with --output or --output-secrets (for stdout, specify '-')"
        )
    from pyrox.pb.api.v1 import cluster_init_service_pb2 as pb  # noqa: PLC0415 - protobuf is slow to import

    with ExitStack() as stack:
        helm = stack.enter_context(OutputFile(output, _OPENING)) if output else None
        secrets = stack.enter_context(OutputFile(output_secrets, _OPENING)) if output_secrets else None
        central = stack.enter_context(app.central())
        try:
            made = central.call(
                "/v1.ClusterInitService/GenerateInitBundle",
                pb.InitBundleGenRequest(name=names[0]),
                pb.InitBundleGenResponse,
                seconds=seconds,
                try_seconds=try_seconds,
            )
        except CliError as error:
            raise error.wrap("generating new init bundle") from error
        app.console.info(described("init bundle", made.meta) + "\n")
        for file, data in ((helm, made.helm_values_bundle), (secrets, made.kubectl_bundle)):
            if file is not None:
                file.write(app, data, _WRITTEN)
    app.console.info("The init bundle needs to be stored securely, since it contains secrets.")
    app.console.info("It is not possible to retrieve previously generated init bundles.")
