"""Slots: the bound on all, the bound on one registry, and what is forgotten."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from services.scanner_indexer.slots import Slots


class Layers:
    """Layers that stay in their slots until the gate opens."""

    def __init__(self, slots: Slots) -> None:
        self.slots = slots
        self.gate = asyncio.Event()
        self.inside: list[str] = []
        self.most: Counter[str] = Counter()

    async def one(self, registry: str) -> None:
        async with self.slots.held(registry):
            self.inside.append(registry)
            self.most[registry] = max(self.most[registry], self.inside.count(registry))
            self.most["all"] = max(self.most["all"], len(self.inside))
            await self.gate.wait()
            self.inside.remove(registry)

    @asynccontextmanager
    async def waiting(self, registries: Sequence[str]) -> AsyncIterator[None]:
        """All of them ask; inside, as many as may have a slot have one."""
        async with asyncio.TaskGroup() as group:
            for registry in registries:
                group.create_task(self.one(registry))
            await settled()
            yield
            self.gate.set()


async def settled() -> None:
    """Every task has run until it waits."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_slow_registry_leaves_slots_for_others() -> None:
    layers = Layers(Slots(total=4, of_one_registry=2))
    async with layers.waiting(["slow"] * 9 + ["fast"]):
        assert Counter(layers.inside) == {"slow": 2, "fast": 1}
    assert layers.most == {"slow": 2, "fast": 1, "all": 3}
    assert layers.inside == []


async def test_all_registries_together_are_bounded() -> None:
    layers = Layers(Slots(total=4, of_one_registry=2))
    async with layers.waiting(["a", "a", "a", "b", "b", "b", "c", "c", "c"]):
        assert len(layers.inside) == 4
    assert layers.most["all"] == 4
    assert max(layers.most[name] for name in "abc") == 2


async def test_registry_has_one_bound_however_its_name_is_written() -> None:
    layers = Layers(Slots(total=4, of_one_registry=1))
    async with layers.waiting(["R.example:5000", "r.example:5000"]):
        assert layers.inside == ["R.example:5000"]
        assert layers.slots.registries == {"r.example:5000"}


async def test_registry_is_forgotten_with_its_last_layer() -> None:
    slots = Slots(total=2, of_one_registry=2)
    async with slots.held("a"):
        async with slots.held("b"):
            assert slots.registries == {"a", "b"}
        assert slots.registries == {"a"}
    assert slots.registries == frozenset()


async def test_cancelled_waiter_gives_its_place_back() -> None:
    slots = Slots(total=1, of_one_registry=1)
    async with slots.held("a"):
        for registry in ("a", "b"):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0), slots.held(registry):
                    raise AssertionError("no slot is free")
        assert slots.registries == {"a"}
    async with asyncio.timeout(5), slots.held("b"):
        assert slots.registries == {"b"}
