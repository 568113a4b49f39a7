"""Sensor and Central: greeting, first sync, detection, reconnect, bad order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pyrox.k8s import kinds
from pyrox.pb.internalapi.central.hello_pb2 import SensorHello
from pyrox.pb.internalapi.central.sensor_events_pb2 import ResourceAction
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import ImageKey, MsgToSensor
from pyrox.pb.storage import policy_pb2
from pyrox.pb.storage.policy_pb2 import Policy, PolicyGroup, PolicySection, PolicyValue
from tests.support.central_link import CentralLinkServer
from tests.support.fake_k8s import FakeKubernetes
from tests.support.pki import CLUSTER_ID, Pki
from tests.support.sensor import pod, replica_set, running_sensor, workload
from tests.support.waiting import until

PRIVILEGED = Policy(
    id="p-privileged",
    name="Privileged Container",
    severity=policy_pb2.MEDIUM_SEVERITY,
    lifecycle_stages=[policy_pb2.DEPLOY],
    policy_version="1.1",
    enforcement_actions=[policy_pb2.SCALE_TO_ZERO_ENFORCEMENT],
    policy_sections=[
        PolicySection(
            policy_groups=[PolicyGroup(field_name="Privileged Container", values=[PolicyValue(value="true")])]
        )
    ],
)


@pytest.fixture
async def kube() -> AsyncIterator[FakeKubernetes]:
    async with FakeKubernetes().running() as server:
        server.put(kinds.NAMESPACE, {"metadata": {"name": "shop", "uid": "ns-shop"}})
        server.put(kinds.NAMESPACE, {"metadata": {"name": "kube-system", "uid": "ns-kube"}})
        server.put(kinds.NODE, {"metadata": {"name": "node-1", "uid": "node-1"}})
        server.put(kinds.SERVICE_ACCOUNT, {"metadata": {"name": "default", "namespace": "shop", "uid": "sa"}})
        server.put(kinds.DEPLOYMENT, workload("web", securityContext={"privileged": True}))
        server.put(kinds.REPLICA_SET, replica_set("web-rs", "web"))
        server.put(kinds.POD, pod("web-1", "web-rs"))
        yield server


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path / "pki")


@pytest.fixture
async def central(pki: Pki) -> AsyncIterator[CentralLinkServer]:
    async with CentralLinkServer(pki, [PRIVILEGED]).running() as server:
        yield server


async def test_sensor_first_connection_follows_the_recorded_order(
    kube: FakeKubernetes, central: CentralLinkServer, pki: Pki, tmp_path: Path
) -> None:
    async with running_sensor(kube, central, pki, tmp_path):
        await central.synced()
        await until(lambda: central.events("alert_results"))
    assert central.http[:3] == ["/v1/tls-challenge", "/v1/ping", "/v1/grpc-preferences"]
    headers = central.headers[0]
    assert headers["rox-sensor-hello"] == "true"
    assert headers["stackrox.cluster.id"] == ""
    assert headers["rox-sensor-version-info"] == '{"mainVersion":"4.11.0"}'
    assert "SensorDetection" in headers["rox-sensor-capabilities"].split(",")
    assert headers["authorization"].startswith("ServiceCert ")
    assert headers["user-agent"].startswith("Rox Sensor/4.11.0 (linux; amd64) grpc-")
    hello = central.received[0].hello
    assert hello.sensor_state == SensorHello.STARTUP
    assert hello.request_deduper_state
    assert list(hello.capabilities) == sorted(hello.capabilities)
    assert hello.deployment_identification.system_namespace_id == "ns-kube"
    arms = [m.WhichOneof("msg") for m in central.received]
    assert arms[1:4] == ["compliance_operator_info", "cluster_status_update", "cluster_status_update"]
    order = [m.event.WhichOneof("resource") for m in central.received if m.HasField("event")]
    kinds_in_order = [
        arm for i, arm in enumerate(order) if arm not in order[:i] and arm not in {"alert_results", "synced"}
    ]
    assert kinds_in_order == ["namespace", "service_account", "node", "deployment", "pod"]


async def test_sensor_deployment_event_is_complete(
    kube: FakeKubernetes, central: CentralLinkServer, pki: Pki, tmp_path: Path
) -> None:
    async with running_sensor(kube, central, pki, tmp_path):
        await central.synced()
    (event,) = central.events("deployment")
    assert (event.id, event.action) == ("uid-web", ResourceAction.SYNC_RESOURCE)
    assert (event.timing.dispatcher, event.timing.resource) == ("v1.Deployment", "Deployment")
    assert event.sensor_hash
    deployment = event.deployment
    assert (deployment.cluster_id, deployment.namespace_id, deployment.cluster_name) == (
        CLUSTER_ID,
        "ns-shop",
        "",
    )
    assert deployment.containers[0].image.id == "sha256:" + "d" * 64
    assert deployment.containers[0].image.id_v2
    (sent,) = central.events("pod")
    assert sent.pod.deployment_id == "uid-web"
    assert sent.timing.dispatcher == "v1.Pod"


async def test_sensor_detects_and_follows_policies(
    kube: FakeKubernetes, central: CentralLinkServer, pki: Pki, tmp_path: Path
) -> None:
    async with running_sensor(kube, central, pki, tmp_path):
        await central.synced()
        await until(lambda: central.events("alert_results"))
        first = central.events("alert_results")[0]
        assert (first.id, first.action) == ("uid-web", ResourceAction.SYNC_RESOURCE)
        assert first.alert_results.alerts[0].policy.name == "Privileged Container"
        assert not first.HasField("timing")
        assert central.scans[0].image.id_v2
        off = Policy()
        off.CopyFrom(PRIVILEGED)
        off.disabled = True
        central.push_policies([off])
        await until(lambda: len(central.events("alert_results")) == 2)
        second = central.events("alert_results")[1]
        assert (second.action, len(second.alert_results.alerts)) == (ResourceAction.UPDATE_RESOURCE, 0)


async def test_sensor_new_deployment_is_created_enforced_and_removed(
    kube: FakeKubernetes, central: CentralLinkServer, pki: Pki, tmp_path: Path
) -> None:
    async with running_sensor(kube, central, pki, tmp_path):
        await central.synced()
        kube.put(kinds.DEPLOYMENT, workload("bad", securityContext={"privileged": True}))
        await until(lambda: [e for e in central.events("alert_results") if e.id == "uid-bad"])
        created = next(e for e in central.events("deployment") if e.id == "uid-bad")
        assert created.action == ResourceAction.CREATE_RESOURCE
        await until(lambda: any(path.endswith("/deployments/bad/scale") for _, path, _ in kube.writes))
        # Deployments that were there before are not enforced on.
        assert not any("/deployments/web/" in path for _, path, _ in kube.writes)
        kube.remove(kinds.DEPLOYMENT, "bad", "shop")
        # The end of the alerts is told after that of the deployment, in a message of its own.
        await until(
            lambda: [e for e in central.events("alert_results") if e.action == ResourceAction.REMOVE_RESOURCE]
        )
        told = [m.event for m in central.received if m.HasField("event") and m.event.id == "uid-bad"]
        assert [(e.WhichOneof("resource"), e.action) for e in told[-2:]] == [
            ("deployment", ResourceAction.REMOVE_RESOURCE),
            ("alert_results", ResourceAction.REMOVE_RESOURCE),
        ]
        assert not told[-1].alert_results.alerts


async def test_sensor_break_glass_annotation_stops_enforcement(
    kube: FakeKubernetes, central: CentralLinkServer, pki: Pki, tmp_path: Path
) -> None:
    async with running_sensor(kube, central, pki, tmp_path):
        await central.synced()
        value = workload("glass", securityContext={"privileged": True})
        value["metadata"]["annotations"] = {"admission.stackrox.io/break-glass": ""}
        kube.put(kinds.DEPLOYMENT, value)
        await until(lambda: [e for e in central.events("alert_results") if e.id == "uid-glass"])
        kube.put(kinds.DEPLOYMENT, workload("after", securityContext={"privileged": True}))
        await until(lambda: any("/deployments/after/scale" in path for _, path, _ in kube.writes))
    assert not any("/deployments/glass/" in path for _, path, _ in kube.writes)


async def test_sensor_reconnect_sends_only_what_changed(
    kube: FakeKubernetes, central: CentralLinkServer, pki: Pki, tmp_path: Path
) -> None:
    async with running_sensor(kube, central, pki, tmp_path) as app:
        await central.synced()
        await until(lambda: central.events("alert_results"))
        central.hang_up()
        await until(lambda: app.link.state.value == "offline")
        kube.put(kinds.DEPLOYMENT, workload("meanwhile"))
        await central.synced(connection=2)
    hello = central.received[0].hello
    assert hello.sensor_state == SensorHello.RECONNECT
    assert central.headers[1]["stackrox.cluster.id"] == CLUSTER_ID
    assert central.http[3:6] == ["/v1/ping", "/v1/tls-challenge", "/v1/grpc-preferences"]
    sent = [m.event.WhichOneof("resource") for m in central.received if m.HasField("event")]
    assert sent.count("deployment") == 1
    assert sent.count("node") == 1
    assert "namespace" not in sent
    unchanged = set(central.events("synced")[0].synced.unchanged_ids)
    assert unchanged == {
        "Namespace:ns-shop",
        "Namespace:ns-kube",
        "ServiceAccount:sa",
        "Deployment:uid-web",
        "Pod:uid-web-1",
    }


async def test_sensor_central_restarts_sensor_comes_back(
    kube: FakeKubernetes, pki: Pki, tmp_path: Path
) -> None:
    first = CentralLinkServer(pki, [PRIVILEGED])
    async with first.running():
        port = first.port
    second = CentralLinkServer(pki, [PRIVILEGED])
    second.hashes = {"Deployment:gone": 1}
    second.port = port
    async with running_sensor(kube, second, pki, tmp_path) as app:
        await until(lambda: app.link.failure)
        assert "Central" in app.link.failure
        async with second.running(port):
            await second.synced()
            assert [e.id for e in second.events("deployment")] == ["uid-web"]


async def test_sensor_bad_order_ends_the_stream_and_drops_reconciliation(
    kube: FakeKubernetes, central: CentralLinkServer, pki: Pki, tmp_path: Path
) -> None:
    good = central.first_messages
    central.first_messages = lambda: [good()[0], *reversed(good()[1:])]
    async with running_sensor(kube, central, pki, tmp_path) as app:
        await until(lambda: len(central.connections) >= 2 and central.connections[1])
        assert "was due" in app.link.failure
        assert not central.connections[1][0].hello.request_deduper_state
        central.first_messages = good
        await until(lambda: app.link.state.value == "live")
        await central.synced()


async def test_sensor_invalidated_image_is_asked_again(
    kube: FakeKubernetes, central: CentralLinkServer, pki: Pki, tmp_path: Path
) -> None:
    async with running_sensor(kube, central, pki, tmp_path):
        await central.synced()
        await until(lambda: central.scans)
        message = MsgToSensor()
        message.invalidate_image_cache.image_keys.append(ImageKey(image_id_v2=central.scans[0].image.id_v2))
        central.send(message)
        await until(lambda: len(central.scans) == 2)
    assert central.scans[1].image.id_v2 == central.scans[0].image.id_v2


async def test_sensor_foreign_certificate_is_not_accepted(
    kube: FakeKubernetes, central: CentralLinkServer, tmp_path: Path
) -> None:
    foreign = Pki(tmp_path / "foreign")
    async with running_sensor(kube, central, foreign, tmp_path) as app:
        await until(lambda: app.link.failure)
    assert not central.connections


async def test_sensor_without_central_enforces_and_tells_once_afterwards(
    kube: FakeKubernetes, central: CentralLinkServer, pki: Pki, tmp_path: Path
) -> None:
    good = central.first_messages
    async with running_sensor(kube, central, pki, tmp_path) as app:
        await central.synced()
        await until(lambda: central.events("alert_results"))
        # From now on Central refuses every greeting.
        central.first_messages = list
        central.hang_up()
        await until(lambda: app.link.state.value == "offline")
        kube.put(kinds.DEPLOYMENT, workload("alone", securityContext={"privileged": True}))
        await until(lambda: any("/deployments/alone/scale" in path for _, path, _ in kube.writes))
        count = len(central.connections)
        central.first_messages = good
        await until(lambda: len(central.connections) > count)
        await until(lambda: [e for e in central.events("alert_results") if e.id == "uid-alone"])
        await central.synced()
    told = [m.event for m in central.received if m.HasField("event") and m.event.id == "uid-alone"]
    assert [e.WhichOneof("resource") for e in told] == ["deployment", "alert_results"]
    assert [e.id for e in central.events("alert_results")] == ["uid-alone"]


async def test_sensor_slow_scan_does_not_delay_verdicts_on_the_spec(
    kube: FakeKubernetes, central: CentralLinkServer, pki: Pki, tmp_path: Path
) -> None:
    async with running_sensor(kube, central, pki, tmp_path):
        await central.synced()
        await until(lambda: central.events("alert_results"))
        central.may_scan.clear()
        kube.put(
            kinds.DEPLOYMENT,
            workload("slow", image="quay.io/slow/app:1", securityContext={"privileged": True}),
        )
        await until(lambda: [e for e in central.events("alert_results") if e.id == "uid-slow"])
        await until(lambda: any("/deployments/slow/scale" in path for _, path, _ in kube.writes))
        scans = len(central.scans)
        central.may_scan.set()
        await until(lambda: len(central.scans) >= scans)
    assert len([e for e in central.events("alert_results") if e.id == "uid-slow"]) == 1
