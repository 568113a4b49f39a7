"""The compiled policies: made once, made anew after a change, never left stale."""

from __future__ import annotations

import asyncio

import pytest

from pyrox.pb.storage.policy_pb2 import LifecycleStage, Policy
from services.central.policies.engine import PolicyEngine


def policy(name: str, field: str = "Image Tag") -> Policy:
    made = Policy(id=name, name=name, policy_version="1.1", lifecycle_stages=[LifecycleStage.BUILD])
    made.policy_sections.add().policy_groups.add(field_name=field).values.add(value="latest")
    return made


class Source:
    """Policies that a test changes, and how often they were read."""

    def __init__(self) -> None:
        self.policies = [policy("one")]
        self.read = 0
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def all_policies(self) -> list[Policy]:
        self.read += 1
        found = list(self.policies)
        await self.go_on.wait()
        return found


async def names(engine: PolicyEngine) -> list[str]:
    return [compiled.policy.name for compiled in (await engine.current()).policies]


async def test_current_compiles_once_for_all_who_ask() -> None:
    source = Source()
    engine = PolicyEngine(policies=source)
    assert await asyncio.gather(*(names(engine) for _ in range(5))) == [["one"]] * 5
    assert source.read == 1


async def test_current_after_a_change_is_new() -> None:
    source = Source()
    engine = PolicyEngine(policies=source)
    await engine.current()
    source.policies.append(policy("two"))
    assert await names(engine) == ["one"]
    engine.forget()
    assert await names(engine) == ["one", "two"]


async def test_current_after_a_change_keeps_what_was_compiled() -> None:
    source = Source()
    engine = PolicyEngine(policies=source)
    before = (await engine.current()).get("one")
    source.policies.append(policy("two"))
    engine.forget()
    assert before is not None
    assert (await engine.current()).get("one") is before


async def test_change_while_compiling_is_not_lost() -> None:
    source = Source()
    engine = PolicyEngine(policies=source)
    source.go_on.clear()
    asking = asyncio.create_task(names(engine))
    await asyncio.sleep(0)
    source.policies.append(policy("two"))
    engine.forget()
    source.go_on.set()
    assert await asking == ["one"]
    assert await names(engine) == ["one", "two"]


async def test_policy_that_cannot_be_compiled_is_left_out_and_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = Source()
    source.policies.append(policy("broken", field="No Such Field"))
    assert await names(PolicyEngine(policies=source)) == ["one"]
    assert "broken" in "".join(capsys.readouterr())
