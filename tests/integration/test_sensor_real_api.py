"""Sensor against a real Kubernetes API server: watches, patches and what it refuses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pyrox.clock import SystemClock
from pyrox.errors import NotFound
from pyrox.k8s import kinds
from pyrox.k8s.client import KubeClient, KubeSource
from pyrox.pb.internalapi.central.sensor_events_pb2 import ResourceAction, SensorEvent
from pyrox.pb.storage import policy_pb2
from pyrox.pb.storage.policy_pb2 import Policy, PolicyGroup, PolicySection, PolicyValue
from pyrox.service import Supervisor
from services.sensor.app import build
from tests.conftest import shared_folder
from tests.support import kube
from tests.support.central_link import CentralLinkServer
from tests.support.fake_k8s import FakeKubernetes
from tests.support.pki import Pki
from tests.support.sensor import config
from tests.support.waiting import until

pytestmark = pytest.mark.needs("kube")

PRIVILEGED = Policy(
    id="p",
    name="Privileged Container",
    lifecycle_stages=[policy_pb2.DEPLOY],
    policy_version="1.1",
    enforcement_actions=[
        policy_pb2.SCALE_TO_ZERO_ENFORCEMENT,
        policy_pb2.UNSATISFIABLE_NODE_CONSTRAINT_ENFORCEMENT,
    ],
    policy_sections=[
        PolicySection(
            policy_groups=[PolicyGroup(field_name="Privileged Container", values=[PolicyValue(value="true")])]
        )
    ],
)


@pytest.fixture(scope="module")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with kube.control_plane(shared_folder() / "kube", tmp_path_factory.mktemp("kube")) as path:
        yield path


@pytest.fixture
async def api(kubeconfig: Path) -> AsyncIterator[KubeClient]:
    client = await KubeClient.open(KubeSource(kubeconfig=kubeconfig))
    for name in ("shop", "stackrox"):
        try:
            await client.get(f"{kinds.NAMESPACE.path}/{name}")
        except NotFound:
            await client.create(kinds.NAMESPACE.path, {"metadata": {"name": name}})
    yield client
    await client.close()


@pytest.fixture
async def central(api: KubeClient, kubeconfig: Path, tmp_path: Path) -> AsyncIterator[CentralLinkServer]:
    """Central's side with a synced Sensor on the real cluster."""
    pki = Pki(tmp_path / "pki")
    async with CentralLinkServer(pki, [PRIVILEGED]).running() as server:
        settings = replace(config(FakeKubernetes(), server.port, pki, tmp_path), kubeconfig=kubeconfig)
        app = await build(settings, SystemClock())
        try:
            await app.prepare()
            async with Supervisor(app.components).running() as died:
                await server.synced()
                yield server
                assert not died.done(), died.result()
        finally:
            await app.close()


def _handles() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_watch_that_is_left_does_not_wait_for_the_server_to_close(api: KubeClient) -> None:
    version = (await api.get(kinds.NAMESPACE.path))["metadata"]["resourceVersion"]
    query = {"watch": "1", "resourceVersion": version}

    async def follow() -> None:
        async with api.lines(kinds.NAMESPACE.path, query, seconds=60) as lines:
            async for _ in lines:
                pass

    watch = asyncio.create_task(follow())
    await asyncio.sleep(0.5)
    during = _handles()
    watch.cancel()
    # The loop ends the connection in its next turns, without a word from the server.
    for _ in range(4):
        await asyncio.sleep(0)
    assert _handles() == during - 1


def workload(kind: kinds.Kind, name: str, *, privileged: bool = True) -> dict[str, Any]:
    labels = {"app": name}
    spec = {
        "containers": [{"name": "main", "image": "nginx:1.25", "securityContext": {"privileged": privileged}}]
    }
    template: dict[str, Any] = {"metadata": {"labels": labels}, "spec": spec}
    whole: dict[str, Any] = {"selector": {"matchLabels": labels}, "template": template}
    if kind is kinds.CRON_JOB:
        template["spec"]["restartPolicy"] = "Never"
        whole = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": template}}}
    return {"apiVersion": kind.api_version, "kind": kind.name, "metadata": {"name": name}, "spec": whole}


def of(central: CentralLinkServer, arm: str, name: str) -> list[SensorEvent]:
    return [e for e in central.events(arm) if getattr(e, arm).name == name]


