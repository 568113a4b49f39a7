"""`roxctl scanner download-db`: the offline bundle of a release, from where upstream publishes it.

Names, order of attempts and texts are upstream's (`roxctl/scanner/downloaddb`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pyrox.version import WIRE_VERSION
from roxctl.app import App
from roxctl.cli import Switch, pass_app, timeout
from roxctl.cli import command as declare
from roxctl.errors import CliError, quoted
from roxctl.scanner import releases

if TYPE_CHECKING:
    import httpx

_BASE = "https://install.stackrox.io/scanner"
_LATEST = "scanner-vuln-updates.zip"
# Upstream's retryable client: its first wait, and the library's longest.
_FIRST_WAIT, _LAST_WAIT = 10.0, 30.0
_MEBIBYTE = 1 << 20
# What Central takes as an upload.
_MOST_BYTES = 4 << 30


@declare("download-db", "Download the offline bundle of vulnerability definitions of a release.")
@click.option("--version", default="", help="Release (or less exact number) to download for.")
@click.option("--scanner-db-file", default="", help="Where to write it (default: the remote name).")
@click.option("--force", cls=Switch, help="Overwrite the file if it exists.")
@click.option("--skip-central", cls=Switch, help="Do not ask Central for its release.")
@click.option("--skip-variants", cls=Switch, help="Try only the exact release, no less exact number.")
@timeout("10m")
@pass_app
def command(
    app: App, *, version: str, scanner_db_file: str, force: bool, skip_central: bool, skip_variants: bool,
    seconds: float,
) -> None:  # fmt: skip
    """Download it."""
    release = _release(app, version, skip_central=skip_central, seconds=seconds)
    names = _names(app, release, skip_variants=skip_variants)
    failures: list[str] = []
    for index, name in enumerate(names):
        target = scanner_db_file or name
        # A file that the user named is looked for once: an attempt may have made it.
        checked = bool(scanner_db_file) and index > 0
        if not force and not checked and Path(target).exists():
            raise CliError(
                f"invalid output file {quoted(name)}: "
                f"file {quoted(target)} already exists, to overwrite use `--force`"
            )
        try:
            _download(app, name, Path(target), seconds)
        except CliError as error:
            failures.append(str(error))
        else:
            app.console.note(f"\nSuccessfully downloaded {quoted(target)}")
            return
    raise CliError("\n".join(failures))


def _release(app: App, given: str, *, skip_central: bool, seconds: float) -> str:
    if given:
        app.console.info(f"Using version from command line: {quoted(given)}")
        return given
    if not skip_central:
        try:
            answer = app.rest().request("GET", "/v1/metadata", seconds=seconds)
        except CliError as error:
            app.console.warn(f"error contacting central: {error}")
        else:
            found = _version_in(answer.body)
            if found is not None:
                app.console.info(f"Using version from Central: {quoted(found)}")
                return found
            app.console.warn("error reading metadata from central: no JSON object with a version")
    app.console.info(f"Using version from roxctl binary: {quoted(WIRE_VERSION)}")
    return WIRE_VERSION


def _version_in(body: bytes) -> str | None:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    version = found.get("version", "") if isinstance(found, dict) else None
    return version if isinstance(version, str) else None


def _names(app: App, release: str, *, skip_variants: bool) -> list[str]:
    """The files to try, the most exact first."""
    try:
        if releases.is_prior_to_scanner_v4(release):
            app.console.info("Version represents StackRox Scanner, downloading 'latest' bundle.")
            return [_LATEST]
        found = [release] if skip_variants else releases.variants(release)
    except CliError as error:
        raise error.wrap(f"invalid version {quoted(release)}") from error
    return [f"{variant}/scanner-vulns-{variant}.zip" for variant in found]


def _download(app: App, name: str, target: Path, seconds: float) -> None:
    url = f"{(app.environment.get('ROX_SCAN_DB_DL_BASE_URL') or _BASE).rstrip('/')}/{name}"
    with _answer(app, url, seconds) as answer:
        if answer.status_code != 200:
            status = f"{answer.status_code} {answer.reason_phrase}".strip()
            raise CliError(
                f"downloading {quoted(url)} failed with status code {answer.status_code}: {status}"
            )
        length = answer.headers.get("content-length", "")
        size = f"({int(length) // _MEBIBYTE} MiB)" if length.isdecimal() and int(length) else ""
        app.console.info(f"Downloading {quoted(url)} {size}")
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(answer, target)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise CliError(f"open {target}: {reason}") from error


def _write(answer: httpx.Response, target: Path) -> None:
    """Write the body beside the file and then in its place, so that half a bundle is none."""
    import httpx  # noqa: PLC0415 - slow to import

    part = target.with_name(f"{target.name}.part")
    try:
        with part.open("wb") as file:
            for piece in answer.iter_bytes():
                file.write(piece)
                if file.tell() > _MOST_BYTES:
                    raise CliError(f"the bundle is larger than {_MOST_BYTES} bytes; is the address right?")
        os.replace(part, target)  # noqa: PTH105 - the target's own name may be a directory
    except httpx.HTTPError as error:
        raise CliError(f"{answer.url}: {error or type(error).__name__}") from error
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _answer(app: App, url: str, seconds: float) -> Iterator[httpx.Response]:
    """The server's answer once it is no failure that may pass; its body is not read yet."""
    import httpx  # noqa: PLC0415 - slow to import

    retries, wait = app.http_retries(), _FIRST_WAIT
    with client(seconds) as http:
        for number in range(retries + 1):
            try:
                with http.stream("GET", url) as answer:
                    if answer.status_code != 429 and (answer.status_code < 500 or answer.status_code == 501):
                        yield answer
                        return
                    failure = ""
            except httpx.HTTPError as error:
                failure = f": {error or type(error).__name__}"
            if number < retries:
                app.timer.sleep(wait)
                wait = min(wait * 2, _LAST_WAIT)
    raise CliError(f"GET {url} giving up after {retries + 1} attempt(s){failure}")


def client(seconds: float) -> httpx.Client:
    """A client for addresses that are not Central's: without credentials, with the system's proxy."""
    import httpx  # noqa: PLC0415 - slow to import

    return httpx.Client(timeout=seconds, follow_redirects=True)
