"""The cache of images in front of Central."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from pyrox.errors import Exhausted, Unavailable
from pyrox.metrics import Metrics
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import ImageKey
from pyrox.pb.storage.deployment_pb2 import ContainerImage
from pyrox.pb.storage.image_pb2 import Image
from pyrox.workload.images import parse_image
from services.sensor.detect.images import Images, Source
from tests.support.pki import FixedClock
from tests.support.waiting import until

DIGEST = "sha256:" + "a" * 64


class Scanner:
    """Answers from a list; an error is raised."""

    def __init__(self, *answers: Exception) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def scan(self, image: ContainerImage, source: Source, *, cached_only: bool) -> Image:
        self.asked.append(image.name.full_name)
        await asyncio.sleep(0)
        await self.may_answer.wait()
        if self.answers:
            raise self.answers.pop(0)
        return Image(id=image.id, name=image.name, scan={"operating_system": "debian:12"})


@asynccontextmanager
async def images(
    scanner: Scanner, clock: FixedClock | None = None, metrics: Metrics | None = None
) -> AsyncIterator[Images]:
    made = Images(
        scanner=scanner,
        clock=clock or FixedClock(),
        ttl=timedelta(hours=4),
        metrics=metrics or Metrics("sensor"),
    )
    made.online = True
    ready = asyncio.Event()
    running = asyncio.create_task(made.run(ready.set))
    await ready.wait()
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


WANTED = parse_image(f"quay.io/a/b:1@{DIGEST}")


async def test_get_several_at_once_ask_once() -> None:
    scanner = Scanner()
    async with images(scanner) as cache:
        found = await asyncio.gather(*(cache.get(WANTED, Source()) for _ in range(5)))
        assert len(scanner.asked) == 1
        assert {image.scan.operating_system for image in found} == {"debian:12"}


async def test_get_old_entry_is_asked_again_only_while_online() -> None:
    scanner, clock = Scanner(), FixedClock()
    async with images(scanner, clock) as cache:
        await cache.get(WANTED, Source())
        clock.moment += timedelta(hours=5)
        cache.online = False
        assert (await cache.get(WANTED, Source())).HasField("scan")
        cache.online = True
        await cache.get(WANTED, Source())
        assert len(scanner.asked) == 2


async def test_get_failure_gives_bare_image_and_is_not_kept() -> None:
    scanner = Scanner(Unavailable("x"))
    async with images(scanner) as cache:
        first = await cache.get(WANTED, Source())
        assert not first.HasField("scan")
        assert list(first.notes) == [Image.MISSING_METADATA, Image.MISSING_SCAN_DATA]
        assert (await cache.get(WANTED, Source())).HasField("scan")


async def test_get_central_busy_waits_and_asks_again() -> None:
    scanner, clock = Scanner(Exhausted("busy"), Exhausted("busy")), FixedClock()
    async with images(scanner, clock) as cache:
        assert (await cache.get(WANTED, Source())).HasField("scan")
    assert clock.slept == [5.0, 10.0]


@pytest.mark.parametrize("image", [ContainerImage(id=DIGEST, not_pullable=True), ContainerImage()])
async def test_get_image_that_no_registry_has_is_not_asked(image: ContainerImage) -> None:
    scanner = Scanner()
    async with images(scanner) as cache:
        await cache.get(image, Source())
    assert not scanner.asked


async def test_forget_by_any_part_of_the_key() -> None:
    scanner = Scanner()
    async with images(scanner) as cache:
        await cache.get(WANTED, Source())
        keys = cache.forget([ImageKey(image_id=DIGEST, image_id_v2=WANTED.id_v2, image_full_name="other")])
        assert keys == {DIGEST, WANTED.id_v2, "other"}
        assert cache.cached(WANTED) is None


@pytest.mark.parametrize("everything", [False, True])
async def test_forget_while_the_answer_is_under_way_asks_again(everything: bool) -> None:
    scanner = Scanner()
    scanner.may_answer.clear()
    async with images(scanner) as cache:
        waiting = asyncio.create_task(cache.get(WANTED, Source()))
        await until(lambda: scanner.asked)
        if everything:
            cache.forget_all()
        else:
            cache.forget([ImageKey(image_id_v2=WANTED.id_v2)])
        scanner.may_answer.set()
        found = await waiting
        assert found.HasField("scan")
        assert cache.cached(WANTED) is found
        await cache.get(WANTED, Source())
    assert len(scanner.asked) == 2


async def test_put_updates_what_is_kept_only() -> None:
    async with images(Scanner()) as cache:
        updated = Image(
            id=DIGEST, name=WANTED.name, names=[WANTED.name], scan={"operating_system": "debian:13"}
        )
        assert cache.put(updated) == []
        await cache.get(WANTED, Source())
        assert cache.put(updated) == [WANTED.id_v2]
        found = cache.cached(WANTED)
        assert found is not None
        assert found.scan.operating_system == "debian:13"


async def test_refresh_keeps_an_image_longer() -> None:
    clock = FixedClock()
    async with images(Scanner(), clock) as cache:
        await cache.get(WANTED, Source())
        clock.moment += timedelta(hours=3)
        cache.refresh([ImageKey(image_id_v2=WANTED.id_v2)])
        clock.moment += timedelta(hours=3)
        assert cache.cached(WANTED) is not None


async def until_told(told: list[set[str]], count: int) -> None:
    for _ in range(50):
        if len(told) >= count:
            return
        await asyncio.sleep(0)
    raise AssertionError(told)


async def test_image_whose_scan_failed_is_worth_another_look_after_growing_pauses() -> None:
    clock, told = FixedClock(), list[set[str]]()
    async with images(Scanner(Unavailable("x"), Unavailable("x"), Unavailable("x")), clock) as cache:
        cache.listen(told.append)
        for count in (1, 2, 3):
            await cache.get(WANTED, Source())
            await until_told(told, count)
        assert (await cache.get(WANTED, Source())).HasField("scan")
        assert clock.slept == [30.0, 60.0, 120.0]
        assert told[0] == told[1] == told[2]


async def test_image_that_came_without_a_scan_is_asked_for_again() -> None:
    class Half(Scanner):
        async def scan(self, image: ContainerImage, source: Source, *, cached_only: bool) -> Image:
            found = await super().scan(image, source, cached_only=cached_only)
            if len(self.asked) == 1:
                found.ClearField("scan")
            return found

    scanner, told = Half(), list[set[str]]()
    async with images(scanner) as cache:
        cache.listen(told.append)
        assert not (await cache.get(WANTED, Source())).HasField("scan")
        await until_told(told, 1)
        assert (await cache.get(WANTED, Source())).HasField("scan")
        assert len(scanner.asked) == 2


class Patient(FixedClock):
    """Time stands still while it is held."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        await self.go_on.wait()
        await super().sleep(seconds)


