"""The network pipeline of a Sensor over two deployments, without streams."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from pyrox.pb.internalapi.central.hello_pb2 import CentralHello
from pyrox.pb.internalapi.central.network_flow_pb2 import NetworkFlowUpdate
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgFromSensor, MsgToSensor
from pyrox.pb.storage.deployment_pb2 import Pod
from services.sensor.network.connections import Connections
from services.sensor.network.enrich import Enricher
from services.sensor.network.flows import Flows
from services.sensor.network.places import Places
from services.sensor.network.ranges import Ranges
from services.sensor.store.entities import Entities
from tests.support.collector_network import CONTAINER
from tests.support.pki import FixedClock

WEB, API = "web", "api"
API_ADDRESS = "10.0.0.2"
API_CONTAINER = "fedcba543210"


@dataclass
class Sent:
    """The way to Central, and what went there."""

    live: bool = True
    updates: list[NetworkFlowUpdate] = field(default_factory=list)

    def put(self, message: MsgFromSensor) -> None:
        self.updates.append(message.network_flow_update)


class Scene:
    """One container of each deployment, and a Collector's open stream."""

    def __init__(self) -> None:
        self.clock, self.sent, self.synced = FixedClock(), Sent(), True
        self.connections, self.places, self.ranges = Connections(), Places(), Ranges()
        self.containers = Entities()
        for deployment, container in ((WEB, CONTAINER), (API, API_CONTAINER)):
            pod = Pod(id=f"pod of {deployment}", deployment_id=deployment)
            pod.live_instances.add().instance_id.id = container
            self.containers.put(pod)
        self.places.put_pod("pod of api", API, [API_ADDRESS])
        self.enricher = Enricher(
            connections=self.connections, containers=self.containers, places=self.places, ranges=self.ranges
        )
        self.flows = Flows(
            enricher=self.enricher,
            sources=(self.connections, self.places, self.ranges),
            outbox=self.sent,
            synced=lambda: self.synced,
            clock=self.clock,
            interval=timedelta(seconds=30),
        )
        self.connections.opened("node")
        self.flows.on_online(CentralHello())

    def later(self, **spans: float) -> None:
        """Some time is over."""
        self.clock.moment += timedelta(**spans)


def pushed(number: int, **cidrs: str) -> MsgToSensor:
    """Ranges by id."""
    message = MsgToSensor()
    message.push_network_entities_request.seqID = number
    for id_, cidr in cidrs.items():
        entity = message.push_network_entities_request.entities.add(id=id_)
        entity.external_source.cidr = cidr
    return message
