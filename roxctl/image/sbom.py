"""`roxctl image sbom`: an image's bill of materials in SPDX 2.3, by Central's scanner.

Flags, messages and the body of the request are upstream's (`roxctl/image/sbom/sbom.go`).
"""

from __future__ import annotations

import json

import click

from roxctl.app import App
from roxctl.cli import command as declare
from roxctl.cli import pass_app, required, retries, switch, timeout
from roxctl.errors import BadOption, CliError, quoted

_PATH = "/api/v1/images/sbom"


@declare("sbom", "Write the SPDX 2.3 bill of materials of an image.")
@click.option(
    "-i", "--image", default="", help="Image, by tag or by digest (nginx:latest, nginx@sha256:...)."
)
@switch("-f", "--force", help="Scan anew, whatever Central remembers.")
@click.option("--cluster", default="", help="Cluster (name or id) that shall do the scan.")
@click.option("--namespace", default="", help="Namespace whose pull secrets the cluster shall use.")
@retries
@timeout("10m")
@pass_app
def command(
    app: App, *, image: str, retries: int, retry_delay: int, seconds: float, **wanted: object
) -> None:
    """Ask Central, and write its answer as it is."""
    required(image, "image")
    from roxctl import reference  # noqa: PLC0415 - protobuf is slow to import

    try:
        reference.check(image)
    except CliError as error:
        raise BadOption(f"image: {error}") from error
    body = json.dumps(
        {
            "cluster": wanted["cluster"],
            "namespace": wanted["namespace"],
            "imageName": image,
            "force": wanted["force"],
            "digest": "",
        }
    )
    rest = app.rest(retries=max(retries, 0), pause=max(retry_delay, 0))
    try:
        answer = rest.request("POST", _PATH, seconds=seconds, body=body.encode())
    except CliError as error:
        raise error.wrap("generating SBOM") from error
    kind = answer.headers.get("content-type", "")
    if "text/html" in kind:
        # Central gives the portal's page for every path that it does not know.
        raise CliError(
            f"unexpected Content-Type {quoted(kind)} from Central, "
            "confirm Central version supports SBOM generation"
        )
    app.console.write_bytes(answer.body)
