"""A real proxy between a registry's client and names that only it knows."""

from __future__ import annotations

import base64
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from pyrox.proxy import ProxyFile
from pyrox.registry.proxied import ProxiedTransport


class Proxy:
    """Answers plain requests itself and refuses tunnels; remembers both."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, str]] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                proxy.seen.append(("GET", self.path, self.headers.get("proxy-authorization", "")))
                self.send_response(200)
                self.send_header("content-length", "5")
                self.end_headers()
                self.wfile.write(b"found")

            def do_CONNECT(self) -> None:
                proxy.seen.append(("CONNECT", self.path, self.headers.get("proxy-authorization", "")))
                self.send_response(502)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    made = Proxy()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


async def test_configured_proxy_gets_requests_and_tunnels_with_its_credentials(
    proxy: Proxy, tmp_path: Path
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        f"{{url: 'http://127.0.0.1:{proxy.server.server_port}', username: ann, password: 'p@ss', "
        "excludes: [direct.test]}"
    )
    transport = ProxiedTransport(ssl.create_default_context(), ProxyFile(path, {}).for_url)
    async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
        assert (await client.get("http://registry.test/v2/")).text == "found"
        with pytest.raises(httpx.ProxyError):
            await client.get("https://registry.test/v2/")
        with pytest.raises(httpx.ConnectError):
            await client.get("http://direct.test/v2/")
    credentials = f"Basic {base64.b64encode(b'ann:p@ss').decode()}"
    assert proxy.seen == [
        ("GET", "http://registry.test/v2/", credentials),
        ("CONNECT", "registry.test:443", credentials),
    ]
