"""A flow between two entities, as a value; pure.

A flow has the destination's port only. `last_seen` is None while it is open.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from pyrox.errors import Invalid
from pyrox.pb.storage.network_flow_pb2 import L4Protocol, NetworkEntityInfo, NetworkFlow

# Upstream pkg/networkgraph: the entities that stand for everything outside and inside.
INTERNET_ID = "afa12424-bde3-4313-b810-bb463cbe8f90"
INTERNAL_ID = "ada12424-bde3-4313-b810-bb463cbe8f90"
INTERNET_NAME, INTERNAL_NAME = "External Entities", "Internal Entities"
_EXTERNAL = frozenset(
    {NetworkEntityInfo.INTERNET, NetworkEntityInfo.EXTERNAL_SOURCE, NetworkEntityInfo.INTERNAL_ENTITIES}
)


class Entity(NamedTuple):
    """One end of a flow: a deployment, an address range, the rest of the world, a listening port."""

    type: NetworkEntityInfo.Type.ValueType
    id: str

    @property
    def external(self) -> bool:
        """Whether it is no deployment of the cluster."""
        return self.type in _EXTERNAL

    @property
    def deployment(self) -> bool:
        """Whether it is a deployment."""
        return self.type == NetworkEntityInfo.DEPLOYMENT


INTERNET = Entity(NetworkEntityInfo.INTERNET, INTERNET_ID)


class Key(NamedTuple):
    """What makes a flow the same flow."""

    source: Entity
    target: Entity
    port: int
    protocol: L4Protocol.ValueType


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow and when it was last seen."""

    key: Key
    last_seen: datetime | None = None

    def after(self, other: Flow) -> bool:
        """Whether this one was seen later; an open flow is later than every closed one."""
        if other.last_seen is None:
            return False
        return self.last_seen is None or self.last_seen > other.last_seen


def key_of(flow: NetworkFlow) -> Key:
    """The key of a flow as Sensors send it."""
    props = flow.props
    return Key(
        Entity(props.src_entity.type, props.src_entity.id),
        Entity(props.dst_entity.type, props.dst_entity.id),
        props.dst_port,
        props.l4protocol,
    )


def last_seen(flow: NetworkFlow) -> datetime | None:
    """When it ended, or None while it is open. Raises `Invalid` for a time that there is not."""
    if not flow.HasField("last_seen_timestamp"):
        return None
    try:
        return flow.last_seen_timestamp.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as err:
        raise Invalid.of(f"network flow last seen at {flow.last_seen_timestamp.seconds} s") from err
