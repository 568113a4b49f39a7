"""Applies what one Sensor sends: events in batches, each batch one transaction.

A batch holds what has arrived while the last one was written, so a busy stream pays
for few transactions and an idle one waits for nothing. Objects and their dedupe hashes
are written together; only after the commit does Central count an event as known.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from pyrox import log
from pyrox.errors import RoxError, Unavailable
from pyrox.metrics import Metrics
from pyrox.pb.internalapi.central.sensor_events_pb2 import ResourceAction, SensorEvent
from pyrox.pb.storage.alert_pb2 import ViolationState
from pyrox.pb.storage.policy_pb2 import LifecycleStage
from pyrox.pg.pool import Database, Pool
from services.central.link.connection import Connection
from services.central.link.fragments import Fragment
from services.central.link.hashes import HashStore

_LOG = log.get(__name__)
BATCH_LIMIT = 200
QUEUE_LIMIT = 1000
# The database may be away for a while; what was read from the stream waits here meanwhile. What
# waits dies with the process, so that it does not wait for long once the database is back.
RETRY_FIRST_SECONDS = 0.5
RETRY_LAST_SECONDS = 3.0
# Upstream central/hash/manager: never deduplicated, so never part of the state.
NOT_DEDUPED = frozenset(
    {
        "node",
        "node_inventory",
        "index_report",
        "process_indicator",
        "reprocess_deployment",
        "provider_metadata",
        "orchestrator_metadata",
        "image_integration",
        "virtual_machine",
        "virtual_machine_index_report",
        "synced",
    }
)


def dedupe_key(event: SensorEvent) -> str:
    """`Deployment:<id>`: the member's name in camel case, and the event's id."""
    return f"{_camel(event.WhichOneof('resource') or '')}:{event.id}"


def is_deduped(event: SensorEvent) -> bool:
    """Whether the event's hash belongs into the dedupe state."""
    kind = event.WhichOneof("resource") or ""
    if kind in NOT_DEDUPED or kind.startswith("compliance_operator") or not event.id:
        return False
    if kind != "alert_results":
        return True
    results = event.alert_results
    special = (ViolationState.ATTEMPTED, ViolationState.RESOLVED)
    return results.stage == LifecycleStage.DEPLOY and not any(a.state in special for a in results.alerts)


class EventCounters:
    """How many events were stored, refused or passed over, by kind."""

    def __init__(self, *, metrics: Metrics) -> None:
        self._stored = metrics.counter("sensor_events_stored", "events of Sensors that were stored", ["kind"])
        self._refused = metrics.counter("sensor_events_refused", "events that could not be stored", ["kind"])
        self._unhandled = metrics.counter(
            "sensor_events_unhandled", "events of kinds that are not served", ["kind"]
        )

        self._lost = metrics.counter("sensor_events_lost", "events that were read and not stored in time")

    def lost(self, events: int) -> None:
        """Events that ended with their stream."""
        self._lost.inc(events)

    def stored(self, kind: str, events: int) -> None:
        """So many more stored."""
        self._stored.labels(kind).inc(events)

    def refused(self, kind: str) -> None:
        """One more that could not be stored."""
        self._refused.labels(kind or "empty").inc()

    def unhandled(self, kind: str, events: int = 1) -> None:
        """So many more of a kind that no fragment takes."""
        self._unhandled.labels(kind or "empty").inc(events)


@dataclass(slots=True)
class _Change:
    """What a batch changes, true only once its transaction is committed."""

    hashes: dict[str, int | None] = field(default_factory=dict)
    stored: Counter[str] = field(default_factory=Counter)
    unhandled: Counter[str] = field(default_factory=Counter)
    synced: bool = False


