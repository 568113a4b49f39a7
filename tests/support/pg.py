"""A real PostgreSQL for tests: one server per session, one fresh database and role per module.

`tests/conftest.py` makes the fixtures of it. The server is the embedded one unless
`PYROX_TEST_PG_BIN` names the binaries of another.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from pyrox.clock import SystemClock
from pyrox.errors import RoxError
from pyrox.pg.migrate import Migrator
from pyrox.pg.pool import Pool
from pyrox.pg.settings import Settings
from services.local import postgres

T = TypeVar("T")


def outside(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a loop of its own in another thread."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, work).result()


# Below the range from which the kernel gives ports to outgoing connections: one of those
# could take a port between its choice here and its use.
_PORTS = range(20000, 32000)
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
"""Runs beside each other, each of which gives ports of its own."""
_WORKERS = 8
_GIVEN: set[int] = set()


def free_port() -> int:
    """A loopback port that nobody uses, and that is given only once in this process."""
    while True:
        port = random.SystemRandom().choice(_PORTS[_WORKER % _WORKERS :: _WORKERS])
        if port in _GIVEN:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _GIVEN.add(port)
        return port


@dataclass
class TestServer:
    """A running server."""

    __test__ = False
    server: postgres.Server
    process: subprocess.Popen[bytes]
    admin: Settings

    def database(self) -> Settings:
        """A fresh database with a random name and a role that owns it."""
        return outside(self._create())

    async def _create(self) -> Settings:
        name, password = f"test_{secrets.token_hex(6)}", secrets.token_hex(12)
        pool = Pool(settings=self.admin, clock=SystemClock())
        await pool.connect()
        try:
            await pool.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
            await pool.execute(f"CREATE DATABASE {name} OWNER {name}")
        finally:
            await pool.close()
        return replace(self.admin, database=name, user=name, password=password)

    def kill(self) -> None:
        """kill -9 of the server, as a crash."""
        self.process.kill()
        self.process.wait()

    def start(self) -> None:
        """Start again after `kill`."""
        postgres.end_leftover(self.server.data, SystemClock())
        self.process = self.server.spawn()
        outside(wait_ready(self.admin))

    def stop(self) -> None:
        """A fast shutdown."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


async def wait_ready(settings: Settings) -> None:
    """Return when the server answers."""
    pool = Pool(settings=settings, clock=SystemClock())
    try:
        await asyncio.wait_for(pool.connect(attempts=None), timeout=60)
    finally:
        await pool.close()


def binaries() -> Path | None:
    """The binaries to test with; None means the embedded ones."""
    named = os.environ.get("PYROX_TEST_PG_BIN", "")
    return Path(named) if named else None


def available() -> bool:
    """Whether a server can be started here."""
    if binaries() is not None:
        return True
    try:
        postgres.find_binaries()
    except RoxError:
        return False
    return True


@contextlib.contextmanager
def running_server() -> Iterator[TestServer]:
    """A server on a random port, gone afterwards with its data."""
    state = Path(tempfile.mkdtemp(prefix="pyrox-pg-"))
    # Only passing through is allowed to others: the server runs under another account.
    state.chmod(0o711)
    password = secrets.token_hex(12)
    try:
        server = postgres.prepare(
            state=state, address="127.0.0.1", port=free_port(), password=password, binaries=binaries()
        )
        admin = Settings(database="postgres", user=postgres.SUPERUSER, password=password, port=server.port)
        running = TestServer(server, server.spawn(), admin)
        try:
            outside(wait_ready(admin))
            yield running
        finally:
            running.stop()
    finally:
        shutil.rmtree(state, ignore_errors=True)


async def migrate(settings: Settings, package: str, versions_table: str = "schema_migrations") -> int:
    """Apply all migrations of a package; how many there were."""
    pool = Pool(settings=settings, clock=SystemClock())
    await pool.connect()
    try:
        return await Migrator(pool=pool, directory=files(package), versions_table=versions_table).run()
    finally:
        await pool.close()
