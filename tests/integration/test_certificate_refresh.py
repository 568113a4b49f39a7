"""Renewal of a cluster's certificates: Sensor's component between Central's answers and the API server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pyrox.k8s.client import KubeClient, KubeSource
from pyrox.metrics import Metrics
from pyrox.mtls.ca import CertificateAuthority, load_certificates
from pyrox.pb.internalapi.central.hello_pb2 import CentralHello
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgToSensor
from pyrox.service import Supervisor
from services.central.link import certificates
from services.sensor.certificates.bundle import SERVICES
from services.sensor.certificates.refresh import CertificateRefresh
from services.sensor.certificates.store import CertificateStore
from services.sensor.link.outbox import Outbox
from tests.support.pki import CLUSTER_ID, FixedClock
from tests.support.secrets_api import SecretsApi
from tests.support.waiting import until

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HELLO = CentralHello(capabilities=["SecuredClusterCertificatesReissue"])
DEPLOYMENT = {"metadata": {"name": "sensor", "uid": "uid-of-sensor"}}
NAMES = {f"tls-cert-{service}" for service in SERVICES}


class Clock(FixedClock):
    """Sleeps until the test lets it."""

    def __init__(self) -> None:
        super().__init__(START)
        self.wake = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self.wake.wait()
        self.wake.clear()
        self.moment += timedelta(seconds=seconds)


class Parts:
    """The component with everything around it."""

    def __init__(self, api: SecretsApi, client: KubeClient) -> None:
        self.clock = Clock()
        self.ca = CertificateAuthority.create(clock=self.clock)
        self.outbox = Outbox(limit=10, kept_limit=10, metrics=Metrics("sensor"))
        self.outbox.go_live()
        self.api = api
        store = CertificateStore(client=client, namespace="stackrox")
        self.refresh = CertificateRefresh(
            store=store, outbox=self.outbox, surroundings=(self.clock, lambda: 0.0)
        )

    async def request(self) -> str:
        """The id of the request that the component sends."""
        async with asyncio.timeout(60):
            message = await self.outbox.take()
        return message.issue_secured_cluster_certs_request.request_id

    def answer(self, request_id: str, error: str = "") -> None:
        """Central's answer, as our Central makes it."""
        message = MsgToSensor()
        response = message.issue_secured_cluster_certs_response
        response.request_id = request_id
        if error:
            response.error.message = error
        else:
            made = certificates.typed_set(self.ca, CLUSTER_ID, "stackrox")
            response.certificates.CopyFrom(made)
        self.refresh.on_response(message)

    async def renewed(self, writes: int = 7) -> None:
        """Wait until so many secrets were written in all, and the component sleeps."""
        await until(lambda: len(self.api.writes) == writes and self.clock.slept)


@asynccontextmanager
async def running(api: SecretsApi, directory: Path) -> AsyncIterator[Parts]:
    client = await KubeClient.open(KubeSource(kubeconfig=api.kubeconfig(directory)))
    parts = Parts(api, client)
    try:
        async with Supervisor([parts.refresh]).running() as died:
            yield parts
            assert not died.done(), died.result()
    finally:
        await client.close()


@pytest.fixture(name="api")
async def _api() -> AsyncIterator[SecretsApi]:
    async with SecretsApi().running() as api:
        api.deployment = DEPLOYMENT
        yield api


async def test_cluster_without_the_secrets_gets_all_seven_at_once(api: SecretsApi, tmp_path: Path) -> None:
    async with running(api, tmp_path) as parts:
        parts.refresh.on_online(HELLO)
        parts.answer(await parts.request())
        await parts.renewed()
    assert set(api.secrets) == NAMES
    assert api.writes[-1] == ("create", "tls-cert-sensor")
    for name, secret in api.secrets.items():
        metadata = secret["metadata"]
        assert [owner["uid"] for owner in metadata["ownerReferences"]] == ["uid-of-sensor"]
        assert metadata["labels"]["rhacs.redhat.com/tls"] == "true"
        assert set(api.data(name)) == {"ca.pem", "cert.pem", "key.pem"}


