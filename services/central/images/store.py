"""Images in Central DB: whole by digest, flat by name and digest with components and CVEs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

from pyrox.clock import Clock
from pyrox.pb.api.v1.pagination_pb2 import Pagination
from pyrox.pb.storage.image_pb2 import Image, ListImage
from pyrox.pb.storage.image_v2_pb2 import ListImageV2
from pyrox.pg.pool import Database, Pool
from pyrox.rpc.scope import EVERYTHING, Scope
from pyrox.workload.images import id_v2
from services.central import marks
from services.central.db import tables
from services.central.db.paging import page_of
from services.central.db.query import Query
from services.central.db.store import ListedStore, ListForm, ProtoStore
from services.central.images.flatten import count, digest, flat_digest, flatten
from services.central.risk.image import image_risk, set_scores
from services.central.risk.ranks import Ranks, fill
from services.central.risk.results import IMAGE, risk_id

# Upstream central/image: the most that one list shows.
LIST_LIMIT = 1000
_FIRST_SEEN = (
    "SELECT cvebaseinfo_cve AS cve, min(cvebaseinfo_createdat) AS seen FROM image_cves_v2"
    " WHERE cvebaseinfo_cve = ANY($1::text[]) GROUP BY cvebaseinfo_cve"
)
# Two scans of one digest end at once: the second to write joins the names of the first.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('image ' || $1, 0))"
_CLUSTERS = """
SELECT DISTINCT deployments.clusterid::text FROM deployments
JOIN deployments_containers AS containers ON containers.parent_id = deployments.id
WHERE containers.image_id = $1
"""
_DROP_ROWS = (
    "DELETE FROM image_cves_v2 WHERE imageidv2 = $1",
    "DELETE FROM image_component_v2 WHERE imageidv2 = $1",
)


class ImageStore:
    """Images. Every read takes the caller's scope: an image is visible where it runs."""

    def __init__(self, *, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._images = ListedStore(pool=pool, table=tables.IMAGES, list_form=ListForm(ListImage, digest))
        self._flat = ListedStore(
            pool=pool, table=tables.IMAGES_V2, list_form=ListForm(ListImageV2, flat_digest)
        )
        self._components = ProtoStore(pool=pool, table=tables.IMAGE_COMPONENTS)
        self._cves = ProtoStore(pool=pool, table=tables.IMAGE_CVES)
        self._risks = ProtoStore(pool=pool, table=tables.RISKS)
        self._ranks = Ranks(pool=pool)

    async def clusters_of(self, image_id: str) -> list[str]:
        """The ids of the clusters whose workloads use the image, for what only Sensors are told."""
        return sorted(str(row[0]) for row in await self._pool.fetch(_CLUSTERS, image_id) if row[0])

    async def get(self, sha: str, *, scope: Scope) -> Image | None:
        """One image by its digest, or by its id of name and digest."""
        if sha.startswith("sha256:"):
            return await self._images.get(sha, scope=scope)
        flat = await self._flat.get(sha, scope=scope)
        return None if flat is None else await self._images.get(flat.digest, scope=scope)

    async def shown(self, sha: str, *, scope: Scope) -> Image | None:
        """As `get`, with the image's rank."""
        found = await self.get(sha, scope=scope)
        if found is not None:
            fill([found], await self._ranks.images([found.id]))
        return found

    async def by_name(self, full_name: str, *, scope: Scope) -> Image | None:
        """The image that was last stored under a name."""
        found = await self._images.find(Query.exact("Image", full_name), scope=scope)
        return max(found, key=lambda image: image.last_updated.ToNanoseconds(), default=None)

    async def digests(self, text: str, pagination: Pagination, *, scope: Scope) -> list[ListImage]:
        """The page of a list, by name unless it says otherwise, each with its rank."""
        page = page_of(pagination, limit=LIST_LIMIT, default_sort=("Image", False))
        found = await self._images.digests(Query.parse(text), scope=scope, page=page)
        fill(found, await self._ranks.images([one.id for one in found]))
        return found

    async def count(self, text: str, *, scope: Scope) -> int:
        """How many images match."""
        return await self._images.count(Query.parse(text), scope=scope)

    async def find(self, text: str, *, scope: Scope) -> list[Image]:
        """Whole images that match."""
        return await self._images.find(Query.parse(text), scope=scope)

    def walk(self, text: str, *, scope: Scope) -> AsyncIterator[list[Image]]:
        """Whole images that match, in slices."""
        return self._images.walk(Query.parse(text), scope=scope)

    async def put(self, image: Image) -> None:
        """Write an image under the name it carries, with its names so far.

        What is stored and newer stays: metadata and a scan are never replaced by none.
        """
        async with self._pool.transaction() as tx:
            await tx.execute(_LOCK, image.id)
            known = await self._images.get(image.id, scope=EVERYTHING, tx=tx)
            if known is not None:
                _keep_newer(image, known)
            _join_names(image, known)
            image.last_updated.FromDatetime(self._clock.now())
            count(image)
            await self._mark_first_seen(image, known, tx)
            await self._write_risk(image, tx)
            flat = flatten(image)
            await self._images.upsert(image, tx=tx)
            await self._flat.upsert(flat.image, tx=tx)
            for sql in _DROP_ROWS:
                await tx.execute(sql, flat.image.id)
            await self._components.upsert_many(flat.components, tx=tx)
            await self._cves.upsert_many(flat.cves, tx=tx)

    async def _write_risk(self, image: Image, tx: Database) -> None:
        """Compute the image's risk; the risks of deployments that run it follow when it is another."""
        flat_id = id_v2(image.name.full_name, image.id)
        risk = image_risk(image, flat_id, self._clock.now())
        set_scores(image, risk)
        if risk is None:
            changed = await self._risks.delete(risk_id(IMAGE, flat_id), tx=tx) > 0
        else:
            changed = await self._risks.upsert(risk, tx=tx)
        if changed:
            await marks.add_running(tx, flat_id, image)

    async def delete(self, images: Sequence[Image]) -> None:
        """Remove images with everything known of them."""
        async with self._pool.transaction() as tx:
            for image in images:
                for row in await tx.fetch("SELECT id FROM images_v2 WHERE digest = $1", image.id):
                    await self._delete_flat(row["id"], tx)
                await self._images.delete(image.id, tx=tx)

    async def _delete_flat(self, flat_id: str, tx: Database) -> None:
        for sql in _DROP_ROWS:
            await tx.execute(sql, flat_id)
        await self._flat.delete(flat_id, tx=tx)
        await self._risks.delete(risk_id(IMAGE, flat_id), tx=tx)

    async def _mark_first_seen(self, image: Image, known: Image | None, tx: Database) -> None:
        """When each CVE was first seen anywhere, and in this image."""
        names = sorted({vuln.cve for component in image.scan.components for vuln in component.vulns})
        if not names:
            return
        rows = await tx.fetch(_FIRST_SEEN, names)
        anywhere = {row["cve"]: row["seen"] for row in rows}
        here = _occurrences(known) if known is not None else {}
        now = self._clock.now()
        for component in image.scan.components:
            for vuln in component.vulns:
                first: datetime = anywhere.get(vuln.cve) or now
                vuln.first_system_occurrence.FromDatetime(first)
                vuln.first_image_occurrence.FromDatetime(here.get(vuln.cve, now))
                if vuln.fixed_by and not vuln.HasField("fix_available_timestamp"):
                    vuln.fix_available_timestamp.CopyFrom(vuln.first_system_occurrence)


def _occurrences(image: Image) -> Mapping[str, datetime]:
    return {
        vuln.cve: vuln.first_image_occurrence.ToDatetime()
        for component in image.scan.components
        for vuln in component.vulns
        if vuln.HasField("first_image_occurrence")
    }


def _keep_newer(image: Image, known: Image) -> None:
    """Keep stored metadata that are missing now, and a stored scan that is newer."""
    kept = []
    if known.HasField("metadata") and not image.HasField("metadata"):
        image.metadata.CopyFrom(known.metadata)
        kept.append(Image.MISSING_METADATA)
    if known.HasField("scan") and _scanned(known) > _scanned(image):
        image.scan.CopyFrom(known.scan)
        kept.append(Image.MISSING_SCAN_DATA)
    image.notes[:] = [note for note in image.notes if note not in kept]


def _scanned(image: Image) -> int:
    return image.scan.scan_time.ToNanoseconds() if image.HasField("scan") else -1


def _join_names(image: Image, known: Image | None) -> None:
    """All names under which the digest was seen, the present one first."""
    names = {image.name.full_name: image.name}
    for name in (*image.names, *(known.names if known is not None else ())):
        names.setdefault(name.full_name, name)
    joined = list(names.values())
    del image.names[:]
    image.names.extend(joined)
