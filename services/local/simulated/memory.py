"""Keeps what users changed in the simulated cluster over restarts of its process.

Pods and ReplicaSets are not kept: their controllers make the same ones again. A world
that is made anew, with other objects or another registry, starts without the old changes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path

from pyrox import log
from pyrox.clock import Clock
from pyrox.k8s import kinds
from pyrox.k8s.kinds import Kind
from services.local.simulated.resources import of_manifest
from services.local.simulated.store import Json, Store

_LOG = log.get(__name__)
_DERIVED = frozenset({kinds.POD, kinds.REPLICA_SET, kinds.EVENT})
_PAUSE_SECONDS = 1.0


class Memory:
    """The component that writes the cluster's state to a file."""

    name = "memory"

    def __init__(self, *, path: Path, store: Store, clock: Clock, stamp: str) -> None:
        self._path = path
        self._store = store
        self._clock = clock
        self._stamp = stamp
        self._written = 0

    def load(self) -> list[tuple[Kind, Json]] | None:
        """The objects as last written; None when there are none of this world."""
        try:
            document = json.loads(self._path.read_bytes())
            if document["stamp"] != self._stamp:
                return None
            found = [(of_manifest(one["apiVersion"], one["kind"]), one) for one in document["objects"]]
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as err:
            _LOG.warning(
                "state of the simulated cluster cannot be read", path=str(self._path), error=str(err)
            )
            return None
        return [(resource.kind, one) for resource, one in found if resource is not None]

    async def run(self, ready: Callable[[], None]) -> None:
        """Write after changes, at most once a second, until cancelled."""
        ready()
        while True:
            await self._clock.sleep(_PAUSE_SECONDS)
            if self._store.version != self._written:
                self.write()

    def write(self) -> None:
        """Write now, whole or not at all."""
        version = self._store.version
        objects = [value for kind, value in self._store.all() if kind not in _DERIVED or _bare(value)]
        scratch = self._path.with_suffix(".new")
        scratch.write_text(json.dumps({"stamp": self._stamp, "objects": objects}))
        scratch.replace(self._path)
        self._written = version


def _bare(value: Json) -> bool:
    """A pod or ReplicaSet that no controller would make again."""
    return value["kind"] != "Event" and not value["metadata"].get("ownerReferences")


def stamp_of(objects: Iterable[tuple[Kind, Json]]) -> str:
    """Changes with the world that a state belongs to."""
    text = json.dumps([(kind.path, value) for kind, value in objects], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
