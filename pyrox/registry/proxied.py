"""An HTTP transport that reaches each address through the proxy that is for it.

Registries' clients use it, and those of other servers outside the installation. It must
not know where the choice comes from.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable

import httpx

ProxyChoice = Callable[[str], str]
"""From an address to its proxy's address; empty for none."""
# A configuration that changes leaves connections to older proxies behind.
_KEPT = 4


def direct(_: str) -> str:
    """No proxy for anything."""
    return ""


class ProxiedTransport(httpx.AsyncBaseTransport):
    """One pool of connections for each proxy, and one without."""

    def __init__(self, context: ssl.SSLContext, choice: ProxyChoice = direct) -> None:
        self._context = context
        self._choice = choice
        self._pools: dict[str, httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request the way that its address asks for."""
        proxy = self._choice(str(request.url))
        pool = self._pools.pop(proxy, None)
        if pool is None:
            pool = httpx.AsyncHTTPTransport(
                verify=self._context, trust_env=False, proxy=httpx.Proxy(proxy) if proxy else None
            )
        self._pools[proxy] = pool
        if len(self._pools) > _KEPT:
            await self._pools.pop(next(iter(self._pools))).aclose()
        return await pool.handle_async_request(request)

    async def aclose(self) -> None:
        """Close all connections."""
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            await pool.aclose()
