"""From a changed message to the store and to Central.

Every watch handler and the resolver publish through here. It must not know Kubernetes.
"""

from __future__ import annotations

import asyncio

from google.protobuf.message import Message

from pyrox.pb.internalapi.central.sensor_events_pb2 import ResourceAction, SensorEvent
from pyrox.pb.storage.deployment_pb2 import Pod
from services.sensor.link.events import Events, Origin
from services.sensor.store.messages import Entry, Messages, event_of


class Publisher:
    """Stores messages and emits their events with the right action."""

    def __init__(self, *, messages: Messages, events: Events) -> None:
        self._messages = messages
        self._events = events
        self.synced = asyncio.Event()
        """Set when everything that was in the cluster at the start is known."""
        self._open = False

    def open(self) -> None:
        """From now on Central is told of changes: it is being told of everything else."""
        self._open = True

    def close(self) -> None:
        """Central is gone; changes are only stored until it is told of everything again."""
        self._open = False

    def upsert(self, arm: str, key: str, message: Message, origin: Origin) -> ResourceAction.ValueType:
        """Store the message and tell Central; the action that it was told with."""
        action = self._action(arm, key)
        self._messages.put(arm, key, Entry(message, origin), action)
        if self._open:
            self._events.emit(event_of(arm, key, message, action), origin)
        return action

    def remove(self, arm: str, key: str) -> Entry | None:
        """Forget the object and tell Central; what was stored."""
        entry = self._messages.remove(arm, key)
        if entry is not None and self._open:
            event = event_of(arm, key, _remains(entry.message), ResourceAction.REMOVE_RESOURCE)
            self._events.emit(event, entry.origin)
        return entry

    def _action(self, arm: str, key: str) -> ResourceAction.ValueType:
        if not self.synced.is_set():
            return ResourceAction.SYNC_RESOURCE
        known = self._messages.get(arm, key) is not None
        return ResourceAction.UPDATE_RESOURCE if known else ResourceAction.CREATE_RESOURCE


def _remains(message: Message) -> Message:
    """What a REMOVE carries: of a pod only its names, as upstream sends it."""
    if isinstance(message, Pod):
        return Pod(
            id=message.id, name=message.name, deployment_id=message.deployment_id, namespace=message.namespace
        )
    return message


def synced_event(unchanged: list[str]) -> SensorEvent:
    """The event that ends a replay."""
    return SensorEvent(synced=SensorEvent.ResourcesSynced(unchanged_ids=unchanged))
