"""Verdicts on a workload while its images come in.

Both kinds of review come here. It must not know how a review is answered.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from pyrox import log
from pyrox.errors import RoxError
from pyrox.pb.storage.alert_pb2 import Alert
from pyrox.pb.storage.deployment_pb2 import ContainerImage, Deployment
from pyrox.pb.storage.image_pb2 import Image
from pyrox.policy.alerts import build_alert
from pyrox.policy.sets import Detection, Match
from pyrox.policy.subject import Subject
from services.admission.images import Images, bare
from services.admission.policies import Ruling

_LOG = log.get(__name__)
Detect = Callable[[Sequence[Image]], Detection]


class Detector:
    """Evaluates as soon as there is something to evaluate."""

    def __init__(self, *, images: Images) -> None:
        self._images = images

    def now(self, deployment: Deployment, detect: Detect) -> tuple[Match, ...]:
        """The verdict on what is known of the images; policies on missing data do not count."""
        known = [self._images.cached(one.image) or bare(one.image) for one in deployment.containers]
        return tuple(one for one in _matches(detect(known)) if not one.compiled.alerts_on_missing_enrichment)

    async def with_images(self, deployment: Deployment, detect: Detect, ruling: Ruling) -> tuple[Match, ...]:
        """The verdict with scans, fetched for no longer than the ruling allows.

        It is given once a policy is violated by what is there, else after the last image.
        """
        images: list[Image] = []
        missing: dict[int, ContainerImage] = {}
        for index, container in enumerate(deployment.containers):
            kept = self._images.cached(container.image)
            images.append(kept or bare(container.image))
            askable = bool(container.image.id) or ruling.scan_inline
            if askable and (kept is None or (ruling.scan_inline and not kept.HasField("scan"))):
                missing[index] = container.image
        matches = _matches(detect(images))
        async with self._fetching(missing, deployment.namespace, ruling) as results:
            async for index, image in results:
                if _is_certain(matches):
                    break
                images[index] = image
                matches = _matches(detect(images))
        return matches

    @asynccontextmanager
    async def _fetching(
        self, missing: dict[int, ContainerImage], namespace: str, ruling: Ruling
    ) -> AsyncIterator[AsyncIterator[tuple[int, Image]]]:
        """The missing images as they come; what is not needed any more is not waited for."""
        tasks = [
            asyncio.create_task(self._fetch(index, image, namespace, inline=ruling.scan_inline))
            for index, image in missing.items()
        ]
        try:
            yield _as_they_come(tasks, ruling.timeout_seconds)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _fetch(
        self, index: int, image: ContainerImage, namespace: str, *, inline: bool
    ) -> tuple[int, Image] | None:
        try:
            return index, await self._images.get(image, namespace, scan_inline=inline)
        except RoxError as error:
            _LOG.warning("image not fetched", image=image.name.full_name, error=error.message)
            return None


async def _as_they_come(
    tasks: Sequence[asyncio.Task[tuple[int, Image] | None]], seconds: float
) -> AsyncIterator[tuple[int, Image]]:
    if not tasks:
        return
    for done in asyncio.as_completed(tasks, timeout=seconds):
        try:
            found = await done
        except TimeoutError:
            _LOG.info("images not fetched in time", seconds=seconds)
            return
        if found is not None:
            yield found


def alerts_of(matches: Iterable[Match], subject: Subject, now: datetime) -> list[Alert]:
    """An alert for each violated policy."""
    return [
        build_alert(match.compiled.policy, match.verdict, subject, alert_id=str(uuid.uuid4()), now=now)
        for match in matches
    ]


def _matches(detection: Detection) -> tuple[Match, ...]:
    for problem in detection.problems:
        _LOG.warning("policy failed", policy=problem.policy_name, error=problem.message)
    return detection.matches


def _is_certain(matches: Sequence[Match]) -> bool:
    """Whether something is violated that a scan which is still to come cannot excuse."""
    return any(not match.compiled.alerts_on_missing_enrichment for match in matches)
