"""`roxctl helm derive-local-values`: where objects come from and where values go."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.cli import Run, roxctl

DOING = "ERROR:\tderiving local values for chart: "
CENTRAL: dict[str, Any] = {
    "kind": "Deployment",
    "metadata": {"name": "central"},
    "spec": {"template": {"spec": {"containers": [
        {"name": "central", "image": "r.example/main:1",
         "env": [{"name": "ROX_OFFLINE_MODE", "value": "true"}]}
    ]}}},
}  # fmt: skip
HTPASSWD = {"kind": "Secret", "metadata": {"name": "central-htpasswd"}, "stringData": {"htpasswd": "admin:x"}}
PUBLIC: dict[str, Any] = {
    "env": {"offlineMode": True},
    "central": {"image": {"registry": "r.example"}},
    "scannerV4": {"disable": True},
}
PRIVATE: dict[str, Any] = {"central": {"adminPassword": {"htpasswd": "admin:x"}}}
MERGED = {**PUBLIC, "central": {**PUBLIC["central"], **PRIVATE["central"]}}
KUBECTL = """\
#!/bin/sh
echo "$KUBECONFIG $*" >> {folder}/asked
case "$*" in
  *routes*) echo 'the server has no resource type "routes"' >&2; exit 1 ;;
  *) cat {folder}/answer ;;
esac
"""


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def derive(*words: str, **environment: str) -> Run:
    return roxctl("helm", "derive-local-values", *words, environment=environment)


def cluster(tmp_path: Path, answer: str, script: str = KUBECTL) -> dict[str, str]:
    """An environment whose kubectl gives this answer."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "kubectl").write_text(script.format(folder=folder))
    (folder / "kubectl").chmod(0o755)
    (folder / "answer").write_text(answer)
    return {"PATH": f"{folder}:/usr/bin:/bin", "KUBECONFIG": "/my/config"}


def test_values_of_files_are_written_in_one_file() -> None:
    Path("in").mkdir()
    Path("in/a.yaml").write_text(yaml.safe_dump_all([CENTRAL, None]))
    Path("in/b.yml").write_text(yaml.safe_dump({"kind": "List", "items": [HTPASSWD]}))
    Path("in/c.txt").write_text("{ no YAML")
    run = derive("central-services", "--input", "in", "--output", "values.yaml")
    assert (run.code, run.out) == (0, "")
    assert yaml.safe_load(Path("values.yaml").read_text()) == MERGED
    assert stat.S_IMODE(Path("values.yaml").stat().st_mode) == 0o600
    assert 'Command "derive-local-values" is deprecated' in run.err
    assert "WARN:\tValues that no object tells are left out" in run.err
    assert run.err.endswith(
        "INFO:\tImportant: Please verify the correctness of the produced Helm configuration carefully prior"
        " to using it.\n"
    )


def test_values_of_the_cluster_are_written_apart(tmp_path: Path) -> None:
    environment = cluster(tmp_path, json.dumps({"items": [CENTRAL, HTPASSWD]}))
    run = derive("central-services", "--output-dir", "out", **environment)
    assert run.code == 0, run.err
    assert yaml.safe_load(Path("out/values-public.yaml").read_text()) == PUBLIC
    assert yaml.safe_load(Path("out/values-private.yaml").read_text()) == PRIVATE
    first = (tmp_path / "bin/asked").read_text().splitlines()[0]
    assert first == (
        "/my/config -n stackrox get -o json --ignore-not-found "
        "deployments,services,configmaps,secrets,persistentvolumeclaims"
    )


def test_values_go_to_standard_output_when_told(tmp_path: Path) -> None:
    Path("a.yaml").write_text(yaml.safe_dump(CENTRAL))
    run = derive("central-services", "--input", "a.yaml", "--output=-")
    assert (run.code, yaml.safe_load(run.out)) == (0, PUBLIC)
    assert [path.name for path in tmp_path.iterdir()] == ["a.yaml"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "ERROR:\taccepts 1 arg(s), received 0"),
        (
            ("central-services",),
            'no output file specified using either "--output" or "--output-dir".\nIf the',
        ),
        (
            ("central-services", "--output", "a", "--output-dir", "b"),
            'specify either "--output" or "--output-dir" but not both',
        ),
        (
            ("secured-cluster-services", "--output", "a"),
            f'\tSupported charts: central-services\n{DOING}unsupported chart "secured-cluster-services"',
        ),
        (
            ("central-services", "--output", "a", "--input", "nosuch"),
            f'{DOING}retrieving Kubernetes resource definitions from "nosuch": reading input file "nosuch"',
        ),
        (
            ("central-services", "--output", "a"),
            f"{DOING}connecting to configured Kubernetes cluster: the program kubectl is not on PATH",
        ),
    ],
)
def test_what_cannot_be_is_refused(words: tuple[str, ...], told: str) -> None:
    run = derive(*words, PATH="")
    assert run.code == 1
    assert told in run.err
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("text", ["{ no YAML", "a: &a [*a", "\x00"])
def test_file_that_is_no_yaml_is_named(text: str) -> None:
    Path("a.yaml").write_text(text)
    run = derive("central-services", "--output", "out", "--input", "a.yaml")
    assert run.code == 1
    assert 'reading input file "a.yaml"' in run.err


def test_installation_that_is_not_there_is_told(tmp_path: Path) -> None:
    run = derive("central-services", "--output", "out", **cluster(tmp_path, ""))
    assert run.code == 1
    assert f"{DOING}deriving local values: there is no Deployment central in namespace stackrox" in run.err


def test_cluster_that_does_not_answer_is_told(tmp_path: Path) -> None:
    environment = cluster(tmp_path, "", "#!/bin/sh\necho connection refused >&2\nexit 1\n")
    run = derive("central-services", "--output", "out", **environment)
    assert run.code == 1
    assert f"{DOING}connecting to configured Kubernetes cluster: connection refused\n" in run.err


def test_cluster_that_answers_nonsense_is_told(tmp_path: Path) -> None:
    run = derive("central-services", "--output", "out", **cluster(tmp_path, "<html>"))
    assert run.code == 1
    assert "kubectl did not write JSON" in run.err


def test_place_that_cannot_be_written_is_told() -> None:
    Path("a.yaml").write_text(yaml.safe_dump(CENTRAL))
    run = derive("central-services", "--input", "a.yaml", "--output", "no/where")
    assert run.code == 1
    assert f'{DOING}writing configuration: opening file "no/where": No such file or directory' in run.err
