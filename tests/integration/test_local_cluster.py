"""The simulated cluster over TLS: Sensor's watch, webhooks, kubectl and the registry's clients."""

from __future__ import annotations

import asyncio
import json
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pyrox.clock import SystemClock
from pyrox.errors import AlreadyExists, NotAuthorized, NotFound, RoxError
from pyrox.k8s import kinds
from pyrox.k8s.client import STRATEGIC_PATCH, Json, KubeClient, KubeSource
from pyrox.k8s.watch import Change, Reflector
from pyrox.mtls.identity import Subject
from pyrox.mtls.reload import CertFiles, ServerTls
from pyrox.rpc.front import Endpoint, Front
from pyrox.service import Supervisor
from services.local.apply import Cluster, manifests
from services.local.credentials import Credentials, write_private
from services.local.places import CHECKOUT, Places
from services.local.simulated import app
from services.local.simulated.store import name_of
from tests.support.pg import free_port
from tests.support.waiting import until

DEPLOYMENTS = kinds.DEPLOYMENT.in_namespace("shop")
ADMISSION = Subject("ADMISSION_CONTROL_SERVICE", "11111111-1111-1111-1111-111111111111")


@dataclass
class Hook:
    """A webhook that refuses what is privileged, and keeps what it was asked."""

    reviews: list[Json] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"]
        request = json.loads(body)["request"]
        self.reviews.append({"path": scope["path"], **request})
        response: Json = {"uid": request["uid"], "allowed": "privileged" not in body.decode()}
        if not response["allowed"]:
            response["status"] = {"message": "too many rights", "reason": "Forbidden", "code": 403}
        answer = json.dumps({"response": response}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


@dataclass
class Running:
    """A simulated cluster that serves."""

    places: Places
    config: app.Config
    hook: Hook

    @asynccontextmanager
    async def client(self) -> AsyncIterator[KubeClient]:
        made = await KubeClient.open(KubeSource(kubeconfig=self.places.kubeconfig))
        try:
            yield made
        finally:
            await made.close()


@asynccontextmanager
async def serving(config: app.Config) -> AsyncIterator[None]:
    """The simulated process's components, but for the feeder, which needs a Sensor."""
    components = [one for one in app.build(config, SystemClock()) if one.name != "feeder"]
    async with Supervisor(components).running():
        yield


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Running]:
    places, hook = Places(tmp_path), Hook()
    credentials = Credentials(places=places, clock=SystemClock())
    credentials.ensure(addresses={"central": "127.0.0.1", "simulated": "127.0.0.1"})
    credentials.secured_cluster(ADMISSION.id)
    webhook, registry, kubernetes = (f"127.0.0.1:{free_port()}" for _ in range(3))
    config = app.Config(
        places=places,
        registry=registry,
        kubernetes=kubernetes,
        services={"stackrox/admission-control": webhook},
    )
    write_private(places.kubeconfig, app.kubeconfig(config).encode())
    tls = ServerTls(certificates=[CertFiles.in_directory(places.secrets / "admission" / "certs")])
    front = Front(
        endpoints=[Endpoint("127.0.0.1", int(webhook.rpartition(":")[2]), tls)],
        app=hook,
        peers=None,
        clock=SystemClock(),
    )
    async with Supervisor([front]).running(), serving(config):
        yield Running(places, config, hook)


def deployment(name: str, **container: Any) -> Json:
    spec = {"containers": [{"name": "c", "image": "r/c:1", **container}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"replicas": 1, "template": {"metadata": {"labels": {"app": name}}, "spec": spec}},
    }


