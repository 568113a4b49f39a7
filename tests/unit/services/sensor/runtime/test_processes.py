"""Signals whose container is known, comes later, or never comes."""

from __future__ import annotations

from datetime import timedelta

from pyrox.metrics import Metrics
from pyrox.pb.storage.deployment_pb2 import ContainerInstance, ContainerInstanceID, Pod
from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator, ProcessSignal
from services.sensor.health.losses import Cause, Losses, Queue
from services.sensor.link.events import Events
from services.sensor.link.outbox import Outbox
from services.sensor.runtime.processes import Processes
from services.sensor.runtime.processfilter import ProcessFilter
from services.sensor.store.entities import Entities
from tests.support.pki import FixedClock

LONG = "ab" * 32


class Bench:
    """A pipeline with everything visible."""

    def __init__(self) -> None:
        self.clock = FixedClock()
        self.entities = Entities()
        metrics = Metrics("sensor")
        self.losses = Losses()
        self.outbox = Outbox(limit=1000, kept_limit=1000, metrics=metrics, losses=self.losses)
        self.seen: list[ProcessIndicator] = []
        self.processes = Processes(
            entities=self.entities,
            process_filter=ProcessFilter(),
            events=Events(outbox=self.outbox, clock=self.clock),
            sink=self.seen.append,
            clock=self.clock,
            counts=(metrics, self.losses),
        )

    def pod(self) -> None:
        self.pod_of(LONG)

    def pod_of(self, container: str) -> None:
        instance = ContainerInstance(
            instance_id=ContainerInstanceID(id=container), container_name="main", image_digest="sha256:1"
        )
        self.entities.put(
            Pod(id="uid", name="web-1", namespace="shop", deployment_id="dep", live_instances=[instance])
        )

    def later(self, seconds: float) -> None:
        self.clock.moment += timedelta(seconds=seconds)
        self.processes.prune()


def signal(container: str = LONG[:12]) -> ProcessSignal:
    return ProcessSignal(container_id=container, name="sh", exec_file_path="/bin/sh")


def test_offer_known_container_gives_indicator() -> None:
    bench = Bench()
    bench.pod()
    bench.processes.offer(signal(LONG))
    (indicator,) = bench.seen
    assert (indicator.deployment_id, indicator.pod_id, indicator.pod_uid, indicator.image_id) == (
        "dep",
        "web-1",
        "uid",
        "sha256:1",
    )
    assert indicator.signal.container_id == LONG[:12]
    assert not indicator.cluster_id
    assert len(bench.outbox) == 1


def test_offer_container_that_comes_later_waits() -> None:
    bench = Bench()
    bench.processes.offer(signal())
    assert not bench.seen
    bench.pod()
    assert len(bench.seen) == 1
    bench.later(60)
    assert bench.processes.dropped == 0


def test_offer_container_that_never_comes_is_a_counted_drop() -> None:
    bench = Bench()
    bench.processes.offer(signal("0" * 12))
    bench.processes.offer(signal("0" * 12))
    bench.later(29)
    assert bench.processes.dropped == 0
    bench.later(2)
    assert bench.processes.dropped == 2
    assert not bench.seen
    assert (bench.losses.holds(Queue.UNKNOWN), bench.losses.errors()) == (0, [])


def test_offer_unknown_container_keeps_a_bounded_number() -> None:
    bench = Bench()
    for _ in range(500):
        bench.processes.offer(signal("0" * 12))
    assert bench.processes.dropped == bench.losses.count(Cause.UNKNOWN) == 300
    assert bench.losses.holds(Queue.UNKNOWN) == 200
    bench.pod_of("0" * 12)
    assert bench.losses.holds(Queue.UNKNOWN) == 0


def test_offer_without_container_is_dropped() -> None:
    bench = Bench()
    bench.processes.offer(signal(""))
    assert bench.processes.dropped == 1


def test_pod_goes_its_containers_are_forgotten() -> None:
    bench = Bench()
    bench.pod()
    assert len(bench.entities) == 1
    bench.entities.remove("uid")
    assert bench.entities.find(LONG) is None


def test_offer_signal_longer_than_any_kernels_is_cut() -> None:
    bench = Bench()
    bench.pod()
    told = ProcessSignal(container_id=LONG, name="sh", args="x" * 100_000, lineage=["old"] * 9)
    for _ in range(100):
        told.lineage_info.add(parent_exec_file_path="/p" * 50_000)
    bench.processes.offer(told)
    (seen,) = bench.seen
    assert (len(seen.signal.args), seen.signal.name, len(seen.signal.lineage_info)) == (16 << 10, "sh", 16)
    assert {len(one.parent_exec_file_path) for one in seen.signal.lineage_info} == {16 << 10}


def test_offer_waiting_signals_are_bounded_in_bytes() -> None:
    """The container that waits longest gives way."""
    bench = Bench()
    count = 6000
    for number in range(count):
        bench.processes.offer(ProcessSignal(container_id=f"{number:012x}", args="x" * (16 << 10)))
    kept = count - bench.processes.dropped
    assert 0 < kept * (16 << 10) <= 64 << 20
    bench.clock.moment += timedelta(seconds=31)
    bench.processes.prune()
    assert bench.processes.dropped == count
