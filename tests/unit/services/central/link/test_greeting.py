"""What Central sends first on a stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from pyrox.clock import SystemClock
from pyrox.mtls.ca import CertificateAuthority, load_certificates
from pyrox.mtls.identity import subject_of
from pyrox.pb.internalapi.central.hello_pb2 import SensorHello
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgToSensor
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.pb.storage.policy_pb2 import Policy
from services.central.link import greeting
from services.central.link.greeting import Greeter, deduper_state

CAPABILITIES = [
    "SensorDetection",
    "SendDeduperStateOnReconnect",
    "NetworkGraphExternalSrcs",
    "AuditLogEvents",
    "ComplianceV2ScanConfigSync",
]


class Policies:
    async def all_policies(self) -> Sequence[Policy]:
        return [Policy(id="p1"), Policy(id="p2", disabled=True)]


class Hashes:
    async def load(self, cluster_id: str) -> Mapping[str, int]:
        return {"Deployment:d": 7}


class Ranges:
    """One range."""

    async def greeting(self, cluster_id: str) -> MsgToSensor:
        made = MsgToSensor()
        made.push_network_entities_request.seqID = 1
        made.push_network_entities_request.entities.add(id=f"range of {cluster_id}")
        return made


class Baselines:
    """One message, or more."""

    def __init__(self, messages: int = 1) -> None:
        self._messages = messages

    async def all_of(self, cluster_id: str) -> Sequence[MsgToSensor]:
        made = [MsgToSensor() for _ in range(self._messages)]
        for number, message in enumerate(made):
            message.baseline_sync.baselines.add(id=f"{cluster_id}-{number}")
        return made


@pytest.fixture(scope="module")
def greeter() -> Greeter:
    authority = CertificateAuthority.create(clock=SystemClock())
    return Greeter(authority, Policies(), Hashes(), lambda: "central", Baselines(), Ranges())


async def kinds(greeter: Greeter, capabilities: list[str]) -> list[str]:
    hello = SensorHello(capabilities=capabilities)
    messages = greeter.messages(Cluster(id="c"), hello, {"Deployment:d": 7})
    return [message.WhichOneof("msg") or "" async for message in messages]


async def test_messages_of_an_able_sensor_come_in_order(greeter: Greeter) -> None:
    assert await kinds(greeter, CAPABILITIES) == [
        "cluster_config",
        "policy_sync",
        "baseline_sync",
        "network_baseline_sync",
        "deduper_state",
        "sensor_upgrade_trigger",
        "push_network_entities_request",
        "audit_log_sync",
        "compliance_request",
    ]


async def test_messages_of_a_simple_sensor_leave_out_what_it_cannot(greeter: Greeter) -> None:
    assert await kinds(greeter, []) == ["cluster_config", "sensor_upgrade_trigger"]


async def test_baselines_of_the_cluster_follow_the_policies_and_the_rest_the_dedupe_state(
    greeter: Greeter,
) -> None:
    many = Greeter(greeter.ca, Policies(), Hashes(), lambda: "central", Baselines(3), Ranges())
    messages = many.messages(Cluster(id="c"), SensorHello(capabilities=CAPABILITIES), {})
    told = [message async for message in messages]
    kinds = [message.WhichOneof("msg") for message in told]
    assert kinds[2:7] == [
        "baseline_sync",
        "network_baseline_sync",
        "deduper_state",
        "baseline_sync",
        "baseline_sync",
    ]
    ids = [one.id for message in told for one in message.baseline_sync.baselines]
    assert ids == ["c-0", "c-1", "c-2"]


async def test_policy_sync_includes_disabled_policies(greeter: Greeter) -> None:
    message = await greeter.policy_sync()
    assert [policy.id for policy in message.policy_sync.policies] == ["p1", "p2"]


def test_central_hello_issues_certificates_for_the_cluster(greeter: Greeter) -> None:
    hello = SensorHello()
    hello.deployment_identification.app_namespace = "security"
    made = greeter.central_hello(Cluster(id="c1"), hello, send_deduper_state=True)
    assert made.cluster_id == "c1"
    assert made.central_id == "central"
    leaf = load_certificates(made.cert_bundle["collector-cert.pem"].encode())[0]
    assert subject_of(leaf).common_name == "COLLECTOR_SERVICE: c1"
    assert len(made.cert_bundle) == 15


def test_deduper_state_is_cut_into_numbered_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(greeting, "DEDUPER_ENTRIES_PER_MESSAGE", 2)
    chunks = [message.deduper_state for message in deduper_state({f"Pod:{n}": n for n in range(5)})]
    assert [(chunk.current, chunk.total, len(chunk.resource_hashes)) for chunk in chunks] == [
        (1, 3, 2),
        (2, 3, 2),
        (3, 3, 1),
    ]


def test_deduper_state_without_hashes_is_one_empty_chunk() -> None:
    (message,) = deduper_state({})
    assert (message.deduper_state.current, message.deduper_state.total) == (1, 1)
    assert not message.deduper_state.resource_hashes
