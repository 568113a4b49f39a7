"""A real Central and a real Sensor on a fake cluster: what one says, the other stores and shows."""

from __future__ import annotations

import asyncio
import base64
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from pyrox.clock import SystemClock
from pyrox.k8s import kinds
from pyrox.mtls.identity import Subject
from pyrox.mtls.reload import CertFiles
from pyrox.pg.settings import Settings
from pyrox.service import Supervisor
from services.sensor import config as sensor_settings
from services.sensor.app import App, build
from services.sensor.watch.cluster import STAGES
from tests.support.central import RunningCentral, running_central
from tests.support.fake_k8s import FakeKubernetes
from tests.support.generated_workloads import NAMESPACES, Scene, Scenes
from tests.support.sensor import pod, replica_set, workload

pytestmark = pytest.mark.needs("postgres")
_SECONDS = 60.0


@pytest.fixture(scope="module")
def central(database: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCentral]:
    with running_central(tmp_path_factory.mktemp("central"), database) as made:
        yield made


@pytest.fixture
async def kube() -> AsyncIterator[FakeKubernetes]:
    async with FakeKubernetes().running() as server:
        server.put(
            kinds.NAMESPACE, {"metadata": {"name": "shop", "uid": "3f5f1c52-0000-4000-8000-000000000001"}}
        )
        server.put(
            kinds.NODE, {"metadata": {"name": "node-1", "uid": "3f5f1c52-0000-4000-8000-000000000002"}}
        )
        for index, name in enumerate(("web", "api")):
            value = workload(
                name, uid=f"3f5f1c52-0000-4000-8000-00000000001{index}", securityContext={"privileged": True}
            )
            server.put(kinds.DEPLOYMENT, value)
            owned = replica_set(f"{name}-rs", name)
            owned["metadata"]["ownerReferences"][0]["uid"] = value["metadata"]["uid"]
            server.put(kinds.REPLICA_SET, owned)
            live = pod(f"{name}-1", f"{name}-rs")
            live["metadata"]["uid"] = f"3f5f1c52-0000-4000-8000-00000000002{index}"
            server.put(kinds.POD, live)
        yield server


def register(central: RunningCentral, name: str) -> str:
    """Create the cluster as `roxctl sensor generate` does; its id."""
    body = {
        "name": name,
        "type": "KUBERNETES_CLUSTER",
        "mainImage": "stackrox.io/main",
        "centralApiEndpoint": "c:443",
    }
    with central.client() as client:
        answer = client.post("/v1/clusters", json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["cluster"]["id"])


@asynccontextmanager
async def sensor(
    central: RunningCentral, kube: FakeKubernetes, directory: Path, cluster_id: str
) -> AsyncIterator[App]:
    files = central.pki.files(Subject("SENSOR_SERVICE", cluster_id), name=f"sensor-{cluster_id}")
    async with sensor_with(central, kube, directory, files) as app:
        yield app


@asynccontextmanager
async def sensor_with(
    central: RunningCentral, kube: FakeKubernetes, directory: Path, files: CertFiles
) -> AsyncIterator[App]:
    environment = {
        "ROX_CENTRAL_ENDPOINT": f"127.0.0.1:{central.port}",
        "ROX_MTLS_CERT_FILE": str(files.cert),
        "ROX_MTLS_KEY_FILE": str(files.key),
        "ROX_MTLS_CA_FILE": str(central.pki.ca_file),
        "KUBECONFIG": str(kube.kubeconfig(directory)),
        "ROX_SENSOR_CONNECTION_RETRY_INITIAL_INTERVAL": "100ms",
        "ROX_SENSOR_CONNECTION_RETRY_MAX_INTERVAL": "500ms",
        "ROX_METRICS_PORT": "127.0.0.1:0",
    }
    arguments = [
        "--listen",
        "127.0.0.1:0",
        "--secrets",
        str(directory / "secrets"),
        "--cache",
        str(directory / "cache"),
    ]
    app = await build(sensor_settings.load(arguments, environment), SystemClock())
    try:
        await app.prepare()
        async with Supervisor(app.components).running() as died:
            yield app
            assert not died.done(), died.result()
    finally:
        await app.close()


async def get(central: RunningCentral, path: str) -> Any:
    def ask() -> Any:
        with central.client() as client:
            answer = client.get(path)
            assert answer.status_code == 200, answer.text
            return answer.json()

    return await asyncio.to_thread(ask)


