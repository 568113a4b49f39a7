"""`roxctl helm output`: write a chart to a directory, for `helm install` without a chart repository."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from roxctl.app import App
from roxctl.cli import command as declare
from roxctl.cli import pass_app, switch
from roxctl.errors import CliError, quoted
from roxctl.helm import charts


@declare("output", f"Write a Helm chart to a directory: {' or '.join(charts.NAMES)}.")
@click.argument("names", metavar=f"<{' | '.join(charts.NAMES)}>", nargs=-1)
@click.option("--output-dir", default="", help="Directory for the chart; ./stackrox-<name>-chart by default.")
@switch("--remove", help="Remove the directory first if it exists.")
@click.option("--image-defaults", default="", hidden=True)
@switch("--enable-telemetry", hidden=True)
@pass_app
def command(
    app: App,
    *,
    names: tuple[str, ...],
    output_dir: str,
    remove: bool,
    image_defaults: str,
    enable_telemetry: bool,
) -> None:
    """Write it. Upstream's choice of images and its telemetry do not exist here; the flags are taken."""
    del image_defaults, enable_telemetry
    if len(names) != 1:
        raise CliError(f"accepts 1 arg(s), received {len(names)}")
    chart = charts.folder(names[0])
    directory = output_dir or f"./stackrox-{names[0]}-chart"
    if not output_dir:
        app.console.warn(f"No output directory specified, using default directory {quoted(directory)}")
    _make_room(app, Path(directory), directory, remove=remove)
    try:
        for name, content in charts.files(chart):
            target = Path(directory, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    except OSError as error:
        raise CliError(f"unable to write the chart to {quoted(directory)}: {error.strerror}") from error
    app.console.info(f"Written Helm chart {names[0]} to directory {quoted(directory)}")


def _make_room(app: App, target: Path, directory: str, *, remove: bool) -> None:
    if not target.exists():
        return
    if not remove:
        app.console.error(
            f"Directory {quoted(directory)} already exists, use --remove or select a different directory "
            "with --output-dir."
        )
        raise CliError(f"directory {quoted(directory)} already exists")
    try:
        shutil.rmtree(target)
    except OSError as error:
        raise CliError(f"failed to remove output dir {directory}: {error.strerror}") from error
    app.console.warn(f"Removed output directory {directory}")