async def test_first_sync_tells_of_the_whole_cluster(central: CentralLinkServer) -> None:
    names = {e.namespace.name for e in central.events("namespace")}
    assert {"default", "kube-system", "shop", "stackrox"} <= names
    assert any(e.role.cluster_role and e.role.name == "cluster-admin" for e in central.events("role"))
    admin = of(central, "binding", "cluster-admin")[0].binding
    assert admin.role_id == of(central, "role", "cluster-admin")[0].id
    status = next(m for m in central.received if m.HasField("cluster_status_update"))
    assert status.cluster_status_update.status.orchestrator_metadata.version.startswith("v1.")
    assert central.received[0].hello.deployment_identification.system_namespace_id


async def reasons_until(api: KubeClient, wanted: str) -> set[str]:
    """The reasons of the events in `shop`, once the wanted one is among them or half a minute passed."""
    for _ in range(300):
        events = await api.get(kinds.EVENT.in_namespace("shop"))
        reasons = {event["reason"] for event in events["items"]}
        if wanted in reasons:
            break
        await asyncio.sleep(0.1)
    return reasons


async def test_deployment_is_told_judged_scaled_to_zero_and_removed(
    api: KubeClient, central: CentralLinkServer
) -> None:
    await api.create(kinds.DEPLOYMENT.in_namespace("shop"), workload(kinds.DEPLOYMENT, "bad"))
    await until(lambda: of(central, "deployment", "bad"))
    created = of(central, "deployment", "bad")[0]
    assert created.action == ResourceAction.CREATE_RESOURCE
    assert created.deployment.replicas == 1
    await until(lambda: [e for e in central.events("alert_results") if e.id == created.id])
    await until(lambda: of(central, "deployment", "bad")[-1].deployment.replicas == 0)
    found = await api.get(kinds.DEPLOYMENT.in_namespace("shop", "bad"))
    assert found["spec"]["replicas"] == 0
    # The event is written after the change that it tells of.
    assert "StackRox enforcement" in await reasons_until(api, "StackRox enforcement")
    # The ReplicaSet belongs to the Deployment and is no deployment of its own.
    assert not [e for e in central.events("deployment") if e.deployment.type == "ReplicaSet"]
    await api.delete(kinds.DEPLOYMENT.in_namespace("shop", "bad"))
    await until(lambda: of(central, "deployment", "bad")[-1].action == ResourceAction.REMOVE_RESOURCE)


async def test_daemon_set_gets_a_node_constraint(api: KubeClient, central: CentralLinkServer) -> None:
    await api.create(kinds.DAEMON_SET.in_namespace("shop"), workload(kinds.DAEMON_SET, "agent"))
    await until(lambda: of(central, "deployment", "agent"))

    async def selector() -> dict[str, str]:
        found = await api.get(kinds.DAEMON_SET.in_namespace("shop", "agent"))
        return found["spec"]["template"]["spec"].get("nodeSelector", {})  # type: ignore[no-any-return]  # JSON

    await until(lambda: len(of(central, "deployment", "agent")) >= 1)
    for _ in range(100):
        if "BlockedByStackRox" in await selector():
            break
        await SystemClock().sleep(0.05)
    assert "BlockedByStackRox" in await selector()


async def test_cron_job_is_suspended(api: KubeClient, central: CentralLinkServer) -> None:
    await api.create(kinds.CRON_JOB.in_namespace("shop"), workload(kinds.CRON_JOB, "tick"))
    await until(lambda: of(central, "deployment", "tick"))
    suspended = False
    for _ in range(100):
        found = await api.get(kinds.CRON_JOB.in_namespace("shop", "tick"))
        suspended = bool(found["spec"].get("suspend"))
        if suspended:
            break
        await SystemClock().sleep(0.05)
    assert suspended


async def test_admission_settings_are_in_the_config_map(api: KubeClient, central: CentralLinkServer) -> None:
    for _ in range(100):
        try:
            found = await api.get(kinds.CONFIG_MAP.in_namespace("stackrox", "admission-control"))
        except NotFound:
            await SystemClock().sleep(0.05)
        else:
            assert set(found["binaryData"]) == {"config.pb.gz", "policies.pb.gz", "runtime-policies.pb.gz"}
            return
    pytest.fail("no ConfigMap was written")
