"""`roxctl image check`: flags; the work is in `check_work.py`."""

from __future__ import annotations

import click

from roxctl.app import App
from roxctl.cli import command as declare
from roxctl.cli import pass_app, required, retries, switch, timeout
from roxctl.output.choice import Choice, comma_list, printer_flags

FORMS = ("table", "csv", "json", "junit", "sarif")
_JSON_NOTE = (
    "Flag --json has been deprecated, use the new output format which also offers JSON. NOTE: The new "
    "output format's structure has changed in a non-backward compatible way."
)
_FAIL_NOTE = (
    "Flag --json-fail-on-policy-violations has been deprecated, use the new output format which will "
    "always fail with policy violations."
)
_ALL_NOTE = (
    "Flag --print-all-violations has been deprecated, use the new output format which handles this by "
    "default. The flag is only relevant in combination with the --json flag"
)


@declare("check", "Check an image against the policies for builds; exit with 1 when one breaks the build.")
@printer_flags("table", FORMS, "image-check")
@click.option(
    "-i", "--image", default="", help="Image, by tag or by digest (nginx:latest, nginx@sha256:...)."
)
@retries
@switch("-f", "--force", help="Scan anew, whatever Central remembers.")
@switch("--send-notifications", help="Notify as the violated policies say.")
@click.option(
    "-c", "--categories", multiple=True, callback=comma_list, help="Only policies of these categories."
)
@click.option("--cluster", default="", help="Cluster (name or id) that gives the check its context.")
@click.option("--namespace", default="", help="Namespace whose pull secrets the cluster shall use.")
@switch("--json", "old_json", hidden=True)
@switch("--json-fail-on-policy-violations", "old_fail", default=True, hidden=True)
@switch("--print-all-violations", "old_all", hidden=True)
@timeout("10m")
@pass_app
def command(app: App, *, choice: Choice, image: str, **options: object) -> None:
    """Check it."""
    required(image, "image")
    _tell_old_flags(app)
    old = bool(options["old_json"])
    options.pop("old_all")
    if not old:
        choice.check("image check result", FORMS)
    from roxctl.image import check_work  # noqa: PLC0415 - protobuf is slow to import

    check_work.run(app, check_work.Wanted(image=image, choice=choice, **options))  # type: ignore[arg-type]  # click gives the declared types


def _tell_old_flags(app: App) -> None:
    context = click.get_current_context()
    for name, note in (("old_json", _JSON_NOTE), ("old_fail", _FAIL_NOTE), ("old_all", _ALL_NOTE)):
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            app.console.note(note)
