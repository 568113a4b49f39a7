"""Fewer flows to outside."""

from __future__ import annotations

from datetime import UTC, datetime

from services.central.network_graph.addresses import Ranges
from services.central.network_graph.aggregate import SEVERAL, aggregate, latest
from services.central.network_graph.flow import INTERNET
from tests.support.network_flows import CLUSTER, deployed, flow, named, ranged

A, B = deployed("a"), deployed("b")
EARLY, LATE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)


def test_flows_within_the_cluster_stay_as_they_are() -> None:
    flows = [flow(A, B), flow(A, B, 80), flow(B, A)]
    assert aggregate(flows, Ranges([])).flows == flows


def test_flow_between_two_outsides_is_left_out() -> None:
    assert aggregate([flow(INTERNET, ranged("10.0.0.0/8"))], Ranges([])).flows == []


def test_forgotten_range_becomes_the_one_around_it_or_the_internet() -> None:
    ranges = Ranges([named("all", "10.0.0.0/8")])
    found = aggregate([flow(A, ranged("10.1.0.0/16")), flow(A, ranged("11.0.0.0/8"))], ranges)
    assert found.flows == [flow(A, ranged("10.0.0.0/8")), flow(A, INTERNET)]


def test_address_that_was_only_seen_is_the_internet() -> None:
    ranges = Ranges([named("1.1.1.1/32", "1.1.1.1/32", discovered=True)])
    found = aggregate([flow(ranged("1.1.1.1/32"), A), flow(INTERNET, A)], ranges)
    assert found.flows == [flow(INTERNET, A)]


def test_ranges_of_one_name_become_one_entity() -> None:
    ranges = Ranges([named("cloud", "10.0.0.0/8"), named("cloud", "11.0.0.0/8"), named("own", "12.0.0.0/8")])
    flows = [flow(A, ranged(cidr), seen=EARLY) for cidr in ("10.0.0.0/8", "12.0.0.0/8")]
    found = aggregate([*flows, flow(A, ranged("11.0.0.0/8"), seen=LATE)], ranges)
    together = next(iter(found.made))
    assert together.id == f"{CLUSTER}__cloud"
    assert found.made[together].external_source.cidr == SEVERAL
    assert found.flows == [flow(A, together, seen=LATE), flow(A, ranged("12.0.0.0/8"), seen=EARLY)]


def test_ranges_of_one_name_of_which_one_was_talked_to_stay() -> None:
    ranges = Ranges([named("cloud", "10.0.0.0/8"), named("cloud", "11.0.0.0/8")])
    found = aggregate([flow(A, ranged("10.0.0.0/8"))], ranges)
    assert found.flows == [flow(A, ranged("10.0.0.0/8"))]
    assert not found.made


def test_latest_time_counts_and_an_open_flow_is_the_latest() -> None:
    flows = [flow(A, B, seen=LATE), flow(A, B, seen=EARLY), flow(B, A, seen=LATE), flow(B, A)]
    assert latest(flows) == [flow(A, B, seen=LATE), flow(B, A)]
