"""A whole Collector in the test's own process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pyrox.clock import SystemClock
from pyrox.mtls.reload import CertFiles
from pyrox.service import Supervisor
from services.collector import config as settings
from services.collector.app import App, build
from services.collector.loader import Opener, open_probe
from tests.support.pki import COLLECTOR, Pki


def config(
    pki: Pki, port: int, *, files: CertFiles | None = None, queue: int = 10_000, **environment: str
) -> settings.Config:
    """Settings for a Collector that calls the Sensor at this port."""
    own = files or pki.files(COLLECTOR)
    given = {
        "GRPC_SERVER": f"127.0.0.1:{port}",
        "ROX_COLLECTOR_TLS_CA": str(pki.ca_file),
        "ROX_COLLECTOR_TLS_CLIENT_CERT": str(own.cert),
        "ROX_COLLECTOR_TLS_CLIENT_KEY": str(own.key),
        **environment,
    }
    flags = ["--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--host", "/", "--queue", str(queue)]
    return settings.load(flags, given)


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
