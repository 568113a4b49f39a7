"""The whole installation: `up`, the printed commands word for word, kill -9, `down`.

It runs beside an installation of the checkout: in a directory and on loopback addresses
of its own.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from services.local import board, postgres, processes, table
from services.local.board import Entry, State
from services.local.places import CHECKOUT, Places

pytestmark = [pytest.mark.needs("postgres"), pytest.mark.timeout(600)]
NETWORK = f"127.0.{216 + os.getpid() % 16}"
READY_SECONDS = 60
# PSS of everything but PostgreSQL.
MEMORY_MIB = 900
NAMES = (
    "central-db", "central", "scanner_indexer", "scanner_matcher",
    "simulated", "sensor", "admission", "collector",
)  # fmt: skip


@dataclass
class Whole:
    """A running installation."""

    places: Places
    printed: str

    def run(self, verb: str, *words: str) -> subprocess.CompletedProcess[str]:
        flags = ["--state", str(self.places.state), "--network", NETWORK]
        return shell([sys.executable, "-m", "services", "local", verb, *flags, *words])

    def entry(self, name: str) -> Entry:
        found = board.read(self.places.board)
        assert found is not None
        return found.entries[name]

    def ask(self, path: str, **query: str) -> Any:
        """Central's answer to the administrator; None while it does not answer."""
        context = ssl.create_default_context(cafile=self.places.secrets / "ca" / "ca.pem")
        login = ("admin", self.places.admin_password.read_text().strip())
        try:
            found = httpx.get(
                f"https://{NETWORK}.2:8443{path}", params=query, auth=login, verify=context, timeout=30
            )
        except httpx.HTTPError:
            return None
        return found.json() if found.status_code == 200 else None

    def count(self, what: str, query: str = "") -> int:
        found = self.ask(f"/v1/{what}count", query=query)
        return int(found["count"]) if found else 0

    def alerts(self, policy: str) -> int:
        return self.count("alerts", f"Policy:{policy}+Violation State:ACTIVE")

    def until(self, condition: Callable[[], object], seconds: float = READY_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.run("status").stdout + self.run("logs").stdout[-8000:]
            time.sleep(0.2)


def shell(command: list[str] | str) -> subprocess.CompletedProcess[str]:
    environment = {
        key: value for key, value in os.environ.items() if not re.match("KUBECONFIG|ROX_|PYROX", key)
    }
    return subprocess.run(
        command,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
        env=environment,
        shell=isinstance(command, str),
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    directory = tmp_path_factory.mktemp("up")
    made = Whole(Places(directory), "")
    try:
        done = made.run("up")
        assert done.returncode == 0, done.stdout + done.stderr + made.run("logs").stdout
        made.printed = done.stdout
        yield made
    finally:
        made.run("down")
        # Where root's temporary directory is closed to others, the server's files lie elsewhere.
        shutil.rmtree(postgres.data_folder(made.places.state / "postgres").parent, ignore_errors=True)


def attempts(printed: str) -> list[tuple[str, str]]:
    """What is to be tried and its command, from the text that a person reads."""
    return re.findall(r"^# (.+)\n(.+)$", printed, re.MULTILINE)


def test_every_process_of_the_table_is_healthy(whole: Whole) -> None:
    status = whole.run("status")
    assert status.returncode == 0, status.stdout
    for name in NAMES:
        assert re.search(rf"^{name} +healthy", status.stdout, re.MULTILINE), status.stdout


def test_the_cluster_is_healthy_with_its_deployments_images_and_violations(whole: Whole) -> None:
    def cluster() -> Any:
        found = whole.ask("/v1/clusters")
        return found["clusters"][0]["healthStatus"]["overallHealthStatus"] if found else ""

    whole.until(lambda: cluster() == "HEALTHY")
    whole.until(lambda: whole.count("deployments") >= 36 and whole.count("images") >= 12)
    whole.until(lambda: whole.alerts("Log4Shell: log4j Remote Code Execution vulnerability") >= 2)
    policies = ("Latest tag", "90-Day Image Age", "Privileged Container")
    whole.until(lambda: all(whole.alerts(policy) >= 1 for policy in policies))
    assert (cluster(), whole.count("deployments") >= 36) == ("HEALTHY", True)


def test_simulated_processes_raise_runtime_violations(whole: Whole) -> None:
    whole.until(lambda: whole.alerts("Cryptocurrency Mining Process Execution") >= 1, seconds=120)
    assert whole.alerts("Cryptocurrency Mining Process Execution") >= 1


def test_the_printed_commands_do_what_is_said_word_for_word(whole: Whole) -> None:
    found = attempts(whole.printed)
    assert len(found) == 5
    outcomes = {}
    for about, command in found:
        done = shell(command)
        outcomes[about] = (done.returncode, done.stdout + done.stderr)
        if "switch a policy off" in about:
            whole.until(lambda: whole.alerts("Latest tag") == 0)
    check, refused, accepted, off, on = outcomes.values()
    assert check[0] == 1
    assert "CVE-2021-44228" in check[1]
    assert refused[0] == 1
    assert 'admission webhook "policyeval.stackrox.io" denied the request' in refused[1]
    assert accepted == (0, "deployment.apps/modest-demo created\n")
    assert (off[0], on[0]) == (0, 0)
    whole.until(lambda: whole.alerts("Latest tag") >= 1)


def test_the_portal_and_the_password_are_where_it_says(whole: Whole) -> None:
    assert f"https://{NETWORK}.2:8443" in whole.printed
    assert str(whole.places.admin_password) in whole.printed
    assert whole.places.admin_password.stat().st_mode & 0o777 == 0o600


def test_memory_of_all_processes_but_postgresql_is_bounded(whole: Whole) -> None:
    total = sum(
        processes.memory(pid)
        for name in NAMES
        if name != "central-db"
        for pid in processes.group(whole.entry(name).pid)
    )
    assert 0 < total <= MEMORY_MIB * 1024 * 1024


@pytest.mark.parametrize("name", NAMES)
def test_a_killed_process_comes_back_and_nothing_is_lost(whole: Whole, name: str) -> None:
    whole.until(lambda: whole.count("deployments") >= 36)
    before, deployments = whole.entry(name).pid, whole.count("deployments")
    os.kill(before, signal.SIGKILL)
    whole.until(lambda: whole.entry(name).state is State.HEALTHY and whole.entry(name).pid not in {0, before})
    whole.until(lambda: whole.run("status").returncode == 0)
    whole.until(lambda: whole.count("deployments") == deployments)
    assert (whole.entry(name).state, whole.count("deployments")) == (State.HEALTHY, deployments)


def test_data_survive_down_and_nothing_runs_after_it(whole: Whole) -> None:
    deployments = whole.count("deployments")
    assert whole.run("down").returncode == 0
    assert processes.marked(whole.places) == []
    data = postgres.data_folder(whole.places.state / "postgres")
    assert list(postgres._processes_in(data.resolve())) == []
    again = whole.run("up")
    assert again.returncode == 0, again.stdout
    assert whole.count("deployments") == deployments


def test_the_table_is_the_one_that_is_documented() -> None:
    text = (CHECKOUT / "docs" / "services" / "local.md").read_text(encoding="utf-8")
    values = dict.fromkeys(
        ("python", "checkout", "state", "secrets", "kubeconfig", "cluster", "simulate", "deployments"), "x"
    )
    for process in table.load(table.SOURCE, values).processes:
        ports = ", ".join(str(port) for port in process.ports.values())
        assert f"| `{process.name}` | {process.address} | {ports} |" in text, process.name
