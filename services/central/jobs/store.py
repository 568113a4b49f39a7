"""What pruning removes, in slices, so that no statement runs long and others get their turn."""

from __future__ import annotations

from datetime import timedelta

from pyrox.pb.storage.alert_pb2 import ListAlert
from pyrox.pb.storage.image_pb2 import Image
from pyrox.pg.pool import Pool
from pyrox.rpc.scope import EVERYTHING
from services.central.alerts.digest import digest
from services.central.db import tables
from services.central.db.query import Query
from services.central.db.search import Page
from services.central.db.store import ListedStore, ListForm
from services.central.images.store import ImageStore
from services.central.network_graph.flows import FlowStore

SLICE = 1000
# Images go with their components and findings: thousands of rows each.
IMAGE_SLICE = 50
# So many slices a round at most; the next round goes on.
MAX_SLICES = 200

_UNUSED_IMAGES = """
SELECT i.id FROM images i
WHERE i.lastupdated < now() - $1::interval
    AND NOT EXISTS (SELECT 1 FROM deployments_containers c WHERE c.image_id = i.id)
    AND NOT EXISTS (SELECT 1 FROM pods_live_instances p WHERE p.imagedigest = i.id)
    AND NOT EXISTS (SELECT 1 FROM watched_images w WHERE w.name = i.name_fullname)
ORDER BY i.id LIMIT $2
"""
# What ran in pods that are gone no longer makes their deployment suspicious.
_ORPHANED_PROCESSES = """
WITH gone AS (
    DELETE FROM process_indicators WHERE id IN (
        SELECT p.id FROM process_indicators p
        WHERE p.signal_time < now() - $1::interval
            AND (
                NOT EXISTS (SELECT 1 FROM deployments d WHERE d.id = p.deploymentid)
                OR p.poduid IS NOT NULL AND NOT EXISTS (SELECT 1 FROM pods WHERE pods.id = p.poduid)
            )
        LIMIT $2
    )
    RETURNING deploymentid
), marked AS (
    INSERT INTO risk_marks (deployment_id)
    SELECT DISTINCT deploymentid FROM gone WHERE deploymentid IS NOT NULL
)
SELECT count(*) FROM gone
"""


class PruneStore:
    """Removes what retention no longer keeps, whoever it belongs to."""

    def __init__(self, *, pool: Pool, images: ImageStore, flows: FlowStore) -> None:
        self._pool = pool
        self._flows = flows
        self._images = images
        self._alerts = ListedStore(pool=pool, table=tables.ALERTS, list_form=ListForm(ListAlert, digest))

    async def alerts(self, query: Query) -> int:
        """Remove alerts that match; how many."""
        removed = 0
        for _ in range(MAX_SLICES):
            keys = await self._alerts.keys(query, scope=EVERYTHING, page=Page(limit=SLICE))
            if not keys:
                break
            removed += await self._alerts.delete(*keys)
        return removed

    async def images(self, older: timedelta) -> int:
        """Remove images that nothing runs or watches and that were not touched since; how many."""
        removed = 0
        for _ in range(MAX_SLICES):
            rows = await self._pool.fetch(_UNUSED_IMAGES, older, IMAGE_SLICE)
            if not rows:
                break
            await self._images.delete([Image(id=row["id"]) for row in rows])
            removed += len(rows)
        return removed

    async def processes(self, older: timedelta) -> int:
        """Remove processes of deployments and of pods that are gone; how many."""
        removed = 0
        for _ in range(MAX_SLICES):
            count = int(await self._pool.fetchval(_ORPHANED_PROCESSES, older, SLICE))
            removed += count
            if count < SLICE:
                break
        return removed

    async def flows(self, older: timedelta) -> int:
        """Remove network flows of deployments that are gone; how many."""
        removed = 0
        for _ in range(MAX_SLICES):
            count = await self._flows.prune(older, SLICE)
            removed += count
            if count < SLICE:
                break
        return removed
