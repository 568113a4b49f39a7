"""What Central is told of flows, tick by tick."""

from __future__ import annotations

import pytest

from pyrox.pb.internalapi.central.hello_pb2 import CentralHello
from pyrox.pb.storage.network_flow_pb2 import NetworkEntityInfo, NetworkFlow
from services.sensor.network import flows as module
from services.sensor.network.flows import DISCOVERED_ENTITIES, INTERNAL_ENTITIES
from tests.support.collector_network import listens, to, told
from tests.support.network_scene import API, API_ADDRESS, WEB, Scene


@pytest.fixture
def scene() -> Scene:
    made = Scene()
    made.connections.take("node", told(to(API_ADDRESS, 1), listens(80)), made.clock.now())
    return made


def ended(flow: NetworkFlow) -> bool:
    return flow.HasField("last_seen_timestamp")


def told_ports(scene: Scene) -> list[tuple[int, bool]]:
    """Port and whether it ended, of every flow of the newest message."""
    return sorted((flow.props.dst_port, ended(flow)) for flow in scene.sent.updates[-1].updated)


def test_first_tick_of_a_stream_tells_everything(scene: Scene) -> None:
    scene.flows.tick()
    (update,) = scene.sent.updates
    (flow,) = update.updated
    (endpoint,) = update.updated_endpoints
    ends = flow.props.src_entity, flow.props.dst_entity
    assert [(end.type, end.id) for end in ends] == [
        (NetworkEntityInfo.DEPLOYMENT, WEB),
        (NetworkEntityInfo.DEPLOYMENT, API),
    ]
    assert (endpoint.props.entity.id, endpoint.props.port) == (WEB, 80)
    assert update.time.ToDatetime() == scene.clock.now().replace(tzinfo=None)
    assert not ended(flow)


def test_next_ticks_tell_what_changed_only(scene: Scene) -> None:
    scene.flows.tick()
    scene.flows.tick()
    assert len(scene.sent.updates) == 1
    now = scene.clock.now()
    changes = (to(API_ADDRESS, 1, closed=now), to(API_ADDRESS, 2), listens(80, closed=now))
    scene.connections.take("node", told(*changes), now)
    scene.flows.tick()
    assert told_ports(scene) == [(1, True), (2, False)]
    (endpoint,) = scene.sent.updates[-1].updated_endpoints
    assert endpoint.HasField("last_active_timestamp")
    scene.connections.take("node", told(to(API_ADDRESS, 1)), now)
    scene.flows.tick()
    assert told_ports(scene) == [(1, False)]


def test_flow_that_is_known_no_more_has_ended(scene: Scene) -> None:
    scene.flows.tick()
    scene.connections.closed("node", scene.clock.now())
    scene.later(minutes=7)
    scene.flows.tick()
    assert len(scene.sent.updates) == 1
    scene.flows.tick()
    assert told_ports(scene) == [(1, True)]


def test_new_stream_is_told_everything_again_and_a_message_even_when_there_is_nothing() -> None:
    scene = Scene()
    scene.flows.tick()
    assert not scene.sent.updates[0].updated
    scene.connections.take("node", told(to(API_ADDRESS, 1)), scene.clock.now())
    scene.flows.tick()
    scene.flows.on_online(CentralHello())
    scene.flows.tick()
    assert told_ports(scene) == [(1, False)]
    assert len(scene.sent.updates) == 3


@pytest.mark.parametrize(("live", "synced"), [(False, True), (True, False)])
def test_nothing_is_told_without_a_stream_or_before_the_clusters_objects(
    scene: Scene, live: bool, synced: bool
) -> None:
    scene.sent.live, scene.synced = live, synced
    scene.flows.tick()
    assert scene.sent.updates == []
    scene.sent.live = scene.synced = True
    scene.flows.tick()
    assert told_ports(scene) == [(1, False)]


def test_address_that_nobody_named_is_told_as_one_that_was_seen() -> None:
    scene = Scene()
    hello = CentralHello(capabilities=[DISCOVERED_ENTITIES, INTERNAL_ENTITIES])
    scene.flows.on_online(hello)
    assert scene.enricher.abilities.internal
    scene.connections.take("node", told(to("8.8.8.8", network="8.8.8.8/32")), scene.clock.now())
    scene.later(minutes=1)
    scene.flows.tick()
    source = scene.sent.updates[0].updated[0].props.dst_entity.external_source
    assert (source.cidr, source.name, source.discovered) == ("8.8.8.8/32", "8.8.8.8/32", True)


def test_many_flows_go_in_several_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    scene = Scene()
    changes = [to(API_ADDRESS, port) for port in range(1, 6)]
    scene.connections.take("node", told(*changes, listens(80)), scene.clock.now())
    scene.flows.tick()
    assert [len(update.updated) for update in scene.sent.updates] == [2, 2, 1]
    assert [len(update.updated_endpoints) for update in scene.sent.updates] == [1, 0, 0]


def test_collectors_are_told_of_public_addresses() -> None:
    scene = Scene()
    scene.places.put_pod("public", "public", ["8.8.8.8"])
    scene.flows.tick()
    assert list(scene.ranges.control().public_ip_addresses.ipv4_addresses) == [0x08080808]
