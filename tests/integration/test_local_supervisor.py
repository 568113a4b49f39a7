"""The local commands on a small table of small processes: start, kill -9, adopt, end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.local import board, processes
from services.local.board import Entry, State
from services.local.places import CHECKOUT, Places
from services.local.processes import Identity

SERVER = """
import http.server, pathlib, subprocess, sys
host, port, behaviour = sys.argv[1], int(sys.argv[2]), sys.argv[3]
if pathlib.Path(sys.argv[4] + "-at-start").exists():
    sys.exit("the setting ROX_COLOUR cannot be read")
if behaviour == "child":
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(500 if pathlib.Path(sys.argv[4]).exists() else 200)
        self.send_header("content-length", "0")
        self.end_headers()
    def log_message(self, *args):
        pass
http.server.HTTPServer((host, port), Handler).serve_forever()
"""
ROW = """
[process.{name}]
address = "127.0.10.{number}"
ports = {{ web = 18080 }}
command = [
  "{{python}}", "{{state}}/server.py", "{{{name}.host}}", "18080", "{behaviour}", "{{state}}/{name}.sick",
]
ready = {{ kind = "http", port = "web", path = "/" }}
needs = [{needs}]
once = [["{{python}}", "-c", "open('{{state}}/{name}.once', 'a').write('x')"]]
"""
# Sixteen installations can be tested on one machine at a time.
NETWORKS = range(200, 216)


@dataclass
class Small:
    """An installation with three processes."""

    places: Places
    network: str

    def local(self, *words: str, code: int | None = 0) -> str:
        flags = ["--state", str(self.places.state), "--table", str(self.places.state / "processes.toml")]
        flags += ["--network", self.network]
        command = [sys.executable, "-m", "services", "local", words[0], *flags, *words[1:]]
        done = subprocess.run(
            command, cwd=CHECKOUT, capture_output=True, text=True, timeout=90, check=False, env=_environment()
        )
        assert code is None or done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def entry(self, name: str) -> Entry:
        found = board.read(self.places.board)
        assert found is not None
        return found.entries[name]

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 90
        while not condition():
            assert time.monotonic() < deadline, self.local("logs", code=None)
            time.sleep(0.05)

    def back(self, name: str, before: int) -> None:
        """Wait until the process is healthy under another id."""
        self.until(
            lambda: self.entry(name).state is State.HEALTHY and self.entry(name).pid not in {0, before}
        )


def _environment() -> dict[str, str]:
    """Without KUBECONFIG, and without what would make these processes look like another test's."""
    return {key: value for key, value in os.environ.items() if not re.match("KUBECONFIG|PYROX", key)}


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Small]:
    rows = [("base", 1, "plain", ""), ("middle", 2, "child", '"base"'), ("top", 3, "plain", '"middle"')]
    text = "".join(
        ROW.format(name=name, number=number, behaviour=behaviour, needs=needs)
        for name, number, behaviour, needs in rows
    )
    (tmp_path / "processes.toml").write_text(text)
    (tmp_path / "server.py").write_text(SERVER)
    network = f"127.0.{NETWORKS[os.getpid() % len(NETWORKS)]}"
    made = Small(Places(tmp_path), network)
    try:
        yield made
    finally:
        made.local("down", code=None)


def up(small: Small) -> str:
    """`up`, to the end."""
    output = small.local("up")
    assert "everything is ready" in output, output
    return output


def test_up_starts_in_order_of_need_and_status_shows_all_healthy(small: Small) -> None:
    output = up(small)
    healthy = [line.split()[2] for line in output.splitlines() if line.rstrip().endswith("healthy")]
    assert healthy == ["base", "middle", "top"]
    status = small.local("status")
    assert status.count(" healthy ") == 3
    assert f"{small.network}.2:18080" in status


def test_down_leaves_no_process_and_keeps_the_files(small: Small) -> None:
    up(small)
    assert len(processes.marked(small.places)) >= 4
    small.local("down")
    assert processes.marked(small.places) == []
    assert (small.places.secrets / "ca" / "ca.pem").exists()
    assert "does not run" in small.local("status", code=1)


