"""What Sensors are told of address ranges."""

from __future__ import annotations

from collections.abc import Iterator

from pyrox.pb.internalapi.central.network_flow_pb2 import PushNetworkEntitiesRequest
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgToSensor
from services.central.network_graph.announce import Announcer
from services.central.network_graph.settings import EVERY_CLUSTER


class Ranges:
    """One range a cluster, named after it."""

    async def request(self, cluster_id: str, number: int) -> PushNetworkEntitiesRequest:
        made = PushNetworkEntitiesRequest(seqID=number)
        made.entities.add(id=f"range of {cluster_id}")
        return made


class Sensors:
    """The streams of two clusters, and what was sent to them."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, int]] = []

    def clusters(self) -> Iterator[str]:
        return iter(("a", "b"))

    def push(self, cluster_id: str, message: MsgToSensor) -> bool:
        request = message.push_network_entities_request
        self.sent.append((cluster_id, request.entities[0].id, request.seqID))
        return True


async def test_change_is_told_to_its_cluster_with_the_next_number() -> None:
    sensors = Sensors()
    announcer = Announcer(entities=Ranges())
    greeting = await announcer.greeting("a")
    assert greeting.push_network_entities_request.seqID == 1
    await announcer.changed(["a", "elsewhere"], sensors)
    await announcer.changed(["a", "elsewhere"], sensors)
    assert sensors.sent == [("a", "range of a", 2), ("a", "range of a", 3)]


async def test_change_of_all_is_told_to_every_cluster() -> None:
    sensors = Sensors()
    announcer = Announcer(entities=Ranges())
    await announcer.greeting("a")
    await announcer.changed([EVERY_CLUSTER], sensors)
    assert sensors.sent == [("a", "range of a", 2), ("b", "range of b", 1)]


async def test_new_stream_begins_to_count_anew() -> None:
    sensors = Sensors()
    announcer = Announcer(entities=Ranges())
    await announcer.greeting("a")
    await announcer.changed(["a", "elsewhere"], sensors)
    assert (await announcer.greeting("a")).push_network_entities_request.seqID == 1
