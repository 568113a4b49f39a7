"""The supervisor: one detached process that starts the table's processes and keeps them up.

`up` starts it, `down` ends it with SIGTERM. A process starts as soon as those that it
needs are ready; one that dies comes back after a short pause, whatever killed it. What a
supervisor that was killed left behind is replaced. It must not know what the processes
do.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import shutil
import signal
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pyrox import log
from pyrox.clock import Clock
from services.local import processes
from services.local.board import Board, Entry, State
from services.local.places import CHECKOUT, MARK, MARK_NAME, Places
from services.local.probes import Prober
from services.local.processes import Identity
from services.local.table import Process, Table

_LOG = log.get(__name__)
_FIRST_PAUSE, _LAST_PAUSE = 0.3, 15.0
# Who lived this long is not in a crash loop: the next pause is the shortest again.
_STEADY_SECONDS = 60.0
_STARTING_POLL, _RUNNING_POLL = 0.15, 5.0
# One missed probe is a busy machine, three are a fault.
_MISSES = 3
_STOP_SECONDS = 25.0
_LEFTOVER_SECONDS = 10.0
_MAX_LOG = 20 * 1024 * 1024
_TAIL = 300


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all guards share."""

    places: Places
    board: Board
    prober: Prober
    clock: Clock
    environment: Mapping[str, str]
    """What every process gets beside its own settings."""

    def publish(self) -> None:
        """Put the board where the commands look."""
        self.board.write(self.places.board)


class Guard:
    """Keeps one process running."""

    def __init__(self, *, process: Process, needs: Sequence[Guard], around: Surroundings) -> None:
        self.process = process
        self.ready = asyncio.Event()
        """Set for good when it was ready for the first time."""
        self._needs = tuple(needs)
        self._around = around
        self._entry = Entry(name=process.name, address=process.address, ports=dict(process.ports))
        self._pause = _FIRST_PAUSE
        around.board.entries[process.name] = self._entry
        self._child: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        """Work until cancelled."""
        self._say(State.WAITING, ", ".join(guard.process.name for guard in self._needs))
        for guard in self._needs:
            await guard.ready.wait()
        while True:
            started = self._around.clock.monotonic()
            reason = await self._life()
            if self._around.clock.monotonic() - started > _STEADY_SECONDS:
                self._pause = _FIRST_PAUSE
            self._entry.restarts += 1
            self._say(State.RESTARTING, reason)
            await self._around.clock.sleep(self._pause)
            self._pause = min(self._pause * 2, _LAST_PAUSE)

    async def _life(self) -> str:
        """Start it and follow it to its end; why it ended."""
        await self._clear()
        await self._wait_for_ports()
        child = await self._spawn()
        self._child = child
        watch = asyncio.create_task(self._watch())
        try:
            code = await child.wait()
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch
        reason = f"it ended with {_ending(code)}"
        # What a process says before it gives up tells what to mend.
        last = _last_line(self._around.places.log(self.process.name)) if code > 0 else ""
        return f"{reason}: {last}" if last else reason

    async def _clear(self) -> None:
        """End what an earlier life left behind, for example its worker processes."""
        places, name = self._around.places, self.process.name
        left = [*processes.marked(places, name)]
        if (former := Identity.read(places.pid(name))) is not None and former not in left:
            left.append(former)
        if left:
            _LOG.info("ending what is left over", name=name, count=len(left))
            await asyncio.to_thread(processes.end, left, self._around.clock, polite_seconds=_LEFTOVER_SECONDS)

    async def _wait_for_ports(self) -> None:
        while taken := _taken(self.process):
            self._say(State.BLOCKED, f"{taken} is in use by another program")
            await self._around.clock.sleep(1.0)

    async def _spawn(self) -> asyncio.subprocess.Process:
        process, places = self.process, self._around.places
        self._say(State.STARTING, "")
        _write_files(process, places)
        with _opened_log(places.log(process.name)) as out:
            child = await asyncio.create_subprocess_exec(
                *process.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=CHECKOUT,
                env=self._environment(),
                start_new_session=True,
            )
        identity = Identity.of(child.pid)
        if identity is not None:
            identity.write(places.pid(process.name))
            self._entry.pid, self._entry.start = identity.pid, identity.start
        return child

    def _environment(self) -> dict[str, str]:
        mark = {MARK: str(self._around.places.state), MARK_NAME: self.process.name}
        return {**self._around.environment, **self.process.environment, **mark}

    async def _watch(self) -> None:
        """Bring it to readiness, then look after its health until cancelled."""
        clock, prober = self._around.clock, self._around.prober
        while reason := await prober.probe(self.process):
            self._say(State.STARTING, reason)
            await clock.sleep(_STARTING_POLL)
        await self._prepare()
        misses = 0
        while True:
            reason = await prober.probe(self.process)
            misses = misses + 1 if reason else 0
            if not reason:
                self._say(State.HEALTHY, "")
                self._entry.was_ready = True
                self.ready.set()
            elif misses >= _MISSES:
                self._say(State.UNHEALTHY, reason)
            _bound_log(self._around.places.log(self.process.name))
            await clock.sleep(_RUNNING_POLL)

    async def _prepare(self) -> None:
        """Run the commands that are due once, again and again until they succeed."""
        if self.ready.is_set():
            return
        if self.process.once:
            self._say(State.PREPARING, "")
        for command in self.process.once:
            pause = _FIRST_PAUSE
            while reason := await self._run_once(command):
                self._say(State.PREPARING, reason)
                await self._around.clock.sleep(pause)
                pause = min(pause * 2, _LAST_PAUSE)

    async def _run_once(self, command: Sequence[str]) -> str:
        """Empty when the command succeeded, else its last line."""
        child = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=CHECKOUT,
            env=self._environment(),
        )
        try:
            output, _ = await child.communicate()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
            raise
        with _opened_log(self._around.places.log(self.process.name)) as out:
            out.write(output)
        if child.returncode == 0:
            return ""
        lines = output.decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else f"preparation ended with {_ending(child.returncode or 0)}"

    async def stop(self) -> None:
        """End the process and everything in its group."""
        child = self._child
        if child is not None and child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(signal.Signals[self.process.stop])
            try:
                await asyncio.wait_for(child.wait(), _STOP_SECONDS)
            except TimeoutError:
                _LOG.warning("process does not stop; it is killed", name=self.process.name)
        if child is not None:
            processes.send(processes.group(child.pid), signal.SIGKILL)
            await child.wait()
        await self._clear()
        self._around.places.pid(self.process.name).unlink(missing_ok=True)
        self._say(State.STOPPED, "")

    def _say(self, state: State, note: str) -> None:
        if (self._entry.state, self._entry.note) == (state, note) and self._entry.since:
            return
        if self._entry.state is not state:
            _LOG.info("process", name=self.process.name, state=str(state), note=note)
            self._entry.since = self._around.clock.now().timestamp()
        self._entry.state, self._entry.note = state, note
        self._around.publish()