@pytest.mark.parametrize("name", ["base", "middle", "top"])
def test_a_killed_process_comes_back_and_its_workers_are_not_left_over(small: Small, name: str) -> None:
    up(small)
    before = small.entry(name).pid
    children = [pid for pid in processes.group(before) if pid != before]
    others = {other: small.entry(other).pid for other in ("base", "middle", "top") if other != name}
    os.kill(before, signal.SIGKILL)
    small.back(name, before)
    assert not any(Identity.of(pid) for pid in children)
    assert {other: small.entry(other).pid for other in others} == others
    assert small.entry(name).restarts == 1


def test_what_is_due_once_is_not_done_again_after_a_restart(small: Small) -> None:
    up(small)
    before = small.entry("base").pid
    os.kill(before, signal.SIGKILL)
    small.back("base", before)
    assert (small.places.state / "base.once").read_text() == "x"


def test_after_the_supervisors_death_up_replaces_what_it_left(small: Small) -> None:
    up(small)
    supervisor = Identity.read(small.places.pid("supervisor"))
    assert supervisor is not None
    left = processes.marked(small.places)
    os.kill(supervisor.pid, signal.SIGKILL)
    small.until(lambda: not supervisor.alive)
    assert small.entry("base").identity is not None
    up(small)
    assert not any(process.alive for process in left)
    assert small.local("status").count(" healthy ") == 3


def test_after_the_supervisors_death_down_ends_what_it_left(small: Small) -> None:
    up(small)
    supervisor = Identity.read(small.places.pid("supervisor"))
    assert supervisor is not None
    os.kill(supervisor.pid, signal.SIGKILL)
    small.until(lambda: not supervisor.alive)
    assert "leftover processes ended" in small.local("down")
    assert processes.marked(small.places) == []


def test_a_second_up_changes_nothing(small: Small) -> None:
    up(small)
    before = {name: small.entry(name).pid for name in ("base", "middle", "top")}
    up(small)
    assert {name: small.entry(name).pid for name in before} == before


def test_a_changed_table_is_started_anew(small: Small) -> None:
    up(small)
    before = small.entry("top").pid
    path = small.places.state / "processes.toml"
    path.write_text(path.read_text().replace("[process.top]", '[process.top]\nabout = "changed"'))
    up(small)
    assert small.entry("top").pid != before


def test_a_sick_process_is_shown_as_unhealthy_and_recovers(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    up(small)
    sick = small.places.state / "top.sick"
    sick.touch()
    small.until(lambda: small.entry("top").state is State.UNHEALTHY)
    assert "status 500" in small.local("status", code=1)
    sick.unlink()
    small.until(lambda: small.entry("top").state is State.HEALTHY)


def test_a_process_that_cannot_start_says_why_and_is_tried_again(small: Small) -> None:
    up(small)
    reason = small.places.state / "top.sick-at-start"
    reason.touch()
    os.kill(small.entry("top").pid, signal.SIGKILL)
    wanted = "it ended with exit code 1: the setting ROX_COLOUR cannot be read"
    small.until(lambda: small.entry("top").note == wanted)
    assert small.local("status", code=1).count(" healthy ") == 2
    reason.unlink()
    small.until(lambda: small.entry("top").state is State.HEALTHY)


def test_a_taken_port_is_named_until_it_is_free(small: Small) -> None:
    address = f"{small.network}.3"
    other = subprocess.Popen(
        [sys.executable, "-m", "http.server", "--bind", address, "18080"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    waiting: subprocess.Popen[bytes] | None = None
    try:
        flags = ["--state", str(small.places.state), "--table", str(small.places.state / "processes.toml")]
        waiting = subprocess.Popen(
            [sys.executable, "-m", "services", "local", "up", *flags, "--network", small.network],
            cwd=CHECKOUT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=_environment(),
        )
        small.until(small.places.board.exists)
        small.until(lambda: small.entry("top").state is State.BLOCKED)
        assert small.entry("top").note == f"{address}:18080 is in use by another program"
        other.kill()
        other.wait()
        small.until(lambda: small.entry("top").state is State.HEALTHY)
    finally:
        for process in filter(None, (other, waiting)):
            process.kill()
            process.wait()


def test_logs_are_kept_per_process_and_an_unknown_name_is_answered_with_the_known(small: Small) -> None:
    up(small)
    assert "==> " in small.local("logs", "supervisor")
    answer = small.local("logs", "nobody", code=1)
    assert "no log of nobody" in answer
    assert "supervisor" in answer


def test_two_supervisors_never_run_on_one_installation(small: Small) -> None:
    up(small)
    assert "another supervisor runs" in small.local("supervise", code=1)
