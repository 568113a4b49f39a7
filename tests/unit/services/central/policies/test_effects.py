"""What a changed policy means for runtime alerts."""

from __future__ import annotations

from typing import Any

import pytest

from pyrox.pb.storage.alert_pb2 import Alert
from pyrox.pb.storage.policy_pb2 import LifecycleStage, Policy
from services.central.policies.effects import PolicyEffects
from tests.support.pki import FixedClock


class Told:
    """Takes what the effects ask for."""

    def __init__(self) -> None:
        self.changed: list[tuple[str, Any]] = []
        self.removed: list[str] = []
        self.reprocessed = 0
        self.forgotten = 0

    def forget(self) -> None:
        self.forgotten += 1

    async def policy_changed(self, policy_id: str, excluded: Any) -> None:
        self.changed.append((policy_id, excluded))

    async def policy_removed(self, policy_id: str) -> None:
        self.removed.append(policy_id)

    async def reprocess_all(self) -> None:
        self.reprocessed += 1


def alert(name: str, namespace: str = "shop") -> Alert:
    made = Alert()
    made.deployment.name, made.deployment.namespace, made.deployment.cluster_id = name, namespace, "c"
    made.namespace, made.cluster_id = namespace, "c"
    return made


async def excluded_by(policy: Policy, *alerts: Alert) -> list[bool]:
    told = Told()
    effects = PolicyEffects(alerts=told, sensors=told, engine=told, clock=FixedClock())
    await effects.policy_changed(policy, "p")
    ((policy_id, excluded),) = told.changed
    assert policy_id == "p"
    return [excluded(one) for one in alerts]


async def test_removed_policy_ends_all_its_alerts() -> None:
    told = Told()
    effects = PolicyEffects(alerts=told, sensors=told, engine=told, clock=FixedClock())
    await effects.policy_changed(None, "p")
    assert (told.removed, told.changed, told.forgotten) == (["p"], [], 1)


async def test_narrowed_policy_leaves_out_what_its_scope_does_not_meet() -> None:
    policy = Policy(lifecycle_stages=[LifecycleStage.RUNTIME])
    policy.scope.add(namespace="shop|store")
    policy.exclusions.add().deployment.name = "cache-.*"
    resource = Alert()
    resource.resource.name = "secret"
    subjects = alert("web"), alert("cache-1"), alert("web", "bank"), alert("web", "STORE"), resource
    assert await excluded_by(policy, *subjects) == [False, True, True, False, False]


@pytest.mark.parametrize("days", [-1, 1])
async def test_exclusion_counts_until_it_expires(days: int) -> None:
    policy = Policy(lifecycle_stages=[LifecycleStage.RUNTIME])
    exclusion = policy.exclusions.add()
    exclusion.deployment.name = "web"
    exclusion.expiration.seconds = int(FixedClock().now().timestamp()) + days * 86400
    assert await excluded_by(policy, alert("web")) == [days > 0]


async def test_policy_that_is_not_for_run_time_any_more_leaves_every_subject_out() -> None:
    resource = Alert()
    resource.resource.name = "secret"
    policy = Policy(lifecycle_stages=[LifecycleStage.DEPLOY])
    assert await excluded_by(policy, alert("web"), resource) == [True, True]


async def test_reassessing_asks_all_sensors() -> None:
    told = Told()
    effects = PolicyEffects(alerts=told, sensors=told, engine=told, clock=FixedClock())
    await effects.reassess()
    assert told.reprocessed == 1