async def test_scan_that_succeeds_before_the_next_attempt_tells_those_who_got_the_bare_image() -> None:
    told = list[set[str]]()
    async with images(Scanner(Unavailable("x")), Patient()) as cache:
        cache.listen(told.append)
        assert not (await cache.get(WANTED, Source())).HasField("scan")
        assert told == []
        assert (await cache.get(WANTED, Source())).HasField("scan")
        assert told == [{WANTED.id_v2 or WANTED.id}]


async def test_image_that_central_pushed_before_the_next_attempt_is_still_told_of() -> None:
    class Half(Scanner):
        async def scan(self, image: ContainerImage, source: Source, *, cached_only: bool) -> Image:
            return Image(id=image.id, name=image.name)

    clock, told = Patient(), list[set[str]]()
    async with images(Half(), clock) as cache:
        cache.listen(told.append)
        await cache.get(WANTED, Source())
        pushed = Image(id=DIGEST, name=WANTED.name)
        pushed.scan.operating_system = "debian:12"
        assert cache.put(pushed)
        clock.go_on.set()
        await until_told(told, 1)
        assert (await cache.get(WANTED, Source())).HasField("scan")


async def test_unfinished_scans_are_seen_in_the_metrics() -> None:
    def unfinished(metrics: Metrics) -> list[float | None]:
        name = "rox_sensor_image_scans_unfinished"
        return [metrics.registry.get_sample_value(name, {"state": one}) for one in ("running", "failed")]

    metrics = Metrics("sensor")
    async with images(Scanner(Unavailable("x")), Patient(), metrics) as cache:
        asked = asyncio.create_task(cache.get(WANTED, Source()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert unfinished(metrics) == [1, 0]
        await asked
        await asyncio.sleep(0)
        assert unfinished(metrics) == [0, 1]
        await cache.get(WANTED, Source())
        await asyncio.sleep(0)
        assert unfinished(metrics) == [0, 0]


async def test_nothing_is_asked_again_while_central_is_away() -> None:
    class Leaving(Scanner):
        async def scan(self, image: ContainerImage, source: Source, *, cached_only: bool) -> Image:
            cache.online = False
            raise Unavailable("Central is gone")

    told = list[set[str]]()
    async with images(Leaving()) as cache:
        cache.listen(told.append)
        assert not (await cache.get(WANTED, Source())).HasField("scan")
        for _ in range(10):
            await asyncio.sleep(0)
        assert told == []
