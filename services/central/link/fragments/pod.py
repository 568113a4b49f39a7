"""Pods: a Sensor tells how they are now, Central remembers the containers that ended.

What happened in a pod is read from its ended containers, and a Sensor's next word about
the pod no longer has them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from pyrox.pb.internalapi.central.sensor_events_pb2 import ResourceAction, SensorEvent
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.pb.storage.deployment_pb2 import ContainerInstance, Pod
from pyrox.pg.pool import Database
from pyrox.rpc.scope import EVERYTHING
from services.central.db.query import Query
from services.central.db.store import ProtoStore

# Upstream central/pod/datastore: so many ended instances of each container are kept.
MAX_ENDED = 10


class PodFragment:
    """Applies `pod` events."""

    kinds = frozenset({"pod"})

    def __init__(self, *, store: ProtoStore[Pod]) -> None:
        self._store = store

    async def apply(self, events: Sequence[SensorEvent], cluster: Cluster, tx: Database) -> None:
        """Upsert or delete; of several events of one id the last counts, all tell of ended containers."""
        last = {event.id: event for event in events}
        gone = [id_ for id_, event in last.items() if event.action == ResourceAction.REMOVE_RESOURCE]
        kept = [id_ for id_ in last if id_ not in set(gone)]
        if kept:
            stored = await self._store.get_many(kept, scope=EVERYTHING, tx=tx)
            pods, pods_kept = {pod.id: pod for pod in stored}, frozenset(kept)
            for event in events:
                if event.id in pods_kept and event.action != ResourceAction.REMOVE_RESOURCE:
                    event.pod.cluster_id = cluster.id
                    pods[event.id] = merged(event.pod, pods.get(event.id))
            await self._store.upsert_many([pods[id_] for id_ in kept], tx=tx)
        if gone:
            await self._store.delete(*gone, tx=tx)

    async def reconcile(self, seen: Collection[str], kind: str, cluster: Cluster, tx: Database) -> list[str]:  # noqa: ARG002 - one kind
        """Remove pods of the cluster that were not seen."""
        known = await self._store.keys(Query.exact("Cluster ID", cluster.id), scope=EVERYTHING, tx=tx)
        gone = [key for key in known if key not in seen]
        if gone:
            await self._store.delete(*gone, tx=tx)
        return gone


def merged(pod: Pod, known: Pod | None) -> Pod:
    """The pod with the containers that ended before as well, each container's oldest first."""
    said = [*pod.live_instances, *_ended(pod)]
    running = {one.instance_id.id for one in said if not one.HasField("finished")}
    ended: dict[str, ContainerInstance] = {}
    for one in (*_ended(known), *_vanished(known, {one.instance_id.id for one in said}), *said):
        if one.instance_id.id not in running:
            ended[one.instance_id.id] = one
    by_container: dict[str, list[ContainerInstance]] = {}
    for one in ended.values():
        by_container.setdefault(one.container_name, []).append(one)
    made = Pod()
    made.CopyFrom(pod)
    del made.live_instances[:], made.terminated_instances[:]
    made.live_instances.extend(one for one in said if one.instance_id.id in running)
    for instances in by_container.values():
        instances.sort(key=lambda one: (one.started.seconds, one.started.nanos))
        made.terminated_instances.add().instances.extend(instances[-MAX_ENDED:])
    return made


def _ended(pod: Pod | None) -> Iterable[ContainerInstance]:
    return (one for listed in pod.terminated_instances for one in listed.instances) if pod else ()


def _vanished(known: Pod | None, said: Collection[str]) -> Iterable[ContainerInstance]:
    """What ran and is not mentioned any more ended unseen."""
    return (one for one in known.live_instances if one.instance_id.id not in said) if known else ()
