"""Which deployment has an address."""

from __future__ import annotations

import ipaddress

from pyrox.pb.internalapi.central.sensor_events_pb2 import ResourceAction
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.node_pb2 import Node
from services.sensor.network.places import MEMORY_TICKS, Place, Places
from tests.support.collector_network import TCP, UDP

CREATE, REMOVE = ResourceAction.CREATE_RESOURCE, ResourceAction.REMOVE_RESOURCE
IP = ipaddress.ip_address


def exposed(id_: str, *, cluster_ip: str = "", external: str = "", node_port: int = 0) -> Deployment:
    """A deployment whose port 8080 a service shows as 80."""
    made = Deployment(id=id_)
    port = made.containers.add().ports.add(container_port=8080, protocol="TCP")
    port.exposure_infos.add(
        service_cluster_ip=cluster_ip,
        service_port=80,
        node_port=node_port,
        external_ips=[external] if external else [],
    )
    return made


def find(places: Places, address: str, port: int = 80, protocol: int = TCP) -> list[Place]:
    return places.find(IP(address), port, protocol)


def test_pod_is_found_by_each_of_its_addresses() -> None:
    places = Places()
    places.put_pod("pod", "web", ["10.0.0.1", "fd00::1", "rubbish"])
    assert find(places, "10.0.0.1", 9) == find(places, "fd00::1", 9) == [Place("web", 9)]
    assert find(places, "10.0.0.2") == []
    assert places.has_pod(IP("10.0.0.1"))


def test_pod_that_got_another_address_keeps_the_old_one_for_some_ticks() -> None:
    places = Places()
    places.put_pod("pod", "web", ["10.0.0.1"])
    places.put_pod("pod", "web", ["10.0.0.2"])
    assert find(places, "10.0.0.1") == find(places, "10.0.0.2") == [Place("web", 80)]
    for _ in range(MEMORY_TICKS):
        assert places.has_pod(IP("10.0.0.1"))
        places.tick()
    assert find(places, "10.0.0.1") == []
    assert not places.has_pod(IP("10.0.0.1"))


def test_address_that_went_to_another_pod_is_the_new_ones() -> None:
    places = Places()
    places.put_pod("old", "web", ["10.0.0.1"])
    places.put_pod("new", "api", ["10.0.0.1"])
    places.remove_pod("old")
    places.remove_pod("never there")
    assert find(places, "10.0.0.1") == [Place("api", 80)]


def test_service_leads_to_the_containers_port_by_every_way() -> None:
    places = Places()
    deployment = exposed("web", cluster_ip="10.96.0.1", external="8.8.8.8", node_port=30080)
    places.on_message(CREATE, "deployment", deployment)
    places.on_message(CREATE, "node", Node(id="n", internal_ip_addresses=["192.168.0.1"]))
    wanted = [Place("web", 8080)]
    assert (
        find(places, "10.96.0.1") == find(places, "8.8.8.8") == find(places, "192.168.0.1", 30080) == wanted
    )
    assert find(places, "10.96.0.1", 81) == find(places, "10.96.0.1", 80, UDP) == []
    assert find(places, "192.168.0.2", 30080) == []
    assert not places.has_pod(IP("10.96.0.1"))


def test_several_deployments_behind_one_service_are_all_found() -> None:
    places = Places()
    for id_ in ("a", "b"):
        places.on_message(CREATE, "deployment", exposed(id_, cluster_ip="10.96.0.1"))
    assert find(places, "10.96.0.1") == [Place("a", 8080), Place("b", 8080)]
    places.on_message(REMOVE, "deployment", exposed("a", cluster_ip="10.96.0.1"))
    assert find(places, "10.96.0.1") == [Place("b", 8080)]
    places.on_message(CREATE, "deployment", exposed("b"))
    assert find(places, "10.96.0.1") == []


def test_node_that_is_gone_opens_no_port_any_more() -> None:
    places = Places()
    places.on_message(CREATE, "deployment", exposed("web", node_port=30080))
    places.on_message(CREATE, "node", Node(id="n", internal_ip_addresses=["192.168.0.1"]))
    places.on_message(REMOVE, "node", Node(id="n", internal_ip_addresses=["192.168.0.1"]))
    assert find(places, "192.168.0.1", 30080) == []


def test_public_addresses_are_those_of_pods_services_and_nodes_in_order() -> None:
    places = Places()
    places.put_pod("pod", "web", ["9.9.9.9", "10.0.0.1"])
    places.on_message(CREATE, "deployment", exposed("web", cluster_ip="10.96.0.1", external="8.8.8.8"))
    places.on_message(CREATE, "node", Node(id="n", external_ip_addresses=["2600::1", "odd"]))
    assert places.public() == [IP("8.8.8.8"), IP("9.9.9.9"), IP("2600::1")]


def test_other_messages_are_nobodys_addresses() -> None:
    places = Places()
    places.on_message(CREATE, "pod", exposed("web", cluster_ip="10.96.0.1"))
    assert find(places, "10.96.0.1") == []
