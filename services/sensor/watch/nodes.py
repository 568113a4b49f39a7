"""Nodes."""

from __future__ import annotations

from google.protobuf.message import Message

from pyrox.k8s import kinds
from pyrox.k8s.client import Json
from pyrox.workload.namespaces import to_node
from services.sensor.watch.handlers import Desk, Plain, Sinks


def sinks(desk: Desk) -> Sinks:
    """The kind handled here."""

    def convert(value: Json) -> Message:
        return to_node(value, now=desk.clock.now())

    return {kinds.NODE: Plain(desk, "node", "Node", convert)}
