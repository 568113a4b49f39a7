"""Fewer flows to outside: unknown ranges become known ones, ranges of one name become one; pure.

The steps are upstream's (central/networkgraph/aggregator), in its order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from pyrox.pb.storage.network_flow_pb2 import NetworkEntityInfo
from services.central.network_graph.addresses import Ranges, cluster_of
from services.central.network_graph.flow import INTERNET, Entity, Flow, Key

# Upstream's CIDR of an entity that stands for several ranges.
SEVERAL = "multi-network"


@dataclass(slots=True)
class Aggregated:
    """The flows that are left, and the entities that were made for them."""

    flows: list[Flow]
    made: dict[Entity, NetworkEntityInfo] = field(default_factory=dict)


def aggregate(flows: Iterable[Flow], ranges: Ranges) -> Aggregated:
    """Flows between a deployment and something, each once, with its latest time."""
    kept = [flow for flow in flows if not (flow.key.source.external and flow.key.target.external)]
    known = [_with(flow, lambda entity: _shown(ranges.known(entity), ranges)) for flow in kept]
    named = _by_name(known, ranges)
    return Aggregated(latest(named.flows), named.made)


def latest(flows: Iterable[Flow]) -> list[Flow]:
    """One flow per key, the one that was seen last."""
    found: dict[Key, Flow] = {}
    for flow in flows:
        before = found.get(flow.key)
        if before is None or flow.after(before):
            found[flow.key] = flow
    return list(found.values())


def _shown(entity: Entity, ranges: Ranges) -> Entity:
    """A range that nobody named, an address that was only seen, is shown as the internet."""
    found = ranges.get(entity.id) if entity.type == NetworkEntityInfo.EXTERNAL_SOURCE else None
    return INTERNET if found is not None and found.external_source.discovered else entity


def _by_name(flows: Sequence[Flow], ranges: Ranges) -> Aggregated:
    """Ranges of the same name become one entity with an id of its own."""
    names: dict[str, set[str]] = {}
    for flow in flows:
        for entity in (flow.key.source, flow.key.target):
            found = ranges.get(entity.id)
            if found is not None:
                names.setdefault(found.external_source.name, set()).add(entity.id)
    made: dict[Entity, NetworkEntityInfo] = {}
    replaced: dict[str, Entity] = {}
    for name, ids in names.items():
        if len(ids) > 1:
            together = _together(name, [found for id_ in ids if (found := ranges.get(id_)) is not None])
            entity = Entity(together.type, together.id)
            made[entity] = together
            replaced |= dict.fromkeys(ids, entity)
    return Aggregated([_with(flow, lambda entity: replaced.get(entity.id, entity)) for flow in flows], made)


def _together(name: str, infos: Sequence[NetworkEntityInfo]) -> NetworkEntityInfo:
    made = NetworkEntityInfo(type=NetworkEntityInfo.EXTERNAL_SOURCE)
    made.id = f"{cluster_of(infos[0].id)}__{name}"
    made.external_source.name, made.external_source.cidr = name, SEVERAL
    made.external_source.default = any(info.external_source.default for info in infos)
    return made


def _with(flow: Flow, change: Callable[[Entity], Entity]) -> Flow:
    source, target = change(flow.key.source), change(flow.key.target)
    if (source, target) == flow.key[:2]:
        return flow
    return Flow(flow.key._replace(source=source, target=target), flow.last_seen)
