"""`roxctl sensor generate-certs`: renewed certificates of a cluster, as Secrets to apply."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

import click

from roxctl.app import App
from roxctl.cli import command as declare
from roxctl.cli import pass_app, retry_timeout, timeout
from roxctl.errors import CliError, quoted

_PATH = "/api/extensions/certgen/cluster"
_FILE_NAME = re.compile(r'filename="?([^";]+)"?')


@declare("generate-certs", "Download renewed certificates for the services of a cluster.")
@click.argument("names", metavar="<cluster-name-or-id>", nargs=-1)
@click.option("--output-dir", default=".", show_default=True, help="Folder for the file.")
@timeout("1m")
@retry_timeout()
@pass_app
def command(app: App, *, names: tuple[str, ...], output_dir: str, seconds: float, try_seconds: float) -> None:
    """Download and write them."""
    if len(names) != 1:
        raise CliError("No cluster name or ID specified")
    try:
        _download(app, names[0], output_dir, seconds, try_seconds)
    except CliError as error:
        raise error.wrap("error downloading regenerated certs") from error


def _download(app: App, name: str, directory: str, seconds: float, try_seconds: float) -> None:
    from roxctl.sensor import resolve  # noqa: PLC0415 - only here

    try:
        cluster = resolve.cluster_id(app, name, seconds, try_seconds)
    except CliError as error:
        raise error.wrap("could not resolve cluster ID") from error
    try:
        answer = app.rest().request(
            "POST",
            _PATH,
            seconds=seconds,
            body=json.dumps({"id": cluster}).encode(),
            headers={"content-type": "application/json"},
        )
    except CliError as error:
        raise error.wrap("could not download certgen cluster") from error
    path = str(Path(directory) / _file_name(app, answer.headers, name))
    _write(path, answer.body)
    app.console.info(f"Successfully downloaded new certs. Use kubectl apply -f {path} to apply them.")


def _file_name(app: App, headers: Mapping[str, str], cluster: str) -> str:
    found = _FILE_NAME.search(headers.get("content-disposition", ""))
    # A name from outside: only its last part, so that it stays in the directory.
    name = os.path.basename(found[1].strip()) if found else ""  # noqa: PTH119 - no Path is made of it
    if name.strip("."):
        return name
    name = f"cluster-{cluster.replace(os.sep, '-')}-certs.yaml"
    app.console.warn(
        "could not obtain output file name from HTTP Response: no file name in the header. "
        f"Defaulting to {quoted(name)}"
    )
    return name


def _write(path: str, content: bytes) -> None:
    try:
        # It holds private keys: nobody else may read it.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CliError(f"failed to create output file: open {path}: {reason}") from error
