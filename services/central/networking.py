"""The part of Central's composition root that makes network flows and their graph.

`services.central.app` calls it once.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyrox.clock import Clock
from pyrox.metrics import Metrics
from pyrox.pg.pool import Pool
from services.central.clusters.store import ClusterStore
from services.central.network_graph.announce import Announcer
from services.central.network_graph.entities import EntityStore
from services.central.network_graph.flows import FlowStore
from services.central.network_graph.service import NetworkGraphService
from services.central.network_graph.settings import GraphSettings
from services.central.network_graph.updates import FlowUpdates
from services.central.network_graph.view import GraphView


@dataclass(frozen=True, slots=True)
class Networking:
    """What takes flows, tells Sensors of ranges and answers users."""

    flows: FlowStore
    updates: FlowUpdates
    announcer: Announcer
    service: NetworkGraphService


def networking(pool: Pool, clock: Clock, metrics: Metrics, clusters: ClusterStore) -> Networking:
    """Everything around network flows."""
    flows, settings = FlowStore(pool=pool), GraphSettings(pool=pool)
    entities = EntityStore(pool=pool, settings=settings)
    updates = FlowUpdates(pool=pool, flows=flows, entities=entities, clock=clock, metrics=metrics)
    service = NetworkGraphService(
        view=GraphView(pool=pool, flows=flows, entities=entities, clock=clock),
        entities=entities,
        settings=settings,
        clusters=clusters,
        clock=clock,
    )
    return Networking(flows, updates, Announcer(entities=entities), service)
