"""Helm charts rendered into objects that tests can ask questions of.

For chart tests. It runs `helm`, so a test that uses it needs the ability "helm"; what
the objects should be is the tests' matter.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jsonschema
import yaml

Object = dict[str, Any]

ROOT = Path(__file__).resolve().parent.parent.parent
CENTRAL = ROOT / "deploy/helm/central-services"
SECURED = ROOT / "deploy/helm/secured-cluster-services"
RELEASES = {CENTRAL: "stackrox-central-services", SECURED: "stackrox-secured-cluster-services"}
_SECONDS = 60
_NOTES = """
apiVersion: v1
kind: ConfigMap
metadata: {name: test-notes}
data:
  notes: {{ include "test.notes" . | toJson }}
"""
_WORKLOADS = ("Deployment", "DaemonSet", "StatefulSet", "Job")


class RenderError(Exception):
    """Helm refused; the text is what it wrote."""


def helm() -> str | None:
    """The program: `PYROX_HELM`, or `helm` on PATH."""
    return os.environ.get("PYROX_HELM") or shutil.which("helm")


def run_helm(*words: str) -> str:
    """What a command wrote. Raises `RenderError` with its complaint."""
    done = subprocess.run(
        [helm() or "helm", *words], capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    if done.returncode:
        raise RenderError(done.stdout + done.stderr)
    return done.stdout


@dataclass(frozen=True, slots=True)
class Manifests:
    """The objects of one render, in Helm's order."""

    objects: tuple[Object, ...]
    text: str = ""

    def __iter__(self) -> Iterator[Object]:
        return iter(self.objects)

    def find(self, kind: str, name: str) -> Object | None:
        """The object of this kind and name, if it is there."""
        found = [made for made in self.of(kind) if made["metadata"]["name"] == name]
        return found[0] if found else None

    def get(self, kind: str, name: str) -> Object:
        """The object of this kind and name, which must be there."""
        made = self.find(kind, name)
        assert made is not None, f"no {kind} {name}; there are {self.names(kind)}"
        return made

    def of(self, kind: str) -> list[Object]:
        """All objects of a kind."""
        return [made for made in self.objects if made["kind"] == kind]

    def names(self, kind: str) -> list[str]:
        """Names of all objects of a kind, sorted."""
        return sorted(made["metadata"]["name"] for made in self.of(kind))

    def keys(self) -> set[str]:
        """`Kind/name` of each object."""
        return {f"{made['kind']}/{made['metadata']['name']}" for made in self.objects}

    def pods(self) -> dict[str, Object]:
        """The pod template (`metadata`, `spec`) of each workload, Job and Pod, by `Kind/name`."""
        found: dict[str, Object] = {}
        for made in self.objects:
            key = f"{made['kind']}/{made['metadata']['name']}"
            if made["kind"] in _WORKLOADS:
                found[key] = made["spec"]["template"]
            elif made["kind"] == "CronJob":
                found[key] = made["spec"]["jobTemplate"]["spec"]["template"]
            elif made["kind"] == "Pod":
                found[key] = made
        return found


@dataclass(frozen=True, slots=True)
class Render:
    """One way to render a chart; `values` are the user's, on top of the chart's own."""

    chart: Path
    values: Mapping[str, Any] = field(default_factory=dict)
    release: str = ""
    namespace: str = "stackrox"
    kubernetes: str = "1.33.0"
    apis: Sequence[str] = ()
    files: Sequence[Path] = ()
    upgrade: bool = False

    def text(self) -> str:
        """The manifests as Helm writes them, hooks included. Raises `RenderError`."""
        with tempfile.TemporaryDirectory() as scratch:
            values = Path(scratch) / "values.yaml"
            values.write_text(json.dumps(dict(self.values)))
            return run_helm(*self._words(), *(f"--values={path}" for path in (*self.files, values)))

    def _words(self) -> Iterator[str]:
        yield from ("template", self.release or RELEASES[self.chart], str(self.chart))
        yield from ("--namespace", self.namespace, "--kube-version", self.kubernetes)
        yield from (f"--api-versions={api}" for api in self.apis)
        if self.upgrade:
            yield "--is-upgrade"

    def manifests(self) -> Manifests:
        """The objects. Raises `RenderError`."""
        return parse(self.text())

    def refusal(self) -> str:
        """Why Helm refuses to render, without line breaks; empty if it does not refuse."""
        try:
            self.text()
        except RenderError as err:
            return " ".join(str(err).split())
        return ""

    def notes(self) -> str:
        """What the user reads after an install (`NOTES.txt`), which Helm renders only for a cluster.

        Rendered here from a copy of the chart in which the notes are a template like the others.
        """
        with tempfile.TemporaryDirectory() as scratch:
            chart = Path(scratch) / self.chart.name
            shutil.copytree(self.chart, chart)
            notes = chart / "templates" / "NOTES.txt"
            body = notes.read_text()
            notes.unlink()
            (chart / "templates" / "_notes.tpl").write_text(
                f'{{{{ define "test.notes" }}}}{body}{{{{ end }}}}'
            )
            (chart / "templates" / "notes.yaml").write_text(_NOTES)
            release = self.release or RELEASES[self.chart]
            made = replace(self, chart=chart, release=release).manifests()
        return str(made.get("ConfigMap", "test-notes")["data"]["notes"])


def parse(text: str) -> Manifests:
    """The objects of a multi-document text."""
    return Manifests(tuple(made for made in yaml.load_all(text, Loader=yaml.CSafeLoader) if made), text)


def different_lines(render: Render) -> list[str]:
    """Lines in which two renders of the same thing differ; must be none."""
    first, second = render.text().splitlines(), render.text().splitlines()
    if len(first) != len(second):
        return [f"{len(first)} lines, then {len(second)}"]
    return [f"{one!r} != {other!r}" for one, other in zip(first, second, strict=True) if one != other]


def schema_errors(chart: Path, values: Mapping[str, Any]) -> list[str]:
    """What the chart's schema says of these values alone, by a validator other than Helm's."""
    schema = json.loads((chart / "values.schema.json").read_text())
    validator = jsonschema.validators.Draft202012Validator(schema)
    return sorted(f"{error.json_path}: {error.message}" for error in validator.iter_errors(dict(values)))
