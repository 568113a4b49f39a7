"""Readiness probes: does a process answer as its documentation says?

The supervisor calls `probe` every few moments. Only the standard library is used, so
that the supervisor stays small. It must not know processes.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from pathlib import Path

from services.local.table import Process

_SECONDS = 5.0
_HEAD_BYTES = 4096
_OK = range(200, 300)


class Prober:
    """Asks processes; what went wrong comes back as text."""

    def __init__(self, authority: Path) -> None:
        """`authority` is the CA whose certificates the processes show."""
        self._authority = authority
        self._context: ssl.SSLContext | None = None

    async def probe(self, process: Process) -> str:
        """Empty when the process is ready, else why it is not."""
        try:
            async with asyncio.timeout(_SECONDS):
                return await self._ask(process)
        except TimeoutError:
            return "no answer"
        except ssl.SSLError as err:
            return f"TLS: {err.reason or err}"
        except OSError as err:
            return (err.strerror or str(err)).lower()

    async def _ask(self, process: Process) -> str:
        host, port = process.probed
        kind = process.ready.kind
        context = self._tls() if kind == "https" else None
        reader, writer = await asyncio.open_connection(
            host, port, ssl=context, server_hostname="" if context else None
        )
        try:
            if kind == "postgres":
                return await _postgres(reader, writer)
            if kind == "tcp":
                return ""
            return await _http(reader, writer, f"{host}:{port}", process.ready.path)
        finally:
            writer.transport.abort()

    def _tls(self) -> ssl.SSLContext:
        """Checks the chain; the name says nothing, since every process is asked by address."""
        if self._context is None:
            context = ssl.create_default_context(cafile=self._authority)
            context.check_hostname = False
            context.set_alpn_protocols(["http/1.1"])
            self._context = context
        return self._context


async def _http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, path: str) -> str:
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    await writer.drain()
    line = (await reader.read(_HEAD_BYTES)).split(b"\r\n", 1)[0].decode("latin-1")
    words = line.split(" ", 2)
    if len(words) < 2 or not words[1].isdigit():
        return "it answers something else than HTTP"
    return "" if int(words[1]) in _OK else f"status {words[1]}"


async def _postgres(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    """Start a session as far as the question for the password (protocol 3.0).

    A server that still starts answers with an error of class 57P03 instead.
    """
    words = b"user\0postgres\0database\0postgres\0\0"
    writer.write(struct.pack("!II", 8 + len(words), 196608) + words)
    await writer.drain()
    answer = await reader.read(_HEAD_BYTES)
    if answer[:1] == b"R":
        return ""
    fields = {part[:1]: part[1:] for part in answer[5:].split(b"\0") if part}
    return fields.get(b"M", b"it does not speak PostgreSQL's protocol").decode("utf-8", "replace")
