"""One open stream: its queue, its questions, its end."""

from __future__ import annotations

import asyncio

import pytest

from pyrox.errors import Exhausted, Unavailable
from pyrox.metrics import Metrics
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgFromSensor, MsgToSensor
from pyrox.pb.storage.cluster_pb2 import Cluster, SensorDeploymentIdentification
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.image_pb2 import Image
from services.central.link import connection as connection_module
from services.central.link.connection import Connection
from services.central.link.connections import Connections


def message(number: int = 1) -> MsgToSensor:
    made = MsgToSensor()
    made.push_network_entities_request.seqID = number
    return made


def opened(
    cluster_id: str = "c", capabilities: tuple[str, ...] = (), namespace: str | None = "stackrox"
) -> Connection:
    identification = None if namespace is None else SensorDeploymentIdentification(app_namespace=namespace)
    return Connection(Cluster(id=cluster_id, name=cluster_id), frozenset(capabilities), identification)


async def sync() -> MsgToSensor:
    made = MsgToSensor()
    made.policy_sync.SetInParent()
    return made


@pytest.fixture
def connections() -> Connections:
    return Connections(metrics=Metrics("central"), policy_sync=sync)


async def drained(connection: Connection) -> list[MsgToSensor]:
    connection.close("test")
    return [item async for item in connection.outgoing()]


async def test_outgoing_ends_after_close_in_order() -> None:
    connection = opened()
    assert connection.send(message(1))
    assert connection.send(message(2))
    assert [m.push_network_entities_request.seqID for m in await drained(connection)] == [1, 2]
    assert not connection.send(message(3))


async def test_send_to_a_sensor_that_does_not_read_ends_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "OUTBOX_LIMIT", 2)
    connection = opened()
    results = [connection.send(message(n)) for n in range(3)]
    assert results == [True, True, False]
    assert connection.closed
    assert "does not read" in connection.reason


async def test_ask_gets_the_settled_answer() -> None:
    connection = opened()
    asking = asyncio.create_task(connection.ask("k", message(), 5))
    await asyncio.sleep(0)
    answer = MsgFromSensor()
    assert connection.settle("k", answer)
    assert await asking is answer
    assert not connection.settle("k", answer)


async def test_ask_without_answer_says_so() -> None:
    with pytest.raises(Unavailable, match="did not answer"):
        await opened().ask("k", message(), 0.01)


async def test_ask_ends_with_the_stream() -> None:
    connection = opened()
    asking = asyncio.create_task(connection.ask("k", message(), 5))
    await asyncio.sleep(0)
    connection.close("the stream ended")
    with pytest.raises(Unavailable, match="the stream ended"):
        await asking
    with pytest.raises(Unavailable, match="just ended"):
        await connection.ask("k", message(), 5)


async def test_add_same_installation_replaces_the_old_stream(connections: Connections) -> None:
    old, new = opened(), opened()
    connections.add(old)
    connections.add(new)
    assert old.closed
    connections.remove(old)
    assert connections.connected("c")
    connections.remove(new)
    assert not connections.connected("c")


async def test_replaced_stream_is_given_back_until_it_is_drained(connections: Connections) -> None:
    old, new = opened(), opened()
    assert connections.add(old) is None
    assert connections.add(new) is old
    assert not await old.wait_drained(0)
    waiting = asyncio.create_task(old.wait_drained(5))
    await asyncio.sleep(0)
    old.drained()
    assert await waiting
    assert await old.wait_drained(0.01)


async def test_add_other_installation_is_refused(connections: Connections) -> None:
    old = opened()
    connections.add(old)
    with pytest.raises(Exhausted, match="another installation"):
        connections.add(opened(namespace="other"))
    assert not old.closed


async def test_add_unknown_installation_is_taken(connections: Connections) -> None:
    connections.add(opened())
    connections.add(opened(namespace=None))
    assert connections.connected("c")


async def test_policies_changed_reaches_able_sensors_only(connections: Connections) -> None:
    able, plain = opened("a", ("SensorDetection",)), opened("b")
    connections.add(able)
    connections.add(plain)
    await connections.policies_changed()
    assert [m.WhichOneof("msg") for m in await drained(able)] == ["policy_sync"]
    assert await drained(plain) == []


async def test_pushes_have_the_recorded_forms(connections: Connections) -> None:
    connection = opened()
    connections.add(connection)
    await connections.config_changed(Cluster(id="c"))
    await connections.reprocess_all()
    await connections.image_updated(Image(id="sha256:1"), ["c", "elsewhere"])
    await connections.image_updated(Image(id="sha256:2"), ["elsewhere"])
    await connections.images_forgotten([Image(id="sha256:1"), Image(id="sha256:2")])
    sent = await drained(connection)
    assert [m.WhichOneof("msg") for m in sent] == [
        "cluster_config",
        "reprocess_deployments",
        "updated_image",
        "invalidate_image_cache",
    ]
    assert sent[1].reprocess_deployments.skip_cache_flush
    assert [key.image_id for key in sent[3].invalidate_image_cache.image_keys] == ["sha256:1", "sha256:2"]


async def test_cluster_deleted_ends_its_stream(connections: Connections) -> None:
    connection = opened()
    connections.add(connection)
    await connections.cluster_deleted("c")
    assert connection.closed
    await connections.cluster_deleted("unknown")


async def test_enhance_without_stream_says_what_to_do(connections: Connections) -> None:
    with pytest.raises(Unavailable, match="not connected"):
        await connections.enhance("c", "r", [Deployment(id="d")])


async def test_enhance_returns_what_the_sensor_answers(connections: Connections) -> None:
    connection = opened(capabilities=("SensorEnhancedDeploymentCheck",))
    connections.add(connection)
    asking = asyncio.create_task(connections.enhance("c", "r", [Deployment(id="d")]))
    await asyncio.sleep(0)
    answer = MsgFromSensor()
    answer.deployment_enhancement_response.msg.deployments.add(id="d", name="web")
    assert connection.settle("enhance:r", answer)
    assert [found.name for found in await asking] == ["web"]
