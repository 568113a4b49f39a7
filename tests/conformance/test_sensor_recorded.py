"""The recorded Sensor of the reference system, played against our Central."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from google.protobuf.message import Message

from pyrox.clock import SystemClock
from pyrox.mtls.identity import Subject
from pyrox.mtls.reload import ClientTls
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgFromSensor, MsgToSensor
from pyrox.pb.internalapi.central.sensor_iservice_pb2_grpc import SensorServiceStub
from pyrox.pg.settings import Settings
from pyrox.rpc.client import Target, secure_channel
from tests.conftest import shared_folder
from tests.support.central import RunningCentral, running_central

pytestmark = [pytest.mark.needs("shared", "postgres"), pytest.mark.timeout(180)]
OBSERVED = shared_folder() / "reference" / "observed"
# Central answers health reports only; these are what a stream begins with.
GREETING = (
    "hello",
    "cluster_config",
    "policy_sync",
    "baseline_sync",
    "network_baseline_sync",
    "deduper_state",
    "sensor_upgrade_trigger",
    "push_network_entities_request",
    "audit_log_sync",
    "compliance_request",
)


@cache
def recorded(run: int) -> tuple[dict[str, Any], ...]:
    path = OBSERVED / f"sensor-central-run{run}.ndjson.gz"
    with gzip.open(path, "rt") as file:
        lines = [json.loads(line) for line in file]
    return tuple(line for line in lines if line["link"] == "sensor-central")


def stream_messages(run: int, direction: str) -> list[dict[str, Any]]:
    """The messages of the run's own stream, which begins with a hello; an older one is left out."""
    kind = "central.MsgFromSensor" if direction == ">" else "central.MsgToSensor"
    found = [d["json"] for d in recorded(run) if d["dir"] == direction and d.get("type") == kind]
    start = next(number for number, body in enumerate(found) if "hello" in body)
    return found[start:]


def request_metadata(run: int) -> tuple[tuple[str, str], ...]:
    headers = next(
        d["json"]
        for d in recorded(run)
        if d["kind"] == "metadata" and d["dir"] == ">" and "Communicate" in d["method"]
    )
    return tuple((k, v) for k, v in headers.items() if k.startswith(("rox-", "stackrox.")))


@dataclass
class Played:
    """What Central said while a recording was played to it."""

    headers: dict[str, str] = field(default_factory=dict)
    answers: list[MsgToSensor] = field(default_factory=list)

    def kinds(self) -> list[str]:
        return [answer.WhichOneof("msg") or "" for answer in self.answers]

    def first(self, kind: str) -> Message:
        return next(getattr(a, kind) for a in self.answers if a.WhichOneof("msg") == kind)


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory, database: Settings) -> Iterator[RunningCentral]:
    without = {"ROX_SCANNER_V4": "false"}
    with running_central(tmp_path_factory.mktemp("central"), database, environment=without) as running:
        yield running


@pytest.fixture(scope="module")
def cluster_id(central: RunningCentral) -> str:
    with central.client() as client:
        answer = client.post("/v1/clusters", json={"name": "lab", "type": "KUBERNETES_CLUSTER"})
        answer.raise_for_status()
        return str(answer.json()["cluster"]["id"])


async def play(central: RunningCentral, cluster_id: str, run: int, *, until_idle: float = 2.0) -> Played:
    """Send all of a run's messages, and collect what comes until it is quiet."""
    files = central.pki.files(Subject("SENSOR_SERVICE", cluster_id), name=f"sensor-{run}")
    tls = ClientTls(authorities=[central.pki.ca_file], certificate=files)
    target = Target(f"127.0.0.1:{central.port}", "central.stackrox")
    played = Played()
    async with secure_channel(target, tls=tls, gzip=True, service_cert=SystemClock()) as channel:
        ended = asyncio.Event()

        async def outgoing() -> AsyncIterator[MsgFromSensor]:
            for body in stream_messages(run, ">"):
                yield json_format.ParseDict(body, MsgFromSensor())
            await ended.wait()

        call = SensorServiceStub(channel).Communicate(outgoing(), metadata=request_metadata(run))
        played.headers = {k: str(v) for k, v in (await call.initial_metadata()) or ()}
        while True:
            try:
                async with asyncio.timeout(until_idle):
                    answer = await call.read()
            except TimeoutError:
                break
            if answer is grpc.aio.EOF:
                break
            played.answers.append(answer)
        ended.set()
        call.cancel()
    return played


def paths_set(message: Message, depth: int = 3) -> set[str]:
    """Dotted names of the fields that are set, to a depth; of lists the first element stands for all."""
    found: set[str] = set()
    for descriptor, value in message.ListFields():
        found.add(descriptor.name)
        if depth == 0 or descriptor.message_type is None or descriptor.message_type.GetOptions().map_entry:
            continue
        inner = value[0] if descriptor.is_repeated else value
        found |= {f"{descriptor.name}.{name}" for name in paths_set(inner, depth - 1)}
    return found


