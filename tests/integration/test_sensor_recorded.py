"""Our Sensor in the place of the recorded one: same cluster, same Central, compared message by message.

The objects of the recorded cluster are rebuilt from the messages that upstream's Sensor
made of them; Central's side plays its recorded messages.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format

from pyrox.k8s import kinds
from pyrox.pb.internalapi.central.sensor_events_pb2 import SensorEvent
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgFromSensor, MsgToSensor
from services.sensor.link.events import key_of
from tests.conftest import shared_folder
from tests.support.central_link import CentralLinkServer
from tests.support.fake_k8s import FakeKubernetes
from tests.support.pki import Pki
from tests.support.sensor import running_sensor
from tests.support.waiting import until

pytestmark = pytest.mark.needs("shared")
Json = dict[str, Any]
_STREAM = "/central.SensorService/Communicate"
_REFERENCE = re.compile(r'Refers to secret "(.*)" with key "(.*)"')


def recorded(run: int) -> Iterator[Json]:
    path = shared_folder() / "reference" / "observed" / f"sensor-central-run{run}.ndjson.gz"
    with gzip.open(path, "rt") as lines:
        for line in lines:
            entry = json.loads(line)
            if entry["link"] == "sensor-central":
                yield entry


def from_sensor(run: int) -> list[MsgFromSensor]:
    return [
        json_format.ParseDict(entry["json"], MsgFromSensor())
        for entry in recorded(run)
        if entry["method"] == _STREAM and entry["type"] == "central.MsgFromSensor"
    ]


def from_central(run: int) -> list[MsgToSensor]:
    return [
        json_format.ParseDict(entry["json"], MsgToSensor())
        for entry in recorded(run)
        if entry["method"] == _STREAM and entry["type"] == "central.MsgToSensor"
    ]


def events(messages: list[MsgFromSensor], arm: str) -> list[SensorEvent]:
    return [m.event for m in messages if m.HasField("event") and m.event.HasField(arm)]


def metadata(message: Any, created: str = "created_at") -> Json:
    stamp = getattr(message, created)
    made: Json = {"uid": message.id, "name": message.name, "namespace": getattr(message, "namespace", "")}
    made |= {"labels": dict(message.labels), "annotations": dict(message.annotations)}
    return made | ({"creationTimestamp": stamp.ToJsonString()} if stamp.seconds > 0 else {})


def container(item: Any) -> Json:
    env: list[Json] = []
    for variable in item.config.env:
        match = _REFERENCE.fullmatch(variable.value)
        if match is None:
            env.append({"name": variable.key, "value": variable.value})
        else:
            reference = {"name": match[1], "key": match[2]}
            env.append({"name": variable.key, "valueFrom": {"secretKeyRef": reference}})
    ports = [
        {
            "name": port.name,
            "containerPort": port.container_port,
            "protocol": port.protocol,
            "hostPort": next((info.node_port for info in port.exposure_infos), 0),
        }
        for port in item.ports
    ]
    assert item.resources.memory_mb_request == pytest.approx(953.6743)
    quantity = {"cpu": "1", "memory": "1G"}
    return {
        "name": item.name,
        "image": item.image.name.full_name,
        "command": list(item.config.command),
        "args": list(item.config.args),
        "env": env,
        "ports": ports,
        "resources": {"requests": quantity, "limits": quantity},
    }


def deployment(message: Any) -> Json:
    template = {
        "metadata": {"labels": dict(message.pod_labels)},
        "spec": {
            "serviceAccountName": message.service_account,
            "containers": [container(item) for item in message.containers],
        },
    }
    selector = {"matchLabels": dict(message.label_selector.match_labels)}
    spec = {"replicas": message.replicas, "selector": selector, "template": template}
    return {"metadata": metadata(message, "created"), "spec": spec}


def pod(message: Any) -> Json:
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d", "uid": message.deployment_id}
    statuses = [
        {
            "name": instance.container_name,
            "containerID": f"docker://{instance.instance_id.id}",
            "imageID": f"docker-pullable://x@{instance.image_digest}",
            "state": {"running": {}},
        }
        for instance in message.live_instances
    ]
    return {
        "metadata": {
            "uid": message.id,
            "name": message.name,
            "namespace": message.namespace,
            "ownerReferences": [owner],
        },
        "spec": {"containers": []},
        "status": {
            "podIP": message.live_instances[0].container_ips[0],
            "startTime": message.started.ToJsonString(),
            "containerStatuses": statuses,
        },
    }


def binding(message: Any, roles: dict[str, str]) -> Json:
    names = {1: "ServiceAccount", 2: "User", 3: "Group"}
    subjects = [{"kind": names[s.kind], "name": s.name, "namespace": s.namespace} for s in message.subjects]
    reference = {"kind": "Role", "name": roles.get(message.role_id, "unknown")}
    return {"metadata": metadata(message), "roleRef": reference, "subjects": subjects}


def node(message: Any) -> Json:
    addresses = [{"type": "InternalIP", "address": a} for a in message.internal_ip_addresses]
    addresses += [{"type": "ExternalIP", "address": a} for a in message.external_ip_addresses]
    info = {
        "containerRuntimeVersion": message.container_runtime_version,
        "kernelVersion": message.kernel_version,
        "osImage": message.os_image,
        "operatingSystem": message.operating_system,
        "kubeletVersion": message.kubelet_version,
        "kubeProxyVersion": message.kube_proxy_version,
    }
    taints = [{"key": taint.key, "value": taint.value} for taint in message.taints]
    return {
        "metadata": metadata(message, "joined_at"),
        "spec": {"taints": taints},
        "status": {"addresses": addresses, "nodeInfo": info},
    }


def fill(kube: FakeKubernetes, messages: list[MsgFromSensor]) -> None:
    """Put the recorded cluster into the fake API server."""
    roles = {e.role.id: e.role.name for e in events(messages, "role")}
    for e in events(messages, "namespace"):
        kube.put(kinds.NAMESPACE, {"metadata": metadata(e.namespace, "creation_time")})
    for e in events(messages, "service_account"):
        kube.put(kinds.SERVICE_ACCOUNT, {"metadata": metadata(e.service_account)})
    for e in events(messages, "role"):
        rules = [json_format.MessageToDict(rule) for rule in e.role.rules]
        kube.put(kinds.ROLE, {"metadata": metadata(e.role), "rules": rules})
    for e in events(messages, "binding"):
        kube.put(kinds.ROLE_BINDING, binding(e.binding, roles))
    for e in events(messages, "network_policy"):
        selector = {"matchLabels": dict(e.network_policy.spec.pod_selector.match_labels)}
        spec = {"podSelector": selector, "policyTypes": ["Ingress", "Egress"]}
        kube.put(kinds.NETWORK_POLICY, {"metadata": metadata(e.network_policy, "created"), "spec": spec})
    for e in events(messages, "node"):
        kube.put(kinds.NODE, node(e.node))
    for e in events(messages, "deployment"):
        kube.put(kinds.DEPLOYMENT, deployment(e.deployment))
    for e in events(messages, "pod"):
        kube.put(kinds.POD, pod(e.pod))


def bare(event: SensorEvent) -> Json:
    """The event without what differs by nature: times, hashes, random ids, the lab's cluster id."""
    made: Json = json_format.MessageToDict(event)
    made.pop("sensorHash", None)
    made.get("timing", {}).pop("nanos", None)
    made.get("deployment", {}).pop("hash", None)
    made.get("deployment", {}).pop("stateTimestamp", None)
    made.get("node", {}).pop("k8sUpdated", None)
    for instance in made.get("pod", {}).get("liveInstances", ()):
        # The fake cluster of the recording gave its pods other uids here than in their events.
        instance.pop("containingPodId")
    for alert in made.get("alertResults", {}).get("alerts", ()):
        for field in ("id", "time"):
            alert.pop(field)
    return made


