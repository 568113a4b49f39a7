"""The client's dealings with a registry that names a token service; no request leaves the process."""

from __future__ import annotations

import httpx
import pytest

from pyrox.errors import Invalid
from pyrox.registry.auth import Credentials
from pyrox.registry.client import Endpoint, RegistryClient
from tests.support.pki import FixedClock


class Challenging(httpx.AsyncBaseTransport):
    """A registry that sends every client to one token service."""

    def __init__(self, realm: str) -> None:
        self.realm = realm
        self.asked: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        challenge = f'Bearer realm="{self.realm}",service="s"'.encode()
        return httpx.Response(401, headers=[(b"www-authenticate", challenge)], stream=httpx.ByteStream(b"no"))


@pytest.mark.parametrize(
    "realm", ["https://[a/token", "https://a:99999/token", "https://xn--\u00fc/token", "https://\u00fc..x/"]
)
async def test_token_service_at_a_malformed_address_is_refused(
    monkeypatch: pytest.MonkeyPatch, realm: str
) -> None:
    peer = Challenging(realm)
    endpoint = Endpoint("r.example", credentials=Credentials("u", "p"))
    client = RegistryClient(endpoint, clock=FixedClock())
    made = httpx.AsyncClient(transport=peer, trust_env=False)
    monkeypatch.setattr(client._transport, "_connected", lambda: made)
    with pytest.raises(Invalid, match=r"registry address '.*': .*expected http\(s\)://host\[:port\]"):
        await client.ping()
    assert peer.asked == ["https://r.example/v2/"]
