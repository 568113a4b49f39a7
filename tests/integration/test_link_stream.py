"""A real Central and a scripted Sensor over TLS and gRPC: the stream's rules, cut off and taken up again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import grpc
import pytest

from pyrox.clock import SystemClock
from pyrox.mtls.ca import ServiceTrust, load_certificates
from pyrox.mtls.identity import Subject, subject_of
from pyrox.mtls.reload import ClientTls
from pyrox.pb.internalapi.central.sensor_events_pb2 import SensorEvent
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgFromSensor, MsgToSensor
from pyrox.pb.internalapi.central.sensor_iservice_pb2_grpc import SensorServiceStub
from pyrox.pb.storage.rbac_pb2 import PermissionLevel
from pyrox.pb.storage.service_identity_pb2 import ServiceType
from pyrox.pg.settings import Settings
from pyrox.rpc.client import Target, secure_channel
from services.central.link.certificates import SECURED_CLUSTER_SERVICES
from tests.support.central import RunningCentral, running_central
from tests.support.link import ID, REMOVE, event, synced

pytestmark = [pytest.mark.needs("postgres"), pytest.mark.timeout(120)]
CAPABILITIES = (
    "SensorDetection",
    "SendDeduperStateOnReconnect",
    "NetworkGraphExternalSrcs",
    "AuditLogEvents",
    "ComplianceV2ScanConfigSync",
    "SensorEnhancedDeploymentCheck",
)
HELLO = (("rox-sensor-hello", "true"),)


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory, database: Settings) -> Iterator[RunningCentral]:
    with running_central(
        tmp_path_factory.mktemp("central"), database, environment={"ROX_SCANNER_V4": "false"}
    ) as running:
        yield running


@pytest.fixture
def cluster(central: RunningCentral) -> str:
    """A cluster that no other test knows."""
    body = {"name": f"c-{uuid4()}", "type": "KUBERNETES_CLUSTER"}
    with central.client() as client:
        return str(client.post("/v1/clusters", json=body).json()["cluster"]["id"])


def hello(capabilities: Sequence[str] = CAPABILITIES, namespace: str = "stackrox") -> MsgFromSensor:
    made = MsgFromSensor()
    made.hello.sensor_version = "4.11.0"
    made.hello.capabilities.extend(capabilities)
    made.hello.deployment_identification.app_namespace = namespace
    return made


@dataclass
class Stream:
    """One open stream, from the Sensor's side."""

    call: Any
    outgoing: asyncio.Queue[MsgFromSensor | None] = field(default_factory=asyncio.Queue)
    ended: str = ""

    def say(self, *messages: MsgFromSensor | SensorEvent) -> None:
        for message in messages:
            told = MsgFromSensor(event=message) if isinstance(message, SensorEvent) else message
            self.outgoing.put_nowait(told)

    async def hear(self, kind: str = "") -> MsgToSensor:
        """The next message, or the next of a kind."""
        async with asyncio.timeout(60):
            while True:
                message = await self.call.read()
                assert isinstance(message, MsgToSensor), "the stream ended"
                if not kind or message.WhichOneof("msg") == kind:
                    return message

    async def answered(self) -> None:
        """Return when Central has read everything that was said so far."""
        report = MsgFromSensor()
        report.cluster_health_info.SetInParent()
        self.say(report)
        await self.hear("cluster_health_response")

    async def end(self) -> tuple[grpc.StatusCode, str]:
        """How the stream ended, when Central ends it."""
        async with asyncio.timeout(60):
            try:
                while isinstance(await self.call.read(), MsgToSensor):
                    pass
            except grpc.aio.AioRpcError as error:
                return error.code(), error.details() or ""
            return await self.call.code(), await self.call.details()


