"""Alerts on their way to Sensor: staged by deployment and stage, tried again, bounded.

Reviews put alerts here and never wait. It must not know why there is an alert.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence

from pyrox import log
from pyrox.errors import RoxError
from pyrox.metrics import Metrics
from pyrox.pb.internalapi.central.sensor_events_pb2 import AlertResults
from pyrox.pb.internalapi.sensor.admission_control_pb2 import AdmissionControlAlerts
from pyrox.pb.storage.alert_pb2 import Alert
from services.admission.backoff import Pauses

_LOG = log.get(__name__)
# Alerts that wait while Sensor is away, and results in one call (Sensor's own limit).
MAX_STAGED = 10_000
_PER_CALL = 500
Send = Callable[[AdmissionControlAlerts], Awaitable[None]]


class Alerts:
    """The component that sends alerts."""

    name = "alerts"

    def __init__(self, *, send: Send, pauses: Pauses, metrics: Metrics) -> None:
        self._send = send
        self._pauses = pauses
        self._dropped = metrics.counter("alerts_dropped", "alerts dropped because too many wait for Sensor")
        self._staged: OrderedDict[tuple[str, int], AlertResults] = OrderedDict()
        self._count = 0
        self._wake = asyncio.Event()

    def put(self, alerts: Sequence[Alert]) -> None:
        """Send these soon. The newest are dropped, and counted, when too many wait."""
        for alert in alerts:
            if self._count >= MAX_STAGED:
                self._dropped.inc()
                continue
            key = (alert.deployment.id, alert.lifecycle_stage)
            results = self._staged.setdefault(
                key, AlertResults(deployment_id=alert.deployment.id, stage=alert.lifecycle_stage)
            )
            results.alerts.append(alert)
            self._count += 1
        self._wake.set()

    async def run(self, ready: Callable[[], None]) -> None:
        """Send what is staged until cancelled."""
        ready()
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._staged:
                await self._send_some()

    async def _send_some(self) -> None:
        """Send a part; it is staged again when Sensor did not take it."""
        part = dict(list(self._staged.items())[:_PER_CALL])
        for key in part:
            del self._staged[key]
        try:
            await self._send(AdmissionControlAlerts(alert_results=part.values()))
        except RoxError as error:
            self._restage(part)
            await self._pauses.wait("alerts not sent to Sensor", error.message)
        except asyncio.CancelledError:
            self._restage(part)
            raise
        else:
            self._count -= sum(len(results.alerts) for results in part.values())
            self._pauses.reset()

    def _restage(self, part: dict[tuple[str, int], AlertResults]) -> None:
        for key, results in part.items():
            newer = self._staged.get(key)
            if newer is None:
                self._staged[key] = results
            else:
                newer.alerts.MergeFrom([*results.alerts])