@asynccontextmanager
async def following(client: KubeClient, kind: kinds.Kind) -> AsyncIterator[list[tuple[Change, str]]]:
    """What Sensor's reflector tells of a kind."""
    seen: list[tuple[Change, str]] = []

    async def sink(change: Change, value: Json) -> None:
        seen.append((change, name_of(value)))

    ready = asyncio.Event()
    reflector = Reflector(client=client, kind=kind, sink=sink, clock=SystemClock(), jitter=lambda: 0.0)
    task = asyncio.create_task(reflector.run(ready.set))
    try:
        await asyncio.wait_for(ready.wait(), 10)
        yield seen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_sensors_watch_sees_the_world_and_every_change(cluster: Running) -> None:
    async with cluster.client() as client, following(client, kinds.DEPLOYMENT) as seen:
        assert (Change.SYNC, "frontend") in seen
        assert len(seen) > 20
        await client.create(DEPLOYMENTS, deployment("late"))
        await client.patch(f"{DEPLOYMENTS}/late", {"spec": {"replicas": 2}})
        await client.delete(f"{DEPLOYMENTS}/late")
        await until(lambda: (Change.DELETED, "late") in seen)
        late = [change for change, name in seen if name == "late"]
        assert late[0] is Change.ADDED
        assert set(late[1:-1]) == {Change.MODIFIED}


async def test_pods_of_a_new_workload_are_seen_running(cluster: Running) -> None:
    async with cluster.client() as client, following(client, kinds.POD) as seen:
        await client.create(DEPLOYMENTS, deployment("late"))
        await until(lambda: any(change is Change.ADDED and name.startswith("late-") for change, name in seen))
        name = next(name for _, name in seen if name.startswith("late-"))
        pod = await client.get(kinds.POD.in_namespace("shop", name))
        assert pod["status"]["containerStatuses"][0]["containerID"].startswith("containerd://")


async def test_what_users_made_survives_a_restart_with_the_same_ids(cluster: Running, tmp_path: Path) -> None:
    places = Places(tmp_path / "second")
    Credentials(places=places, clock=SystemClock()).ensure(
        addresses={"central": "127.0.0.1", "simulated": "127.0.0.1"}
    )
    registry, kubernetes = (f"127.0.0.1:{free_port()}" for _ in range(2))
    config = app.Config(places=places, registry=registry, kubernetes=kubernetes)
    write_private(places.kubeconfig, app.kubeconfig(config).encode())
    client = await KubeClient.open(KubeSource(kubeconfig=places.kubeconfig))
    written = places.state / "cluster.json"
    try:
        async with serving(config):
            before = await client.get(kinds.DEPLOYMENT.in_namespace("shop", "frontend"))
            await client.create(DEPLOYMENTS, deployment("kept"))
            await until(lambda: written.exists() and '"kept"' in written.read_text())
        async with serving(config), following(client, kinds.DEPLOYMENT) as seen:
            assert (Change.SYNC, "kept") in seen
            after = await client.get(kinds.DEPLOYMENT.in_namespace("shop", "frontend"))
            assert after["metadata"]["uid"] == before["metadata"]["uid"]
    finally:
        await client.close()


async def test_a_webhook_is_called_by_its_service_name_and_refuses(cluster: Running) -> None:
    async with cluster.client() as client:
        await client.create(DEPLOYMENTS, deployment("modest"))
        with pytest.raises(RoxError) as raised:
            await client.create(DEPLOYMENTS, deployment("bold", securityContext={"privileged": True}))
        assert 'admission webhook "policyeval.stackrox.io" denied the request: too many rights' in str(
            raised.value
        )
        with pytest.raises(NotFound):
            await client.get(f"{DEPLOYMENTS}/bold")
    asked = [(review["path"], review["operation"], review["name"]) for review in cluster.hook.reviews]
    assert asked == [("/validate", "CREATE", "modest"), ("/validate", "CREATE", "bold")]
    assert cluster.hook.reviews[0]["object"]["metadata"]["namespace"] == "shop"


async def test_an_update_is_reviewed_with_the_old_object(cluster: Running) -> None:
    async with cluster.client() as client:
        await client.create(DEPLOYMENTS, deployment("modest"))
        image = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "r/c:2"}]}}}}
        await client.patch(f"{DEPLOYMENTS}/modest", image, form=STRATEGIC_PATCH)
        await client.patch(f"{DEPLOYMENTS}/modest/scale", {"spec": {"replicas": 3}})
    update, scale = cluster.hook.reviews[1:]
    assert update["oldObject"]["spec"]["template"]["spec"]["containers"][0]["image"] == "r/c:1"
    assert update["object"]["spec"]["template"]["spec"]["containers"][0]["image"] == "r/c:2"
    assert (scale["subResource"], scale["kind"]["kind"]) == ("scale", "Scale")
    assert scale["object"]["spec"]["replicas"] == 3