@asynccontextmanager
async def stream(
    central: RunningCentral,
    cluster: str,
    *first: MsgFromSensor,
    metadata: tuple[tuple[str, str], ...] = HELLO,
    subject: str = "SENSOR_SERVICE",
) -> AsyncIterator[Stream]:
    files = central.pki.files(Subject(subject, cluster), name=f"sensor-{uuid4()}")
    tls = ClientTls(authorities=[central.pki.ca_file], certificate=files)
    target = Target(f"127.0.0.1:{central.port}", "central.stackrox")
    async with secure_channel(target, tls=tls, gzip=True, service_cert=SystemClock()) as channel:
        made = Stream(None)
        made.say(*first)

        async def outgoing() -> AsyncIterator[MsgFromSensor]:
            while (message := await made.outgoing.get()) is not None:
                yield message

        made.call = SensorServiceStub(channel).Communicate(outgoing(), metadata=metadata)
        try:
            yield made
        finally:
            made.call.cancel()


async def listed(central: RunningCentral, cluster: str) -> dict[str, str]:
    def ask() -> dict[str, str]:
        with central.client() as client:
            found = client.get("/v1/deployments", params={"query": f"Cluster ID:{cluster}"}).json()
        return {one["id"]: one["name"] for one in found["deployments"]}

    return await asyncio.to_thread(ask)


async def eventually(central: RunningCentral, cluster: str, wanted: dict[str, str]) -> dict[str, str]:
    """The deployments of the cluster as soon as they are those, or the last ones seen."""
    found: dict[str, str] = {}
    for _ in range(200):
        found = await listed(central, cluster)
        if found == wanted:
            break
        await asyncio.sleep(0.05)
    return found


async def state_of(opened: Stream) -> dict[str, int]:
    """The dedupe state that Central greets with."""
    return dict((await opened.hear("deduper_state")).deduper_state.resource_hashes)


async def test_hello_hands_out_certificates_of_the_cluster(central: RunningCentral, cluster: str) -> None:
    async with stream(central, cluster, hello()) as opened:
        answer = (await opened.hear()).hello
    assert answer.cluster_id == cluster
    assert answer.send_deduper_state
    assert len(answer.cert_bundle) == 1 + 2 * len(SECURED_CLUSTER_SERVICES)
    trust = ServiceTrust(load_certificates(central.pki.ca.cert_pem), SystemClock())
    leaf = load_certificates(answer.cert_bundle["sensor-cert.pem"].encode())[0]
    subject = trust.subject_of(leaf)
    assert (subject.type, subject.id) == ("SENSOR_SERVICE", cluster)


@pytest.mark.parametrize(
    ("capabilities", "kinds"),
    [
        (
            CAPABILITIES,
            (
                "hello cluster_config policy_sync baseline_sync network_baseline_sync deduper_state"
                " sensor_upgrade_trigger push_network_entities_request audit_log_sync compliance_request"
            ),
        ),
        ((), "hello cluster_config sensor_upgrade_trigger"),
        (("SendDeduperStateOnReconnect",), "hello cluster_config deduper_state sensor_upgrade_trigger"),
    ],
)
async def test_greeting_has_what_the_sensor_can_take_in_order(
    central: RunningCentral, cluster: str, capabilities: Sequence[str], kinds: str
) -> None:
    async with stream(central, cluster, hello(capabilities)) as opened:
        assert [(await opened.hear()).WhichOneof("msg") for _ in kinds.split()] == kinds.split()


async def test_sensor_without_hello_speaks_by_headers(central: RunningCentral, cluster: str) -> None:
    headers = (
        ("rox-sensor-capabilities", "SendDeduperStateOnReconnect"),
        ("rox-sensor-version-info", '{"mainVersion": "3.0.1"}'),
    )
    async with stream(central, cluster, metadata=headers) as opened:
        assert (await opened.hear()).WhichOneof("msg") == "cluster_config"
        assert await state_of(opened) == {}
    with central.client() as client:
        shown = client.get(f"/v1/clusters/{cluster}").json()["cluster"]
    assert shown["status"]["sensorVersion"] == "3.0.1"
    assert shown["sensorCapabilities"] == ["SendDeduperStateOnReconnect"]


