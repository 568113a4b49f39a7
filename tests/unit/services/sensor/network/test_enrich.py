"""Who the ends of connections are."""

from __future__ import annotations

import base64
from datetime import datetime

import pytest

from pyrox.pb.internalapi.sensor.network_connection_info_pb2 import NetworkConnection, NetworkEndpoint
from pyrox.pb.storage.network_flow_pb2 import NetworkEntityInfo
from services.sensor.network.enrich import INTERNAL, INTERNET, Endpoint, Entity, Flow
from tests.support.collector_network import TCP, by, listens, to, told
from tests.support.network_scene import API, API_ADDRESS, API_CONTAINER, WEB, Scene, pushed


def deployment(id_: str) -> Entity:
    return Entity(NetworkEntityInfo.DEPLOYMENT, id_)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def flows(scene: Scene, *changes: NetworkConnection | NetworkEndpoint) -> dict[Flow, datetime | None]:
    """The flows a while after the Collector told of connections."""
    scene.connections.take("node", told(*changes), scene.clock.now())
    scene.later(minutes=1)
    return scene.enricher.flows(scene.clock.now())


def test_connection_to_a_pod_is_a_flow_between_deployments(scene: Scene) -> None:
    found = flows(scene, to(API_ADDRESS, 5432))
    assert found == {Flow(deployment(WEB), deployment(API), 5432, TCP): None}


def test_connection_from_a_pod_is_told_by_the_pods_own_collector(scene: Scene) -> None:
    assert flows(scene, by(API_ADDRESS, 8080)) == {}


@pytest.mark.parametrize("address", ["8.8.8.8", "255.255.255.255", "2600::1"])
def test_public_address_is_the_internet_in_both_directions(scene: Scene, address: str) -> None:
    found = flows(scene, to(address, 443), by(address, 80))
    assert set(found) == {
        Flow(deployment(WEB), INTERNET, 443, TCP),
        Flow(INTERNET, deployment(WEB), 80, TCP),
    }


@pytest.mark.parametrize(("able", "wanted"), [(True, INTERNAL), (False, INTERNET)])
def test_private_address_of_nobody_is_internal_where_central_knows_that(
    scene: Scene, able: bool, wanted: Entity
) -> None:
    scene.enricher.abilities.internal = able
    assert set(flows(scene, to("10.9.9.9"))) == {Flow(deployment(WEB), wanted, 443, TCP)}


def test_range_that_a_user_named_is_the_end(scene: Scene) -> None:
    scene.ranges.on_push(pushed(1, own="8.8.0.0/16"))
    found = flows(scene, to("8.8.8.8", network="8.8.0.0/16"), to("8.8.8.8", 53, network="8.8.8.0/24"))
    assert set(found) == {
        Flow(deployment(WEB), Entity(NetworkEntityInfo.EXTERNAL_SOURCE, "own"), 443, TCP),
        Flow(deployment(WEB), INTERNET, 53, TCP),
    }


@pytest.mark.parametrize("able", [True, False])
def test_address_that_collector_was_asked_to_see_is_told_where_central_takes_it(
    scene: Scene, able: bool
) -> None:
    scene.enricher.abilities.discovered = able
    (found,) = flows(scene, to("8.8.8.8", network="8.8.8.8/32"))
    encoded = base64.urlsafe_b64encode(b"8.8.8.8/32").decode().rstrip("=")
    discovered = Entity(NetworkEntityInfo.EXTERNAL_SOURCE, f"__{encoded}", "8.8.8.8/32")
    assert found.target == (discovered if able else INTERNET)


def test_address_of_nobody_waits_a_little_for_its_pod(scene: Scene) -> None:
    scene.connections.take("node", told(to("10.0.0.3")), scene.clock.now())
    scene.later(seconds=9)
    assert scene.enricher.flows(scene.clock.now()) == {}
    scene.places.put_pod("late", "late", ["10.0.0.3"])
    assert set(scene.enricher.flows(scene.clock.now())) == {
        Flow(deployment(WEB), deployment("late"), 443, TCP)
    }


def test_container_that_nobody_knows_has_no_flows_yet(scene: Scene) -> None:
    assert (
        flows(scene, to(API_ADDRESS, container="000000000000"), listens(80, container="000000000000")) == {}
    )
    assert scene.enricher.endpoints() == {}


def test_flow_is_open_while_one_of_its_connections_is(scene: Scene) -> None:
    ended = scene.clock.now()
    (closed,) = flows(scene, to("8.8.8.8", closed=ended)).values()
    assert closed == ended
    (still,) = flows(scene, to("9.9.9.9")).values()
    assert still is None
    later = scene.clock.now()
    (latest,) = flows(scene, to("9.9.9.9", closed=later)).values()
    assert latest == later


def test_listening_ports_belong_to_deployments(scene: Scene) -> None:
    ended = scene.clock.now()
    flows(scene, listens(80), listens(81, container=API_CONTAINER, closed=ended))
    assert scene.enricher.endpoints() == {Endpoint(WEB, 80, TCP): None, Endpoint(API, 81, TCP): ended}
