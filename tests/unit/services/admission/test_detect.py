"""Verdicts while images come in."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.image_pb2 import Image
from pyrox.policy.sets import Detection, Match
from pyrox.policy.subject import DeploymentSubject
from pyrox.workload.images import parse_image
from services.admission.policies import Ruling
from tests.unit.services.admission.builders import OLD_OS, UNSCANNED, Site, ruling

ONE, TWO = "docker.io/library/one:1", "docker.io/library/two:1"


def deployment(*images: str) -> Deployment:
    made = Deployment(id="d", name="web", namespace="shop")
    for text in images:
        container = made.containers.add(name=text)
        container.image.CopyFrom(parse_image(text))
    return made


async def verdict(site: Site, on: Deployment, rules: Ruling) -> list[str]:
    def detect(images: Sequence[Image]) -> Detection:
        return rules.on_images.detect(DeploymentSubject(on, images), site.clock.now())

    return _names(await site.detector.with_images(on, detect, rules))


def _names(matches: Sequence[Match]) -> list[str]:
    return [match.compiled.name for match in matches]


async def test_scans_are_waited_for_before_missing_ones_are_blamed() -> None:
    site = Site()
    site.source.scanned(ONE)
    assert await verdict(site, deployment("one:1"), ruling(UNSCANNED)) == []


async def test_image_that_cannot_be_fetched_counts_as_unscanned() -> None:
    assert await verdict(Site(), deployment("one:1"), ruling(UNSCANNED)) == ["unscanned"]


async def test_verdict_is_given_as_soon_as_one_image_violates() -> None:
    site = Site()
    site.source.scanned(ONE, os="debian:8", digest="sha256:1")
    site.source.scanned(TWO, digest="sha256:2")
    assert await verdict(site, deployment("one:1", "two:1"), ruling(OLD_OS)) == ["old-os"]


async def test_time_is_bounded_and_what_is_known_by_then_counts() -> None:
    site = Site()
    site.source.gate = asyncio.Event()
    assert await verdict(site, deployment("one:1"), ruling(UNSCANNED, OLD_OS, timeout_seconds=0)) == [
        "unscanned"
    ]


async def test_images_without_digest_are_not_asked_for_without_inline_scans() -> None:
    site = Site()
    site.source.scanned(ONE, os="debian:8")
    assert await verdict(site, deployment("one:1"), ruling(OLD_OS, scan_inline=False)) == []
    assert site.source.asked == []
    pinned = deployment("one:1")
    pinned.containers[0].image.id = "sha256:1"
    assert await verdict(site, pinned, ruling(OLD_OS, scan_inline=False)) == ["old-os"]
    assert site.source.asked == [(ONE, "shop", False)]


async def test_known_images_are_judged_without_asking() -> None:
    site = Site()
    site.source.scanned(ONE, os="debian:8")
    rules = ruling(OLD_OS, UNSCANNED)
    on = deployment("one:1", "two:1")

    def detect(images: Sequence[Image]) -> Detection:
        return rules.on_images.detect(DeploymentSubject(on, images), site.clock.now())

    assert _names(site.detector.now(on, detect)) == []
    await site.images.get(on.containers[0].image, "", scan_inline=True)
    assert _names(site.detector.now(on, detect)) == ["old-os"]
    assert len(site.source.asked) == 1
