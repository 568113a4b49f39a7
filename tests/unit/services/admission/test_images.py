"""The image cache."""

from __future__ import annotations

import asyncio

import pytest

from pyrox.errors import Unavailable
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import ImageKey
from pyrox.pb.storage.deployment_pb2 import ContainerImage
from pyrox.workload.images import parse_image
from services.admission import images as module
from services.admission.images import bare
from tests.support.pki import FixedClock
from tests.unit.services.admission.builders import Source, images

NGINX = "docker.io/library/nginx:1.25"


def image(text: str = "nginx:1.25", digest: str = "") -> ContainerImage:
    made = parse_image(text)
    made.id = digest
    return made


async def test_image_is_fetched_once_and_then_kept_by_name_and_digest() -> None:
    source, clock = Source(), FixedClock()
    scanned = source.scanned(NGINX)
    cache = images(source, clock)
    assert await cache.get(image(), "shop", scan_inline=True) == scanned
    assert cache.cached(image()) == scanned
    assert cache.cached(image(digest="sha256:1")) == scanned
    assert source.asked == [(NGINX, "shop", True)]


async def test_several_who_want_one_image_wait_for_one_answer() -> None:
    source = Source()
    source.scanned(NGINX)
    source.gate = asyncio.Event()
    cache = images(source, FixedClock())
    waiting = [asyncio.create_task(cache.get(image(), "shop", scan_inline=True)) for _ in range(5)]
    await asyncio.sleep(0)
    source.gate.set()
    await asyncio.gather(*waiting)
    assert len(source.asked) == 1


async def test_failure_is_told_and_not_remembered() -> None:
    source = Source()
    cache = images(source, FixedClock())
    with pytest.raises(Unavailable, match="nobody knows it"):
        await cache.get(image(), "shop", scan_inline=True)
    source.scanned(NGINX)
    assert (await cache.get(image(), "shop", scan_inline=True)).id == "sha256:1"


async def test_one_who_gives_up_does_not_stop_the_fetch_for_others() -> None:
    source = Source()
    source.scanned(NGINX)
    source.gate = asyncio.Event()
    cache = images(source, FixedClock())
    task = asyncio.create_task(cache.get(image(), "shop", scan_inline=True))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    source.gate.set()
    for _ in range(4):
        await asyncio.sleep(0)
    assert cache.cached(image()) is not None


async def test_old_entries_are_not_used() -> None:
    source, clock = Source(), FixedClock()
    source.scanned(NGINX)
    cache = images(source, clock)
    await cache.get(image(), "shop", scan_inline=True)
    await clock.sleep(4 * 3600 + 1)
    assert cache.cached(image()) is None


async def test_budget_drops_the_longest_unused() -> None:
    source = Source()
    for number in range(3):
        source.scanned(f"docker.io/library/app:{number}", digest=f"sha256:{number}", os="x" * 1000)
    cache = images(source, FixedClock(), budget=2500)
    await cache.get(image("app:0"), "", scan_inline=True)
    await cache.get(image("app:1"), "", scan_inline=True)
    assert cache.cached(image("app:0")) is not None
    await cache.get(image("app:2"), "", scan_inline=True)
    kept = [number for number in range(3) if cache.cached(image(f"app:{number}")) is not None]
    assert kept == [0, 2]


async def test_entry_above_the_limit_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ENTRY", 10)
    source = Source()
    source.scanned(NGINX)
    cache = images(source, FixedClock())
    await cache.get(image(), "shop", scan_inline=True)
    assert cache.cached(image()) is None


async def test_names_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_NAMES", 1)
    source = Source()
    source.scanned(NGINX)
    source.scanned("docker.io/library/app:1", digest="sha256:2")
    cache = images(source, FixedClock())
    await cache.get(image(), "", scan_inline=True)
    await cache.get(image("app:1"), "", scan_inline=True)
    assert cache.cached(image()) is None
    assert cache.cached(image(digest="sha256:1")) is not None


@pytest.mark.parametrize(
    "key",
    [ImageKey(image_id="sha256:1"), ImageKey(image_full_name=NGINX)],
)
async def test_forget_takes_digests_and_names(key: ImageKey) -> None:
    source = Source()
    source.scanned(NGINX)
    cache = images(source, FixedClock())
    await cache.get(image(), "", scan_inline=True)
    cache.forget([key])
    assert cache.cached(image()) is None
    assert cache.cached(image(digest="sha256:1")) is None


async def test_forget_all_empties_the_cache() -> None:
    source = Source()
    source.scanned(NGINX)
    cache = images(source, FixedClock())
    await cache.get(image(), "", scan_inline=True)
    cache.forget_all()
    assert cache.cached(image(digest="sha256:1")) is None


def test_bare_image_has_the_name_and_nothing_else() -> None:
    made = bare(image(digest="sha256:9"))
    assert (made.id, made.name.full_name, [name.full_name for name in made.names]) == (
        "sha256:9",
        NGINX,
        [NGINX],
    )
    assert not made.HasField("scan")
