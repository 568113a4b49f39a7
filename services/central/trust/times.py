"""When the certificates of the installation's parts end, as `/v1/credentialexpiry` shows."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from datetime import datetime

from cryptography import x509

from pyrox.rpc.client import split_endpoint
from services.central.trust.material import Material

_HANDSHAKE_SECONDS = 5.0
ServerCertificate = Callable[[str], Awaitable[x509.Certificate | None]]


async def server_certificate(endpoint: str) -> x509.Certificate | None:
    """The leaf that a TLS server shows, unverified; None when it does not answer."""
    host, port = split_endpoint(endpoint)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(_HANDSHAKE_SECONDS):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except (OSError, TimeoutError):
        return None
    shown: ssl.SSLObject | None = writer.get_extra_info("ssl_object")
    der = shown.getpeercert(binary_form=True) if shown is not None else None
    writer.close()
    return x509.load_der_x509_certificate(der) if der else None


class InstallationTimes:
    """Expiry times of Central, its scanner and its database."""

    def __init__(
        self,
        *,
        material: Material,
        scanner_endpoints: tuple[str, ...],
        look: ServerCertificate = server_certificate,
    ) -> None:
        self._material = material
        self._scanner_endpoints = scanner_endpoints
        self._look = look

    def central(self) -> datetime:
        """Of Central's service certificate."""
        return self._material.expiry()

    async def scanner_v4(self) -> datetime | None:
        """Of the scanner part that ends first; None when none is installed or answers."""
        found = [await self._look(endpoint) for endpoint in self._scanner_endpoints]
        ends = [leaf.not_valid_after_utc for leaf in found if leaf is not None]
        return min(ends) if ends else None

    async def central_db(self) -> datetime | None:
        """Of the database server; None, as PostgreSQL starts TLS only after its own request."""
        return None
