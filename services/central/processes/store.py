"""Process indicators in Central DB."""

from __future__ import annotations

from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator
from pyrox.pg.pool import Pool
from pyrox.rpc.scope import Scope
from services.central.db import tables
from services.central.db.query import Query
from services.central.db.reader import Reader
from services.central.db.search import Page, Sort
from services.central.db.store import ProtoStore

# A deployment keeps at most this many distinct processes (upstream's default of
# ROX_PROCESS_FILTER_MAX_PROCESS_PATHS); one answer never holds more.
LIST_LIMIT = 5000


class ProcessStore(Reader[ProcessIndicator]):
    """Processes by deployment. Every read takes the caller's scope."""

    def __init__(self, *, pool: Pool) -> None:
        super().__init__(pool=pool, stored=ProtoStore(pool=pool, table=tables.PROCESS_INDICATORS))

    async def of_deployment(self, deployment_id: str, *, scope: Scope) -> list[ProcessIndicator]:
        """The processes of one deployment, the oldest first."""
        query = Query.exact("Deployment ID", deployment_id)
        page = Page(limit=LIST_LIMIT, sort=(Sort("Process Creation Time"),))
        return await self._stored.find(query, scope=scope, page=page)