class Inbox:
    """The events of one stream, from the reader to the database."""

    def __init__(
        self,
        *,
        connection: Connection,
        known: Mapping[str, int],
        fragments: Iterable[Fragment],
        pool: Pool,
        hashes: HashStore,
        counters: EventCounters,
    ) -> None:
        self._connection = connection
        self._known = dict(known)
        self._fragments = {kind: fragment for fragment in fragments for kind in fragment.kinds}
        self._pool = pool
        self._hashes = hashes
        self._counters = counters
        self._queue: asyncio.Queue[SensorEvent] = asyncio.Queue(maxsize=QUEUE_LIMIT)
        self._waiting = 0
        self._seen: dict[str, set[str]] = defaultdict(set)
        self._synced = False

    @property
    def waiting(self) -> int:
        """Events that were taken and are not dealt with yet."""
        return self._waiting

    async def put(self, event: SensorEvent) -> None:
        """Take an event, waiting while the database is behind: the stream's own back-pressure."""
        await self._queue.put(event)
        self._waiting += 1

    async def work(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Apply batches until cancelled; while the database is away the same batch is tried again."""
        while True:
            batch = await self._next_batch()
            pause = RETRY_FIRST_SECONDS
            while not await self._applied(batch):
                await sleep(pause)
                pause = min(pause * 2, RETRY_LAST_SECONDS)
            self._waiting -= len(batch)
            for _ in batch:
                self._queue.task_done()

    async def drain(self, seconds: float) -> None:
        """Wait until everything that was taken is stored, or the time is over."""
        try:
            async with asyncio.timeout(seconds):
                await self._queue.join()
        except TimeoutError:
            self._counters.lost(self.waiting)
            cluster = self._connection.cluster.name
            _LOG.error("events lost with the stream", events=self.waiting, cluster=cluster)

    async def _applied(self, batch: Sequence[SensorEvent]) -> bool:
        """Whether the batch is dealt with; False while the database is away."""
        try:
            await self._apply_or_split(batch)
        except Unavailable as err:
            _LOG.warning("events wait for the database", events=len(batch), error=err.message)
            return False
        return True

    async def _next_batch(self) -> list[SensorEvent]:
        batch = [await self._queue.get()]
        while len(batch) < BATCH_LIMIT and not self._queue.empty():
            batch.append(self._queue.get_nowait())
        return batch

    async def _apply_or_split(self, batch: Sequence[SensorEvent]) -> None:
        """Apply the batch; when an event in it cannot be stored, leave out that one only."""
        try:
            await self._apply(batch)
        except Unavailable:
            raise
        except RoxError as err:
            if len(batch) > 1:
                for event in batch:
                    await self._apply_or_split([event])
                return
            event = batch[0]
            kind = event.WhichOneof("resource") or "empty"
            self._counters.refused(kind)
            _LOG.error(
                "event not stored",
                kind=kind,
                id=event.id,
                cluster=self._connection.cluster.name,
                error=err.message,
            )

    async def _apply(self, batch: Sequence[SensorEvent]) -> None:
        self._mark_seen(batch)
        change = _Change()
        async with self._pool.transaction() as tx:
            if not await self._hashes.hold_cluster(self._connection.cluster.id, tx=tx):
                # What is still read of a deleted cluster would stay for ever.
                self._connection.close("the cluster was deleted")
                return
            for kind, events in groupby(batch, key=lambda event: event.WhichOneof("resource") or ""):
                await self._apply_kind(kind, list(events), change, tx)
            await self._write_hashes(change.hashes, tx)
        self._committed(change)

    def _mark_seen(self, batch: Sequence[SensorEvent]) -> None:
        """What the Sensor mentions is not reconciled away, even when it cannot be stored."""
        if not self._synced:
            for event in batch:
                self._seen[event.WhichOneof("resource") or ""].add(event.id)

    async def _apply_kind(self, kind: str, events: list[SensorEvent], change: _Change, tx: Database) -> None:
        if kind == "synced":
            await self._reconcile(events[0], change, tx)
            return
        fragment = self._fragments.get(kind)
        if fragment is None:
            change.unhandled[kind] += len(events)
            return
        if fresh := [event for event in events if self._is_news(event, change.hashes)]:
            await fragment.apply(fresh, self._connection.cluster, tx)
            change.stored[kind] += len(fresh)

    async def _reconcile(self, event: SensorEvent, change: _Change, tx: Database) -> None:
        """Remove what the Sensor did not mention; a second `synced` on a stream means nothing."""
        if self._synced or change.synced:
            return
        seen: dict[str, set[str]] = defaultdict(set, {kind: set(ids) for kind, ids in self._seen.items()})
        for key in event.synced.unchanged_ids:
            name, _, object_id = key.partition(":")
            seen[_snake(name)].add(object_id)
        removed = 0
        for kind, fragment in self._fragments.items():
            gone = await fragment.reconcile(seen[kind], kind, self._connection.cluster, tx)
            removed += len(gone)
            for object_id in gone:
                _note_removed(kind, object_id, change.hashes)
        change.synced = True
        _LOG.info("cluster reconciled", cluster=self._connection.cluster.name, removed=removed)

    def _is_news(self, event: SensorEvent, hashes: dict[str, int | None]) -> bool:
        """Whether the event says other than what is stored or stands before it in the batch.

        Notes what it says in `hashes`.
        """
        if not is_deduped(event):
            return True
        key = dedupe_key(event)
        if event.action == ResourceAction.REMOVE_RESOURCE:
            _note_removed(event.WhichOneof("resource") or "", event.id, hashes)
            return True
        known = hashes[key] if key in hashes else self._known.get(key)
        said = _hash_of(event)
        if said is not None and known == said:
            return False
        hashes[key] = said
        return True

    async def _write_hashes(self, hashes: Mapping[str, int | None], tx: Database) -> None:
        cluster_id = self._connection.cluster.id
        await self._hashes.put(cluster_id, {k: v for k, v in hashes.items() if v is not None}, tx=tx)
        await self._hashes.drop(cluster_id, [k for k, v in hashes.items() if v is None], tx=tx)

    def _committed(self, change: _Change) -> None:
        for key, value in change.hashes.items():
            if value is None:
                self._known.pop(key, None)
            else:
                self._known[key] = value
        for kind, events in change.stored.items():
            self._counters.stored(kind, events)
        for kind, events in change.unhandled.items():
            self._counters.unhandled(kind, events)
        if change.synced:
            self._synced = True
            self._seen.clear()


def _note_removed(kind: str, object_id: str, hashes: dict[str, int | None]) -> None:
    """With a deployment goes what is known of its alerts."""
    hashes[f"{_camel(kind)}:{object_id}"] = None
    if kind == "deployment":
        hashes[f"AlertResults:{object_id}"] = None


def _hash_of(event: SensorEvent) -> int | None:
    """The Sensor's hash; without one the event is stored and never deduplicated."""
    return event.sensor_hash if event.WhichOneof("sensor_hash_oneof") else None


def _camel(kind: str) -> str:
    return "".join(word.capitalize() for word in kind.split("_"))


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
