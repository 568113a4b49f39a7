"""Flows and address ranges of one cluster, for the tests of the network graph."""

from __future__ import annotations

from datetime import datetime

from pyrox.pb.storage.deployment_pb2 import ListDeployment
from pyrox.pb.storage.network_flow_pb2 import L4Protocol, NetworkEntity, NetworkEntityInfo, NetworkFlow
from services.central.network_graph.addresses import id_of, network_of
from services.central.network_graph.flow import Entity, Flow, Key

CLUSTER = "11111111-1111-4111-8111-111111111111"
TCP, UDP = L4Protocol.L4_PROTOCOL_TCP, L4Protocol.L4_PROTOCOL_UDP


def named(name: str, cidr: str, *, discovered: bool = False) -> NetworkEntity:
    """A range that stands in the graph."""
    entity = NetworkEntity()
    entity.info.id, entity.info.type = ranged(cidr).id, NetworkEntityInfo.EXTERNAL_SOURCE
    source = entity.info.external_source
    source.name, source.cidr, source.discovered = name, cidr, discovered
    entity.scope.cluster_id = CLUSTER
    return entity


def ranged(cidr: str) -> Entity:
    """A range as the end of a flow."""
    return Entity(NetworkEntityInfo.EXTERNAL_SOURCE, id_of(CLUSTER, network_of(cidr)))


def deployed(id_: str) -> Entity:
    """A deployment as the end of a flow."""
    return Entity(NetworkEntityInfo.DEPLOYMENT, id_)


def flow(source: Entity, target: Entity, port: int = 443, *, seen: datetime | None = None) -> Flow:
    """A flow over TCP."""
    return Flow(Key(source, target, port, TCP), seen)


def listed(id_: str, name: str, namespace: str = "payments") -> ListDeployment:
    """A deployment of the cluster."""
    return ListDeployment(id=id_, name=name, namespace=namespace, cluster="prod", cluster_id=CLUSTER)


def sent(one: Flow, *, discovered: str = "") -> NetworkFlow:
    """The flow as a Sensor sends it; `discovered` is the address of its external end."""
    message = NetworkFlow()
    props = message.props
    props.src_entity.type, props.src_entity.id = one.key.source
    props.dst_entity.type, props.dst_entity.id = one.key.target
    props.dst_port, props.l4protocol = one.key.port, one.key.protocol
    if one.last_seen is not None:
        message.last_seen_timestamp.FromDatetime(one.last_seen)
    if discovered:
        end = props.dst_entity if one.key.target.external else props.src_entity
        end.external_source.cidr, end.external_source.discovered = discovered, True
    return message
