"""Risks as users read them. Every read takes the caller's scope."""

from __future__ import annotations

from pyrox.pb.storage.risk_pb2 import Risk
from pyrox.pg.pool import Pool
from pyrox.rpc.scope import Scope
from services.central.db import tables
from services.central.db.store import ProtoStore
from services.central.risk.results import DEPLOYMENT, risk_id


class RiskReader:
    """The stored risks."""

    def __init__(self, *, pool: Pool) -> None:
        self._risks = ProtoStore(pool=pool, table=tables.RISKS)

    async def of_deployment(self, deployment_id: str, *, scope: Scope) -> Risk | None:
        """The risk of a deployment, or None while it has none."""
        return await self._risks.get(risk_id(DEPLOYMENT, deployment_id), scope=scope)
