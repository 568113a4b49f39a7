"""Deployments with their images and numbers of pods, for exports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.image_pb2 import Image, ListImage
from pyrox.pg.pool import Database, Pool
from pyrox.rpc.scope import Scope
from services.central.db import tables
from services.central.db.store import ListedStore, ListForm
from services.central.deployments.store import DeploymentStore
from services.central.images.flatten import digest
from services.central.pods.store import PodStore


@dataclass(frozen=True, slots=True)
class Workload:
    """One deployment with what runs in it."""

    deployment: Deployment
    images: list[Image]
    live_pods: int


class WorkloadStore:
    """What an export of workloads reads. Every read takes the caller's scope."""

    def __init__(self, *, pool: Pool) -> None:
        self._deployments = DeploymentStore(pool=pool)
        self._pods = PodStore(pool=pool)
        self._images: ListedStore[Image, ListImage] = ListedStore(
            pool=pool, table=tables.IMAGES, list_form=ListForm(ListImage, digest)
        )

    async def walk(
        self, text: str, *, deployments: Scope, images: Scope, tx: Database | None = None
    ) -> AsyncIterator[list[Workload]]:
        """Deployments that match, one workload a slice, since images may be large."""
        async for found in self._deployments.walk(text, scope=deployments, tx=tx):
            ids = [one.id for one in found]
            pods = await self._pods.per_deployment(ids, scope=deployments, tx=tx)
            for deployment in found:
                shas = [container.image.id for container in deployment.containers]
                used = await self._images.get_many(shas, scope=images, tx=tx)
                yield [Workload(deployment, used, pods.get(deployment.id, 0))]
