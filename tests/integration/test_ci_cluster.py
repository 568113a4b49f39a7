"""`.ci/e2e`: which cluster the end-to-end tests get, what is told where there is none, what is stopped."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / ".ci" / "e2e"
NODE = "started/admin.kubeconfig"


@dataclass
class Machine:
    """A machine with a recording `make` on PATH and, perhaps, scripts for a node."""

    directory: Path
    environment: dict[str, str] = field(default_factory=dict)

    def program(self, name: str, body: str = "") -> None:
        """A program that writes down that it was called."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        words = f'"{path.name} $*" "KUBECONFIG=${{KUBECONFIG:-}} E2E_HOST=${{E2E_HOST:-}}"'
        path.write_text(f'#!/bin/sh\nprintf "%s %s\\n" {words} >> "{self.log}"\n{body}\n')
        path.chmod(0o755)

    @property
    def log(self) -> Path:
        return self.directory / "calls"

    @property
    def calls(self) -> list[str]:
        """What was called, each with the cluster that it was given."""
        return self.log.read_text().splitlines() if self.log.exists() else []

    def run(self, **more: str) -> tuple[int, str]:
        """The script's exit code and what it said."""
        environment = {
            "PATH": f"{self.directory / 'bin'}:/usr/bin:/bin",
            "PYROX_SHARED": str(self.directory / "shared"),
            "KUBE_NODE_STATE": str(self.directory / "state"),
            **more,
        }
        done = subprocess.run(
            [str(SCRIPT)], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine that can start a node."""
    made = Machine(tmp_path)
    made.program("bin/make")
    made.program("shared/kube/up", f"echo {NODE}")
    made.program("shared/kube/down")
    return made


def test_node_is_started_given_to_the_tests_and_stopped(machine: Machine) -> None:
    assert machine.run() == (0, "")
    assert machine.calls == [
        "up  KUBECONFIG= E2E_HOST=",
        f"make e2e KUBECONFIG={NODE} E2E_HOST=10.245.0.1",
        f"down  KUBECONFIG={NODE} E2E_HOST=10.245.0.1",
    ]


def test_named_cluster_is_taken_and_no_node_is_touched(machine: Machine) -> None:
    assert machine.run(KUBECONFIG="mine", E2E_HOST="192.0.2.1") == (0, "")
    assert machine.calls == ["make e2e KUBECONFIG=mine E2E_HOST=192.0.2.1"]


def test_node_that_runs_already_is_used_and_left_running(machine: Machine) -> None:
    kubeconfig = machine.directory / "state" / "node" / "admin.kubeconfig"
    kubeconfig.parent.mkdir(parents=True)
    kubeconfig.touch()
    assert machine.run()[0] == 0
    assert [call.split()[0] for call in machine.calls] == ["up", "make"]


def test_without_scripts_for_a_node_it_says_so_and_is_no_failure(machine: Machine) -> None:
    shutil.rmtree(machine.directory / "shared")
    code, said = machine.run()
    assert code == 0
    assert "skipped: KUBECONFIG names no cluster" in said
    assert machine.calls == []


def test_node_that_cannot_start_is_told_cleared_up_and_no_failure(machine: Machine) -> None:
    machine.program("shared/kube/up", "echo 'up: missing: containerd' >&2; exit 1")
    code, said = machine.run()
    assert code == 0
    assert "missing: containerd" in said
    assert "could not start a node" in said
    assert [call.split()[0] for call in machine.calls] == ["up", "down"]


def test_failed_tests_fail_and_the_node_is_stopped(machine: Machine) -> None:
    machine.program("bin/make", "exit 2")
    code, said = machine.run()
    assert (code, said) == (2, "e2e: failed\n")
    assert machine.calls[-1].startswith("down")


def test_tests_that_take_too_long_are_interrupted_told_and_the_node_is_stopped(machine: Machine) -> None:
    machine.program("bin/make", "sh -c 'sleep 30; echo went on'")
    code, said = machine.run(E2E_LIMIT="0.5s")
    assert code != 0
    assert "e2e: failed: not done within 0.5s (E2E_LIMIT)" in said
    assert "went on" not in said
    assert machine.calls[-1].startswith("down")


@pytest.mark.needs("shellcheck")
@pytest.mark.parametrize("script", ["run", "e2e"])
def test_script_is_clean_to_shellcheck(script: str) -> None:
    command = [shutil.which("shellcheck") or "", str(ROOT / ".ci" / script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == ""