@pytest.fixture(scope="module")
def first_run(central: RunningCentral, cluster_id: str) -> Played:
    return asyncio.run(play(central, cluster_id, 1))


def test_headers_answer_before_any_message(first_run: Played) -> None:
    assert first_run.headers["rox-sensor-hello"] == "true"


def test_greeting_comes_in_the_recorded_order(first_run: Played) -> None:
    ours = [kind for kind in first_run.kinds() if kind in GREETING]
    theirs = [
        MsgToSensor.DESCRIPTOR.fields_by_camelcase_name[next(iter(m))].name for m in stream_messages(1, "<")
    ]
    assert ours == [kind for kind in theirs if kind in GREETING]


def test_greeting_sets_the_recorded_fields(first_run: Played) -> None:
    for body in stream_messages(1, "<"):
        theirs = json_format.ParseDict(body, MsgToSensor())
        kind = theirs.WhichOneof("msg")
        if kind not in GREETING or kind == "policy_sync":
            continue
        ours = next(answer for answer in first_run.answers if answer.WhichOneof("msg") == kind)
        assert paths_set(ours) == paths_set(theirs), kind


def test_hello_offers_the_recorded_certificates_and_capabilities(first_run: Played) -> None:
    body = next(m["hello"] for m in stream_messages(1, "<") if "hello" in m)
    ours = first_run.first("hello")
    assert sorted(ours.cert_bundle) == sorted(body["certBundle"])  # type: ignore[attr-defined]
    # The reference names one capability twice.
    assert set(ours.capabilities) == set(body["capabilities"])  # type: ignore[attr-defined]
    assert set(ours.allowed_proxy_paths) == set(body["allowedProxyPaths"])  # type: ignore[attr-defined]


def test_policy_sync_holds_the_recorded_policies(first_run: Played) -> None:
    body = next(m["policySync"] for m in stream_messages(1, "<") if "policySync" in m)
    ours = {policy.id: policy for policy in first_run.first("policy_sync").policies}  # type: ignore[attr-defined]
    assert len(ours) == len(body["policies"]) == 89
    prose = {"description", "rationale", "remediation", "lastUpdated"}
    for theirs in body["policies"]:
        shown = json_format.MessageToDict(ours[theirs["id"]])
        assert {k: v for k, v in shown.items() if k not in prose} == {
            k: v for k, v in theirs.items() if k not in prose
        }, theirs["name"]


def test_health_reports_are_answered_one_by_one(first_run: Played) -> None:
    sent = sum("clusterHealthInfo" in body for body in stream_messages(1, ">"))
    assert first_run.kinds().count("cluster_health_response") == sent


def test_nothing_unknown_is_sent(first_run: Played) -> None:
    assert set(first_run.kinds()) <= {*GREETING, "cluster_health_response"}


def test_objects_of_the_recording_are_listed(central: RunningCentral, first_run: Played) -> None:
    assert first_run.answers
    kinds = Counter(next(iter(set(e) - _FRAME)) for e in events(1) if set(e) - _FRAME)
    assert kinds["namespace"] == 5
    with central.client() as client:
        cluster = client.get("/v1/clusters").json()["clusters"][0]
        assert cluster["healthStatus"]["sensorHealthStatus"] == "HEALTHY"
        assert cluster["status"]["orchestratorMetadata"]["version"] == "v1.14.8"
        alerts = client.get("/v1/alerts", params={"query": "Lifecycle Stage:DEPLOY"}).json()["alerts"]
    expected = latest_deploy_alerts(1)
    assert Counter(a["policy"]["name"] for a in alerts) == expected


_FRAME = {"id", "action", "timing", "sensorHash"}


def events(run: int) -> list[dict[str, Any]]:
    return [body["event"] for body in stream_messages(run, ">") if "event" in body]


def latest_deploy_alerts(run: int) -> Counter[str]:
    """Policy names of the last list that each deployment had."""
    last: dict[str, list[str]] = {}
    for event in events(run):
        results = event.get("alertResults")
        if results is not None and results.get("stage", "DEPLOY") == "DEPLOY":
            last[event["id"]] = [alert["policy"]["name"] for alert in results.get("alerts", [])]
    return Counter(name for names in last.values() for name in names)


def test_reconnect_gets_the_recorded_dedupe_state(
    central: RunningCentral, cluster_id: str, first_run: Played
) -> None:
    assert first_run.answers
    second = asyncio.run(play(central, cluster_id, 2))
    body = next(m["deduperState"] for m in stream_messages(2, "<") if "deduperState" in m)
    ours = second.first("deduper_state")
    theirs = {key: int(value) for key, value in body["resourceHashes"].items()}
    assert dict(ours.resource_hashes) == theirs  # type: ignore[attr-defined]
    with central.client() as client:
        listed = client.get("/v1/alertscount", params={"query": "Lifecycle Stage:DEPLOY"}).json()["count"]
    assert listed == sum(latest_deploy_alerts(1).values())
