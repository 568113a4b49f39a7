"""`roxctl image scan`: flags and refusals; the work is in `scan_work.py`."""

from __future__ import annotations

import click

from roxctl.app import App
from roxctl.cli import command as declare
from roxctl.cli import pass_app, required, retries, switch, timeout
from roxctl.errors import InvalidArguments, quoted
from roxctl.output.choice import Choice, comma_list, printer_flags

LEGACY_FORMS = {"legacy-json": "json", "legacy-csv": "csv"}
FORMS = ("table", "csv", "json", "sarif", *LEGACY_FORMS)
SEVERITIES = ("LOW", "MODERATE", "IMPORTANT", "CRITICAL")
_DEPRECATED = (
    "Flag --format has been deprecated, please use --output/-o to specify the output format. "
    "NOTE: The new JSON / CSV format contains breaking changes, make sure you adapt to the new "
    "structure before migrating."
)


@declare("scan", "Scan an image and show its vulnerabilities.")
@printer_flags(None, FORMS)
@click.option(
    "-i", "--image", default="", help="Image, by tag or by digest (nginx:latest, nginx@sha256:...)."
)
@switch("-f", "--force", help="Scan anew, whatever Central remembers.")
@switch("-a", "--include-snoozed", help="Show snoozed vulnerabilities as well.")
@retries
@click.option("--cluster", default="", help="Cluster (name or id) that shall do the scan.")
@click.option("--namespace", default="", help="Namespace whose pull secrets the cluster shall use.")
@click.option(
    "--severity",
    "severities",
    multiple=True,
    default=SEVERITIES,
    callback=comma_list,
    help="Severities to show; all by default.",
)
@switch("--fail", help="Exit with 1 when vulnerabilities are shown.")
@click.option("--format", "legacy", default=None, hidden=True)
@timeout("10m")
@pass_app
def command(
    app: App,
    *,
    choice: Choice,
    image: str,
    severities: tuple[str, ...],
    legacy: str | None,
    **options: object,
) -> None:
    """Scan it."""
    required(image, "image")
    from roxctl import reference  # noqa: PLC0415 - protobuf is slow to import
    from roxctl.errors import BadOption, CliError  # noqa: PLC0415
    from roxctl.image import scan_work  # noqa: PLC0415 - protobuf is slow to import

    try:
        reference.check(image)
    except CliError as error:
        raise BadOption(str(error)) from error
    form = _legacy_form(app, choice, legacy)
    if not form:
        choice.check("image scan result", FORMS)
    wanted = checked(severities)
    scan_work.run(
        app,
        scan_work.Wanted(image=image, choice=choice, legacy=form, severities=wanted, **options),  # type: ignore[arg-type]  # click gives the declared types
    )


def checked(severities: tuple[str, ...]) -> tuple[str, ...]:
    """The severities in capitals. Raises `InvalidArguments` for one that does not exist."""
    wanted = tuple(severity.upper() for severity in severities)
    for severity in wanted:
        if severity not in SEVERITIES:
            known = ", ".join(SEVERITIES)
            raise InvalidArguments(f"invalid severity {quoted(severity)} used. Choose one of [{known}]")
    return wanted


def _legacy_form(app: App, choice: Choice, legacy: str | None) -> str:
    """`json` or `csv` when the old form is wanted, else empty."""
    if choice.form:
        return LEGACY_FORMS.get(choice.form, "")
    if legacy is None:
        app.console.warn(_DEPRECATED)
        return "json"
    app.console.note(_DEPRECATED)
    if legacy not in {"json", "csv", ""}:
        raise InvalidArguments(
            f"invalid output format {quoted(legacy)} used. You can only specify json or csv"
        )
    return legacy or "json"
