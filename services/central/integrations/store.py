"""Image integrations in Central DB."""

from __future__ import annotations

from pyrox.errors import AlreadyExists
from pyrox.pb.storage.image_integration_pb2 import ImageIntegration
from pyrox.pg.pool import Pool
from pyrox.rpc.scope import EVERYTHING
from services.central.db import tables
from services.central.db.query import Query
from services.central.db.store import ProtoStore


class IntegrationStore:
    """Image integrations are global: whoever may read them sees all of them."""

    def __init__(self, *, pool: Pool) -> None:
        self._integrations: ProtoStore[ImageIntegration] = ProtoStore(
            pool=pool, table=tables.IMAGE_INTEGRATIONS
        )

    async def get(self, integration_id: str) -> ImageIntegration | None:
        """One integration."""
        return await self._integrations.get(integration_id, scope=EVERYTHING)

    async def all_integrations(self) -> list[ImageIntegration]:
        """All integrations by name."""
        return sorted(
            await self._integrations.find(scope=EVERYTHING), key=lambda found: (found.name, found.id)
        )

    async def put(self, integration: ImageIntegration) -> None:
        """Write one. Raises `AlreadyExists` for a name that another has."""
        named = await self._integrations.find(
            Query.exact("Integration Name", integration.name), scope=EVERYTHING
        )
        if any(other.id != integration.id for other in named):
            raise AlreadyExists.because(f"image integration with name {integration.name!r} already exists")
        await self._integrations.upsert(integration)

    async def delete(self, integration_id: str) -> bool:
        """Remove one; whether it existed."""
        return bool(await self._integrations.delete(integration_id))
