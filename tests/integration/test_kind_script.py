"""`make kind-up` and `kind-down` against docker, kind, kubectl and helm that write down their words."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "deploy" / "kind" / "kind.sh"
IMAGES = ("main", "central-db", "scanner-v4", "scanner-v4-db", "collector")
TOOLS = ("docker", "kind", "kubectl", "helm")
SYSTEM = ("bash", "sh", "dirname", "grep", "cat", "mktemp", "rm", "date", "base64")
SECURED = "stackrox-secured-cluster-services"
WHERE = "--kube-context kind-pyrox --namespace stackrox"


@dataclass
class Machine:
    """A machine whose four programs write down their words; each can be told how to answer."""

    directory: Path

    def program(self, name: str, body: str = "") -> None:
        path = self.directory / "bin" / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> "{self.log}"\n{body}\n')
        path.chmod(0o755)

    @property
    def log(self) -> Path:
        return self.directory / "calls"

    @property
    def calls(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def run(self, word: str, **more: str) -> tuple[int, str]:
        environment = {
            "PATH": str(self.directory / "bin"),
            "TMPDIR": str(self.directory),
            "KIND_IMAGES": str(self.directory / "images"),
            **more,
        }
        done = subprocess.run(
            [str(self.directory / "bin" / "bash"), str(SCRIPT), word],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with all programs and images, and no cluster yet."""
    made = Machine(tmp_path)
    (tmp_path / "bin").mkdir()
    for name in SYSTEM:
        (tmp_path / "bin" / name).symlink_to(shutil.which(name) or "")
    for name in TOOLS:
        made.program(name)
    made.program("kind", 'case "$*" in *"--config -") cat >> "$TMPDIR/config";; esac')
    made.program("kubectl", 'case "$*" in *"get secret"*) printf c2VzYW1l;; *) echo "sensor: bundle";; esac')
    made.program(
        "helm",
        'case "$1" in status) exit 1;; esac\n'
        'while [ $# -gt 0 ]; do if [ "$1" = --values ]; then cat "$2" > "$TMPDIR/bundle"; fi; shift; done',
    )
    (tmp_path / "images").mkdir()
    for name in IMAGES:
        (tmp_path / "images" / f"{name}.tar").touch()
    return made


def generic(calls: list[str], machine: Machine) -> list[str]:
    """The calls with what differs from run to run replaced."""
    replaced = [call.replace(str(machine.directory), "DIR") for call in calls]
    return [re.sub(r"DIR/tmp\.\w+", "FILE", call) for call in replaced]


def test_up_makes_a_cluster_loads_the_images_and_installs_both_charts_in_order(machine: Machine) -> None:
    code, said = machine.run("up")
    assert code == 0, said
    deployed = f"{WHERE} --create-namespace --set profile=tiny"
    deploy, wait = "helm upgrade --install", "--wait --timeout 10m"
    exposed = "--set central.exposure.nodePort.enabled=true --set central.exposure.nodePort.port=30443"
    introduced = "--reset-then-reuse-values --values FILE --set clusterName=pyrox"
    secret = "get secret central-htpasswd -o jsonpath={.data.password}"
    calls = generic(machine.calls, machine)
    login = calls.pop(11)
    assert login.startswith(
        "kubectl --context kind-pyrox --namespace stackrox exec deploy/central -- roxctl"
        " --endpoint localhost:8443 --insecure-skip-tls-verify --password sesame"
        " central init-bundles generate kind-"
    )
    assert calls == [
        "docker info",
        "kind get clusters",
        "kind create cluster --name pyrox --wait 120s --config -",
        *(f"kind load image-archive DIR/images/{name}.tar --name pyrox" for name in IMAGES),
        f"{deploy} stackrox-central-services deploy/helm/central-services {deployed} {exposed} {wait}",
        f"helm status {SECURED} {WHERE}",
        f"kubectl --context kind-pyrox --namespace stackrox {secret}",
        f"{deploy} {SECURED} deploy/helm/secured-cluster-services {deployed} {introduced} {wait}",
    ]
    assert (machine.directory / "bundle").read_text() == "sensor: bundle\n"
    assert list(machine.directory.glob("tmp.*")) == []


