"""A whole Collector, in the test's own process or in one of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pyrox.clock import SystemClock
from pyrox.mtls.reload import CertFiles
from pyrox.service import Supervisor
from services.collector import config as settings
from services.collector.app import App, build
from services.collector.loader import Opener, open_probe
from tests.support.pki import COLLECTOR, Pki
from tests.support.process import Process


def config(
    pki: Pki, port: int, *, files: CertFiles | None = None, queue: int = 10_000, **environment: str
) -> settings.Config:
    """Settings for a Collector that calls the Sensor at this port."""
    given = _given(pki, port, files or pki.files(COLLECTOR))
    return settings.load([*_flags(), "--queue", str(queue)], {**given, **environment})


def process(pki: Pki, port: int, *, log: Path, files: CertFiles | None = None, metrics: int = 0) -> Process:
    """A Collector as the supervisor starts it, for the Sensor at this port; not started yet."""
    given = _given(pki, port, files or pki.files(COLLECTOR))
    return Process("collector", _flags(metrics), given, log)


def _given(pki: Pki, port: int, files: CertFiles) -> dict[str, str]:
    return {
        "GRPC_SERVER": f"127.0.0.1:{port}",
        "ROX_COLLECTOR_TLS_CA": str(pki.ca_file),
        "ROX_COLLECTOR_TLS_CLIENT_CERT": str(files.cert),
        "ROX_COLLECTOR_TLS_CLIENT_KEY": str(files.key),
    }


def _flags(metrics: int = 0) -> list[str]:
    """A metrics port of 0 is any."""
    return ["--listen", "127.0.0.1:0", "--metrics", f"127.0.0.1:{metrics}", "--host", "/"]


@asynccontextmanager
async def running_collector(
    configuration: settings.Config, opener: Opener = open_probe
) -> AsyncIterator[App]:
    """Build and run a Collector; it must not die."""
    app = build(configuration, SystemClock(), opener)
    try:
        async with Supervisor(app.components).running() as died:
            yield app
            await asyncio.sleep(0)
            assert not died.done(), died.result()
    finally:
        await app.close()
