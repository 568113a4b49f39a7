"""Which deployments are to be looked at again: their baselines, then their risk.

Whoever changes what risk depends on (alerts, images, processes, baselines, deployments)
marks the deployments in the transaction of the change, so that no change is lost and
every replica may do the work. `services.central.risk.worker` takes the marks off.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pyrox.pb.storage.image_pb2 import Image
from pyrox.pg.pool import Database

_ADD = "INSERT INTO risk_marks (deployment_id, due) SELECT id, $2 FROM unnest($1::uuid[]) AS id"
# Sensors of older releases tell no id of name and digest.
_ADD_RUNNING = (
    "INSERT INTO risk_marks (deployment_id)"
    " SELECT DISTINCT parent_id FROM deployments_containers"
    " WHERE image_idv2 = $1 OR (image_idv2 IS NULL AND image_id = $2 AND image_name_fullname = $3)"
)
_READ = (
    "SELECT deployment_id::text AS deployment, array_agg(id) AS ids FROM ("
    "SELECT id, deployment_id FROM risk_marks WHERE due IS NULL OR due <= $1 ORDER BY id LIMIT $2"
    ") AS oldest GROUP BY deployment_id ORDER BY min(id)"
)
_REMOVE = "DELETE FROM risk_marks WHERE id = ANY($1::bigint[])"


@dataclass(frozen=True, slots=True)
class Mark:
    """One deployment and the rows that ask for it."""

    deployment_id: str
    rows: tuple[int, ...]


async def add(db: Database, deployment_ids: Iterable[str], *, due: datetime | None = None) -> None:
    """Ask for these deployments, at once or from `due` on. Ids that are no UUID are passed over."""
    wanted = sorted({uuid.UUID(one) for one in deployment_ids if _is_uuid(one)})
    if wanted:
        await db.execute(_ADD, wanted, due)


async def add_running(db: Database, image_id: str, image: Image) -> None:
    """Ask for the deployments with a container of this image; `image_id` is that of name and digest."""
    await db.execute(_ADD_RUNNING, image_id, image.id, image.name.full_name)


async def oldest(db: Database, now: datetime, limit: int) -> list[Mark]:
    """The deployments behind the oldest so many rows that are due."""
    rows = await db.fetch(_READ, now, limit)
    return [Mark(row["deployment"], tuple(row["ids"])) for row in rows]


async def remove(db: Database, marks: Sequence[Mark]) -> None:
    """Take off exactly these rows; what was asked for since then stays."""
    rows = [row for mark in marks for row in mark.rows]
    if rows:
        await db.execute(_REMOVE, rows)


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