def _difference(ours: Any, theirs: Any, path: str = "") -> list[str]:
    """Where two JSON values differ, for a readable failure."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = sorted(ours.keys() | theirs.keys())
        return [line for key in keys for line in _difference(ours.get(key), theirs.get(key), f"{path}.{key}")]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = enumerate(zip(ours, theirs, strict=True))
        return [line for index, (one, two) in pairs for line in _difference(one, two, f"{path}[{index}]")]
    return [] if ours == theirs else [f"{path}: {ours!r} instead of {theirs!r}"[:500]]


@pytest.fixture(scope="module")
def sensor_said() -> list[MsgFromSensor]:
    return from_sensor(1)


@pytest.fixture
async def central(tmp_path: Path, sensor_said: list[MsgFromSensor]) -> AsyncIterator[CentralLinkServer]:
    """Central's side after our Sensor synced and judged the recorded cluster."""
    pki = Pki(tmp_path / "pki")
    said = from_central(1)
    async with FakeKubernetes().running() as kube:
        fill(kube, sensor_said)
        server = CentralLinkServer(pki)
        server.first_messages = lambda: said[
            : [m.WhichOneof("msg") for m in said].index("cluster_health_response")
        ]
        async with server.running(), running_sensor(kube, server, pki, tmp_path):
            await server.synced()
            await until(lambda: len({e.id for e in server.events("alert_results")}) == 20)
            yield server


