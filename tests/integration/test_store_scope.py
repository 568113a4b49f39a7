"""Access scopes on every table: no way of reading shows an object outside the scope."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from google.protobuf.message import Message

from pyrox.pg.pool import Pool
from pyrox.rpc.scope import EVERYTHING, NOTHING, Scope
from services.central.db import tables
from services.central.db.catalog import AnyTable
from services.central.db.fields import Column, Kind, Reach
from services.central.db.query import EVERY, Query
from services.central.db.store import ListForm, ProtoStore

pytestmark = pytest.mark.needs("postgres")

A, B = str(uuid.UUID(int=0xA)), str(uuid.UUID(int=0xB))
PLACES = [(A, "shop"), (A, "bank"), (A, ""), (B, "shop"), ("", "")]
SCOPES = {
    "everything": EVERYTHING,
    "nothing": NOTHING,
    "cluster A": Scope(clusters=frozenset({A})),
    "A/shop": Scope(namespaces={A: frozenset({"shop"})}),
    "cluster B and A/bank": Scope(clusters=frozenset({B}), namespaces={A: frozenset({"bank"})}),
    "foreign words": Scope(clusters=frozenset({"x", "' OR true --"}), namespaces={"y": frozenset({"shop"})}),
}


def put(message: Message, path: str, value: object) -> None:
    owner: Any = message
    *above, last = path.split(".")
    for name in above:
        owner = getattr(owner, name)
    setattr(owner, last, value)


def store_of(pool: Pool, table: AnyTable) -> ProtoStore[Any]:
    form = ListForm(table.message, lambda message: message) if table.listed else None
    return ProtoStore(pool=pool, table=table, list_form=form)


def object_in(table: AnyTable, cluster: str, namespace: str) -> Message:
    message: Message = table.message()
    put(message, table.key.path, str(uuid.uuid4()))
    for column in table.columns:
        if column.unique and column.kind is Kind.TEXT:
            put(message, column.path, str(uuid.uuid4()))
    if table.namespace:
        put(message, table.column(table.namespace).path, namespace)
    if cluster or table.cluster != table.key.name:
        put(message, table.column(table.cluster).path, cluster)
    return message


def visible(table: AnyTable, scope: Scope, cluster: str, namespace: str) -> bool:
    if scope.unrestricted:
        return True
    # An object that names no cluster is shown to nobody whose view is limited.
    return bool(cluster) and scope.allows(cluster, namespace if table.reach is Reach.NAMESPACE else "")


SCOPED = [table for table in tables.ALL if table.cluster]


@pytest.mark.parametrize("table", SCOPED, ids=lambda table: table.name)
async def test_limited_scope_hides_the_rest_of_the_table(central_pool: Pool, table: AnyTable) -> None:
    store = store_of(central_pool, table)
    await central_pool.execute(f"TRUNCATE {table.name} CASCADE")
    # Clusters are their own place: one object for each of them.
    places = [(A, ""), (B, "")] if table.cluster == table.key.name else PLACES
    stored: dict[str, tuple[str, str]] = {}
    for place in places:
        message = object_in(table, *place)
        (key,) = await store.upsert_many([message])
        stored[key] = place
    for name, scope in SCOPES.items():
        wanted = {key for key, place in stored.items() if visible(table, scope, *place)}
        assert set(await store.keys(scope=scope)) == wanted, name
        assert await store.count(scope=scope) == len(wanted), name
        assert len(await store.get_many(list(stored), scope=scope)) == len(wanted), name
        assert sum([len(part) async for part in store.walk(scope=scope, slice_size=2)]) == len(wanted), name
        groups = await store.group_count([label_of(table)], scope=scope)
        assert sum(row[-1] for row in groups) == len(wanted), name
        for key in stored:
            assert await store.exists(key, scope=scope) == (key in wanted), name
    gone = await store.delete_where(EVERY, scope=SCOPES["A/shop"])
    assert set(gone) == {key for key, place in stored.items() if visible(table, SCOPES["A/shop"], *place)}


def label_of(table: AnyTable) -> str:
    """Some label of the table's own that has one value per object."""
    single = {Kind.TEXT, Kind.UUID, Kind.ENUM, Kind.BOOL, Kind.INT, Kind.FLOAT}
    column: Column = next(c for c in table.columns if c.label and c.kind in single)
    return column.label


@pytest.mark.parametrize("table", [t for t in tables.ALL if t.reach is Reach.GLOBAL], ids=lambda t: t.name)
async def test_object_of_global_reach_is_hidden_only_from_nobodies(
    central_pool: Pool, table: AnyTable
) -> None:
    store = store_of(central_pool, table)
    await central_pool.execute(f"TRUNCATE {table.name} CASCADE")
    message = table.message()
    if table.key.path:
        put(message, table.key.path, str(uuid.uuid4()))
    await store.upsert(message)
    assert await store.count(scope=SCOPES["A/shop"]) == 1
    assert await store.count(scope=NOTHING) == 0
    assert await store.keys(scope=NOTHING) == []


async def test_filter_through_other_objects_tells_nothing_of_those_outside(central_pool: Pool) -> None:
    """An image runs in two namespaces; who sees one must not learn of the other by searching."""
    await central_pool.execute("TRUNCATE deployments, images_v2 CASCADE")
    images, deployments = store_of(central_pool, tables.IMAGES_V2), store_of(central_pool, tables.DEPLOYMENTS)
    await images.upsert(tables.IMAGES_V2.message(id="image"))
    for namespace in ("shop", "bank"):
        deployment = tables.DEPLOYMENTS.message(id=str(uuid.uuid4()), cluster_id=A, namespace=namespace)
        deployment.name = f"in-{namespace}"
        deployment.containers.add().image.id_v2 = "image"
        await deployments.upsert(deployment)
    scope = SCOPES["A/shop"]
    assert await images.count(Query.parse("Namespace:shop"), scope=scope) == 1
    assert await images.count(Query.parse("Namespace:bank"), scope=scope) == 0
    assert await images.count(Query.parse("Deployment:in-bank"), scope=scope) == 0
    assert await images.suggest("Deployment", scope=scope) == ["in-shop"]
    assert [row[0] for row in await images.group_count(["Namespace"], scope=scope)] == ["shop"]
    assert await images.count(Query.parse("Namespace:bank"), scope=EVERYTHING) == 1
