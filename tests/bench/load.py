"""Load on one port of this machine: `python -m tests.bench.load KIND HOST PORT SECONDS CA`.

A process of its own, so that the client does not take the server's share. Prints one
JSON line: requests, seconds, p50 and p99 in milliseconds. KIND is `rest` or `grpc`.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import uvloop

CONNECTIONS = 16
_REQUEST = b"GET /v1/ping HTTP/1.1\r\nHost: central.stackrox\r\n\r\n"
_METHOD = "/v1.PingService/Ping"
Once = Callable[[], Awaitable[None]]


async def rest(host: str, port: int, ca: Path) -> list[Once]:
    """One keep-alive connection each."""
    context = ssl.create_default_context(cafile=str(ca))
    context.check_hostname = False
    made: list[Once] = []
    for _ in range(CONNECTIONS):
        reader, writer = await asyncio.open_connection(host, port, ssl=context)

        async def once(reader: asyncio.StreamReader = reader, writer: asyncio.StreamWriter = writer) -> None:
            writer.write(_REQUEST)
            head = await reader.readuntil(b"\r\n\r\n")
            assert b" 200 " in head[:16]
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length))

        made.append(once)
    return made


async def rpc(host: str, port: int, ca: Path) -> list[Once]:
    """Calls that share four channels."""
    credentials = grpc.ssl_channel_credentials(ca.read_bytes())
    options: list[tuple[str, Any]] = [
        ("grpc.ssl_target_name_override", "central.stackrox"),
        ("grpc.use_local_subchannel_pool", 1),
    ]
    channels: list[Any] = [
        grpc.aio.secure_channel(f"{host}:{port}", credentials, options=options) for _ in range(4)
    ]
    calls = [channel.unary_unary(_METHOD) for channel in channels]

    def one(call: Any) -> Once:
        async def once() -> None:
            await call(b"")

        return once

    return [one(calls[number % len(calls)]) for number in range(CONNECTIONS)]


async def drive(once: Once, until: float, spent: list[float]) -> None:
    """Ask again and again."""
    while (begin := time.perf_counter()) < until:
        await once()
        spent.append(time.perf_counter() - begin)


async def run(kind: str, host: str, port: int, seconds: float, ca: Path) -> None:
    """Drive all connections and print the figures."""
    callers = await {"rest": rest, "grpc": rpc}[kind](host, port, ca)
    for once in callers:
        await once()
    spent: list[float] = []
    begin = time.perf_counter()
    await asyncio.gather(*(drive(once, begin + seconds, spent) for once in callers))
    took = time.perf_counter() - begin
    spent.sort()
    figures = {
        "requests": len(spent),
        "seconds": took,
        "p50": spent[len(spent) // 2] * 1000,
        "p99": spent[int(len(spent) * 0.99)] * 1000,
    }
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), Path(sys.argv[5])))
