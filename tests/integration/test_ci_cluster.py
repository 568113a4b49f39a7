"""`.ci/e2e`: which cluster the end-to-end tests get, what is told where there is none, what is stopped.

And `.ci/run`: whether they are begun in the time that is left, and what counts as a failure.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NODE = "started/admin.kubeconfig"
NOT_DONE = {124, 137}
"""Exit codes of `timeout`."""


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

    def run(self, script: str = "e2e", **more: str) -> tuple[int, str]:
        """The script's exit code and what it said."""
        environment = {
            "PATH": f"{self.directory / 'bin'}:/usr/bin:/bin",
            "PYROX_SHARED": str(self.directory / "shared"),
            "KUBE_NODE_STATE": str(self.directory / "state"),
            **more,
        }
        done = subprocess.run(
            [str(ROOT / ".ci" / script)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine that can start a node."""
    made = Machine(tmp_path)
    made.program("bin/make")
    made.program("bin/apt-get")
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
    assert code in NOT_DONE
    assert "e2e: not done within 0.5s (E2E_LIMIT); no test had failed until then" in said
    assert "went on" not in said
    assert machine.calls[-1].startswith("down")


def test_failure_before_the_time_was_over_is_told_and_fails(machine: Machine) -> None:
    machine.program("bin/make", 'echo "test_one: told why" >> "$E2E_FAILURES"; sleep 30')
    code, said = machine.run(E2E_LIMIT="0.5s")
    assert code == 1
    assert said == "test_one: told why\ne2e: failed\n"


def test_all_tests_are_run_in_order_and_the_last_in_the_time_that_is_left(machine: Machine) -> None:
    machine.program("bin/timeout", 'shift 2; echo "within $1"; shift; exec "$@"')
    code, said = machine.run("run", CI_SECONDS="2400", E2E_NEED="900")
    assert code == 0
    called = [call.partition("KUBECONFIG")[0].strip() for call in machine.calls]
    assert [one for one in called if one.startswith(("make", "up", "down"))] == [
        "make check", "make test", "up", "make e2e", "down",
    ]  # fmt: skip
    left = re.search(r"within (\d+)s", said)
    assert left is not None
    # Of 2400 s, 180 are kept for stopping.
    assert 900 <= int(left.group(1)) <= 2220


def test_without_time_for_the_last_tests_it_says_so_and_is_no_failure(machine: Machine) -> None:
    code, said = machine.run("run", CI_SECONDS="1000", E2E_NEED="900")
    assert code == 0
    assert re.search(r"tests were NOT run to their end: \d+ s are left, and they need 900 s", said)
    assert not [call for call in machine.calls if call.startswith(("up", "make e2e"))]


def test_last_tests_that_do_not_end_in_time_are_told_and_no_failure(machine: Machine) -> None:
    machine.program("bin/timeout", "exit 124")
    code, said = machine.run("run")
    assert code == 0
    assert re.search(r"tests were NOT run to their end: \d+ s were too short", said)
    assert machine.calls[-1].startswith("down")


@pytest.mark.parametrize(
    ("failing", "last"), [("check", "make check"), ("test", "make test"), ("e2e", "down")]
)
def test_failure_of_any_tests_is_a_failure(machine: Machine, failing: str, last: str) -> None:
    machine.program("bin/make", f'[ "$1" != {failing} ] || exit 2')
    code, said = machine.run("run", CI_SECONDS="2400")
    assert code == 2
    assert "NOT run to their end" not in said
    assert machine.calls[-1].startswith(last)


@pytest.mark.needs("shellcheck")
@pytest.mark.parametrize("script", ["run", "e2e"])
def test_script_is_clean_to_shellcheck(script: str) -> None:
    command = [shutil.which("shellcheck") or "", str(ROOT / ".ci" / script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == ""
