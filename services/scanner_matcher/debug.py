"""Anonymous access for debugging, when the operator switched it on."""

from __future__ import annotations

from collections.abc import Mapping

from cryptography import x509

from pyrox.rpc.authn import Authenticator
from pyrox.rpc.call import Identity, ServiceIdentity


class AnyService:
    """Takes callers without a certificate for Central (`ROX_SCANNER_V4_ALLOW_ANONYMOUS_AUTH`)."""

    def __init__(self, known: Authenticator) -> None:
        self._known = known

    async def identify(self, metadata: Mapping[str, str], certificate: x509.Certificate | None) -> Identity:
        """The service of the certificate, else Central's identity."""
        identity = await self._known.identify(metadata, certificate)
        if not identity.anonymous:
            return identity
        return Identity(
            uid="anonymous", name="anonymous", service=ServiceIdentity("CENTRAL_SERVICE", "anonymous")
        )
