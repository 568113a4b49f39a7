"""A whole Admission between a real Sensor and the API server's side, over TLS and gRPC."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from pyrox.clock import SystemClock
from pyrox.k8s import kinds
from pyrox.mtls.identity import Subject
from pyrox.pb.api.v1.image_service_pb2 import ScanImageInternalRequest
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgToSensor
from pyrox.pb.storage.alert_pb2 import ATTEMPTED
from pyrox.pb.storage.image_pb2 import Image
from pyrox.service import Supervisor
from services.admission import config as settings
from services.admission.app import App, build
from services.admission.settings import FILE
from services.sensor.app import App as SensorApp
from tests.support.central_link import CentralLinkServer
from tests.support.fake_k8s import FakeKubernetes
from tests.support.pki import CLUSTER_ID, Pki
from tests.support.sensor import pod, replica_set, running_sensor
from tests.support.sensor import workload as in_cluster
from tests.support.waiting import until
from tests.unit.services.admission.builders import OLD_OS, PRIVILEGED, on_request, workload

ADMISSION = Subject("ADMISSION_CONTROL_SERVICE", CLUSTER_ID)
EXEC = on_request("exec")


@asynccontextmanager
async def running_admission(pki: Pki, sensor: str, directory: Path) -> AsyncIterator[App]:
    files = pki.files(ADMISSION)
    (files.cert.parent / "ca.pem").write_bytes(pki.ca_file.read_bytes())
    arguments = ["--listen", "127.0.0.1:0", "--certs", str(files.cert.parent), "--drain", "10ms"]
    arguments += ["--state", str(directory / "state"), "--mounted", str(directory / "mounted")]
    environment = {"ROX_SENSOR_ENDPOINT": sensor, "ROX_METRICS_PORT": "127.0.0.1:0"}
    app = build(settings.load(arguments, environment), SystemClock())
    try:
        async with Supervisor(app.components).running() as died:
            yield app
            assert not died.done(), died.result()
    finally:
        await app.close()


@dataclass(frozen=True)
class Site:
    """A running Admission and what stands around it."""

    app: App
    sensor: SensorApp
    central: CentralLinkServer
    pki: Pki
    directory: Path

    def client(self) -> httpx.AsyncClient:
        """The API server: it checks the certificate against the service CA by the service's name."""
        context = ssl.create_default_context(cafile=str(self.pki.ca_file))
        context.check_hostname = False
        host, port = self.app.front.addresses[0]
        return httpx.AsyncClient(base_url=f"https://{host}:{port}", verify=context, timeout=60)

    async def ready(self) -> None:
        async with self.client() as client:
            for _ in range(500):
                if (await client.get("/ready")).status_code == 200:
                    return
                await asyncio.sleep(0.02)
        raise TimeoutError("Admission never became ready")

    async def ask(self, path: str, value: dict[str, Any], **request: Any) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "uid": "u1",
            "kind": {"kind": value.get("kind", "")},
            "name": "web",
            "namespace": "shop",
            "operation": "CREATE",
            "userInfo": {"username": "bob"},
            "object": value,
        }
        fields.update(request)
        body = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": fields}
        async with self.client() as client:
            answer = await client.post(path, content=json.dumps(body))
        assert answer.status_code == 200, answer.text
        response: dict[str, Any] = answer.json()["response"]
        return response


def scan(request: ScanImageInternalRequest) -> Image:
    image = Image(id="sha256:1", name=request.image.name)
    image.scan.operating_system = "debian:8" if "old" in request.image.name.full_name else "debian:12"
    return image