async def test_a_command_in_a_pod_is_an_event_for_the_webhook(cluster: Running) -> None:
    async with cluster.client() as client:
        pods = (await client.get(kinds.POD.in_namespace("shop")))["items"]
        with pytest.raises(RoxError, match="run no processes"):
            await client.create(
                f"{kinds.POD.in_namespace('shop', name_of(pods[0]))}/exec", {"command": ["sh"]}
            )
    (review,) = cluster.hook.reviews
    assert (review["path"], review["operation"], review["subResource"]) == ("/events", "CONNECT", "exec")


async def test_a_stranger_is_refused_and_a_name_is_taken_once(cluster: Running, tmp_path: Path) -> None:
    config = json.loads(cluster.places.kubeconfig.read_text())
    config["users"][0]["user"]["token"] = "guessed"
    (tmp_path / "stranger").write_text(json.dumps(config))
    stranger = await KubeClient.open(KubeSource(kubeconfig=tmp_path / "stranger"))
    try:
        with pytest.raises(NotAuthorized):
            await stranger.get("/api/v1/secrets")
    finally:
        await stranger.close()
    async with cluster.client() as client:
        await client.create(DEPLOYMENTS, deployment("once"))
        with pytest.raises(AlreadyExists):
            await client.create(DEPLOYMENTS, deployment("once"))


async def test_apply_speaks_as_kubectl_does(cluster: Running, tmp_path: Path) -> None:
    said: list[str] = []
    applier = Cluster(cluster.places.kubeconfig)
    modest, bold = tmp_path / "modest.yaml", tmp_path / "bold.yaml"
    modest.write_text(json.dumps(deployment("modest")))
    bold.write_text(json.dumps(deployment("bold", securityContext={"privileged": True})))

    def run(file: Path) -> list[bool]:
        return [applier.apply(manifest, file, said.append) for manifest in manifests(file)]

    assert await asyncio.to_thread(run, modest) == [True]
    assert await asyncio.to_thread(run, modest) == [True]
    assert await asyncio.to_thread(run, bold) == [False]
    refusal = 'admission webhook "policyeval.stackrox.io" denied the request: too many rights'
    assert said == [
        "deployment.apps/modest created",
        "deployment.apps/modest configured",
        f'Error from server (Forbidden): error when creating "{bold}": {refusal}',
    ]


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="needs kubectl")
async def test_kubectl_lists_applies_and_is_refused(cluster: Running) -> None:
    async def kubectl(*words: str) -> tuple[int | None, str]:
        child = await asyncio.create_subprocess_exec(
            "kubectl",
            f"--kubeconfig={cluster.places.kubeconfig}",
            *words,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(child.communicate(), 60)
        return child.returncode, output.decode()

    code, output = await kubectl("get", "deploy,ds,sts,cronjob", "-A")
    assert code == 0, output
    assert "deployment.apps/frontend" in output
    examples = CHECKOUT / "deploy" / "local" / "examples"
    code, output = await kubectl("apply", "-f", str(examples / "privileged.yaml"))
    assert code == 1
    assert 'admission webhook "policyeval.stackrox.io" denied the request: too many rights' in output
    code, output = await kubectl("apply", "-f", str(examples / "modest.yaml"))
    assert (code, output.strip()) == (0, "deployment.apps/modest-demo created")


async def test_the_registry_shows_a_certificate_that_the_local_ca_signed(cluster: Running) -> None:
    host, _, port = cluster.config.registry.partition(":")
    context = ssl.create_default_context(cafile=cluster.places.secrets / "ca" / "ca.pem")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=context)
    writer.write(b"GET /v2/_catalog HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    body = (await asyncio.wait_for(reader.read(), 10)).partition(b"\r\n\r\n")[2]
    writer.close()
    assert "shop/cart" in json.loads(body)["repositories"]


async def test_with_a_real_cluster_only_the_registry_is_served(cluster: Running) -> None:
    config = app.Config(places=cluster.places, registry="127.0.0.1:0", kubernetes="")
    assert [component.name for component in app.build(config, SystemClock())] == ["registry"]
