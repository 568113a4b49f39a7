"""What Collector and Admission get from Sensor, over real TLS and gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from pyrox.k8s import kinds
from pyrox.mtls.identity import Subject
from pyrox.mtls.reload import ClientTls
from pyrox.pb.internalapi.central.sensor_events_pb2 import AlertResults
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import ImageKey, MsgToSensor
from pyrox.pb.internalapi.sensor.admission_control_iservice_pb2_grpc import (
    AdmissionControlManagementServiceStub,
)
from pyrox.pb.internalapi.sensor.admission_control_pb2 import AdmissionControlAlerts
from pyrox.pb.internalapi.sensor.collector_iservice_pb2 import MsgFromCollector
from pyrox.pb.internalapi.sensor.collector_iservice_pb2_grpc import CollectorServiceStub
from pyrox.pb.internalapi.sensor.collector_pb2 import ProcessSignal as CollectorSignal
from pyrox.pb.internalapi.sensor.deployment_iservice_pb2 import GetDeploymentForPodRequest
from pyrox.pb.internalapi.sensor.deployment_iservice_pb2_grpc import DeploymentServiceStub
from pyrox.pb.internalapi.sensor.image_iservice_pb2 import GetImageRequest
from pyrox.pb.internalapi.sensor.image_iservice_pb2_grpc import ImageServiceStub
from pyrox.pb.internalapi.sensor.signal_iservice_pb2 import SignalStreamMessage
from pyrox.pb.internalapi.sensor.signal_iservice_pb2_grpc import SignalServiceStub
from pyrox.pb.storage import policy_pb2
from pyrox.pb.storage.alert_pb2 import Alert
from pyrox.pb.storage.deployment_pb2 import ContainerImage
from pyrox.pb.storage.image_pb2 import ImageName
from pyrox.pb.storage.policy_pb2 import Policy, PolicyGroup, PolicySection, PolicyValue
from pyrox.rpc.client import Target, http_client, secure_channel
from services.sensor.app import App
from tests.support.central_link import CentralLinkServer
from tests.support.fake_k8s import FakeKubernetes
from tests.support.pki import CLUSTER_ID, COLLECTOR, SENSOR, Pki
from tests.support.sensor import pod, replica_set, running_sensor, workload
from tests.support.waiting import until

ADMISSION = Subject("ADMISSION_CONTROL_SERVICE", CLUSTER_ID)
CONTAINER = "ab" * 32


def policy(name: str, field: str, value: str, **extra: Any) -> Policy:
    group = PolicyGroup(field_name=field, values=[PolicyValue(value=value)])
    return Policy(
        id=f"p-{name}",
        name=name,
        policy_version="1.1",
        policy_sections=[PolicySection(policy_groups=[group])],
        **extra,
    )


RUNTIME: dict[str, Any] = {
    "lifecycle_stages": [policy_pb2.RUNTIME],
    "event_source": policy_pb2.DEPLOYMENT_EVENT,
}
SHELL = policy(
    "Shell", "Process Name", "sh", enforcement_actions=[policy_pb2.KILL_POD_ENFORCEMENT], **RUNTIME
)
EXEC = policy("Exec", "Kubernetes Resource", "PODS_EXEC", **RUNTIME)
ENFORCED = policy(
    "Privileged",
    "Privileged Container",
    "true",
    lifecycle_stages=[policy_pb2.DEPLOY],
    enforcement_actions=[policy_pb2.SCALE_TO_ZERO_ENFORCEMENT],
)


@dataclass(frozen=True)
class Site:
    """A running Sensor between fake Kubernetes and fake Central."""

    app: App
    central: CentralLinkServer
    kube: FakeKubernetes
    pki: Pki

    @property
    def target(self) -> Target:
        return Target(f"127.0.0.1:{self.app.front.addresses[0][1]}", SENSOR.hostname)

    @asynccontextmanager
    async def channel(self, subject: Subject) -> AsyncIterator[grpc.aio.Channel]:
        tls = ClientTls(authorities=[self.pki.ca_file], certificate=self.pki.files(subject))
        channel = secure_channel(self.target, tls=tls)
        try:
            yield channel
        finally:
            await channel.close()


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    pki = Pki(tmp_path / "pki")
    async with FakeKubernetes().running() as kube:
        kube.put(kinds.NAMESPACE, {"metadata": {"name": "shop", "uid": "ns-shop"}})
        kube.put(kinds.DEPLOYMENT, workload("web"))
        kube.put(kinds.REPLICA_SET, replica_set("web-rs", "web"))
        kube.put(kinds.POD, pod("web-1", "web-rs", container_id=CONTAINER))
        async with (
            CentralLinkServer(pki, [SHELL, EXEC, ENFORCED]).running() as central,
            running_sensor(kube, central, pki, tmp_path) as app,
        ):
            await central.synced()
            yield Site(app, central, kube, pki)


def signal(container: str = CONTAINER[:12], name: str = "sh", args: str = "-c id") -> SignalStreamMessage:
    message = SignalStreamMessage()
    process = message.signal.process_signal
    process.container_id, process.name, process.args, process.exec_file_path, process.uid = (
        container,
        name,
        args,
        f"/bin/{name}",
        7,
    )
    process.lineage_info.add(parent_uid=0, parent_exec_file_path="/bin/bash")
    return message


async def test_signals_become_indicators_alerts_and_a_killed_pod(site: Site) -> None:
    async with site.channel(COLLECTOR) as channel:
        call: Any = SignalServiceStub(channel).PushSignals  # type: ignore[no-untyped-call]
        stream = call()
        await stream.initial_metadata()
        await stream.write(signal())
        await until(lambda: site.central.events("process_indicator"))
        indicator = site.central.events("process_indicator")[0].process_indicator
        assert (indicator.deployment_id, indicator.pod_id, indicator.pod_uid) == (
            "uid-web",
            "web-1",
            "uid-web-1",
        )
        assert (indicator.container_name, indicator.namespace, indicator.signal.uid) == ("main", "shop", 7)
        assert indicator.signal.lineage_info[0].parent_exec_file_path == "/bin/bash"
        assert indicator.image_id == "sha256:" + "d" * 64
        await until(lambda: [e for e in site.central.events("alert_results") if e.alert_results.stage])
        event = next(e for e in site.central.events("alert_results") if e.alert_results.stage)
        assert event.alert_results.stage == policy_pb2.RUNTIME
        assert not event.HasField("sensor_hash")
        (alert,) = event.alert_results.alerts
        assert alert.policy.name == "Shell"
        assert alert.process_violation.processes[0].id == indicator.id
        await until(lambda: any(method == "DELETE" for method, _, _ in site.kube.writes))
        assert ("DELETE", "/api/v1/namespaces/shop/pods/web-1", {}) in site.kube.writes
        stream.cancel()


async def test_signal_of_container_seen_later_waits_for_it(site: Site) -> None:
    late = "ef" * 32
    async with site.channel(COLLECTOR) as channel:
        call: Any = SignalServiceStub(channel).PushSignals  # type: ignore[no-untyped-call]
        stream = call()
        await stream.write(signal(late[:12], "cat"))
        await stream.write(signal("0" * 12, "cat"))
        await asyncio.sleep(0.1)
        assert not site.central.events("process_indicator")
        site.kube.put(kinds.POD, pod("web-2", "web-rs", container_id=late))
        await until(lambda: site.central.events("process_indicator"))
        assert site.central.events("process_indicator")[0].process_indicator.pod_id == "web-2"
        stream.cancel()


async def test_collector_stream_of_the_new_form_is_served(site: Site) -> None:
    async with site.channel(COLLECTOR) as channel:
        call: Any = CollectorServiceStub(channel).Communicate  # type: ignore[no-untyped-call]
        stream = call()
        process = CollectorSignal(
            container_id=CONTAINER, name="cat", exec_file_path="/bin/cat", gid=3, pid=12
        )
        process.creation_time.seconds = 5
        await stream.write(MsgFromCollector(process_signal=process))
        await until(lambda: site.central.events("process_indicator"))
        sent = site.central.events("process_indicator")[0].process_indicator.signal
        assert (sent.container_id, sent.gid, sent.pid, sent.time.seconds) == (CONTAINER[:12], 3, 12, 5)
        stream.cancel()


async def test_runtime_events_of_an_outage_come_after_it(site: Site) -> None:
    site.central.hang_up()
    await until(lambda: site.app.link.state.value != "live")
    async with site.channel(COLLECTOR) as channel:
        call: Any = SignalServiceStub(channel).PushSignals  # type: ignore[no-untyped-call]
        stream = call()
        await stream.write(signal())
        await site.central.synced(connection=2)
        await until(lambda: site.central.events("process_indicator"))
        await until(lambda: [e for e in site.central.events("alert_results") if e.alert_results.stage])
        assert len(site.central.events("process_indicator")) == 1
        stream.cancel()


async def test_admission_gets_settings_then_everything_then_changes(site: Site) -> None:
    async with site.channel(ADMISSION) as channel:
        call: Any = AdmissionControlManagementServiceStub(channel).Communicate  # type: ignore[no-untyped-call]
        stream = call()
        messages = [await stream.read() for _ in range(6)]
        settings = messages[0].settings_push
        assert [p.name for p in settings.enforced_deploy_time_policies.policies] == ["Privileged"]
        assert [p.name for p in settings.runtime_policies.policies] == ["Exec"]
        assert (settings.cluster_id, settings.flatten_image_data, settings.cache_version) == (
            CLUSTER_ID,
            True,
            "",
        )
        assert settings.central_endpoint == f"127.0.0.1:{site.central.port}"
        arms = [m.update_resource_request.WhichOneof("resource") for m in messages[1:]]
        assert arms == ["deployment", "pod", "namespace", "cluster_labels", "synced"]
        site.central.push_policies([])
        again = (await stream.read()).settings_push
        assert not again.enforced_deploy_time_policies.policies
        assert again.timestamp.ToNanoseconds() > settings.timestamp.ToNanoseconds()
        site.kube.put(kinds.DEPLOYMENT, workload("new"))
        change = (await stream.read()).update_resource_request
        assert change.deployment.name == "new"
        message = MsgToSensor()
        message.invalidate_image_cache.image_keys.append(ImageKey(image_full_name="x"))
        site.central.send(message)
        assert (await stream.read()).image_cache_invalidation.image_keys[0].image_full_name == "x"
        stream.cancel()


async def test_admission_settings_are_written_to_the_config_map(site: Site) -> None:
    path = kinds.CONFIG_MAP.in_namespace("stackrox", "admission-control")
    await until(lambda: [body for _, where, body in site.kube.writes if where == path])
    body = [body for _, where, body in site.kube.writes if where == path][-1]
    assert set(body["binaryData"]) == {"config.pb.gz", "policies.pb.gz", "runtime-policies.pb.gz"}
    assert body["data"]["cluster-id"] == CLUSTER_ID


async def test_admission_alerts_are_forwarded_as_recorded(site: Site) -> None:
    async with site.channel(ADMISSION) as channel:
        stub: Any = AdmissionControlManagementServiceStub(channel)  # type: ignore[no-untyped-call]
        await stub.PolicyAlerts(AdmissionControlAlerts(alert_results=[AlertResults(alerts=[Alert(id="a")])]))
        await until(lambda: [e for e in site.central.events("alert_results") if not e.id])
    event = next(e for e in site.central.events("alert_results") if not e.id)
    assert (event.action, event.alert_results.deployment_id) == (0, "")
    assert event.sensor_hash


async def test_admission_image_and_deployment_questions_are_answered(site: Site) -> None:
    async with site.channel(ADMISSION) as channel:
        images: Any = ImageServiceStub(channel)  # type: ignore[no-untyped-call]
        wanted = ContainerImage(
            name=ImageName(full_name="docker.io/library/nginx:latest", registry="docker.io")
        )
        answer = await images.GetImage(GetImageRequest(image=wanted, scan_inline=True, namespace="shop"))
        assert answer.image.name.full_name == wanted.name.full_name
        await images.GetImage(GetImageRequest(image=wanted))
        # Sensor asks for the images of its own workloads meanwhile.
        asked = [one for one in site.central.scans if one.image.name.full_name == wanted.name.full_name]
        assert [one.cached_only for one in asked] == [False, True]
        deployments: Any = DeploymentServiceStub(channel)  # type: ignore[no-untyped-call]
        found = await deployments.GetDeploymentForPod(
            GetDeploymentForPodRequest(pod_name="web-1", namespace="shop")
        )
        assert found.id == "uid-web"
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await deployments.GetDeploymentForPod(
                GetDeploymentForPodRequest(pod_name="none", namespace="shop")
            )
        assert refused.value.code() == grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize(
    ("subject", "path"),
    [
        (ADMISSION, "/sensor.SignalService/PushSignals"),
        (ADMISSION, "/sensor.CollectorService/Communicate"),
        (COLLECTOR, "/sensor.AdmissionControlManagementService/Communicate"),
        (COLLECTOR, "/sensor.AdmissionControlManagementService/PolicyAlerts"),
        (COLLECTOR, "/sensor.ImageService/GetImage"),
        (SENSOR, "/sensor.DeploymentService/GetDeploymentForPod"),
    ],
)
async def test_wrong_identity_is_refused(site: Site, subject: Subject, path: str) -> None:
    async with site.channel(subject) as channel:
        stream = channel.stream_stream(path)()
        await stream.write(b"")
        assert await stream.code() == grpc.StatusCode.PERMISSION_DENIED


async def test_ready_and_unknown_paths(site: Site) -> None:
    tls = ClientTls(authorities=[site.pki.ca_file])
    async with http_client(site.target, tls=tls) as client:
        assert (await client.get("/ready")).status_code == 200
        assert (await client.get("/v1/ping")).status_code == 404
