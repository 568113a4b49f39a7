"""What happens when an exclusion of a policy expires."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from pyrox.policy.evaluate import CompiledPolicy
from services.sensor.detect.expiries import Expiries
from services.sensor.detect.policies import Policies
from tests.support.pki import FixedClock
from tests.unit.services.sensor.detect.test_policies import policy

NOW = FixedClock().now()


def excluding(name: str, hours: float) -> Policies:
    made = policy(name)
    exclusion = made.exclusions.add()
    exclusion.deployment.name = "web"
    exclusion.expiration.FromDatetime(NOW + timedelta(hours=hours))
    policies = Policies()
    policies.replace((made, policy("without")))
    return policies


@pytest.mark.parametrize(("hours", "judged"), [(-1, []), (0.5, ["a"]), (1, []), (2, [])])
def test_policy_whose_exclusion_expired_meanwhile_is_asked_again(hours: float, judged: list[str]) -> None:
    asked: list[str] = []

    def judge(found: Sequence[CompiledPolicy]) -> None:
        asked.extend(one.name for one in found)

    expiries = Expiries(policies=excluding("a", hours), judge=judge, clock=FixedClock())
    expiries.look(NOW, NOW + timedelta(hours=1))
    assert asked == judged


async def test_component_looks_from_moment_to_moment() -> None:
    judged = asyncio.Event()
    clock, at = FixedClock(), list[timedelta]()
    policies = excluding("a", 1)

    def judge(found: Sequence[CompiledPolicy]) -> None:
        assert [one.name for one in found] == ["a"]
        at.append(clock.now() - NOW)
        judged.set()

    running = asyncio.create_task(Expiries(policies=policies, judge=judge, clock=clock).run(lambda: None))
    await asyncio.wait_for(judged.wait(), 60)
    assert at == [timedelta(minutes=61)]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
