"""Sensor's side of Compliance's stream: the greeting, and what a node says."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from pyrox.errors import Invalid
from pyrox.metrics import Metrics
from pyrox.pb.internalapi.central.sensor_events_pb2 import ResourceAction
from pyrox.pb.internalapi.sensor.compliance_iservice_pb2 import MsgFromCompliance, MsgToCompliance
from pyrox.pb.storage.container_runtime_pb2 import CRIO_CONTAINER_RUNTIME, ContainerRuntimeInfo
from pyrox.pb.storage.node_pb2 import Node
from pyrox.rpc.call import Call
from services.sensor.compliance.service import NODE_NAME_HEADER, ComplianceService, scrape_config
from services.sensor.link.events import Origin
from services.sensor.store.messages import Entry, Messages

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
METHOD = "/sensor.ComplianceService/Communicate"


def node(name: str, *labels: str) -> Node:
    runtime = ContainerRuntimeInfo(type=CRIO_CONTAINER_RUNTIME, version="1.30")
    return Node(id=f"uid-{name}", name=name, labels=dict.fromkeys(labels, ""), container_runtime=runtime)


class Bench:
    """The servicer, and what it counted."""

    def __init__(self, *nodes: Node) -> None:
        self.metrics, messages = Metrics("sensor"), Messages()
        for one in nodes:
            messages.put("node", one.id, Entry(one, Origin("Node", one.id)), ResourceAction.SYNC_RESOURCE)
        self.service = ComplianceService(messages=messages, metrics=self.metrics)

    def counted(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"rox_sensor_{name}", labels)

    async def answers(self, *said: MsgFromCompliance, name: str = "node-1") -> list[MsgToCompliance]:
        async def requests() -> AsyncIterator[MsgFromCompliance]:
            for one in said:
                assert self.counted("compliance_nodes") == 1
                yield one

        call = Call(METHOD, metadata={NODE_NAME_HEADER: name} if name else {})
        return [answer async for answer in self.service.Communicate(requests(), call)]


@pytest.mark.parametrize(("labels", "control_plane"), [((), False), ((CONTROL_PLANE,), True)])
async def test_node_is_told_first_what_sensor_knows_of_it(
    labels: tuple[str, ...], control_plane: bool
) -> None:
    (first,) = await Bench(node("node-0"), node("node-1", *labels)).answers()
    assert first.config.is_master_node is control_plane
    assert first.config.container_runtime == CRIO_CONTAINER_RUNTIME


async def test_node_that_sensor_has_not_seen_yet_is_told_nothing_of_itself() -> None:
    (first,) = await Bench(node("node-0", CONTROL_PLANE)).answers()
    assert first.WhichOneof("msg") == "config"
    assert first.config == MsgToCompliance.ScrapeConfig()


async def test_stream_without_a_node_name_is_refused() -> None:
    with pytest.raises(Invalid, match=NODE_NAME_HEADER):
        await Bench().answers(name="")


async def test_messages_are_counted_by_kind_and_the_node_leaves_with_its_stream() -> None:
    bench = Bench()
    inventory, empty = MsgFromCompliance(node="node-1"), MsgFromCompliance()
    inventory.node_inventory.SetInParent()
    await bench.answers(inventory, inventory, empty)
    ignored = "compliance_messages_ignored_total"
    assert bench.counted(ignored, message="node_inventory") == 2
    assert bench.counted(ignored, message="empty") == 1
    assert bench.counted("compliance_nodes") == 0


def test_older_label_of_control_planes_counts_too() -> None:
    assert scrape_config(node("a", "node-role.kubernetes.io/master")).is_master_node
    assert not scrape_config(node("a", "node-role.kubernetes.io/worker")).is_master_node