ARMS = ("namespace", "service_account", "role", "binding", "network_policy", "node", "deployment", "pod")


async def test_objects_give_the_recorded_events(
    central: CentralLinkServer, sensor_said: list[MsgFromSensor]
) -> None:
    for arm in ARMS:
        expected = {e.id: bare(e) for e in events(sensor_said, arm)}
        found = {e.id: bare(e) for e in central.events(arm)}
        assert found.keys() == expected.keys()
        for key, message in expected.items():
            assert _difference(found[key], message) == [], arm


async def test_policies_give_the_recorded_alerts(
    central: CentralLinkServer, sensor_said: list[MsgFromSensor]
) -> None:
    first: dict[str, Json] = {}
    for event in events(sensor_said, "alert_results"):
        if not event.alert_results.stage:
            first.setdefault(event.id, bare(event))
    events_of_ours = central.events("alert_results")
    found = {event.id: bare(event) for event in reversed(events_of_ours)}
    # Nothing is told twice.
    assert len(events_of_ours) == len(first) == 20
    for key, message in first.items():
        assert _difference(found[key], message) == []


async def test_keys_are_those_that_central_remembers(central: CentralLinkServer) -> None:
    state = next(m.deduper_state for m in from_central(2) if m.HasField("deduper_state"))
    ours = {
        key_of(message.event)
        for message in central.received
        if message.event.WhichOneof("resource") not in {None, "node", "synced"}
    }
    assert ours == set(state.resource_hashes)


async def test_kinds_come_in_the_recorded_order(
    central: CentralLinkServer, sensor_said: list[MsgFromSensor]
) -> None:
    def order(messages: list[MsgFromSensor]) -> list[str]:
        seen = [m.event.WhichOneof("resource") or "" for m in messages if m.HasField("event")]
        return list(dict.fromkeys(arm for arm in seen if arm in ARMS))

    assert order(central.received) == order(sensor_said)


async def test_scans_are_asked_once_per_image(
    central: CentralLinkServer,
) -> None:
    asked = [json_format.MessageToDict(request.image) for request in central.scans]
    expected = [
        entry["json"]["image"] for entry in recorded(1) if entry["type"] == "v1.ScanImageInternalRequest"
    ]
    key = lambda image: image["name"]["fullName"]  # noqa: E731
    assert sorted(asked, key=key) == sorted(expected, key=key)
