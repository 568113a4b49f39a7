"""Address ranges that users name, kept per cluster and told to its Sensor."""

from __future__ import annotations

from pyrox.errors import AlreadyExists, Invalid, NotAuthorized, NotFound
from pyrox.pb.internalapi.central.network_flow_pb2 import PushNetworkEntitiesRequest
from pyrox.pb.storage.network_flow_pb2 import NetworkEntity, NetworkEntityInfo
from pyrox.pg import notify
from pyrox.pg.pool import Database, Pool
from pyrox.rpc.scope import EVERYTHING, Scope
from services.central.db import tables
from services.central.db.query import Query
from services.central.db.store import ProtoStore
from services.central.network_graph.addresses import id_of, network_of
from services.central.network_graph.settings import CHANNEL, GraphSettings


class EntityStore:
    """Address ranges. A Sensor has all of its cluster; what it discovers itself is only kept."""

    def __init__(self, *, pool: Pool, settings: GraphSettings) -> None:
        self._pool = pool
        self._stored = ProtoStore(pool=pool, table=tables.NETWORK_ENTITIES)
        self._settings = settings

    async def get(self, entity_id: str, *, scope: Scope) -> NetworkEntity:
        """One range. Raises `NotFound`."""
        if not entity_id:
            raise Invalid.because("network entity ID must be specified")
        found = await self._stored.get(entity_id, scope=scope)
        if found is None:
            raise NotFound.because(f"network entity {entity_id} not found")
        return found

    async def of_cluster(self, cluster_id: str, *, scope: Scope) -> list[NetworkEntity]:
        """The ranges of a cluster, by id."""
        return await self.matching(cluster_id, "", scope=scope)

    async def matching(self, cluster_id: str, text: str, *, scope: Scope) -> list[NetworkEntity]:
        """The ranges of a cluster that the search finds, by id. Raises `Invalid` for a bad search."""
        query = Query.exact("Cluster ID", cluster_id) & Query.parse(text)
        found = await self._stored.find(query, scope=scope)
        return sorted(found, key=lambda entity: entity.info.id)

    async def create(self, cluster_id: str, source: NetworkEntityInfo.ExternalSource) -> NetworkEntity:
        """Name a range. Raises `Invalid`, and `AlreadyExists` for a range that has a name."""
        entity = _entity(cluster_id, source)
        stored = await self._stored.get(entity.info.id, scope=EVERYTHING)
        if stored is not None and not stored.info.external_source.discovered:
            raise AlreadyExists.because(
                f"network entity {entity.info.id} (CIDR={source.cidr}) already exists"
            )
        await self._write(entity)
        return entity

    async def rename(self, entity_id: str, name: str, *, scope: Scope) -> NetworkEntity:
        """Give a range another name; the empty one is its address."""
        entity = await self._changeable(entity_id, scope=scope)
        entity.info.external_source.name = name or entity.info.external_source.cidr
        await self._write(entity)
        return entity

    async def delete(self, entity_id: str, *, scope: Scope) -> NetworkEntity:
        """Forget a range; what it was."""
        entity = await self._changeable(entity_id, scope=scope)
        async with self._pool.transaction() as tx:
            await self._stored.delete(entity_id, tx=tx)
            await notify.post(tx, CHANNEL, [entity.scope.cluster_id])
        return entity

    async def discovered(self, cluster_id: str, cidrs: set[str], *, tx: Database) -> None:
        """Keep addresses that a Sensor saw; a range that has a name keeps it."""
        made = {}
        for cidr in cidrs:
            source = NetworkEntityInfo.ExternalSource(name=cidr, cidr=cidr, discovered=True)
            entity = _entity(cluster_id, source)
            made[entity.info.id] = entity
        known = await self._stored.get_many(list(made), scope=EVERYTHING, tx=tx)
        for entity in known:
            del made[entity.info.id]
        await self._stored.upsert_many(made.values(), tx=tx)

    async def request(self, cluster_id: str, number: int) -> PushNetworkEntitiesRequest:
        """What a Sensor is told: every range of its cluster but those that were only seen."""
        hidden = (await self._settings.load()).hide_default_external_srcs
        made = PushNetworkEntitiesRequest(seqID=number)
        for entity in await self.of_cluster(cluster_id, scope=EVERYTHING):
            source = entity.info.external_source
            if not source.discovered and not (hidden and source.default):
                made.entities.append(entity.info)
        return made

    async def _write(self, entity: NetworkEntity) -> None:
        async with self._pool.transaction() as tx:
            await self._stored.upsert(entity, tx=tx)
            await notify.post(tx, CHANNEL, [entity.scope.cluster_id])

    async def _changeable(self, entity_id: str, *, scope: Scope) -> NetworkEntity:
        entity = await self.get(entity_id, scope=scope)
        if entity.info.external_source.default:
            raise NotAuthorized("StackRox-generated network entities are immutable")
        return entity


def _entity(cluster_id: str, source: NetworkEntityInfo.ExternalSource) -> NetworkEntity:
    network = network_of(source.cidr)
    entity = NetworkEntity()
    entity.info.id = id_of(cluster_id, network)
    entity.info.type = NetworkEntityInfo.EXTERNAL_SOURCE
    entity.info.external_source.CopyFrom(source)
    entity.info.external_source.name = source.name or source.cidr
    entity.scope.cluster_id = cluster_id
    return entity
