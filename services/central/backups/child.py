"""A program that Central runs to the end: its words on failure, and its end on ours.

Used for pg_dump, pg_restore and psql. Nobody is left behind: `end` kills and reaps.
"""

from __future__ import annotations

import asyncio
import contextlib
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from pyrox.errors import Unavailable

# Enough for the last messages of a program, whatever it wrote before.
_SAID_BYTES = 8 * 1024
_READ = 64 * 1024


class Child:
    """One running program; made by `start`."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self._process = process
        self._said = bytearray()
        self._listening = asyncio.create_task(self._listen(), name=f"{name} stderr")

    @classmethod
    async def start(
        cls,
        command: Sequence[str | Path],
        environment: Mapping[str, str],
        *,
        stdin: int | BinaryIO = DEVNULL,
        stdout: int = DEVNULL,
    ) -> Child:
        """Start it. Raises `Unavailable` when it cannot be started."""
        name = Path(command[0]).name
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=stdin, stdout=stdout, stderr=PIPE, env=dict(environment), cwd="/"
            )
        except OSError as error:
            raise Unavailable(f"{name} cannot be started: {error.strerror}") from error
        return cls(name, process)

    async def read(self) -> bytes:
        """The next bytes of its output; none at the end."""
        assert self._process.stdout is not None  # noqa: S101 - the caller asked for a pipe
        return await self._process.stdout.read(_READ)

    async def line(self) -> bytes:
        """The next line of its output, or a part of one that is very long; none at the end."""
        assert self._process.stdout is not None  # noqa: S101 - the caller asked for a pipe
        try:
            return await self._process.stdout.readuntil(b"\n")
        except asyncio.IncompleteReadError as end:
            return end.partial
        except asyncio.LimitOverrunError as long:
            return await self._process.stdout.readexactly(long.consumed)

    async def write(self, data: bytes) -> bool:
        """Give it input; whether it still takes some."""
        assert self._process.stdin is not None  # noqa: S101 - the caller asked for a pipe
        try:
            self._process.stdin.write(data)
            await self._process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    async def close_input(self) -> None:
        """Say that no more input comes."""
        assert self._process.stdin is not None  # noqa: S101 - the caller asked for a pipe
        self._process.stdin.close()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            await self._process.stdin.wait_closed()

    async def wait(self) -> str:
        """Wait for its end: empty when it succeeded, else what it said."""
        code = await self._process.wait()
        await self._listening
        if code == 0:
            return ""
        lines = self._said.decode("utf-8", "replace").strip().splitlines()
        said = "; ".join(lines[-4:]) or "it said nothing"
        return f"{self.name} ended with code {code}: {said}"

    async def end(self) -> None:
        """Kill it unless it has ended."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        if self._process.stdin is not None:
            self._process.stdin.close()
        # Somebody must read what is left, or the transport never closes.
        if self._process.stdout is not None:
            while await self._process.stdout.read(_READ):
                continue
        await self._process.wait()
        await self._listening

    async def _listen(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 - `start` asks for a pipe
        while part := await self._process.stderr.read(_READ):
            self._said += part
            del self._said[:-_SAID_BYTES]
