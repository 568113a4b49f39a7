"""REST and gRPC on Central's one port beside plain servers: `python -m tests.bench.front`.

The peers have the same certificate, the same client and one method; the ratio is what
one port for everything, routing, authentication and authorisation cost.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.support import pg
from tests.support.central import running_central
from tests.support.pg import free_port

SECONDS = 5.0


@contextmanager
def peer(kind: str, cert: Path, key: Path) -> Iterator[int]:
    """A plain server in a process of its own."""
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.peers", kind, str(port), str(cert), str(key)]
    process = subprocess.Popen(command)
    try:
        _wait(port)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(port: int) -> None:
    for _ in range(200):
        try:
            httpx.get(f"https://127.0.0.1:{port}/", verify=False)  # noqa: S501 - only whether it listens
        except (httpx.ConnectError, httpx.ReadError):
            time.sleep(0.05)
        except httpx.HTTPError:
            return
        else:
            return
    raise TimeoutError(f"nothing listens at {port}")


def load(kind: str, port: int, ca: Path) -> dict[str, float]:
    """The figures of the client."""
    command = [sys.executable, "-m", "tests.bench.load", kind, "127.0.0.1", str(port), str(SECONDS), str(ca)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def line(name: str, figures: dict[str, float]) -> float:
    """Print one server's figures; its requests per second."""
    rate = figures["requests"] / figures["seconds"]
    sys.stdout.write(
        f"{name}: {rate:,.0f} requests/s, p50 {figures['p50']:.2f} ms, p99 {figures['p99']:.2f} ms\n"
    )
    return rate


def main() -> int:
    """Measure both protocols, ours and the peer's in turn."""
    with tempfile.TemporaryDirectory() as directory, pg.running_server() as server:
        place = Path(directory) / "central"
        with running_central(place, server.database()) as central:
            certs = place / "secrets" / "certs"
            ca = certs / "ca.pem"
            for kind, plain in (("rest", "uvicorn alone"), ("grpc", "grpc.aio alone")):
                ours = line(f"{kind}, Central's one port", load(kind, central.port, ca))
                with peer(kind, certs / "cert.pem", certs / "key.pem") as port:
                    theirs = line(f"{kind}, {plain}", load(kind, port, ca))
                sys.stdout.write(f"{kind}: {ours / theirs:.2f} of the peer\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
