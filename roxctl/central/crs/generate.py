"""`roxctl central crs generate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from roxctl.app import App
from roxctl.central.bundles import OutputFile, described
from roxctl.cli import GoDuration, GoInteger, pass_app, required, retry_timeout, timeout
from roxctl.cli import command as declare
from roxctl.errors import BadOption, CliError, quoted

if TYPE_CHECKING:
    from roxctl.central_client import Central

_OPENING = "opening output file for writing CRS"
_WRITTEN = "The newly generated CRS has been written to file {}."


@declare("generate", "Make a new cluster registration secret.")
@click.argument("names", metavar="<CRS name>", nargs=-1)
@click.option("-o", "--output", default="", help="File for the secret (- for standard output).")
@click.option("--valid-for", type=GoDuration(), default=None, help="How long it is valid.")
@click.option("--valid-until", default="", help="When it ends, in RFC 3339.")
@click.option("--max-clusters", type=GoInteger(), default=0, help="How many clusters may use it; 0: any.")
@timeout("1m")
@retry_timeout()
@pass_app
def command(
    app: App, *, names: tuple[str, ...], output: str, seconds: float, try_seconds: float, **limits: object
) -> None:
    """Make it and write it."""
    if len(names) != 1:
        raise BadOption("No name for the CRS specified")
    required(output, "output")
    with OutputFile(output, _OPENING) as file, app.central() as central:
        meta, data = _generated(central, names[0], limits, {"seconds": seconds, "try_seconds": try_seconds})
        app.console.info(described("CRS", meta))
        file.write(app, data, _WRITTEN)
    app.console.info("The CRS needs to be stored securely, since it contains secrets.")
    app.console.info("It is not possible to retrieve previously generated CRSs.")


def _generated(
    central: Central, name: str, wanted: dict[str, object], limits: dict[str, float]
) -> tuple[object, bytes]:
    from pyrox.pb.api.v1 import cluster_init_service_pb2 as pb  # noqa: PLC0415 - protobuf is slow to import

    request: pb.CRSGenRequest | pb.CRSGenRequestExtended = pb.CRSGenRequest(name=name)
    method = "GenerateCRS"
    if any(wanted.values()):
        method = "GenerateCRSExtended"
        if int(str(wanted["max_clusters"])) < 0:
            raise BadOption("--max-clusters must not be negative")
        extended = pb.CRSGenRequestExtended(name=name, max_registrations=int(str(wanted["max_clusters"])))
        if wanted["valid_for"]:
            extended.valid_for.FromMilliseconds(int(float(str(wanted["valid_for"])) * 1000))
        if wanted["valid_until"]:
            _set_moment(extended, str(wanted["valid_until"]))
        request = extended
    try:
        made = central.call(f"/v1.ClusterInitService/{method}", request, pb.CRSGenResponse, **limits)
    except CliError as error:
        raise error.wrap("generating new CRS") from error
    return made.meta, made.crs


def _set_moment(request: object, text: str) -> None:
    try:
        request.valid_until.FromJsonString(text)  # type: ignore[attr-defined]  # the extended request
    except ValueError as err:
        raise BadOption(f"--valid-until {quoted(text)} is not a time such as 2026-12-31T00:00:00Z") from err
