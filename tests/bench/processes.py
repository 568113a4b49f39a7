"""Process events against all enabled runtime policies: `python -m tests.bench.processes`.

Called by `make bench`. Sensor's detector gets 10,000 events a second through its own queue,
on one core with what produces and takes them. No event may be dropped, and the alerts must
be those of the engine asked for one event at a time.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import uvloop

from pyrox.clock import SystemClock
from pyrox.metrics import Metrics
from pyrox.pb.internalapi.central.sensor_events_pb2 import ResourceAction
from pyrox.pb.storage.deployment_pb2 import ContainerImage, Deployment
from pyrox.pb.storage.image_pb2 import Image
from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator
from pyrox.policy import defaults
from pyrox.policy.sets import PolicySet
from pyrox.policy.subject import DeploymentSubject, ProcessSubject
from pyrox.service import BoundedQueue
from services.sensor import config
from services.sensor.detect.deploytime import DeployDetector
from services.sensor.detect.images import Images, Source, bare
from services.sensor.detect.policies import Policies
from services.sensor.detect.runtime import RuntimeDetector
from services.sensor.health.losses import Losses
from services.sensor.link.events import Events, Origin
from services.sensor.link.outbox import Outbox
from services.sensor.store.messages import Entry, Messages
from tests.bench.workloads import Workloads, processes
from tests.support.waiting import until

RATE = 10_000
SECONDS = float(os.environ.get("PYROX_BENCH_PROCESS_SECONDS", "5"))
DEPLOYMENTS = 20
_SLICE = 0.01
# Of the 200 executables these are real ones, which policies name.
_REAL = ("nmap", "apt-get", "nc", "crontab", "useradd")
Verdicts = Counter[tuple[str, str, str]]


class _NoScanner:
    """Nobody is asked: images come from the cache alone."""

    async def scan(self, image: ContainerImage, source: Source, *, cached_only: bool) -> Image:
        del source, cached_only
        return bare(image)


def events() -> tuple[list[DeploymentSubject], list[ProcessIndicator]]:
    """The deployments and as many events as are sent."""
    made = Workloads()
    on = [made.deployment(at, [made.image(at, 0, 0)]) for at in range(DEPLOYMENTS)]
    indicators = []
    for at, subject in enumerate(processes(on[0], int(RATE * SECONDS))):
        indicator = subject.process
        indicator.id, indicator.deployment_id = str(at), on[at % DEPLOYMENTS].deployment.id
        if at % 200 < len(_REAL):
            indicator.signal.name = _REAL[at % 200]
            indicator.signal.exec_file_path = f"/usr/bin/{_REAL[at % 200]}"
        indicators.append(indicator)
    return on, indicators


def one_by_one(on: Sequence[DeploymentSubject], indicators: Sequence[ProcessIndicator]) -> Verdicts:
    """What the engine says of each event alone."""
    policies, now = PolicySet.of(defaults.load()), SystemClock().now()
    by_id = {one.deployment.id: one for one in on}
    verdicts: Verdicts = Counter()
    for indicator in indicators:
        deployment = by_id[indicator.deployment_id].deployment
        images = [bare(container.image) for container in deployment.containers]
        subject = ProcessSubject(DeploymentSubject(deployment, images), indicator)
        for match in policies.detect(subject, now).matches:
            violation = match.verdict.process_violation
            assert violation is not None
            verdicts[indicator.id, match.compiled.id, violation.message] += 1
    return verdicts


class Sensor:
    """The part of Sensor that judges processes, put together as in the real one."""

    def __init__(self, on: Sequence[DeploymentSubject]) -> None:
        clock, metrics, messages = SystemClock(), Metrics("sensor"), Messages()
        self.outbox = Outbox(limit=10**6, kept_limit=10**6, metrics=metrics)
        self.outbox.go_live()
        sent, policies = Events(outbox=self.outbox, clock=clock), Policies()
        images = Images(scanner=_NoScanner(), clock=clock, ttl=timedelta(hours=4), metrics=metrics)
        deploy = DeployDetector(
            policies=policies,
            images=images,
            messages=messages,
            events=sent,
            clock=clock,
            enforce=_enforce_nothing,
        )
        self.queue: BoundedQueue[ProcessIndicator] = BoundedQueue(
            name="processes", limit=config.load([], {}).detector_queue, metrics=metrics
        )
        self.detector = RuntimeDetector(
            detector=deploy,
            measures=(policies, lambda _: False),
            images=images,
            messages=messages,
            way_out=(sent, _enforce_nothing),
            surroundings=(clock, self.queue, Losses()),
        )
        for one in on:
            entry = Entry(one.deployment, Origin("Deployment", "Deployment"))
            messages.put("deployment", one.deployment.id, entry, ResourceAction.SYNC_RESOURCE)
        policies.replace(defaults.load())
        self.verdicts: Verdicts = Counter()

    async def take(self) -> None:
        """Take what goes to Central."""
        while True:
            message = await self.outbox.take()
            for alert in message.event.alert_results.alerts:
                violation = alert.process_violation
                self.verdicts[violation.processes[0].id, alert.policy.id, violation.message] += 1


def _enforce_nothing(deployment: Deployment, alerts: object) -> None:
    del deployment, alerts


async def drive(sensor: Sensor, indicators: Sequence[ProcessIndicator]) -> tuple[float, float, int]:
    """Offer at the rate, whatever the detector does.

    Returns the seconds until all were judged, the seconds of CPU, and the longest queue.
    """
    running = [asyncio.create_task(sensor.detector.run(lambda: None)), asyncio.create_task(sensor.take())]
    sensor.detector.on_online()
    begin, used, longest, at = time.perf_counter(), time.process_time(), 0, 0
    while at < len(indicators):
        due = min(int((time.perf_counter() - begin) * RATE), len(indicators))
        for indicator in indicators[at:due]:
            sensor.detector.offer(indicator)
        at, longest = due, max(longest, len(sensor.queue))
        await asyncio.sleep(_SLICE)
    await until(lambda: not len(sensor.queue) and not len(sensor.outbox), seconds=60)
    took, spent = time.perf_counter() - begin, time.process_time() - used
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    return took, spent, longest


def main() -> int:
    """Print the figures; 1 when events were dropped, verdicts differ or the rate is not kept."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    on, indicators = events()
    expected = one_by_one(on, indicators)
    sensor = Sensor(on)
    took, spent, longest = uvloop.run(drive(sensor, indicators))
    rate = len(indicators) / took
    different = (expected - sensor.verdicts) + (sensor.verdicts - expected)
    sys.stdout.write(
        f"process events offered at {RATE:,}/s for {SECONDS:.0f} s on one core, all enabled runtime "
        f"policies: {rate:,.0f}/s judged, limit {RATE:,}, ratio {RATE / rate:.2f}; "
        f"{spent / len(indicators) * 1e6:.0f} us of CPU each; longest queue {longest}; "
        f"{sensor.queue.dropped} dropped; {sensor.verdicts.total()} alerts, {different.total()} different\n"
    )
    return 1 if sensor.queue.dropped or different or took > SECONDS * 1.05 else 0


if __name__ == "__main__":
    sys.exit(main())
