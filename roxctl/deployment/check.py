"""`roxctl deployment check`: flags; the work is in `check_work.py`."""

from __future__ import annotations

from pathlib import Path

import click

from roxctl.app import App
from roxctl.cli import command as declare
from roxctl.cli import pass_app, required, retries, switch, timeout
from roxctl.errors import BadOption
from roxctl.output.choice import Choice, comma_list, printer_flags

FORMS = ("table", "csv", "json", "junit", "sarif")
DEFAULT_NAMESPACE = "default"
_JSON_NOTE = (
    "Flag --json has been deprecated, Use the new output format which also offers JSON. NOTE: The new "
    "output format's structure has changed in a non-backward compatible way."
)
_ALL_NOTE = (
    "Flag --print-all-violations has been deprecated, Use the new output format where all violations are "
    "printed by default. This flag will only be relevant in combination with the --json flag"
)


@declare(
    "check", "Check YAML files against the policies for deployments; exit with 1 when one breaks the deploy."
)
@printer_flags("table", FORMS, "deployment-check")
@click.option(
    "-f", "--file", "files", multiple=True, callback=comma_list, help="YAML file; may be given often."
)
@switch("--force", "_force", help="Accepted for old scripts; has no effect.")
@retries
@click.option(
    "-c", "--categories", multiple=True, callback=comma_list, help="Only policies of these categories."
)
@click.option("--cluster", default="", help="Cluster (name or id) that gives the check its context.")
@click.option(
    "-n",
    "--namespace",
    default=DEFAULT_NAMESPACE,
    show_default=True,
    help="Namespace of objects that name none; needs --cluster.",
)
@switch("-v", "--verbose", help="Show permission levels and network policies as well.")
@switch("--json", "old_json", hidden=True)
@switch("--print-all-violations", "old_all", hidden=True)
@timeout("10m")
@pass_app
def command(app: App, *, choice: Choice, files: tuple[str, ...], **options: object) -> None:
    """Check them."""
    required(files, "file")
    for name in ("_force", "old_all"):
        options.pop(name)
    _tell_old_flags(app)
    if not options["old_json"]:
        choice.check("deployment check results", FORMS)
    _warn(app, str(options["cluster"]), str(options["namespace"]))
    missing = [f"open {name}: no such file or directory" for name in files if not Path(name).is_file()]
    if missing:
        raise BadOption(", ".join(missing))
    from roxctl.deployment import check_work  # noqa: PLC0415 - protobuf is slow to import

    check_work.run(app, check_work.Wanted(files=files, choice=choice, **options))  # type: ignore[arg-type]  # click gives the declared types


def _tell_old_flags(app: App) -> None:
    context = click.get_current_context()
    for name, note in (("old_json", _JSON_NOTE), ("old_all", _ALL_NOTE)):
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            app.console.note(note)


def _warn(app: App, cluster: str, namespace: str) -> None:
    if cluster and namespace == DEFAULT_NAMESPACE:
        app.console.warn(
            "Deployments without a namespace in the spec will be enhanced with context information for the "
            "\"default\" namespace. This can be changed with setting '--namespace/-n'"
        )
    if not cluster and namespace != DEFAULT_NAMESPACE:
        app.console.warn("Cluster is empty. Namespace will only have an effect if '--cluster' is defined.")
