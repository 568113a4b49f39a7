"""From Collector's process signals to process indicators.

The servicers offer signals; the pipeline finds the container, filters, sends an
indicator to Central and to detection. A signal may come before its pod is known: it
waits up to 30 s and is then dropped and counted. It must not know gRPC.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Callable

from pyrox import log
from pyrox.clock import Clock
from pyrox.metrics import Metrics
from pyrox.pb.internalapi.central.sensor_events_pb2 import ResourceAction, SensorEvent
from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator, ProcessSignal
from pyrox.workload.pods import SHORT_ID
from services.sensor.health.losses import Cause, Losses, Queue
from services.sensor.link.events import Events
from services.sensor.runtime.processfilter import ProcessFilter
from services.sensor.store.entities import Container, Entities

_LOG = log.get(__name__)
# Upstream's sensor/common/processsignal: retry every 5 s, drop 30 s after the first
# signal, remember at most 100,000 unknown containers.
_RETRY_SECONDS, _WAIT_SECONDS = 5.0, 30.0
_MAX_UNKNOWN = 100_000
# A container that starts more programs than this before its pod is known loses the rest.
_MAX_WAITING = 200
_MAX_WAITING_BYTES = 64 << 20
# Collectors cut arguments at 4 KiB, paths at some 8 KiB and tell 10 ancestors; a stranger does not.
_MAX_TEXT = 16 << 10
_MAX_ANCESTORS = 16
_TEXTS = ("id", "name", "args", "exec_file_path")
Sink = Callable[[ProcessIndicator], None]


class _Waiting:
    __slots__ = ("signals", "since")

    def __init__(self, since: float) -> None:
        self.since = since
        self.signals: list[ProcessSignal] = []


class Processes:
    """The component that keeps waiting signals, and the entry for new ones."""

    name = "processes"

    def __init__(
        self,
        *,
        entities: Entities,
        process_filter: ProcessFilter,
        events: Events,
        sink: Sink,
        clock: Clock,
        counts: tuple[Metrics, Losses],
    ) -> None:
        self._entities = entities
        self._filter = process_filter
        self._events = events
        self._sink = sink
        self._clock = clock
        self._unknown: OrderedDict[str, _Waiting] = OrderedDict()
        self._waiting_bytes = 0
        self._waiting = 0
        metrics, self._losses = counts
        self._drops = metrics.counter(
            "process_enrichment_drops", "process signals whose container never became known"
        )
        self._hits = metrics.counter("process_enrichment_hits", "process signals whose container was found")
        self._size = metrics.gauge("process_enrichment_cache_size", "containers that signals wait for")
        self.dropped = 0
        """Signals of containers that nobody knows."""
        entities.listen(self._on_container)

    def offer(self, signal: ProcessSignal) -> None:
        """Take one signal; never blocks."""
        signal.container_id = signal.container_id[:SHORT_ID]
        if not signal.container_id:
            self._drop(1)
            return
        if signal.ByteSize() > _MAX_TEXT:
            signal = _shortened(signal)
        container = self._entities.find(signal.container_id)
        if container is None:
            self._keep(signal)
        else:
            self._enrich(signal, container)

    def on_change(self, deployment_id: str, action: ResourceAction.ValueType) -> None:
        """Forget what was counted of a deployment that is gone."""
        if action == ResourceAction.REMOVE_RESOURCE:
            self._filter.forget_deployment(deployment_id)

    async def run(self, ready: Callable[[], None]) -> None:
        """Look after waiting signals until cancelled."""
        ready()
        while True:
            await self._clock.sleep(_RETRY_SECONDS)
            self.prune()

    def prune(self) -> None:
        """Hand over what became known and drop what waited too long."""
        oldest = self._clock.monotonic() - _WAIT_SECONDS
        for key in list(self._unknown):
            if self._entities.find(key) is not None:
                self._on_container(key)
            elif self._unknown[key].since < oldest:
                self._drop(len(self._taken(key)))
        self._size.set(len(self._unknown))

    def _keep(self, signal: ProcessSignal) -> None:
        waiting = self._unknown.get(signal.container_id)
        if waiting is None:
            waiting = self._unknown[signal.container_id] = _Waiting(self._clock.monotonic())
        if len(waiting.signals) >= _MAX_WAITING:
            self._overflow(1)
            return
        waiting.signals.append(signal)
        self._waiting_bytes += signal.ByteSize()
        self._wait(1)
        while len(self._unknown) > _MAX_UNKNOWN or self._waiting_bytes > _MAX_WAITING_BYTES:
            self._overflow(len(self._taken(next(iter(self._unknown)))))

    def _taken(self, container_id: str) -> list[ProcessSignal]:
        """The signals that waited for the container; they wait no longer."""
        waiting = self._unknown.pop(container_id, None)
        signals = waiting.signals if waiting is not None else []
        self._waiting_bytes -= sum(signal.ByteSize() for signal in signals)
        self._wait(-len(signals))
        return signals

    def _on_container(self, container_id: str) -> None:
        container = self._entities.find(container_id)
        signals = self._taken(container_id)
        if container is None:
            return
        for signal in signals:
            self._enrich(signal, container)

    def _enrich(self, signal: ProcessSignal, container: Container) -> None:
        self._hits.inc()
        wanted = self._filter.admit(
            container.deployment_id, signal.container_id, signal.exec_file_path, signal.args
        )
        if not wanted:
            return
        indicator = ProcessIndicator(
            id=str(uuid.uuid4()),
            deployment_id=container.deployment_id,
            container_name=container.name,
            pod_id=container.pod_id,
            pod_uid=container.pod_uid,
            signal=signal,
            namespace=container.namespace,
            image_id=container.image_id,
            container_start_time=container.started,
        )
        event = SensorEvent(
            id=indicator.id, action=ResourceAction.CREATE_RESOURCE, process_indicator=indicator
        )
        self._events.emit(event)
        self._sink(indicator)

    def _wait(self, change: int) -> None:
        self._waiting += change
        self._losses.held(Queue.UNKNOWN, self._waiting)

    def _overflow(self, count: int) -> None:
        """Drop what might have become known."""
        self._drop(count)
        self._losses.lost(Cause.UNKNOWN, count)

    def _drop(self, count: int) -> None:
        self.dropped += count
        self._drops.inc(count)


def _shortened(signal: ProcessSignal) -> ProcessSignal:
    """The signal without what is longer than any kernel's."""
    for name in _TEXTS:
        setattr(signal, name, getattr(signal, name)[:_MAX_TEXT])
    signal.ClearField("lineage")
    signal.DiscardUnknownFields()
    del signal.lineage_info[_MAX_ANCESTORS:]
    for parent in signal.lineage_info:
        parent.parent_exec_file_path = parent.parent_exec_file_path[:_MAX_TEXT]
    # A message keeps the memory of all that it was parsed from; a copy has only what is left.
    copy = ProcessSignal()
    copy.CopyFrom(signal)
    return copy
