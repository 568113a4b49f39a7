"""What a changed policy means: compiled anew, sent to Sensors, its alerts looked at.

The policy service reports changes here. Sensors of all replicas are told through the
notice that the store posts with the write.
"""

from __future__ import annotations

from typing import Protocol

from pyrox.clock import Clock
from pyrox.pb.storage.alert_pb2 import Alert
from pyrox.pb.storage.policy_pb2 import LifecycleStage, Policy
from pyrox.policy.scope import compile_scope
from services.central.deployments.from_alert import deployment_of


class Alerts(Protocol):
    """The life cycle of alerts."""

    async def policy_changed(self, policy_id: str, excluded: Excluded) -> None:
        """End runtime alerts that the policy no longer covers."""

    async def policy_removed(self, policy_id: str) -> None:
        """End all alerts of the policy."""


class Excluded(Protocol):
    """Whether a policy leaves the subject of an alert out."""

    def __call__(self, alert: Alert) -> bool:
        """True when it does."""


class Sensors(Protocol):
    """All connected Sensors."""

    async def reprocess_all(self) -> None:
        """Make every Sensor judge everything again."""


class Engine(Protocol):
    """The compiled policies of this replica."""

    def forget(self) -> None:
        """Compile them anew for the next check."""


class PolicyEffects:
    """Carries policy changes to checks, alerts and Sensors."""

    def __init__(self, *, alerts: Alerts, sensors: Sensors, engine: Engine, clock: Clock) -> None:
        self._alerts = alerts
        self._sensors = sensors
        self._engine = engine
        self._clock = clock

    async def policy_changed(self, policy: Policy | None, policy_id: str) -> None:
        """A policy was written, or removed when it is None."""
        # The notice comes back later than the caller's next check.
        self._engine.forget()
        if policy is None:
            await self._alerts.policy_removed(policy_id)
            return
        now, scope = self._clock.now(), compile_scope(policy)
        at_run_time = LifecycleStage.RUNTIME in policy.lifecycle_stages

        def excluded(alert: Alert) -> bool:
            if not at_run_time or not alert.HasField("deployment"):
                return not at_run_time
            return not scope.applies_to_deployment(deployment_of(alert), now)

        await self._alerts.policy_changed(policy_id, excluded)

    async def reassess(self) -> None:
        """Judge everything again."""
        await self._sensors.reprocess_all()
