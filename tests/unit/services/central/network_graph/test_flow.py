"""Flows as values."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from pyrox.errors import Invalid
from pyrox.pb.storage.network_flow_pb2 import L4Protocol, NetworkEntityInfo, NetworkFlow
from services.central.network_graph.flow import INTERNET, Entity, Flow, Key, key_of, last_seen

KEY = Key(Entity(NetworkEntityInfo.DEPLOYMENT, "a"), INTERNET, 443, L4Protocol.L4_PROTOCOL_TCP)
EARLY, LATE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("one", "other", "later"),
    [(EARLY, LATE, False), (LATE, EARLY, True), (None, LATE, True), (LATE, None, False), (None, None, False)],
)
def test_open_flow_is_later_than_a_closed_one(
    one: datetime | None, other: datetime | None, later: bool
) -> None:
    assert Flow(KEY, one).after(Flow(KEY, other)) is later


def test_key_and_end_of_a_message() -> None:
    flow = NetworkFlow()
    flow.props.src_entity.type, flow.props.src_entity.id = NetworkEntityInfo.DEPLOYMENT, "a"
    flow.props.dst_entity.type, flow.props.dst_entity.id = INTERNET
    flow.props.dst_port, flow.props.l4protocol = 443, L4Protocol.L4_PROTOCOL_TCP
    assert key_of(flow) == KEY
    assert last_seen(flow) is None
    flow.last_seen_timestamp.FromDatetime(EARLY)
    assert last_seen(flow) == EARLY


def test_time_that_there_is_not_is_refused() -> None:
    flow = NetworkFlow(last_seen_timestamp=Timestamp(seconds=1 << 60))
    with pytest.raises(Invalid, match="network flow last seen at"):
        last_seen(flow)


@pytest.mark.parametrize(
    ("kind", "external"),
    [
        (NetworkEntityInfo.DEPLOYMENT, False),
        (NetworkEntityInfo.LISTEN_ENDPOINT, False),
        (NetworkEntityInfo.INTERNET, True),
        (NetworkEntityInfo.EXTERNAL_SOURCE, True),
        (NetworkEntityInfo.INTERNAL_ENTITIES, True),
    ],
)
def test_what_is_no_deployment_is_external(kind: NetworkEntityInfo.Type.ValueType, external: bool) -> None:
    assert Entity(kind, "x").external is external
    assert Entity(kind, "x").deployment is (kind == NetworkEntityInfo.DEPLOYMENT)