async def test_secrets_are_renewed_at_half_of_their_life_and_not_before(
    api: SecretsApi, tmp_path: Path
) -> None:
    async with running(api, tmp_path) as parts:
        parts.refresh.on_online(HELLO)
        parts.answer(await parts.request())
        await parts.renewed()
        serial = load_certificates(api.data("tls-cert-sensor")["cert.pem"])[0].serial_number
        waited = len(parts.clock.slept)
        while parts.clock.now() < START + timedelta(days=181):
            parts.clock.wake.set()
            await until(lambda before=waited: len(parts.clock.slept) > before)
            waited = len(parts.clock.slept)
            assert len(parts.outbox) == 0
        parts.clock.moment = START + timedelta(days=183)
        parts.clock.wake.set()
        parts.answer(await parts.request())
        await parts.renewed(writes=14)
        await until(lambda: len(parts.clock.slept) > waited)
    renewed = load_certificates(api.data("tls-cert-sensor")["cert.pem"])[0]
    assert renewed.serial_number != serial
    assert renewed.not_valid_after_utc > START + timedelta(days=540)


async def test_secrets_of_another_owner_are_left_alone(api: SecretsApi, tmp_path: Path) -> None:
    api.put("tls-cert-collector", {"cert.pem": b"theirs"}, ownerReferences=[{"uid": "other"}])
    async with running(api, tmp_path) as parts:
        parts.refresh.on_online(HELLO)
        await until(lambda: parts.clock.slept)
        parts.clock.wake.set()
        await until(lambda: parts.clock.slept == [60.0, 60.0])
        assert len(parts.outbox) == 0
    assert api.writes == []
    assert api.data("tls-cert-collector") == {"cert.pem": b"theirs"}


async def test_secrets_of_a_deployment_that_was_deleted_are_made_anew_once_they_are_gone(
    api: SecretsApi, tmp_path: Path
) -> None:
    for name in NAMES:
        api.put(name, {"cert.pem": b"old"}, ownerReferences=[{"uid": "deleted"}])
    async with running(api, tmp_path) as parts:
        parts.refresh.on_online(HELLO)
        await until(lambda: parts.clock.slept == [60.0])
        api.secrets.clear()
        parts.clock.wake.set()
        parts.answer(await parts.request())
        await parts.renewed()
    assert set(api.secrets) == NAMES


async def test_refusal_of_central_is_tried_again_with_growing_pauses(api: SecretsApi, tmp_path: Path) -> None:
    async with running(api, tmp_path) as parts:
        parts.refresh.on_online(HELLO)
        for failures in (1, 2, 3):
            parts.answer(await parts.request(), error="no CA")
            await until(lambda number=failures: len(parts.clock.slept) == number)
            parts.clock.wake.set()
        parts.answer(await parts.request())
        await parts.renewed()
        assert parts.clock.slept[:3] == [5.0, 15.0, 45.0]


async def test_api_server_that_refuses_is_tried_again(api: SecretsApi, tmp_path: Path) -> None:
    api.forbidden = {"create"}
    async with running(api, tmp_path) as parts:
        parts.refresh.on_online(HELLO)
        parts.answer(await parts.request())
        await until(lambda: parts.clock.slept)
        api.forbidden = set()
        parts.clock.wake.set()
        parts.answer(await parts.request())
        await parts.renewed()
    assert set(api.secrets) == NAMES


async def test_answer_to_another_request_is_ignored(api: SecretsApi, tmp_path: Path) -> None:
    async with running(api, tmp_path) as parts:
        parts.refresh.on_online(HELLO)
        request_id = await parts.request()
        parts.answer("another")
        assert api.writes == []
        parts.answer(request_id)
        await parts.renewed()
    assert set(api.secrets) == NAMES


async def test_connection_that_ends_is_followed_by_a_new_request(api: SecretsApi, tmp_path: Path) -> None:
    async with running(api, tmp_path) as parts:
        parts.refresh.on_online(HELLO)
        first = await parts.request()
        parts.refresh.on_offline()
        await asyncio.sleep(0)
        parts.refresh.on_online(HELLO)
        second = await parts.request()
        assert second != first
        parts.answer(second)
        await parts.renewed()
    assert set(api.secrets) == NAMES


async def test_central_that_cannot_renew_is_not_asked(api: SecretsApi, tmp_path: Path) -> None:
    async with running(api, tmp_path) as parts:
        parts.refresh.on_online(CentralHello())
        await asyncio.sleep(0)
        assert len(parts.outbox) == 0
    assert api.reads == []


async def test_sensor_without_a_deployment_writes_secrets_without_an_owner(
    api: SecretsApi, tmp_path: Path
) -> None:
    api.deployment = None
    async with running(api, tmp_path) as parts:
        parts.refresh.on_online(HELLO)
        parts.answer(await parts.request())
        await parts.renewed()
    assert set(api.secrets) == NAMES
    assert not any("ownerReferences" in secret["metadata"] for secret in api.secrets.values())
