"""One installation on this machine: prepare it, start its supervisor, end everything.

The commands `up`, `down` and `status` call it. It must not print.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from pyrox.clock import Clock
from pyrox.errors import Exhausted, Invalid, Unavailable
from services.local import board, postgres, processes, table
from services.local.board import Board
from services.local.credentials import Credentials
from services.local.places import CHECKOUT, Places
from services.local.probes import Prober
from services.local.processes import Identity
from services.local.supervisor import Surroundings, supervise

SIMULATED = "simulated"
"""Name of the cluster that is not real."""
_SUPERVISOR = "supervisor"
_END_SECONDS = 60.0
_POLL_SECONDS = 0.1
# What a process may take over from the shell; everything else comes from the table.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")
# glibc gives each thread an arena of its own; two keep the memory of many threads together.
_ALWAYS = {"GRPC_ENABLE_FORK_SUPPORT": "0", "MALLOC_ARENA_MAX": "2", "PYTHONUNBUFFERED": "1"}


@dataclass(frozen=True, slots=True)
class Options:
    """What may differ between two installations."""

    places: Places
    source: Path = table.SOURCE
    network: str = table.NETWORK
    kubeconfig: Path | None = None
    """A real cluster to watch, instead of the simulated one."""
    deployments: int = 0
    """How many workloads the simulated cluster has beside its own."""

    def arguments(self) -> list[str]:
        """The options as flags of the supervisor."""
        words = ["--state", str(self.places.state), "--table", str(self.source), "--network", self.network]
        words += ["--deployments", str(self.deployments)]
        return words + (["--kubeconfig", str(self.kubeconfig)] if self.kubeconfig else [])

    def shared_flags(self) -> str:
        """What another command must be told to mean this installation; empty for the usual one."""
        usual = Options(places=Places.default())
        words = []
        if self.places != usual.places:
            words += ["--state", str(self.places.state)]
        if self.source != usual.source:
            words += ["--table", str(self.source)]
        if self.network != usual.network:
            words += ["--network", self.network]
        return "".join(f" {shlex.quote(word)}" for word in words)

    def table(self) -> table.Table:
        """The process table of this installation. Raises `Invalid`."""
        real = self.kubeconfig is not None
        values = {
            "python": sys.executable,
            "checkout": str(CHECKOUT),
            "state": str(self.places.state),
            "secrets": str(self.places.secrets),
            "kubeconfig": str(self.kubeconfig or self.places.kubeconfig),
            "cluster": context_of(self.kubeconfig) if self.kubeconfig else SIMULATED,
            "simulate": "no" if real else "yes",
            "deployments": str(self.deployments),
        }
        return table.load(self.source, values, network=self.network)

    def fingerprint(self) -> str:
        """Changes when a running supervisor would not do what these options ask for."""
        return hashlib.sha256(repr(self.table()).encode()).hexdigest()[:16]


def context_of(kubeconfig: Path) -> str:
    """The current context's name, by which the cluster is known in Central."""
    try:
        loaded = yaml.safe_load(kubeconfig.read_text())
        name = str(loaded["current-context"])
    except (OSError, yaml.YAMLError, KeyError, TypeError) as err:
        raise Invalid(f"KUBECONFIG={kubeconfig}: no current-context can be read: {err}") from err
    return name or "remote"


class Installation:
    """The processes of one state directory."""

    def __init__(self, options: Options, *, clock: Clock, environment: Mapping[str, str]) -> None:
        self.options = options
        self.places = options.places
        self._clock = clock
        self._environment = environment

    def prepare(self) -> None:
        """Write keys, certificates and passwords that are missing."""
        self.places.run.mkdir(parents=True, exist_ok=True)
        rows = self.options.table()
        addresses = {process.name: process.address for process in rows.processes}
        addresses.setdefault("central", "127.0.0.1")
        addresses.setdefault("simulated", "127.0.0.1")
        self.credentials().ensure(addresses=addresses)

    def credentials(self) -> Credentials:
        """What is secret here."""
        return Credentials(places=self.places, clock=self._clock)

    def supervisor(self) -> Identity | None:
        """The running supervisor."""
        return Identity.read(self.places.pid(_SUPERVISOR))

    def board(self) -> Board | None:
        """What the supervisor last said; None when none runs."""
        return board.read(self.places.board) if self.supervisor() else None

    def start(self) -> None:
        """Start the supervisor in the background; one that does the same already stays."""
        current = self.board()
        if current is not None and current.fingerprint == self.options.fingerprint():
            return
        # What a killed supervisor left ends here all at once; process by process would take a
        # pause for each, since those that are needed would wait for those that need them.
        if self.supervisor() is not None or processes.marked(self.places):
            self.stop()
        self.places.board.unlink(missing_ok=True)
        log = self.places.log(_SUPERVISOR)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            subprocess.Popen(
                [sys.executable, "-m", "services", "local", "supervise", *self.options.arguments()],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=CHECKOUT,
                env=self._base_environment(),
                start_new_session=True,
            )

    def _base_environment(self) -> dict[str, str]:
        taken = {name: self._environment[name] for name in _INHERITED if name in self._environment}
        return {**taken, **_ALWAYS}

    def supervise(self) -> None:
        """Be the supervisor, until told to stop. Raises `Exhausted` when there is one."""
        self.places.run.mkdir(parents=True, exist_ok=True)
        with self.places.lock.open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as err:
                raise Exhausted(f"another supervisor runs on {self.places.state}") from err
            myself = Identity.of(os.getpid())
            if myself is not None:
                myself.write(self.places.pid(_SUPERVISOR))
            around = Surroundings(
                places=self.places,
                board=Board(self.options.fingerprint()),
                prober=Prober(self.credentials().authority),
                clock=self._clock,
                environment=self._base_environment(),
            )
            asyncio.run(supervise(self.options.table(), around))
            self.places.pid(_SUPERVISOR).unlink(missing_ok=True)
            self.places.board.unlink(missing_ok=True)

    def stop(self) -> int:
        """End the supervisor and everything that was ever started here; how many were left over.

        Returns only when no process of the installation is alive.
        """
        supervisor = self.supervisor()
        if supervisor is not None:
            processes.send([supervisor.pid], signal.SIGTERM)
            deadline = self._clock.monotonic() + _END_SECONDS
            while supervisor.alive and self._clock.monotonic() < deadline:
                signal.sigtimedwait([], _POLL_SECONDS)
            processes.end([supervisor], self._clock, polite_seconds=0)
        left = processes.marked(self.places)
        processes.end(left, self._clock, polite_seconds=10.0)
        data = postgres.data_folder(self.places.state / "postgres")
        if data.exists():
            postgres.end_leftover(data, self._clock)
        if self.places.run.exists():
            for path in self.places.run.iterdir():
                path.unlink(missing_ok=True)
        if processes.marked(self.places):
            raise Unavailable(f"processes of {self.places.state} do not end; see `make status`")
        return len(left)

    def memory(self) -> dict[str, int]:
        """Proportional memory of each process with its children, in bytes."""
        current = self.board()
        if current is None:
            return {}
        return {
            entry.name: sum(processes.memory(pid) for pid in processes.group(entry.pid))
            for entry in current.entries.values()
            if entry.identity is not None
        }
