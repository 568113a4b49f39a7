"""The current message of every object that Central is told of.

Written by the publisher, read by detection, by the admission streams and by the replay
after a reconnect. It must not know where objects come from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from google.protobuf.message import Message

from pyrox.pb.internalapi.central.sensor_events_pb2 import ResourceAction, SensorEvent
from pyrox.pb.storage.deployment_pb2 import Deployment, Pod
from pyrox.pb.storage.namespace_metadata_pb2 import NamespaceMetadata
from pyrox.pb.storage.network_policy_pb2 import NetworkPolicy
from services.sensor.link.events import Origin

# The arms of SensorEvent in the order in which Central is told of them.
ARMS = (
    "namespace",
    "secret",
    "service_account",
    "role",
    "binding",
    "network_policy",
    "node",
    "deployment",
    "pod",
)
Watcher = Callable[[ResourceAction.ValueType, str, Message], None]
"""Is told of each change: action, arm and message."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A message and the kind of object that it was made from."""

    message: Message
    origin: Origin


class Messages:
    """Messages by arm and id."""

    def __init__(self) -> None:
        self._by_arm: dict[str, dict[str, Entry]] = {arm: {} for arm in ARMS}
        self._watchers: list[Watcher] = []

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Tell the watcher of every change from now on; call the result to stop."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def put(self, arm: str, key: str, entry: Entry, action: ResourceAction.ValueType) -> None:
        """Store the newest message of an object."""
        self._by_arm[arm][key] = entry
        self._tell(action, arm, entry.message)

    def remove(self, arm: str, key: str) -> Entry | None:
        """Forget an object; what was stored."""
        entry = self._by_arm[arm].pop(key, None)
        if entry is not None:
            self._tell(ResourceAction.REMOVE_RESOURCE, arm, entry.message)
        return entry

    def get(self, arm: str, key: str) -> Entry | None:
        """The object's entry."""
        return self._by_arm[arm].get(key)

    def entries(self, arm: str) -> Mapping[str, Entry]:
        """All entries of an arm; not to be changed, and not to be kept over an await."""
        return self._by_arm[arm]

    def deployment(self, key: str) -> Deployment | None:
        """The deployment of that id."""
        entry = self.get("deployment", key)
        return None if entry is None else cast("Deployment", entry.message)

    def deployments(self) -> Iterator[Deployment]:
        """All deployments."""
        return (cast("Deployment", entry.message) for entry in list(self._by_arm["deployment"].values()))

    def pods(self) -> Iterator[Pod]:
        """All pods."""
        return (cast("Pod", entry.message) for entry in list(self._by_arm["pod"].values()))

    def namespaces(self) -> Iterator[NamespaceMetadata]:
        """All namespaces."""
        return (
            cast("NamespaceMetadata", entry.message) for entry in list(self._by_arm["namespace"].values())
        )

    def network_policies(self) -> Iterator[NetworkPolicy]:
        """All network policies."""
        return (
            cast("NetworkPolicy", entry.message) for entry in list(self._by_arm["network_policy"].values())
        )

    def _tell(self, action: ResourceAction.ValueType, arm: str, message: Message) -> None:
        for watcher in tuple(self._watchers):
            watcher(action, arm, message)


def event_of(arm: str, key: str, message: Message, action: ResourceAction.ValueType) -> SensorEvent:
    """The event that tells Central of a message."""
    event = SensorEvent(id=key, action=action)
    getattr(event, arm).CopyFrom(message)
    return event
