"""The Indexer or the Matcher as a process of its own, on fixed ports, so that it can come back.

Tests that kill a service, or measure what it costs, use it; `tests.support.scanner` runs
the same services in the test's process.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

import grpc

from pyrox.mtls.identity import Subject
from pyrox.pg.settings import Settings
from tests.support import scanner
from tests.support.pg import free_port
from tests.support.pki import Pki

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]
_STARTING = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.FAILED_PRECONDITION})


class Process:
    """One scanner service, `scanner_indexer` or `scanner_matcher`."""

    def __init__(self, name: str, settings: Settings, pki: Pki, subject: Subject, **more: str) -> None:
        self.name = name
        self.port = free_port()
        self.probes = f"127.0.0.1:{free_port()}"
        section = name.removeprefix("scanner_")
        ports = {
            "SCANNER_V4_GRPC_LISTEN_ADDR": f"127.0.0.1:{self.port}",
            "SCANNER_V4_HTTP_LISTEN_ADDR": self.probes,
            "ROX_METRICS_PORT": f"127.0.0.1:{free_port()}",
        }
        certs = scanner.certificates(pki, subject)
        self.environment = {**scanner.environment(settings, section, certs), **ports, **more}
        self.popen: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> subprocess.Popen[bytes]:
        """The process, once started."""
        assert self.popen is not None
        return self.popen

    def start(self) -> None:
        inherited = {key: os.environ[key] for key in ("PATH", "HOME", "TMPDIR") if key in os.environ}
        command = [sys.executable, "-m", "services", self.name]
        self.popen = subprocess.Popen(command, cwd=ROOT, env={**inherited, **self.environment})

    def kill(self, number: int = signal.SIGKILL) -> int:
        self.running.send_signal(number)
        return self.running.wait(timeout=30)


@contextmanager
def running(*processes: Process) -> Iterator[None]:
    """Start them; end those that still run afterwards, so that they leave nothing behind."""
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            if process.popen is not None and process.popen.poll() is None:
                process.kill(signal.SIGTERM)


@asynccontextmanager
async def up(*processes: Process) -> AsyncIterator[None]:
    """Start them; kill those that still run at the end."""
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            if process.popen is not None and process.popen.poll() is None:
                process.kill()


async def answered(call: Callable[[], Awaitable[T]], seconds: float = 60.0) -> T:
    """Ask until the server is there and ready."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                return await call()
            except grpc.aio.AioRpcError as error:
                if error.code() not in _STARTING:
                    raise
            await asyncio.sleep(0.2)