async def eventually(central: RunningCentral, path: str, holds: Callable[[Any], bool]) -> Any:
    """The answer, as soon as the condition holds for it."""
    answer: Any = None
    async with asyncio.timeout(_SECONDS):
        while True:
            answer = await get(central, path)
            if holds(answer):
                return answer
            await asyncio.sleep(0.1)


def alerts_on(policy: str) -> Callable[[Any], int]:
    return lambda answer: len([a for a in answer["alerts"] if a["policy"]["name"] == policy])


PRIVILEGED = "Privileged Container"


async def test_cluster_is_shown_judged_and_follows_policies(
    central: RunningCentral, kube: FakeKubernetes, tmp_path: Path
) -> None:
    cluster_id = register(central, "one")
    query = f"Cluster ID:{cluster_id}"
    async with sensor(central, kube, tmp_path, cluster_id):
        shown = await eventually(
            central, f"/v1/deployments?query={query}", lambda a: len(a["deployments"]) == 2
        )
        assert {d["name"] for d in shown["deployments"]} == {"web", "api"}
        assert {d["clusterId"] for d in shown["deployments"]} == {cluster_id}
        count = alerts_on(PRIVILEGED)
        path = f"/v1/alerts?query={query}"
        policies = (await get(central, "/v1/policies"))["policies"]
        privileged = next(p for p in policies if p["name"] == PRIVILEGED)
        await eventually(central, path, lambda a: count(a) == 2)
        await asyncio.to_thread(patch, central, privileged["id"], disabled=True)
        await eventually(central, path, lambda a: count(a) == 0)
        await asyncio.to_thread(patch, central, privileged["id"], disabled=False)
        await eventually(central, path, lambda a: count(a) == 2)
        kube.remove(kinds.DEPLOYMENT, "web", "shop")
        await eventually(central, path, lambda a: count(a) == 1)
        status = await get(central, f"/v1/clusters/{cluster_id}")
        assert status["cluster"]["status"]["sensorVersion"] == "4.11.0"


def patch(central: RunningCentral, policy_id: str, *, disabled: bool) -> None:
    with central.client() as client:
        answer = client.patch(f"/v1/policies/{policy_id}", json={"disabled": disabled})
        assert answer.status_code == 200, answer.text


async def test_central_is_killed_and_nothing_is_lost_or_doubled(
    central: RunningCentral, kube: FakeKubernetes, tmp_path: Path
) -> None:
    cluster_id = register(central, "two")
    query = f"Cluster ID:{cluster_id}"
    count = alerts_on(PRIVILEGED)
    async with sensor(central, kube, tmp_path, cluster_id) as app:
        await eventually(central, f"/v1/alerts?query={query}", lambda a: count(a) == 2)
        await asyncio.to_thread(central.kill)
        kube.put(
            kinds.DEPLOYMENT,
            workload(
                "late", uid="3f5f1c52-0000-4000-8000-000000000099", securityContext={"privileged": True}
            ),
        )
        kube.remove(kinds.DEPLOYMENT, "api", "shop")
        await asyncio.sleep(0.5)
        assert app.link.state.value != "live"
        await asyncio.to_thread(central.start)
        shown = await eventually(
            central,
            f"/v1/deployments?query={query}",
            lambda a: {d["name"] for d in a["deployments"]} == {"web", "late"},
        )
        assert len(shown["deployments"]) == 2
        alerts = await eventually(central, f"/v1/alerts?query={query}", lambda a: count(a) == 2)
        on = [a["deployment"]["name"] for a in alerts["alerts"] if a["policy"]["name"] == PRIVILEGED]
        assert sorted(on) == ["late", "web"]


def init_bundle(central: RunningCentral, directory: Path) -> CertFiles:
    """Sensor's certificate from a new init bundle, as the chart mounts it."""
    with central.client() as client:
        answer = client.post("/v1/cluster-init/init-bundles", json={"name": "bundle"})
        assert answer.status_code == 200, answer.text
        values = yaml.safe_load(base64.b64decode(answer.json()["helmValuesBundle"]))
    directory.mkdir()
    files = CertFiles.in_directory(directory)
    files.cert.write_text(values["sensor"]["serviceTLS"]["cert"])
    files.key.write_text(values["sensor"]["serviceTLS"]["key"])
    return files


