"""The certificate that a TLS server shows, looked at over a real handshake."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pyrox.clock import SystemClock
from pyrox.mtls.identity import SCANNER_V4_INDEXER, SCANNER_V4_MATCHER, Subject
from pyrox.mtls.reload import CertFiles
from services.central.trust import times
from services.central.trust.material import Material
from services.central.trust.times import InstallationTimes, server_certificate
from tests.support.pg import free_port
from tests.support.pki import Pki


@asynccontextmanager
async def showing(files: CertFiles | None) -> AsyncIterator[str]:
    """A server with this certificate, or one that accepts and says nothing."""
    context = None
    if files is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files.cert, files.key)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    await asyncio.sleep(0.01)


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path / "pki")


def leaf(pki: Pki, subject: Subject, days: int) -> CertFiles:
    return pki.files(subject, f"{subject.type}-{days}", lifetime=timedelta(days=days))


async def test_certificate_is_seen_even_when_it_has_ended(pki: Pki) -> None:
    async with showing(pki.expired(SCANNER_V4_INDEXER)) as endpoint:
        found = await server_certificate(endpoint)
    assert found is not None
    assert found.not_valid_after_utc < datetime.now(UTC)


async def test_server_that_is_away_or_silent_shows_none(pki: Pki, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times, "_HANDSHAKE_SECONDS", 0.1)
    assert await server_certificate(f"127.0.0.1:{free_port()}") is None
    async with showing(None) as endpoint:
        assert await server_certificate(endpoint) is None


async def test_scanner_ends_with_the_part_that_ends_first(pki: Pki, tmp_path: Path) -> None:
    certs = tmp_path / "certs"
    certs.mkdir()
    own = leaf(pki, Subject("CENTRAL_SERVICE", "Central"), 30)
    for name, content in (
        ("ca.pem", pki.ca.cert_pem),
        ("ca-key.pem", pki.ca.key_pem),
        ("cert.pem", own.cert.read_bytes()),
        ("key.pem", own.key.read_bytes()),
    ):
        (certs / name).write_bytes(content)
    material = Material.load(certs, SystemClock())
    indexer, matcher = leaf(pki, SCANNER_V4_INDEXER, 9), leaf(pki, SCANNER_V4_MATCHER, 4)
    async with showing(indexer) as one, showing(matcher) as other:
        ends = await InstallationTimes(material=material, scanner_endpoints=(one, other)).scanner_v4()
    assert ends is not None
    assert timedelta(days=3) < ends - datetime.now(UTC) < timedelta(days=5)
