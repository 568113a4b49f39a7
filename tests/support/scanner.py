"""A running Indexer or Matcher in the test's own process: real TLS, gRPC and PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import grpc

from pyrox.clock import SystemClock
from pyrox.mtls.identity import SCANNER_V4_INDEXER, SCANNER_V4_MATCHER, Subject
from pyrox.mtls.reload import ClientTls
from pyrox.pg.settings import Settings
from pyrox.rpc.client import Target, secure_channel
from pyrox.rpc.front import Front
from pyrox.service import Supervisor
from services.scanner_indexer import app as indexer_app
from services.scanner_indexer import config as indexer_config
from services.scanner_matcher import app as matcher_app
from services.scanner_matcher import config as matcher_config
from tests.support.pki import Pki


def environment(settings: Settings, section: str, certs: Path, **more: str) -> Mapping[str, str]:
    """Settings that point a scanner service at a test database and at free ports."""
    dsn = (
        f"host={settings.host} port={settings.port} user={settings.user} password={settings.password} "
        f"dbname={settings.database} pool_max_conns=8"
    )
    return {
        f"SCANNER_V4_{section.upper()}_DATABASE_CONN_STRING": dsn,
        "SCANNER_V4_GRPC_LISTEN_ADDR": "127.0.0.1:0",
        "SCANNER_V4_HTTP_LISTEN_ADDR": "127.0.0.1:0",
        "SCANNER_V4_MTLS_CERTS_DIR": str(certs),
        "ROX_METRICS_PORT": "127.0.0.1:0",
        **more,
    }


def certificates(pki: Pki, subject: Subject) -> Path:
    """A directory with `ca.pem`, `cert.pem` and `key.pem` of a service."""
    directory = pki.files(subject).cert.parent
    (directory / "ca.pem").write_bytes(pki.ca.cert_pem)
    return directory


@asynccontextmanager
async def channel(
    address: tuple[str, int], pki: Pki, client: Subject, server: Subject
) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a server with the client's certificate."""
    tls = ClientTls(authorities=[pki.ca_file], certificate=pki.files(client))
    made = secure_channel(Target(f"{address[0]}:{address[1]}", server.hostname), tls=tls)
    try:
        yield made
    finally:
        await made.close(None)


@asynccontextmanager
async def indexer(settings: Settings, pki: Pki, **more: str) -> AsyncIterator[indexer_app.App]:
    """A running Indexer on this database."""
    certs = certificates(pki, SCANNER_V4_INDEXER)
    config = indexer_config.load(None, environment(settings, "indexer", certs, **more))
    built = indexer_app.build(config, clock=SystemClock(), random=Random(1))
    await built.pool.connect()
    await built.migrator.run()
    async with Supervisor(built.components).running() as died:
        yield built
        assert not died.done()
    await _until_empty(built.front, built.probes)


async def _until_empty(*fronts: Front) -> None:
    """gRPC's clients never say goodbye to TLS; the front closes for them after two seconds."""
    async with asyncio.timeout(60):
        while any(front.connections for front in fronts):  # noqa: ASYNC110 - a front has no event for it
            await asyncio.sleep(0.02)


@asynccontextmanager
async def matcher(settings: Settings, pki: Pki, **more: str) -> AsyncIterator[matcher_app.App]:
    """A running Matcher on this database."""
    certs = certificates(pki, SCANNER_V4_MATCHER)
    config = matcher_config.load(None, environment(settings, "matcher", certs, **more))
    built = matcher_app.build(config, clock=SystemClock(), random=Random(1))
    await built.pool.connect()
    await built.migrator.run()
    async with Supervisor(built.components).running() as died:
        yield built
        assert not died.done()
    await _until_empty(built.front, built.probes)


async def loaded(running: matcher_app.App) -> None:
    """Return when the Matcher's own loop has loaded everything once."""
    async with asyncio.timeout(60):
        while await running.store.last_update() is None:  # noqa: ASYNC110 - another task's work
            await asyncio.sleep(0.05)
