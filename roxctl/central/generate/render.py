"""Manifests of the chart, by the program `helm`."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from pyrox.mtls.identity import NAMESPACE
from roxctl.errors import CliError

RELEASE = "stackrox-central-services"
_SECONDS = 120
_SHOWN = 2000
_DOCUMENT = re.compile(r"^---[ \t]*\n", re.MULTILINE)
_SOURCE = re.compile(r"# Source: (\S+)\n")
_SECRET = re.compile(r"^kind: Secret$", re.MULTILINE)
_NO_HELM = (
    "the output format kubectl needs the program helm, which is not on PATH: this client has no engine for"
    " Helm's templates. Install helm, or use --output-format helm and render the chart where helm is"
)
# Sorts before all others, so that `kubectl create -R -f` makes it first.
_NAMESPACE_FILE = "00-00-namespace.yaml"
_NAMESPACE = f"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {NAMESPACE}\n"


def manifests(
    environment: Mapping[str, str], *, chart: Path, values: Sequence[Path], openshift: bool
) -> dict[str, str]:
    """File name to text, in the order of creation. Raises `CliError`."""
    program = shutil.which("helm", path=environment.get("PATH", ""))
    if program is None:
        raise CliError(_NO_HELM)
    words = [program, "template", RELEASE, str(chart), "--namespace", NAMESPACE, "--skip-tests"]
    for path in values:
        words += ["--values", str(path)]
    if openshift:
        words += ["--api-versions", "config.openshift.io/v1", "--api-versions", "route.openshift.io/v1"]
    return {_NAMESPACE_FILE: _NAMESPACE, **_by_file(_run(words, environment))}


def holds_secret(text: str) -> bool:
    """Whether one of the documents is a Secret."""
    return _SECRET.search(text) is not None


def _run(words: Sequence[str], environment: Mapping[str, str]) -> str:
    doing = "could not render files"
    try:
        done = subprocess.run(
            words, env=dict(environment), capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as err:
        raise CliError(f"{doing}: {err}") from err
    if done.returncode:
        raise CliError(f"{doing}: {done.stderr.strip()[-_SHOWN:]}")
    return done.stdout


def _by_file(text: str) -> dict[str, str]:
    """Documents of one template stay in one file; its name tells the order."""
    made: dict[str, list[str]] = {}
    for document in _DOCUMENT.split(text):
        source = _SOURCE.match(document)
        if source is not None:
            made.setdefault(PurePosixPath(source[1]).name, []).append(document[source.end() :])
    return {name: "---\n".join(made[name]) for name in sorted(made)}
