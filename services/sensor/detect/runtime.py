"""Runtime detection of processes.

The process pipeline offers indicators; this component judges them while Central is
there, and keeps a bounded number while it is not. It must not know containers.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence

from pyrox import log
from pyrox.clock import Clock
from pyrox.pb.internalapi.central.sensor_events_pb2 import AlertResults, ResourceAction, SensorEvent
from pyrox.pb.storage.alert_pb2 import Alert
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.policy_pb2 import LifecycleStage
from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator
from pyrox.policy.alerts import build_alert
from pyrox.policy.subject import DeploymentSubject, ProcessSubject
from pyrox.service import BoundedQueue
from services.sensor.detect.deploytime import DeployDetector
from services.sensor.detect.images import Images
from services.sensor.detect.policies import Policies
from services.sensor.health.losses import Cause, Losses, Queue
from services.sensor.link.events import Events
from services.sensor.store.messages import Messages

_LOG = log.get(__name__)
Enforce = Callable[[Deployment, Sequence[Alert]], None]
Outside = Callable[[ProcessIndicator], bool]
"""Whether a process is outside of a baseline that a user locked."""


class RuntimeDetector:
    """The component that judges processes."""

    name = "runtime-detector"

    def __init__(
        self,
        *,
        detector: DeployDetector,
        measures: tuple[Policies, Outside],
        images: Images,
        messages: Messages,
        way_out: tuple[Events, Enforce],
        surroundings: tuple[Clock, BoundedQueue[ProcessIndicator], Losses],
    ) -> None:
        """`measures` is what processes are held against.

        `way_out` is where alerts go; `surroundings` are clock, queue and where losses are counted.
        """
        self._detector = detector
        self._policies, self._outside = measures
        self._images = images
        self._messages = messages
        self._events, self._enforce = way_out
        self._clock, self._queue, self._losses = surroundings
        self._online = asyncio.Event()

    def offer(self, indicator: ProcessIndicator) -> None:
        """Queue an indicator, or count it as dropped."""
        if not self._queue.offer(indicator):
            self._losses.lost(Cause.FULL)
        self._losses.held(Queue.DETECTOR, len(self._queue))

    def on_online(self) -> None:
        """Central is there: go on."""
        self._online.set()

    def on_offline(self) -> None:
        """Central is gone: alerts would get lost, so wait."""
        self._online.clear()

    async def run(self, ready: Callable[[], None]) -> None:
        """Judge until cancelled."""
        ready()
        while True:
            indicator = await self._queue.get()
            await self._online.wait()
            self.judge(indicator)
            self._losses.held(Queue.DETECTOR, len(self._queue))
            # A full queue must not keep the streams from being served.
            await asyncio.sleep(0)

    def judge(self, indicator: ProcessIndicator) -> None:
        """Judge one process and send its alerts, if any."""
        deployment = self._messages.deployment(indicator.deployment_id)
        if deployment is None:
            return
        on = DeploymentSubject(deployment, self._images.cached_of(deployment))
        subject = ProcessSubject(on, indicator, self._outside(indicator))
        now = self._clock.now()
        detection = self._policies.current.detect(subject, now, places=self._detector.places(deployment))
        for problem in detection.problems:
            _LOG.warning("policy failed on process", policy=problem.policy_name, error=problem.message)
        alerts = [
            build_alert(match.compiled.policy, match.verdict, subject, alert_id=str(uuid.uuid4()), now=now)
            for match in detection.matches
        ]
        if not alerts:
            return
        results = AlertResults(deployment_id=deployment.id, alerts=alerts, stage=LifecycleStage.RUNTIME)
        self._events.emit(
            SensorEvent(id=deployment.id, action=ResourceAction.CREATE_RESOURCE, alert_results=results)
        )
        self._enforce(deployment, alerts)
