"""Connections from a node's /proc to what Central is told: Collector and Sensor are real."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pyrox.k8s import kinds
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgToSensor
from pyrox.pb.storage.network_flow_pb2 import NetworkEntityInfo
from services.collector.config import Network
from tests.support import made_proc
from tests.support.central_link import CentralLinkServer
from tests.support.collector import config, running_collector
from tests.support.fake_k8s import FakeKubernetes
from tests.support.fake_probe import FakeProbe
from tests.support.made_proc import CONNECTED, LISTENS, end, line
from tests.support.pki import Pki
from tests.support.sensor import pod, replica_set, running_sensor, workload
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(200)
WEB, API = "10.0.0.7", "10.0.0.8"
ANY = "0.0.0.0"  # noqa: S104 - written, not bound
WEB_LINES = (line(end(WEB, 50000), end(API, 8080), CONNECTED, "1"),)
API_LINES = (
    line(end(ANY, 8080), end(ANY, 0), LISTENS, "2"),
    line(end(API, 8080), end(WEB, 50000), CONNECTED, "3"),
)
Told = dict[tuple[str, str, int], bool]
"""Source, target and port, and whether the flow is open."""


class Node:
    """Two pods on one node, with the sockets that a test gives them."""

    def __init__(self, directory: Path) -> None:
        self.host = directory / "host"
        self.web = self._process(1, "a", (1, 4), WEB_LINES)
        self.api = self._process(2, "b", (2, 3), API_LINES)

    def _process(self, pid: int, digit: str, inodes: tuple[int, ...], lines: tuple[str, ...]) -> Path:
        proc = self.host / "proc"
        return made_proc.process(proc, pid, inodes, *lines, cgroup=f"0::/{digit * 64}", namespace=pid)


@asynccontextmanager
async def chain(tmp_path: Path) -> AsyncIterator[tuple[Node, CentralLinkServer]]:
    """Everything between the node's /proc and Central."""
    pki, node = Pki(tmp_path / "pki"), Node(tmp_path)
    async with FakeKubernetes().running() as kube:
        kube.put(kinds.NAMESPACE, {"metadata": {"name": "shop", "uid": "ns-shop"}})
        for name, digit, address in (("web", "a", WEB), ("api", "b", API)):
            kube.put(kinds.DEPLOYMENT, workload(name))
            kube.put(kinds.REPLICA_SET, replica_set(f"{name}-rs", name))
            made = pod(f"{name}-1", f"{name}-rs", container_id=digit * 64)
            made["status"]["podIP"] = address
            kube.put(kinds.POD, made)
        async with (
            CentralLinkServer(pki).running() as central,
            running_sensor(kube, central, pki, tmp_path, ROX_SENSOR_NETFLOW_INTERVAL="100ms") as sensor,
        ):
            settings = replace(
                config(pki, sensor.front.addresses[0][1], NODE_HOSTNAME="node-1"),
                host=node.host,
                network=Network(interval=timedelta(milliseconds=100), afterglow=timedelta()),
            )
            async with running_collector(settings, FakeProbe().open):
                yield node, central


def told(central: CentralLinkServer) -> Told:
    """What Central knows by now."""
    found: Told = {}
    for message in central.received:
        for flow in message.network_flow_update.updated:
            props = flow.props
            key = props.src_entity.id, props.dst_entity.id, props.dst_port
            found[key] = not flow.HasField("last_seen_timestamp")
    return found


def ports(central: CentralLinkServer) -> dict[tuple[str, int], bool]:
    """The ports that Central knows deployments to listen on."""
    return {
        (endpoint.props.entity.id, endpoint.props.port): not endpoint.HasField("last_active_timestamp")
        for message in central.received
        for endpoint in message.network_flow_update.updated_endpoints
    }


async def test_connection_between_pods_is_one_flow_until_it_ends(tmp_path: Path) -> None:
    between = ("uid-web", "uid-api", 8080)
    async with chain(tmp_path) as (node, central):
        await until(lambda: told(central).get(between) and ports(central))
        assert told(central) == {between: True}
        assert ports(central) == {("uid-api", 8080): True}
        made_proc.tables(node.web)
        made_proc.tables(node.api)
        await until(lambda: not told(central)[between] and not ports(central)["uid-api", 8080])
        made_proc.tables(node.web, *WEB_LINES)
        await until(lambda: told(central)[between])


async def test_range_that_central_names_is_the_end_of_the_flow(tmp_path: Path) -> None:
    async with chain(tmp_path) as (node, central):
        await until(lambda: told(central))
        message = MsgToSensor()
        message.push_network_entities_request.seqID = 1
        named = message.push_network_entities_request.entities.add(
            id="resolvers", type=NetworkEntityInfo.EXTERNAL_SOURCE
        )
        named.external_source.cidr = "8.8.0.0/16"
        central.send(message)
        out = line(end(WEB, 50001), end("8.8.8.8", 53), CONNECTED, "4")
        # The ranges reach Collector by way of Sensor; until then the address is any public one.
        made_proc.tables(node.web, *WEB_LINES, out)
        await until(lambda: ("uid-web", "resolvers", 53) in told(central))
        assert told(central)["uid-web", "resolvers", 53]
