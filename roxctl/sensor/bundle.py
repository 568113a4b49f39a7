"""The sensor bundle: asked for over HTTP, unpacked into a folder."""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from roxctl.app import App
from roxctl.errors import CliError, quoted

_PATH = "/api/extensions/clusters/zip"
_FILE_NAME = re.compile(r'filename="?([^";]+)"?')
# A bundle has a few dozen manifests and scripts.
_MAX_FILES = 1000
_MAX_BYTES = 64 * 1024 * 1024


def download(app: App, parameters: Mapping[str, object], output_dir: str, seconds: float) -> None:
    """Fetch the bundle and unpack it. Raises `CliError`."""
    doing = "error getting cluster zip file"
    try:
        answer = app.rest().request(
            "POST",
            _PATH,
            seconds=seconds,
            body=json.dumps(parameters).encode(),
            headers={"content-type": "application/json"},
        )
    except CliError as error:
        raise error.wrap("could not download zip").wrap(doing) from error
    name = _name_of(app, answer.headers.get("content-disposition", ""))
    try:
        _unpack(answer.body, output_dir or PurePosixPath(name).stem)
    except CliError as error:
        raise error.wrap(doing) from error
    app.console.info(f"Successfully wrote sensor folder {quoted(output_dir or PurePosixPath(name).stem)}")


def _name_of(app: App, disposition: str) -> str:
    found = _FILE_NAME.search(disposition)
    name = PurePosixPath(found[1]).name if found else ""
    if name.strip("."):
        return name
    app.console.warn("could not obtain output file name from HTTP response: no file name in the header.")
    app.console.info(f"Defaulting to filename {quoted('sensor.zip')}")
    return "sensor.zip"


def _unpack(content: bytes, folder: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > _MAX_FILES or sum(entry.file_size for entry in entries) > _MAX_BYTES:
                raise CliError("the bundle is larger than any sensor bundle; is this Central's address?")
            for entry in entries:
                _write(Path(folder), entry, archive.read(entry))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as err:
        raise CliError(f"could not read from zip: {err}") from err


def _write(folder: Path, entry: zipfile.ZipInfo, data: bytes) -> None:
    relative = PurePosixPath(entry.filename)
    if relative.is_absolute() or ".." in relative.parts:
        raise CliError(f"the bundle names the file {quoted(entry.filename)}, outside its folder")
    path = folder.joinpath(*relative.parts)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = (entry.external_attr >> 16) & 0o777 or 0o644
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as err:
        reason = (err.strerror or str(err)).lower()
        raise CliError(f"Unable to create output file {quoted(str(path))}: open {path}: {reason}") from err
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
