"""The files of `central generate`: chosen by format, written to a new directory.

This client has no engine for Helm's templates; for `kubectl` it runs the program `helm`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import yaml

from roxctl.app import App
from roxctl.central.generate import instructions, render, values
from roxctl.central.generate.wanted import Wanted
from roxctl.errors import CliError, quoted
from roxctl.helm import charts

CHART = "central-services"
PUBLIC, PRIVATE, PASSWORD = "values-public.yaml", "values-private.yaml", "password"
_SECRET = 0o600
_OPEN = 0o644
Files = dict[str, tuple[bytes, int]]


def generate(app: App, wanted: Wanted) -> None:
    """Write everything and tell how to go on. Raises `CliError`."""
    app.console.info("Generating deployment bundle...")
    files = _files(app, wanted)
    _write(Path(wanted.directory), files)
    app.console.info("Done!")
    app.console.info(f"Wrote central bundle to {quoted(wanted.directory)}.")
    app.console.note(files["README"][0].decode())


def _files(app: App, wanted: Wanted) -> Files:
    made: Files = {"README": (instructions.text(wanted).encode(), _OPEN)}
    if wanted.password:
        made[PASSWORD] = (f"{wanted.password}\n".encode(), _SECRET)
    chosen = _values(wanted)
    if wanted.format == "helm-values":
        return {**made, **chosen}
    chart = {f"chart/{name}": (content, _OPEN) for name, content in charts.files(charts.folder(CHART))}
    if wanted.format == "helm":
        return {**made, **chosen, **chart}
    # As upstream's, beside the manifests, for who would rather install by Helm.
    inside = {f"helm/{name}": file for name, file in {**chosen, **chart}.items()}
    return {**made, **inside, **_manifests(app, wanted, chosen)}


def _values(wanted: Wanted) -> Files:
    head = "# Values of the chart stackrox-central-services, made by `roxctl central generate`.\n"
    warning = "# They hold secrets: keep them as you keep other credentials.\n"
    return {
        PUBLIC: ((head + _yaml(values.public(wanted))).encode(), _OPEN),
        PRIVATE: ((head + warning + _yaml(values.private(wanted))).encode(), _SECRET),
    }


def _yaml(document: Mapping[str, object]) -> str:
    # A file without a value would be null, which Helm refuses.
    return yaml.safe_dump(dict(document), sort_keys=True) if document else "{}\n"


def _manifests(app: App, wanted: Wanted, chosen: Files) -> Files:
    with tempfile.TemporaryDirectory() as scratch:
        for name, (content, mode) in chosen.items():
            _write_one(Path(scratch, name), content, mode)
        made = render.manifests(
            app.environment,
            chart=charts.folder(CHART),
            values=[Path(scratch, name) for name in chosen],
            openshift=wanted.openshift,
        )
    return {
        f"central/{name}": (text.encode(), _SECRET if render.holds_secret(text) else _OPEN)
        for name, text in made.items()
    }


def _write(directory: Path, files: Files) -> None:
    try:
        directory.mkdir(parents=True)
        for name, (content, mode) in sorted(files.items()):
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_one(path, content, mode)
    except OSError as err:
        raise CliError(
            f"error generating directory for Central output: {err.filename}: {err.strerror}"
        ) from err


def _write_one(path: Path, content: bytes, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