def test_up_tells_the_address_and_how_to_read_the_password(machine: Machine) -> None:
    code, said = machine.run("up", KIND_NAME="mine", KIND_PORT="9443")
    assert code == 0, said
    assert "https://localhost:9443" in said
    assert "kubectl --context kind-mine -n stackrox get secret central-htpasswd" in said
    assert "sesame" not in said
    assert (
        "{containerPort: 30443, hostPort: 9443, listenAddress: 127.0.0.1}"
        in (machine.directory / "config").read_text()
    )


def test_up_again_keeps_the_cluster_and_its_introduction(machine: Machine) -> None:
    machine.program("kind", 'case "$1" in get) printf "other\\npyrox\\n";; esac')
    machine.program("helm")
    code, said = machine.run("up")
    assert code == 0, said
    assert not any("create cluster" in call for call in machine.calls)
    assert not any("init-bundles" in call for call in machine.calls)
    assert [call.split()[1] for call in machine.calls if call.startswith("helm")] == [
        "upgrade",
        "status",
        "upgrade",
    ]


@pytest.mark.parametrize("missing", TOOLS)
def test_missing_program_is_named_with_what_to_install(machine: Machine, missing: str) -> None:
    (machine.directory / "bin" / missing).unlink()
    code, said = machine.run("up")
    assert code == 1
    assert f"kind: {missing} is missing: install " in said
    assert machine.calls == []


def test_all_missing_programs_are_named_at_once(machine: Machine) -> None:
    for name in TOOLS:
        (machine.directory / "bin" / name).unlink()
    code, said = machine.run("up")
    assert code == 1
    assert [line.split()[1] for line in said.splitlines()] == list(TOOLS)


@pytest.mark.parametrize(
    ("program", "body", "told", "last"),
    [
        ("docker", "exit 1", "docker does not answer", "docker info"),
        (
            "kind",
            'case "$1" in create) exit 1;; esac',
            "could not make the cluster pyrox",
            "kind create cluster --name pyrox --wait 120s --config -",
        ),
        (
            "kind",
            'case "$1" in load) exit 1;; esac',
            "main.tar could not be loaded",
            "kind load image-archive DIR/images/main.tar --name pyrox",
        ),
        (
            "helm",
            "exit 1",
            "stackrox-central-services is not ready after 10 minutes: kind: kubectl --context kind-pyrox",
            "helm upgrade",
        ),
        ("kubectl", "exit 1", "Central gave no init bundle", "kubectl --context kind-pyrox"),
    ],
)
def test_what_fails_is_told_and_nothing_more_is_done(
    machine: Machine, program: str, body: str, told: str, last: str
) -> None:
    machine.program(program, body)
    code, said = machine.run("up")
    assert code == 1
    assert told in " ".join(said.split())
    assert generic(machine.calls, machine)[-1].startswith(last)


def test_missing_image_says_how_to_build_it(machine: Machine) -> None:
    (machine.directory / "images" / "scanner-v4.tar").unlink()
    code, said = machine.run("up")
    assert code == 1
    assert "scanner-v4.tar is missing: run make images" in said
    assert machine.calls == ["docker info"]


def test_down_removes_the_cluster(machine: Machine) -> None:
    assert machine.run("down")[0] == 0
    assert machine.calls == ["kind delete cluster --name pyrox"]


def test_down_without_kind_says_what_to_install(machine: Machine) -> None:
    (machine.directory / "bin" / "kind").unlink()
    assert machine.run("down") == (
        1,
        "kind: kind is missing: install kind 0.20 or newer (kind.sigs.k8s.io)\n",
    )


def test_another_word_is_refused_with_the_usage(machine: Machine) -> None:
    assert machine.run("sideways") == (1, "kind: usage: kind.sh up|down\n")


@pytest.mark.needs("shellcheck")
def test_script_is_clean_to_shellcheck() -> None:
    command = [shutil.which("shellcheck") or "", str(SCRIPT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == ""