async def supervise(table: Table, around: Surroundings) -> None:
    """Keep the table's processes running until SIGTERM or SIGINT, then stop them in reverse."""
    guards: dict[str, Guard] = {}
    for process in table.processes:
        needs = [guards[name] for name in process.needs]
        guards[process.name] = Guard(process=process, needs=needs, around=around)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    around.publish()
    tasks = [asyncio.create_task(guard.run(), name=guard.process.name) for guard in guards.values()]
    waiting = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in (waiting, *tasks):
        task.cancel()
    await asyncio.gather(waiting, *tasks, return_exceptions=True)
    await _stop_all(list(guards.values()))
    for task in done - {waiting}:
        task.result()


async def _stop_all(guards: list[Guard]) -> None:
    """Stop each when nobody needs it any more."""
    left = guards
    while left:
        needed = {name for guard in left for name in guard.process.needs}
        free = [guard for guard in left if guard.process.name not in needed]
        await asyncio.gather(*(guard.stop() for guard in free))
        left = [guard for guard in left if guard not in free]


def _taken(process: Process) -> str:
    """The first of its ports that somebody else listens at."""
    for port in process.ports.values():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((process.address, port))
            except OSError as err:
                if err.errno == errno.EADDRINUSE:
                    return f"{process.address}:{port}"
    return ""


def _write_files(process: Process, places: Places) -> None:
    for name, text in process.files.items():
        path = places.config(process.name) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _opened_log(path: Path) -> BinaryIO:
    """The log, ready to be written at its end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("ab")


def _last_line(path: Path) -> str:
    """The end of a log, for a note."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL))
            lines = file.read().decode("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1][:_TAIL] if lines else ""


def _bound_log(path: Path) -> None:
    """Keep the newest part of a long log; writers append, so they go on at the new end."""
    try:
        if path.stat().st_size > _MAX_LOG:
            shutil.copyfile(path, path.with_suffix(".log.1"))
            with path.open("r+b") as file:
                file.truncate(0)
    except OSError as err:
        _LOG.warning("log not shortened", path=str(path), error=str(err))


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
