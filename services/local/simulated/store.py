"""Objects of the simulated cluster with versions, history and watchers, all in memory.

The API and the controllers share one. Objects that were handed out are never changed:
a write stores a new one. It must not know HTTP or what kinds mean.
"""

from __future__ import annotations

import asyncio
import copy
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pyrox.clock import Clock
from pyrox.errors import Exhausted
from pyrox.k8s.kinds import Kind

Json = dict[str, Any]
# An event of the history is as old as etcd's compaction lets it become, by number.
_HISTORY = 20_000
_WATCHER_LIMIT = 50_000
_MAX_OBJECTS = 200_000
# Ids are made from names, so that a restarted simulation is the same cluster.
_SPACE = uuid.UUID("6f1d0f0e-9b8c-5d0e-8f0a-0c4b5f7c1a10")


@dataclass(frozen=True, slots=True)
class Event:
    """One change."""

    version: int
    kind: Kind
    type: str
    object: Json


class Watcher:
    """Receives the changes of one kind until it is closed."""

    def __init__(self, kind: Kind, namespace: str) -> None:
        self.kind = kind
        self.namespace = namespace
        self.events: asyncio.Queue[Event | None] = asyncio.Queue(_WATCHER_LIMIT)

    def offer(self, event: Event) -> None:
        """Hand over an event that this watcher asked for; one that is too slow is ended."""
        if event.kind != self.kind or self.namespace not in {"", namespace_of(event.object)}:
            return
        try:
            self.events.put_nowait(event)
        except asyncio.QueueFull:
            while not self.events.empty():
                self.events.get_nowait()
            self.events.put_nowait(None)


class Store:
    """All objects."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        # Versions go on growing over restarts, as etcd's do, so an old one is known as old.
        self.version = int(clock.now().timestamp() * 1000)
        self.oldest = self.version
        """Watches from before this version cannot be served."""
        self._objects: dict[Kind, dict[tuple[str, str], Json]] = {}
        # By owner's uid: a list over all objects for each owner would cost its square.
        self._owned: dict[str, dict[tuple[Kind, str, str], None]] = {}
        self._history: deque[Event] = deque(maxlen=_HISTORY)
        self._watchers: set[Watcher] = set()
        self._count = 0

    def get(self, kind: Kind, namespace: str, name: str) -> Json | None:
        """One object; it must not be changed."""
        return self._objects.get(kind, {}).get((namespace, name))

    def list(self, kind: Kind, namespace: str = "") -> list[Json]:
        """Objects by namespace and name; they must not be changed."""
        found = self._objects.get(kind, {})
        keys = sorted(key for key in found if namespace in {"", key[0]})
        return [found[key] for key in keys]

    def owned(self, kind: Kind, uid: str) -> Sequence[Json]:
        """Objects of a kind that name this owner, by name; they must not be changed."""
        places = sorted((space, name) for of_kind, space, name in self._owned.get(uid, ()) if of_kind == kind)
        return [self._objects[kind][place] for place in places]

    def put(self, kind: Kind, value: Json) -> Json:
        """Store a new state of an object, created when its name is new.

        Raises `Exhausted` when there are too many objects.
        """
        key = (namespace_of(value), name_of(value))
        known = self._objects.setdefault(kind, {}).get(key)
        if known is None:
            if self._count >= _MAX_OBJECTS:
                raise Exhausted(f"the simulated cluster holds at most {_MAX_OBJECTS} objects")
            self._count += 1
        stored = self._stamped(kind, value, known)
        self._objects[kind][key] = stored
        if known is not None:
            self._disown(kind, known)
        for uid in owners_of(stored):
            self._owned.setdefault(uid, {})[kind, *key] = None
        self._tell(kind, "ADDED" if known is None else "MODIFIED", stored)
        return stored

    def delete(self, kind: Kind, namespace: str, name: str) -> Json | None:
        """Remove an object; it as it was, or None when there is none."""
        found = self._objects.get(kind, {}).pop((namespace, name), None)
        if found is None:
            return None
        self._count -= 1
        self._disown(kind, found)
        self.version += 1
        metadata = {**found["metadata"], "resourceVersion": str(self.version)}
        self._tell(kind, "DELETED", {**found, "metadata": metadata})
        return found

    def all(self) -> Iterator[tuple[Kind, Json]]:
        """Every object."""
        for kind, found in self._objects.items():
            for value in found.values():
                yield kind, value

    def watch(self, kind: Kind, namespace: str, since: int) -> Watcher | None:
        """A watcher of all changes after a version; None when that is too long ago."""
        if since < self.oldest:
            return None
        watcher = Watcher(kind, namespace)
        for event in self._history:
            if event.version > since:
                watcher.offer(event)
        self._watchers.add(watcher)
        return watcher

    def unwatch(self, watcher: Watcher) -> None:
        """End a watcher."""
        self._watchers.discard(watcher)

    def now(self) -> str:
        """The current time as Kubernetes writes it."""
        return self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def _disown(self, kind: Kind, value: Json) -> None:
        for uid in owners_of(value):
            places = self._owned.get(uid, {})
            places.pop((kind, namespace_of(value), name_of(value)), None)
            if not places:
                self._owned.pop(uid, None)

    def _stamped(self, kind: Kind, value: Json, known: Json | None) -> Json:
        self.version += 1
        stored = copy.deepcopy(value)
        metadata = stored.setdefault("metadata", {})
        stored["apiVersion"], stored["kind"] = kind.api_version, kind.name
        before = known["metadata"] if known is not None else {}
        made = uuid.uuid5(_SPACE, f"{kind.path}/{namespace_of(value)}/{name_of(value)}")
        metadata["uid"] = before.get("uid") or metadata.get("uid") or str(made)
        metadata["creationTimestamp"] = (
            before.get("creationTimestamp") or metadata.get("creationTimestamp") or self.now()
        )
        metadata["resourceVersion"] = str(self.version)
        if "spec" in stored:
            changed = known is None or known.get("spec") != stored["spec"]
            metadata["generation"] = int(before.get("generation", 0)) + (1 if changed else 0)
        return stored

    def _tell(self, kind: Kind, event_type: str, value: Json) -> None:
        if len(self._history) == _HISTORY:
            self.oldest = self._history[0].version
        event = Event(self.version, kind, event_type, value)
        self._history.append(event)
        for watcher in self._watchers:
            watcher.offer(event)


def namespace_of(value: Json) -> str:
    """The namespace of an object; empty for those of the whole cluster."""
    return str(value.get("metadata", {}).get("namespace") or "")


def name_of(value: Json) -> str:
    """The name of an object."""
    return str(value.get("metadata", {}).get("name") or "")


def owners_of(value: Json) -> list[str]:
    """The uids of an object's owners."""
    return [str(owner.get("uid")) for owner in value["metadata"].get("ownerReferences") or []]
