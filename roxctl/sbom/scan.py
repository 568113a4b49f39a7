"""`roxctl sbom scan`: the vulnerabilities of what a bill of materials names, by Central's scanner.

Flags and messages are upstream's (`roxctl/sbom/scan/scan.go`); a CycloneDX document is known by
its own mark, as an SPDX one is.
"""

from __future__ import annotations

import re
from pathlib import Path

import click

from roxctl.app import App
from roxctl.cli import command as declare
from roxctl.cli import pass_app, required, switch, timeout
from roxctl.errors import CliError, InvalidArguments, quoted
from roxctl.image.scan import SEVERITIES, checked
from roxctl.output.choice import Choice, comma_list, printer_flags

PATH = "/api/v1/sboms/scan"
FORMS = ("table", "csv", "json", "sarif")
_MARKS = re.compile(rb'"(spdxVersion|bomFormat)"\s*:\s*"([^"]{0,40})"')


@declare("scan", "Scan a bill of materials (SPDX 2.3 or CycloneDX, JSON) and show its vulnerabilities.")
@printer_flags("", FORMS)
@click.option("--file", "file", default="", help="The document.")
@click.option("--content-type", default="", help="Its type; without it the document tells.")
@click.option(
    "--severity",
    "severities",
    multiple=True,
    default=SEVERITIES,
    callback=comma_list,
    help="Severities to show; all by default.",
)
@switch("--fail", help="Exit with 1 when vulnerabilities are shown.")
@timeout("5m")
@pass_app
def command(
    app: App,
    *,
    choice: Choice,
    file: str,
    content_type: str,
    severities: tuple[str, ...],
    fail: bool,
    seconds: float,
) -> None:
    """Ask Central, and show its answer; without --output as it is."""
    required(file, "file")
    if choice.form:
        choice.check("sbom scan result", FORMS)
    wanted, document = checked(severities), _read(file)
    # No second try: the first one may have used up the time.
    rest = app.rest(retries=0, pause=0)
    headers = {"content-type": content_type or media_type(document)}
    try:
        answer = rest.request("POST", PATH, seconds=seconds, body=document, headers=headers)
    except CliError as error:
        raise error.wrap("scanning SBOM") from error
    kind = answer.headers.get("content-type", "")
    if "text/html" in kind:
        # Central gives the portal's page for every path that it does not know.
        raise CliError(
            f"received unexpected Content-Type {quoted(kind)} from Central, "
            f"confirm Central version supports SBOM scanning at: {quoted(PATH)}"
        )
    if not choice.form:
        app.console.write_bytes(answer.body)
        return
    from roxctl.sbom import scan_work  # noqa: PLC0415 - protobuf is slow to import

    scan_work.show(app, file, scan_work.read(answer.body, wanted), choice, fail=fail)


def _read(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except FileNotFoundError as error:
        raise InvalidArguments(f"SBOM file does not exist: {quoted(file)}") from error
    except OSError as error:
        raise CliError(f"opening SBOM file: open {file}: {error.strerror}") from error


def media_type(document: bytes) -> str:
    """The type that the document says it is of. Raises `CliError`."""
    found = _MARKS.search(document)
    doing = "auto detecting media type"
    if found is None:
        raise InvalidArguments("invalid or unsupported SBOM").wrap(doing)
    if found[1] == b"bomFormat" and found[2] == b"CycloneDX":
        return "application/vnd.cyclonedx+json"
    if found[2] != b"SPDX-2.3":
        raise InvalidArguments("unsupported SBOM version").wrap(doing)
    return "text/spdx+json"
