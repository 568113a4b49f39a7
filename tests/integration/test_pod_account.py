"""The account of a pod: its token is rotated by the kubelet while Sensor runs, and followed."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiohttp import web
from kubernetes.aio.config import incluster_config

from pyrox.errors import Invalid, NotAuthorized, Unavailable
from pyrox.k8s.client import KubeClient, KubeSource
from tests.support.pki import Pki
from tests.support.tls_postgres import certificate_of_localhost

START = datetime(2026, 11, 24, 9, 0)  # noqa: DTZ001 - the client library counts in local time


class Pod:
    """What a pod has of its account, and the API server that it reaches."""

    def __init__(self, directory: Path) -> None:
        self.token = directory / "token"
        self.authority = directory / "ca.crt"
        self.valid = "one"
        self.now = START
        self.shown: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        """Whatever is asked for, for whoever shows the valid token."""
        self.shown.append(request.headers.get("Authorization", ""))
        if self.shown[-1].partition(" ")[2] != self.valid:
            return web.json_response({"message": "Unauthorized"}, status=401)
        return web.json_response({"kind": "Namespace"})


@pytest.fixture(name="pod")
async def _pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pod]:
    pki = Pki(tmp_path / "pki")
    files = certificate_of_localhost(pki)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.cert, files.key)
    pod = Pod(tmp_path)
    pod.token.write_text("one")
    pod.authority.write_bytes(pki.ca.cert_pem)
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", pod.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(runner.addresses[0][1]))
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(pod.token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(pod.authority))
    moment = SimpleNamespace(now=lambda: pod.now)
    clock = SimpleNamespace(datetime=moment, timedelta=timedelta)
    monkeypatch.setattr(incluster_config, "datetime", clock)
    yield pod
    await runner.cleanup()


@pytest.fixture(name="client")
async def _client(pod: Pod) -> AsyncIterator[KubeClient]:
    client = await KubeClient.open(KubeSource())
    yield client
    await client.close()


async def test_rotated_token_is_shown_a_minute_later_at_the_latest(pod: Pod, client: KubeClient) -> None:
    assert (await client.get("/api/v1/namespaces/stackrox"))["kind"] == "Namespace"
    pod.token.write_text("two")
    pod.now += timedelta(seconds=59)
    await client.get("/api/v1/namespaces/stackrox")
    pod.valid = "two"
    pod.now += timedelta(seconds=1)
    await client.get("/api/v1/namespaces/stackrox")
    assert [shown.partition(" ")[2] for shown in pod.shown] == ["one", "one", "two"]
    assert {shown.partition(" ")[0].lower() for shown in pod.shown} == {"bearer"}


async def test_token_that_is_refused_or_empty_heals_with_the_next_one(pod: Pod, client: KubeClient) -> None:
    pod.valid = "two"
    with pytest.raises(NotAuthorized, match="HTTP 401: Unauthorized"):
        await client.get("/api/v1/nodes")
    pod.token.write_text("")
    pod.now += timedelta(minutes=1)
    with pytest.raises(Unavailable, match="Token file exists but empty"):
        await client.get("/api/v1/nodes")
    pod.token.write_text("two")
    assert (await client.get("/api/v1/nodes"))["kind"] == "Namespace"


async def test_server_of_another_ca_is_not_trusted(pod: Pod, tmp_path: Path) -> None:
    pod.authority.write_bytes(Pki(tmp_path / "other").ca.cert_pem)
    client = await KubeClient.open(KubeSource())
    try:
        with pytest.raises(Unavailable, match="certificate verify failed"):
            await client.get("/api/v1/nodes")
    finally:
        await client.close()
    assert pod.shown == []


async def test_process_outside_a_pod_is_told_what_is_missing(pod: Pod) -> None:
    pod.token.unlink()
    with pytest.raises(
        Invalid, match="Kubernetes configuration of the pod: Service token file does not exist"
    ):
        await KubeClient.open(KubeSource())