async def test_init_bundle_registers_the_cluster_and_keeps_its_id(
    central: RunningCentral, kube: FakeKubernetes, tmp_path: Path
) -> None:
    files = await asyncio.to_thread(init_bundle, central, tmp_path / "bundle")
    chart = tmp_path / "secrets" / "helm-cluster-config"
    chart.mkdir(parents=True)
    chart.joinpath("config.yaml").write_text(
        yaml.safe_dump(
            {
                "clusterName": "by-chart",
                "managedBy": "MANAGER_TYPE_HELM_CHART",
                "clusterConfig": {
                    "staticConfig": {
                        "type": "KUBERNETES_CLUSTER",
                        "mainImage": "m",
                        "centralApiEndpoint": "c:443",
                    },
                    "dynamicConfig": {"disableAuditLogs": True},
                    "configFingerprint": "f",
                },
            }
        )
    )
    async with sensor_with(central, kube, tmp_path, files) as app:
        known = await eventually(
            central, "/v1/clusters", lambda a: [c for c in a["clusters"] if c["name"] == "by-chart"]
        )
        cluster = next(c for c in known["clusters"] if c["name"] == "by-chart")
        path = f"/v1/deployments?query=Cluster ID:{cluster['id']}"
        await eventually(central, path, lambda a: len(a["deployments"]) == 2)
        assert app.link.cluster_id == cluster["id"]
    assert (tmp_path / "cache" / "cluster-id").read_text() == cluster["id"]
    # The next process knows the id before it talks to Central.
    async with sensor_with(central, kube, tmp_path, files) as app:
        assert app.link.cluster_id == cluster["id"]


async def test_file_check_says_over_the_wire_what_sensor_found(
    central: RunningCentral, kube: FakeKubernetes, tmp_path: Path
) -> None:
    scenes = [
        scene
        for scene in itertools.islice(Scenes(7, now=SystemClock().now()), 12)
        if not scene.workload["metadata"]["ownerReferences"]
    ]
    of_name = {kind.name: kind for kind in itertools.chain(*STAGES)}
    for name, labels in NAMESPACES.items():
        if name != "shop":
            kube.put(kinds.NAMESPACE, {"metadata": {"name": name, "uid": str(uuid4()), "labels": labels}})
    for scene in scenes:
        for value in (*scene.permissions, *scene.network_policies, *scene.services, scene.workload):
            value["metadata"]["uid"] = str(uuid4())
            kube.put(of_name[value["kind"]], value)
    cluster_id = register(central, "scenes")
    async with sensor(central, kube, tmp_path, cluster_id):
        for scene in scenes:
            checked, found = await _settled(central, scene, cluster_id)
            assert checked
            assert found == checked


Verdicts = dict[str, list[str]]


async def _settled(central: RunningCentral, scene: Scene, cluster_id: str) -> tuple[Verdicts, Verdicts]:
    """What a check of the scene's file says and what Sensor found, once both know the cluster."""
    checked: Verdicts = {}
    found: Verdicts = {}
    for _ in range(int(_SECONDS * 5)):
        checked, found = await _checked(central, scene, cluster_id), await _found(central, scene)
        if checked and checked == found:
            break
        await asyncio.sleep(0.2)
    return checked, found


async def _checked(central: RunningCentral, scene: Scene, cluster_id: str) -> Verdicts:
    body = {"yaml": yaml.safe_dump(scene.workload), "cluster": cluster_id, "noExternalMetadata": True}

    def ask() -> Any:
        with central.client() as client:
            return client.post("/v1/detect/deploy/yaml", json=body)

    answer = await asyncio.to_thread(ask)
    # Until Sensor is connected it cannot add what the cluster knows.
    runs = answer.json()["runs"] if answer.status_code == 200 else []
    return {alert["policy"]["id"]: _messages(alert) for run in runs for alert in run["alerts"]}


async def _found(central: RunningCentral, scene: Scene) -> Verdicts:
    answer = await get(central, f"/v1/alerts?query=Deployment ID:{scene.workload['metadata']['uid']}")
    whole = [await get(central, f"/v1/alerts/{alert['id']}") for alert in answer["alerts"]]
    return {one["policy"]["id"]: _messages(one) for one in whole}


def _messages(alert: Any) -> list[str]:
    return [violation["message"] for violation in alert["violations"]]
