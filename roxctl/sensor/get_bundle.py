"""`roxctl sensor get-bundle`."""

from __future__ import annotations

import click

from roxctl.app import App
from roxctl.cli import command as declare
from roxctl.cli import pass_app, retry_timeout, switch, timeout
from roxctl.errors import CliError, quoted

_DEPRECATION = (
    "This command is deprecated and will be removed in a future release. "
    "Use the StackRox operator for deployment management instead."
)


@declare("get-bundle", "Download the files that secure a cluster known to Central.", deprecation=_DEPRECATION)
@click.argument("names", metavar="<cluster-name-or-id>", nargs=-1)
@click.option("--output-dir", default="", help="Folder for the files; named after the cluster by default.")
@switch("--create-upgrader-sa", default=True, help="Let Central upgrade the services in the cluster.")
@click.option("--istio-support", default="", help="Version of Istio to support.")
@switch("--slim-collector", hidden=True)
@timeout("5m")
@retry_timeout("0s")
@pass_app
def command(
    app: App, *, names: tuple[str, ...], output_dir: str, create_upgrader_sa: bool, istio_support: str,
    slim_collector: bool, seconds: float, try_seconds: float,
) -> None:  # fmt: skip
    """Download and unpack them."""
    if len(names) != 1:
        raise CliError(f"accepts 1 arg(s), received {len(names)}")
    from roxctl.sensor import bundle  # noqa: PLC0415 - only here

    try:
        cluster_id = _resolved(app, names[0], seconds, try_seconds)
        parameters: dict[str, object] = {"id": cluster_id, "createUpgraderSA": create_upgrader_sa}
        if slim_collector:
            parameters["slimCollector"] = True
        if istio_support:
            parameters["istioVersion"] = istio_support
        bundle.download(app, parameters, output_dir, seconds)
    except CliError as error:
        raise error.wrap("error downloading sensor bundle") from error


def _resolved(app: App, name: str, seconds: float, try_seconds: float) -> str:
    """The cluster's id."""
    from roxctl.sensor import resolve  # noqa: PLC0415 - only here

    try:
        return resolve.cluster_id(app, name, seconds, try_seconds)
    except CliError as error:
        raise error.wrap(f"error resolving cluster ID for {quoted(name)}") from error
