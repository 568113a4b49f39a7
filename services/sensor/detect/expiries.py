"""Exclusions of policies that expire: what they left out is judged again.

Nothing else happens at that moment that would make Sensor look at the deployments. The
component looks at the clock; it must not know how a deployment is judged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from pyrox.clock import Clock
from pyrox.policy.evaluate import CompiledPolicy
from pyrox.policy.subject import DeploymentSubject
from services.sensor.detect.policies import Policies

# An exclusion ends by the day; a minute later is soon enough.
_PAUSE_SECONDS = 60.0
Judge = Callable[[Sequence[CompiledPolicy]], None]


class Expiries:
    """The component that waits for exclusions to expire."""

    name = "exclusion-expiries"

    def __init__(self, *, policies: Policies, judge: Judge, clock: Clock) -> None:
        """`judge` judges the deployments again that some policies speak about."""
        self._policies = policies
        self._judge = judge
        self._clock = clock

    async def run(self, ready: Callable[[], None]) -> None:
        """Look every minute until cancelled."""
        ready()
        before = self._clock.now()
        while True:
            await self._clock.sleep(_PAUSE_SECONDS)
            now = self._clock.now()
            self.look(before, now)
            before = now

    def look(self, before: datetime, now: datetime) -> None:
        """Judge what exclusions left out that expired between two moments."""
        policies = self._policies.current.for_subject(DeploymentSubject)
        over = [one for one in policies if one.scope.expired_between(before, now)]
        if over:
            self._judge(over)
