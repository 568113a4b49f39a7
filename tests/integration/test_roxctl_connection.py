"""roxctl against a real TLS port: transports, trust, credentials, servers that misbehave."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyrox.errors import Unavailable
from pyrox.mtls.identity import Subject
from tests.support.cli import Run, roxctl, settings_for, without_login
from tests.support.fake_central import FakeCentral, running
from tests.support.pki import Pki
from tests.support.recorded_central import Basic, Recorded


class Site:
    """A running Central and what it saw."""

    def __init__(self, directory: Path) -> None:
        self.recorded = Recorded()
        self.basic = Basic()
        self.refreshes: list[dict[str, str]] = []
        self.central: FakeCentral = self.recorded.central(directory, authenticator=self.basic, app=self.app)

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        headers = {key.decode(): value.decode() for key, value in scope["headers"]}
        self.refreshes.append(headers)
        body = json.dumps({"token": "a-token", "expiry": "2026-11-24T12:00:00Z"}).encode()
        status = 200 if "again" in headers.get("cookie", "") else 401
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": body if status == 200 else b"no"})

    def whoami(self, *flags: str, **more: str) -> Run:
        return roxctl("central", "whoami", *flags, environment=settings_for(self.central, **more))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("central"))
    with running(made.central):
        yield made


@pytest.mark.parametrize(
    ("flags", "more"),
    [
        ([], {}),
        (["--force-http1"], {}),
        (["--insecure-skip-tls-verify"], {"ROX_CA_CERT_FILE": ""}),
        ([], {"ROX_INSECURE_CLIENT_SKIP_TLS_VERIFY": "true", "ROX_CA_CERT_FILE": ""}),
        (["-s", "central.stackrox"], {}),
    ],
    ids=["default", "http1", "unverified", "unverified by variable", "name given"],
)
def test_whoami_over_tls(site: Site, flags: list[str], more: dict[str, str]) -> None:
    done = site.whoami(*flags, **more)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("UserID:\n\tadmin\n")


@pytest.mark.parametrize("flags", [[], ["--direct-grpc"]])
def test_whoami_without_tls(site: Site, flags: list[str]) -> None:
    endpoint = f"http://127.0.0.1:{site.central.plain_port}"
    done = site.whoami("--insecure", *flags, ROX_ENDPOINT=endpoint)
    assert (done.code, done.err) == (0, "")


def test_service_certificate_passes_under_any_name(site: Site) -> None:
    done = site.whoami("-e", f"localhost:{site.central.port}")
    assert (done.code, done.err) == (0, "")


def test_calls_carry_command_and_agent(site: Site) -> None:
    site.basic.metadata.clear()
    site.whoami(ROX_EXECUTION_ENV="GitHub")
    first, second = site.basic.metadata
    assert first["rh-roxctl-command"] == "central whoami"
    assert [call["rh-roxctl-command-index"] for call in (first, second)] == ["1", "2"]
    assert first["rh-execution-environment"] == "GitHub"
    assert first["user-agent"].startswith("roxctl/4.11.0 (linux; ")


@pytest.mark.parametrize("flags", [[], ["--force-http1"]])
def test_unknown_ca_is_refused_with_advice(site: Site, tmp_path: Path, flags: list[str]) -> None:
    other = Pki(tmp_path / "other")
    done = site.whoami(*flags, ROX_CA_CERT_FILE=str(other.ca_file))
    assert (done.code, done.out) == (1, "")
    assert "tls: failed to verify certificate: x509: " in done.err
    assert "--ca" in done.err
    assert done.waits == []


def test_certificate_of_another_service_is_refused(tmp_path: Path) -> None:
    central = Recorded().central(tmp_path)
    files = central.pki.files(Subject("SCANNER_V4_INDEXER_SERVICE", "Scanner V4 Indexer"))
    central._files = files
    with running(central):
        done = roxctl("central", "whoami", environment=settings_for(central))
    assert done.code == 1
    assert "x509" in done.err


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "could not read CA file"),
        ("no certificate", "holds no certificate in PEM form"),
        (
            "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n",
            "could not read the trusted certificates",
        ),
    ],
)
def test_broken_ca_file_is_refused(site: Site, tmp_path: Path, content: str | None, text: str) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    done = site.whoami("--ca", str(path))
    assert done.code == 1
    assert text in done.err


def test_nobody_answering_is_told_after_retries() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        done = roxctl("central", "whoami", environment={"ROX_ENDPOINT": f"127.0.0.1:{port}"})
    assert done.code == 1
    assert "rpc error: code = Unavailable desc = connection error" in done.err
    assert f"dial tcp 127.0.0.1:{port}: Connection refused" in done.err
    assert done.waits[:3] == [0.1, 0.2, 0.4]


def test_server_that_is_no_central_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            for _ in range(10):
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return  # the listener was shut down: the test is over
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
        done = roxctl("central", "whoami", "--insecure", environment={"ROX_ENDPOINT": endpoint})
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(timeout=60)
    assert done.code == 1
    assert "the answer is not gRPC-Web; is this Central's address?" in done.err


@pytest.mark.parametrize("flags", [[], ["--force-http1"]])
def test_nobody_logged_in_is_told(site: Site, flags: list[str]) -> None:
    done = roxctl("central", "whoami", *flags, environment=without_login(settings_for(site.central)))
    assert done.err == (
        "ERROR:\tgetting auth status: rpc error: code = Unauthenticated desc = credentials not found\n"
    )


def test_token_from_file(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("a-token\n")
    done = roxctl(
        "central", "whoami", "--token-file", str(path), environment=without_login(settings_for(site.central))
    )
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize("expires", ["2026-11-24T08:00:00Z", "2026-11-24T20:00:00Z"])
def test_stored_login_is_used_and_renewed(site: Site, tmp_path: Path, expires: str) -> None:
    current = expires > "2026-11-24T09:00:30Z"
    (tmp_path / "roxctl-config.yaml").write_text(
        f"centrals:\n  {site.central.endpoint}:\n    access:\n"
        f"      accessToken: {'a-token' if current else 'old'}\n"
        f"      expiresAt: {expires}\n      refreshToken: again\n"
    )
    site.refreshes.clear()
    environment = without_login(settings_for(site.central, ROX_CONFIG_DIR=str(tmp_path)))
    done = roxctl("central", "whoami", environment=environment)
    assert (done.code, done.err) == (0, "")
    assert len(site.refreshes) == (0 if current else 1)
    assert "a-token" in (tmp_path / "roxctl-config.yaml").read_text()


def test_stored_login_that_cannot_be_renewed_says_what_to_do(site: Site, tmp_path: Path) -> None:
    (tmp_path / "roxctl-config.yaml").write_text(
        f"centrals:\n  {site.central.endpoint}:\n    access:\n      accessToken: old\n"
        "      expiresAt: 2026-11-24T08:00:00Z\n      refreshToken: revoked\n"
    )
    environment = without_login(settings_for(site.central, ROX_CONFIG_DIR=str(tmp_path)))
    done = roxctl("central", "whoami", environment=environment)
    assert done.code == 1
    assert "expected status code 200, but received 401. Response Body: no" in done.err
    assert "roxctl central login" in done.err


def test_call_is_repeated_while_central_is_busy(site: Site) -> None:
    site.recorded.answers["scan"] = Unavailable("starting")
    done = roxctl("image", "scan", "-i", "nginx:1", "-o", "csv", environment=settings_for(site.central))
    assert (done.code, done.waits) == (0, [0.1])


class Proxy:
    """An HTTP proxy that tunnels, and remembers where to."""

    def __init__(self) -> None:
        self.targets: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._tunnel, args=[client], daemon=True).start()

    def _tunnel(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        target = head.split()[1].decode()
        self.targets.append(target)
        server = socket.create_connection(("127.0.0.1", int(target.rpartition(":")[2])))
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        threading.Thread(target=_pump, args=[server, client], daemon=True).start()
        _pump(client, server)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for end in (source, sink):
        end.close()


def test_proxy_of_the_environment_is_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Proxy()
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "")
    try:
        done = site.whoami("-e", f"central.stackrox:{site.central.port}")
    finally:
        proxy.close()
    assert (done.code, done.err) == (0, "")
    assert proxy.targets == [f"central.stackrox:{site.central.port}"]


def test_proxy_that_the_environment_excludes_is_not_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert site.whoami().code == 0
