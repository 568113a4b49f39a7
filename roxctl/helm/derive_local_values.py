"""`roxctl helm derive-local-values`: the central chart's values from what is installed.

Objects come from the current cluster, by the program `kubectl`, or from files. Refusals
are upstream's (roxctl/helm/derivelocalvalues).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import yaml

from roxctl.app import App
from roxctl.cli import command as declare
from roxctl.cli import pass_app, retry_timeout, timeout
from roxctl.errors import CliError, quoted
from roxctl.helm import charts, derived

_SUPPORTED = "central-services"
_NAMESPACE = "stackrox"
_KINDS = "deployments,services,configmaps,secrets,persistentvolumeclaims"
_ROUTES = "routes.route.openshift.io"
_MAX_BYTES = 64 * 1024 * 1024
_SHOWN = 500
_DEPRECATION = "read the values of a release with `helm get values` where there is one."
_NO_OUTPUT = (
    'no output file specified using either "--output" or "--output-dir".\n'
    'If the derived Helm configuration should really be written to stdout, please use "--output=-"'
)
_LEFT_OUT = (
    "Values that no object tells are left out: profile, affinity, probes, budgets, network policies, "
    "monitoring, and everything about Ingress and Gateway."
)


@declare("derive-local-values", "Derive values of the central chart from an installation.",
         deprecation=_DEPRECATION)  # fmt: skip
@click.argument("names", metavar=f"<{_SUPPORTED}>", nargs=-1)
@click.option("--output", default="", help="File for the values; - for standard output.")
@click.option("--output-dir", default="", help="Directory for values-public.yaml and values-private.yaml.")
@click.option("--input", "source", default="", help="File or directory with the objects as YAML.")
@timeout("1m")
@retry_timeout()
@pass_app
def command(
    app: App,
    *,
    names: tuple[str, ...],
    output: str,
    output_dir: str,
    source: str,
    seconds: float,
    try_seconds: float,
) -> None:
    """Derive and write them."""
    del try_seconds
    if len(names) != 1:
        raise CliError(f"accepts 1 arg(s), received {len(names)}")
    if not output and not output_dir:
        raise CliError(_NO_OUTPUT)
    if output and output_dir:
        raise CliError('specify either "--output" or "--output-dir" but not both')
    try:
        _check_name(app, names[0])
        objects = derived.Objects(_from_files(source) if source else _from_cluster(app, seconds))
        _derive(app, objects, output, output_dir)
    except CliError as error:
        raise error.wrap("deriving local values for chart") from error
    app.console.warn(_LEFT_OUT)
    app.console.info(
        "Important: Please verify the correctness of the produced Helm configuration carefully prior to "
        "using it."
    )


def _check_name(app: App, name: str) -> None:
    if name != _SUPPORTED:
        app.console.error(f"Deriving local values for chart {quoted(name)} is currently unsupported.")
        app.console.error(f"Supported charts: {_SUPPORTED}")
        raise CliError(f"unsupported chart {quoted(name)}")


def _derive(app: App, objects: derived.Objects, output: str, output_dir: str) -> None:
    if not objects.get("Deployment", "central"):
        raise CliError(f"deriving local values: there is no Deployment central in namespace {_NAMESPACE}")
    defaults = yaml.safe_load((charts.folder(_SUPPORTED) / "values.yaml").read_text())
    public, private = derived.public(objects, defaults), derived.private(objects)
    try:
        if output_dir:
            Path(output_dir).mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(Path(output_dir, "values-public.yaml"), public)
            _write(Path(output_dir, "values-private.yaml"), private)
        elif output == "-":
            app.console.write(_text(_merged(public, private)))
        else:
            _write(Path(output), _merged(public, private))
    except OSError as err:
        raise CliError(
            f"writing configuration: opening file {quoted(str(err.filename))}: {err.strerror}"
        ) from err


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    made = dict(one)
    for key, value in other.items():
        mine = made.get(key)
        if isinstance(mine, Mapping) and isinstance(value, Mapping):
            made[key] = _merged(mine, value)
        else:
            made[key] = value
    return made


def _text(values: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(values), sort_keys=True)


def _write(path: Path, values: Mapping[str, Any]) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(_text(values))


def _from_files(source: str) -> Iterator[object]:
    """Objects of one file, or of all YAML files of a directory."""
    path = Path(source)
    doing = f"retrieving Kubernetes resource definitions from {quoted(source)}"
    files = sorted([*path.glob("*.yaml"), *path.glob("*.yml")]) if path.is_dir() else [path]
    for file in files:
        try:
            if file.stat().st_size > _MAX_BYTES:
                raise CliError(f"{doing}: {file} is larger than {_MAX_BYTES} bytes")
            documents = list(yaml.safe_load_all(file.read_text()))
        except (OSError, ValueError, yaml.YAMLError, RecursionError) as err:
            raise CliError(f"{doing}: reading input file {quoted(str(file))}: {err}") from err
        for document in documents:
            yield from _items(document)


def _items(document: object) -> Iterator[object]:
    """A document, or what is in it when it is a list as kubectl writes it."""
    items = document.get("items") if isinstance(document, Mapping) else None
    yield from items if isinstance(items, list) else [document]


def _from_cluster(app: App, seconds: float) -> Iterator[object]:
    doing = "connecting to configured Kubernetes cluster"
    kubectl = shutil.which("kubectl", path=app.environment.get("PATH", ""))
    if kubectl is None:
        raise CliError(
            f"{doing}: the program kubectl is not on PATH; install it, or give the objects with --input"
        )
    words = [kubectl, "-n", _NAMESPACE, "get", "-o", "json", "--ignore-not-found"]
    yield from _items(_asked(app, [*words, _KINDS], seconds, doing))
    try:
        yield from _items(_asked(app, [*words, _ROUTES], seconds, doing))
    except CliError:
        # Only OpenShift knows Routes; that the cluster answers was seen above.
        return


def _asked(app: App, words: list[str], seconds: float, doing: str) -> object:
    try:
        done = subprocess.run(
            words, env=dict(app.environment), capture_output=True, text=True, timeout=seconds, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as err:
        raise CliError(f"{doing}: {err}") from err
    if done.returncode:
        raise CliError(f"{doing}: {done.stderr.strip()[-_SHOWN:]}")
    try:
        return json.loads(done.stdout or "null")
    except ValueError as err:
        raise CliError(f"{doing}: kubectl did not write JSON") from err