async def test_stream_cut_in_the_middle_loses_nothing_that_was_answered(
    central: RunningCentral, cluster: str
) -> None:
    wanted = {}
    async with stream(central, cluster, hello()) as opened:
        await state_of(opened)
        for number in range(700):
            opened.say(event("deployment", number, f"n-{number}", hash_=number + 1))
            wanted[ID(number)] = f"n-{number}"
        await opened.answered()
        opened.call.cancel()
    assert await eventually(central, cluster, wanted) == wanted
    async with stream(central, cluster, hello()) as again:
        known = await state_of(again)
        assert known == {f"Deployment:{ID(n)}": n + 1 for n in range(700)}
        again.say(event("deployment", 0, action=REMOVE), synced(*(key for key in known if key[-1] != "9")))
        left = {key: name for key, name in wanted.items() if key[-1] != "9" and key != ID(0)}
        assert await eventually(central, cluster, left) == left


async def test_replacing_stream_is_told_everything_the_old_one_brought(
    central: RunningCentral, cluster: str
) -> None:
    async with stream(central, cluster, hello()) as old:
        await state_of(old)
        old.say(*(event("deployment", number, "old", hash_=1) for number in range(900)))
        await old.answered()
        async with stream(central, cluster, hello()) as new:
            assert len(await state_of(new)) == 900
            assert await old.end() == (
                grpc.StatusCode.UNAVAILABLE,
                "replaced by a new stream of the same cluster",
            )
            new.say(event("deployment", 1, "new", hash_=2))
            wanted = {ID(n): "new" if n == 1 else "old" for n in range(900)}
            assert await eventually(central, cluster, wanted) == wanted


async def test_second_installation_of_a_cluster_is_refused(central: RunningCentral, cluster: str) -> None:
    async with stream(central, cluster, hello()) as first:
        await state_of(first)
        async with stream(central, cluster, hello(namespace="other")) as second:
            code, details = await second.end()
        assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "already exists from another installation" in details
        await first.answered()


@pytest.mark.parametrize(
    ("first", "details"),
    [
        ([MsgFromSensor(event=synced())], "must be a hello, not event"),
        ([MsgFromSensor()], "must be a hello, not an empty message"),
        ([hello(["x"] * 201)], "the hello names 201 capabilities; at most 200 are read"),
    ],
)
async def test_stream_that_does_not_begin_with_a_hello_is_refused(
    central: RunningCentral, cluster: str, first: list[MsgFromSensor], details: str
) -> None:
    async with stream(central, cluster, *first) as opened:
        code, text = await opened.end()
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert details in text


async def test_certificate_of_a_deleted_cluster_is_refused(central: RunningCentral) -> None:
    unknown = str(uuid4())
    async with stream(central, unknown, hello()) as opened:
        code, details = await opened.end()
    assert code is grpc.StatusCode.NOT_FOUND
    assert f'cluster "{unknown}" does not exist' in details


@pytest.mark.parametrize("service", ["COLLECTOR_SERVICE", "ADMISSION_CONTROL_SERVICE", "SCANNER_SERVICE"])
async def test_other_services_may_not_open_the_stream(
    central: RunningCentral, cluster: str, service: str
) -> None:
    # Said nothing: gRPC's own client loses the answer when it is still sending.
    async with stream(central, cluster, subject=service) as opened:
        code, _ = await opened.end()
    assert code is grpc.StatusCode.PERMISSION_DENIED


async def test_deleted_cluster_loses_its_stream(central: RunningCentral, cluster: str) -> None:
    async with stream(central, cluster, hello()) as opened:
        await state_of(opened)
        await opened.answered()
        with central.client() as client:
            assert client.delete(f"/v1/clusters/{cluster}").status_code == 200
        assert await opened.end() == (grpc.StatusCode.UNAVAILABLE, "the cluster was deleted")