def _with_scans(first: Callable[[], list[MsgToSensor]]) -> Callable[[], list[MsgToSensor]]:
    """Central's greeting for a cluster where images are scanned before the answer."""

    def messages() -> list[MsgToSensor]:
        made = first()
        for message in made:
            if message.HasField("cluster_config"):
                config = message.cluster_config.config.admission_controller_config
                config.scan_inline, config.timeout_seconds = True, 10
        return made

    return messages


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    pki = Pki(tmp_path / "pki")
    async with FakeKubernetes().running() as kube:
        kube.put(kinds.NAMESPACE, {"metadata": {"name": "shop", "uid": "ns-shop"}})
        kube.put(kinds.DEPLOYMENT, in_cluster("web"))
        kube.put(kinds.REPLICA_SET, replica_set("web-rs", "web"))
        kube.put(kinds.POD, pod("web-1", "web-rs"))
        central = CentralLinkServer(pki, [PRIVILEGED, OLD_OS, EXEC])
        central.scan = scan
        central.first_messages = _with_scans(central.first_messages)
        async with central.running(), running_sensor(kube, central, pki, tmp_path) as sensor:
            await central.synced()
            address = f"127.0.0.1:{sensor.front.addresses[0][1]}"
            async with running_admission(pki, address, tmp_path) as app:
                made = Site(app, sensor, central, pki, tmp_path)
                await made.ready()
                yield made


def attempted(central: CentralLinkServer) -> list[str]:
    """Names of policies whose attempted alerts reached Central."""
    return [
        alert.policy.name
        for event in central.events("alert_results")
        for alert in event.alert_results.alerts
        if alert.state == ATTEMPTED
    ]


async def test_violation_is_refused_and_reaches_central_as_an_attempt(site: Site) -> None:
    assert (await site.ask("/validate", workload()))["allowed"]
    refused = await site.ask("/validate", workload(privileged=True))
    assert not refused["allowed"]
    assert refused["status"]["reason"] == "Failed currently enforced policies from StackRox"
    await until(lambda: attempted(site.central) == ["privileged"])


async def test_image_is_scanned_through_sensor_by_central(site: Site) -> None:
    refused = await site.ask("/validate", workload(image="old:1"))
    assert "old-os" in refused["status"]["message"]
    assert (await site.ask("/validate", workload(image="new:1")))["allowed"]
    asked = {request.image.name.full_name for request in site.central.scans}
    assert {"docker.io/library/old:1", "docker.io/library/new:1"} <= asked


async def test_exec_is_refused_on_the_pod_that_sensor_told_of(site: Site) -> None:
    refused = await site.ask(
        "/events",
        {"kind": "PodExecOptions", "container": "main", "command": ["id"]},
        name="web-1",
        operation="CONNECT",
        subResource="exec",
    )
    assert not refused["allowed"]
    await until(lambda: attempted(site.central) == ["exec"])


async def test_pushed_policies_change_the_verdict(site: Site) -> None:
    assert not (await site.ask("/validate", workload(privileged=True)))["allowed"]
    site.central.push_policies([])
    for _ in range(300):
        if (await site.ask("/validate", workload(privileged=True), dryRun=True))["allowed"]:
            return
        await asyncio.sleep(0.02)
    pytest.fail("the policy is still enforced")


async def test_without_sensor_the_kept_settings_decide(site: Site) -> None:
    await until((site.directory / "state" / FILE).exists)
    async with running_admission(site.pki, "127.0.0.1:1", site.directory) as app:
        alone = Site(app, site.sensor, site.central, site.pki, site.directory)
        await alone.ready()
        assert not (await alone.ask("/validate", workload(privileged=True)))["allowed"]
        assert (await alone.ask("/validate", workload()))["allowed"]


async def test_only_http_1_1_is_spoken(site: Site) -> None:
    context = ssl.create_default_context(cafile=str(site.pki.ca_file))
    context.check_hostname = False
    context.set_alpn_protocols(["h2", "http/1.1"])
    host, port = site.app.front.addresses[0]
    _, writer = await asyncio.open_connection(host, port, ssl=context)
    assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
    writer.close()
    await writer.wait_closed()


async def test_closed_channel_is_opened_again_and_policies_still_arrive(site: Site) -> None:
    await site.app.channels.close()
    site.central.push_policies([])
    allowed = False
    for _ in range(900):
        allowed = (await site.ask("/validate", workload(privileged=True), dryRun=True))["allowed"]
        if allowed:
            break
        await asyncio.sleep(0.05)
    assert allowed, "settings do not arrive any more"
