"""The beginning of learning: what a batch of processes means for baselines.

The link calls it in the transaction that stores the processes. A deployment is watched
from its first process on for a time; later, a process that its baseline does not name is
worth a look. The look itself is the risk worker's.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from pyrox.clock import Clock
from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator
from pyrox.pg.pool import Database

_WATCH = (
    "INSERT INTO baseline_observations (deployment_id, ends)"
    " SELECT id, $2 FROM unnest($1::uuid[]) AS id ON CONFLICT DO NOTHING"
)
# One statement for the batch: no baseline is read into this process.
_MARK = """
INSERT INTO risk_marks (deployment_id)
SELECT DISTINCT ran.deployment
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS ran (deployment, baseline, path)
WHERE NOT EXISTS (
        SELECT 1 FROM process_baselines_elements e
        WHERE e.parent_id = ran.baseline AND e.element_processname = ran.path
    )
    AND (
        EXISTS (SELECT 1 FROM process_baselines b WHERE b.id = ran.baseline)
        OR EXISTS (
            SELECT 1 FROM baseline_observations o WHERE o.deployment_id = ran.deployment AND o.ended
        )
    )
"""


@dataclass(frozen=True, slots=True)
class Learning:
    """Watches deployments from their first process on."""

    clock: Clock
    duration: timedelta

    async def observe(self, indicators: Sequence[ProcessIndicator], *, tx: Database) -> None:
        """Start watching deployments that are new, and ask for a look at those that did something new."""
        ran = sorted({row for row in map(_row, indicators) if row is not None})
        if not ran:
            return
        deployments = sorted({deployment for deployment, _, _ in ran})
        await tx.execute(_WATCH, deployments, self.clock.now() + self.duration)
        await tx.execute(_MARK, *(list(column) for column in zip(*ran, strict=True)))


def _row(indicator: ProcessIndicator) -> tuple[uuid.UUID, str, str] | None:
    """Deployment, id of the baseline, executable; None for what no baseline can hold."""
    try:
        deployment, cluster = uuid.UUID(indicator.deployment_id), uuid.UUID(indicator.cluster_id)
    except ValueError:
        return None
    path = indicator.signal.exec_file_path.replace("\0", "\ufffd")
    if not path:
        return None
    place = (str(cluster), indicator.namespace, str(deployment), indicator.container_name)
    return deployment, ":".join(("DC", *place)).replace("\0", "\ufffd"), path
