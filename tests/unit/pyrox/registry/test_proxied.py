"""Which pool of connections a request goes to."""

from __future__ import annotations

import ssl
from typing import Any

import httpx
import pytest

from pyrox.registry.proxied import ProxiedTransport, direct


class Pool:
    """Stands where a pool of connections would be opened."""

    made: list[Pool]

    def __init__(self, *, proxy: httpx.Proxy | None, **_: Any) -> None:
        self.proxy = str(proxy.url) if proxy else ""
        self.closed = False
        Pool.made.append(self)

    async def handle_async_request(self, _: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text=self.proxy or "none")

    async def aclose(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def pools(monkeypatch: pytest.MonkeyPatch) -> None:
    Pool.made = []
    monkeypatch.setattr(httpx, "AsyncHTTPTransport", Pool)


async def test_each_proxy_has_one_pool_and_so_has_none() -> None:
    choice = {"https://a/x": "http://p:1", "https://b/x": "", "https://c/x": "http://p:1"}
    transport = ProxiedTransport(ssl.create_default_context(), choice.__getitem__)
    async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
        told = [(await client.get(url)).text for url in (*choice, *choice)]
    assert told == ["http://p:1", "none", "http://p:1"] * 2
    assert [pool.proxy for pool in Pool.made] == ["http://p:1", ""]
    assert all(pool.closed for pool in Pool.made)


async def test_pools_of_older_configurations_are_closed() -> None:
    proxies = iter(f"http://p{number}:1" for number in range(6))
    transport = ProxiedTransport(ssl.create_default_context(), lambda _: next(proxies))
    async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
        for _ in range(6):
            await client.get("https://a/")
        assert [pool.closed for pool in Pool.made] == [True, True, False, False, False, False]


def test_direct_is_no_proxy() -> None:
    assert direct("https://a/") == ""
