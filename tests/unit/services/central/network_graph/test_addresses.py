"""Address ranges: ids, and the smallest known range around another."""

from __future__ import annotations

import pytest

from pyrox.errors import Invalid
from pyrox.pb.storage.network_flow_pb2 import NetworkEntityInfo
from services.central.network_graph.addresses import Ranges, cluster_of, id_of, network_of, range_of
from services.central.network_graph.flow import INTERNAL_ID, INTERNET, Entity
from tests.support.network_flows import CLUSTER, named, ranged

SOURCE = NetworkEntityInfo.EXTERNAL_SOURCE


@pytest.mark.parametrize(
    ("cidr", "network"),
    [("10.1.2.3/16", "10.1.0.0/16"), ("10.0.0.1", "10.0.0.1/32"), ("2001:db8::1/32", "2001:db8::/32")],
)
def test_range_loses_its_host_bits(cidr: str, network: str) -> None:
    assert str(network_of(cidr)) == network


@pytest.mark.parametrize(
    ("cidr", "message"),
    [
        ("", "CIDR must be provided: invalid arguments"),
        ("10.0.0.0/33", "CIDR 10.0.0.0/33 is invalid: invalid arguments"),
        ("everywhere", "CIDR everywhere is invalid: invalid arguments"),
    ],
)
def test_range_that_is_none_is_refused(cidr: str, message: str) -> None:
    with pytest.raises(Invalid) as refused:
        network_of(cidr)
    assert refused.value.message == message


def test_id_tells_cluster_and_range() -> None:
    made = id_of(CLUSTER, network_of("10.0.0.0/8"))
    assert made == f"{CLUSTER}__MTAuMC4wLjAvOA"
    assert cluster_of(made) == CLUSTER
    assert range_of(made) == network_of("10.0.0.0/8")


@pytest.mark.parametrize("text", ["", "a__%%%", "a__bm8", "no-separator"])
def test_id_of_no_range_tells_none(text: str) -> None:
    assert range_of(text) is None


@pytest.mark.parametrize("cluster", ["", "a_b"])
def test_id_of_an_impossible_cluster_is_refused(cluster: str) -> None:
    with pytest.raises(Invalid, match="cluster ID"):
        id_of(cluster, network_of("10.0.0.0/8"))


@pytest.mark.parametrize(
    ("seen", "shown"),
    [
        ("10.1.2.3/32", "10.1.0.0/16"),
        ("10.2.0.0/16", "10.0.0.0/8"),
        ("2001:db8:1::/48", "2001:db8::/32"),
        ("2002::/16", None),
        ("11.0.0.1/32", None),
        ("0.0.0.0/0", None),
    ],
)
def test_unknown_range_is_shown_as_the_smallest_known_one_around_it(seen: str, shown: str | None) -> None:
    ranges = Ranges([named("all", "10.0.0.0/8"), named("part", "10.1.0.0/16"), named("v6", "2001:db8::/32")])
    wanted = INTERNET if shown is None else ranged(shown)
    assert ranges.known(ranged(seen)) == wanted


def test_known_range_and_what_is_no_range_stay() -> None:
    ranges = Ranges([named("all", "10.0.0.0/8")])
    deployment = Entity(NetworkEntityInfo.DEPLOYMENT, "d")
    assert ranges.known(ranged("10.0.0.0/8")) == ranged("10.0.0.0/8")
    assert ranges.known(deployment) == deployment
    assert ranges.known(Entity(SOURCE, "rubbish")) == INTERNET


def test_entities_are_shown_with_their_names() -> None:
    ranges = Ranges([named("all", "10.0.0.0/8")])
    assert ranges.info(ranged("10.0.0.0/8")).external_source.name == "all"
    assert ranges.info(INTERNET).external_source.name == "External Entities"
    internal = Entity(NetworkEntityInfo.INTERNAL_ENTITIES, INTERNAL_ID)
    assert ranges.info(internal).external_source.name == "Internal Entities"
    assert ranges.info(Entity(SOURCE, "gone")).WhichOneof("desc") is None