async def test_certificates_are_issued_again_on_request(central: RunningCentral, cluster: str) -> None:
    asked = MsgFromSensor()
    asked.issue_secured_cluster_certs_request.request_id = "r-1"
    async with stream(central, cluster, hello(), asked) as opened:
        answer = (
            await opened.hear("issue_secured_cluster_certs_response")
        ).issue_secured_cluster_certs_response
    assert answer.request_id == "r-1"
    made = answer.certificates
    assert [ServiceType.Name(one.service_type) for one in made.service_certs] == list(
        SECURED_CLUSTER_SERVICES
    )
    assert made.ca_pem == central.pki.ca.cert_pem
    for one in made.service_certs:
        leaf = load_certificates(one.cert.cert_pem)[0]
        assert (subject_of(leaf).type, subject_of(leaf).id) == (ServiceType.Name(one.service_type), cluster)


async def test_status_and_health_are_shown_with_the_cluster(central: RunningCentral, cluster: str) -> None:
    status = MsgFromSensor()
    status.cluster_status_update.status.orchestrator_metadata.version = "v1.30.1"
    async with stream(central, cluster, hello(), status) as opened:
        await opened.answered()
    with central.client() as client:
        shown = client.get(f"/v1/clusters/{cluster}").json()["cluster"]
    assert shown["status"]["orchestratorMetadata"]["version"] == "v1.30.1"
    assert shown["healthStatus"]["sensorHealthStatus"] == "HEALTHY"


async def test_unknown_answers_and_messages_do_not_end_the_stream(
    central: RunningCentral, cluster: str
) -> None:
    stray, audit = MsgFromSensor(), MsgFromSensor()
    stray.deployment_enhancement_response.msg.id = "nobody asked"
    audit.audit_log_status_info.SetInParent()
    async with stream(central, cluster, hello(), stray, audit, MsgFromSensor()) as opened:
        opened.say(event("deployment", 1, "web"))
        await opened.answered()
        assert await eventually(central, cluster, {ID(1): "web"}) == {ID(1): "web"}


YAML = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: c, image: nginx:1}]}\n"


async def test_yaml_check_asks_the_cluster_and_tells_what_it_knows(
    central: RunningCentral, cluster: str
) -> None:
    def check() -> tuple[int, dict[str, Any]]:
        body = {"yaml": YAML, "cluster": cluster, "noExternalMetadata": True}
        with central.client() as client:
            answer = client.post("/v1/detect/deploy/yaml", json=body)
        return answer.status_code, answer.json()

    async with stream(central, cluster, hello()) as opened:
        await state_of(opened)
        checking = asyncio.create_task(asyncio.to_thread(check))
        asked = (await opened.hear("deployment_enhancement_request")).deployment_enhancement_request.msg
        assert [one.cluster_id for one in asked.deployments] == [cluster]
        answer = MsgFromSensor()
        answer.deployment_enhancement_response.msg.CopyFrom(asked)
        enhanced = answer.deployment_enhancement_response.msg.deployments[0]
        enhanced.service_account_permission_level = PermissionLevel.CLUSTER_ADMIN
        opened.say(answer)
        status, body = await checking
    assert status == 200
    assert body["remarks"] == [
        {"name": "web", "permissionLevel": "CLUSTER_ADMIN", "appliedNetworkPolicies": []}
    ]
    status, body = await asyncio.to_thread(check)
    # Central may learn of the end of the stream before or after it asks.
    assert (status, body["code"]) == (503, 14)


async def test_killed_central_has_exactly_what_its_dedupe_state_says(
    central: RunningCentral, cluster: str
) -> None:
    """Every object is as some event said it, and the hash that is known of it is that event's."""
    async with stream(central, cluster, hello()) as opened:
        await state_of(opened)
        for round_ in range(1, 8):
            opened.say(*(event("deployment", n, f"round-{round_}", hash_=round_) for n in range(300)))
            await opened.answered()
        await asyncio.to_thread(central.kill)
    await asyncio.to_thread(central.start)
    async with stream(central, cluster, hello()) as again:
        known = await state_of(again)
        stored = {f"Deployment:{key}": name for key, name in (await listed(central, cluster)).items()}
        assert stored == {key: f"round-{hash_}" for key, hash_ in known.items()}
        assert stored
        wanted = {ID(n): "round-8" for n in range(300)}
        again.say(*(event("deployment", n, "round-8", hash_=8) for n in range(300)), synced())
        assert await eventually(central, cluster, wanted) == wanted
