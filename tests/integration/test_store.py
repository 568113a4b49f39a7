"""The generic store on a real database: writing, reading, child rows, concurrency, scopes."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from pyrox.errors import AlreadyExists, Invalid
from pyrox.pb.storage import (
    alert_pb2,
    cluster_pb2,
    config_pb2,
    deployment_pb2,
    image_v2_pb2,
    policy_pb2,
    secret_pb2,
)
from pyrox.pg.pool import Pool
from pyrox.rpc.scope import EVERYTHING, NOTHING, Scope
from services.central.db import check, tables
from services.central.db.query import EVERY, Query
from services.central.db.search import Page, Sort
from services.central.db.store import ListedStore, ListForm, ProtoStore

pytestmark = pytest.mark.needs("postgres")

A, B = str(uuid.UUID(int=0xA)), str(uuid.UUID(int=0xB))


def some_id() -> str:
    return str(uuid.uuid4())


def list_deployment(deployment: deployment_pb2.Deployment) -> deployment_pb2.ListDeployment:
    return deployment_pb2.ListDeployment(id=deployment.id, name=deployment.name)


def list_alert(alert: alert_pb2.Alert) -> alert_pb2.ListAlert:
    return alert_pb2.ListAlert(id=alert.id)


def list_secret(secret: secret_pb2.Secret) -> secret_pb2.ListSecret:
    return secret_pb2.ListSecret(id=secret.id)


Deployments = ListedStore[deployment_pb2.Deployment, deployment_pb2.ListDeployment]


@pytest.fixture
async def deployments(central_pool: Pool) -> Deployments:
    await central_pool.execute("TRUNCATE deployments, clusters, images_v2 CASCADE")
    form = ListForm(deployment_pb2.ListDeployment, list_deployment)
    return ListedStore(pool=central_pool, table=tables.DEPLOYMENTS, list_form=form)


def deployment(
    name: str, cluster: str = A, namespace: str = "shop", tag: str = "1"
) -> deployment_pb2.Deployment:
    made = deployment_pb2.Deployment(id=some_id(), name=name, cluster_id=cluster, namespace=namespace)
    container = made.containers.add(name="main")
    container.image.id = f"sha256:{name}"
    container.image.id_v2 = f"v2-{name}"
    container.image.name.full_name = f"registry.example/{name}:{tag}"
    container.image.name.tag = tag
    container.config.env.add(key="MODE", value=name)
    container.config.env.add(key="LEVEL", value="high")
    return made


async def test_schema_fits_declarations(central_pool: Pool) -> None:
    assert check.against_messages(tables.CATALOG) == []
    assert await check.against_database(tables.CATALOG, central_pool) == []


async def test_schema_with_a_column_of_another_type_is_refused(central_pool: Pool) -> None:
    async with central_pool.transaction() as tx:
        await tx.execute("ALTER TABLE risks DROP COLUMN score")
        problems = await check.against_database(tables.CATALOG, tx)
        assert problems == ["risks.score: wanted double precision, the database has nothing"]
        await tx.execute("ALTER TABLE risks ADD COLUMN score double precision")


async def test_get_after_upsert_returns_the_whole_message(deployments: Deployments) -> None:
    made = deployment("web")
    assert await deployments.upsert(made)
    assert await deployments.get(made.id, scope=EVERYTHING) == made
    assert await deployments.get(some_id(), scope=EVERYTHING) is None
    assert await deployments.digests(scope=EVERYTHING) == [list_deployment(made)]


async def test_get_with_an_id_that_is_no_uuid_finds_nothing(deployments: Deployments) -> None:
    assert await deployments.get("no-uuid", scope=EVERYTHING) is None
    assert await deployments.delete("no-uuid") == 0


async def test_get_many_keeps_the_order_of_the_keys(deployments: Deployments) -> None:
    made = [deployment(name) for name in "abc"]
    await deployments.upsert_many(made)
    wanted = [made[2].id, some_id(), made[0].id.upper(), made[2].id]
    assert [found.name for found in await deployments.get_many(wanted, scope=EVERYTHING)] == ["c", "a"]


async def test_upsert_of_the_same_content_changes_nothing(
    deployments: Deployments, central_pool: Pool
) -> None:
    made = deployment("web")
    assert await deployments.upsert_many([made]) == [made.id]
    before = await central_pool.fetch("SELECT ctid, xmin FROM deployments_containers_envs ORDER BY 1")
    assert await deployments.upsert_many([made]) == []
    assert await central_pool.fetch("SELECT ctid, xmin FROM deployments_containers_envs ORDER BY 1") == before


async def test_upsert_of_changed_content_replaces_child_rows(
    deployments: Deployments, central_pool: Pool
) -> None:
    made = deployment("web")
    await deployments.upsert(made)
    del made.containers[0].config.env[0]
    assert await deployments.upsert(made)
    rows = await central_pool.fetch("SELECT key FROM deployments_containers_envs")
    assert [row["key"] for row in rows] == ["LEVEL"]


async def test_upsert_many_with_a_bad_id_writes_none(deployments: Deployments) -> None:
    good, bad = deployment("good"), deployment("bad")
    bad.id = "bad"
    with pytest.raises(Invalid):
        await deployments.upsert_many([good, bad])
    assert await deployments.count(scope=EVERYTHING) == 0


async def test_upsert_many_with_a_repeated_key_keeps_the_last(deployments: Deployments) -> None:
    first = deployment("first")
    last = deployment("last")
    last.id = first.id
    await deployments.upsert_many([first, last])
    assert [found.name for found in await deployments.find(scope=EVERYTHING)] == ["last"]


async def test_concurrent_upserts_leave_object_and_child_rows_of_one_writer(
    deployments: Deployments, central_pool: Pool
) -> None:
    ids = [some_id() for _ in range(12)]

    async def write(writer: int) -> None:
        batch = []
        for key in ids if writer % 2 else reversed(ids):
            made = deployment(f"w{writer}")
            made.id = key
            batch.append(made)
        await deployments.upsert_many(batch)

    await asyncio.gather(*(write(writer) for writer in range(8)))
    rows = await central_pool.fetch(
        "SELECT d.name, c.image_idv2, e.value FROM deployments d"
        " JOIN deployments_containers c ON c.parent_id = d.id"
        " JOIN deployments_containers_envs e ON e.parent_id = d.id AND e.key = 'MODE'"
    )
    assert len(rows) == len(ids)
    assert all(row["image_idv2"] == f"v2-{row['name']}" and row["value"] == row["name"] for row in rows)


async def test_locked_objects_are_changed_by_one_writer_after_the_other(
    deployments: Deployments, central_pool: Pool
) -> None:
    made = deployment("web")
    await deployments.upsert(made)

    async def add_one() -> None:
        async with central_pool.transaction() as tx:
            found = await deployments.lock_many([made.id.upper(), some_id(), "no-uuid"], tx=tx)
            current = found[made.id]
            current.replicas += 1
            await deployments.upsert(current, tx=tx)

    await asyncio.gather(*(add_one() for _ in range(10)))
    stored = await deployments.get(made.id, scope=EVERYTHING)
    assert stored is not None
    assert stored.replicas == 10


async def test_delete_removes_object_and_child_rows(deployments: Deployments, central_pool: Pool) -> None:
    made = deployment("web")
    await deployments.upsert(made)
    assert await deployments.delete(made.id) == 1
    assert await deployments.delete(made.id) == 0
    assert await central_pool.fetchval("SELECT count(*) FROM deployments_containers_envs") == 0


async def test_write_in_a_transaction_that_fails_is_undone(
    deployments: Deployments, central_pool: Pool
) -> None:
    made = deployment("web")

    async def fail() -> None:
        async with central_pool.transaction() as tx:
            await deployments.upsert(made, tx=tx)
            assert await deployments.get(made.id, scope=EVERYTHING, tx=tx) == made
            raise KeyError(made.id)

    with pytest.raises(KeyError):
        await fail()
    assert await deployments.get(made.id, scope=EVERYTHING) is None


async def test_text_with_nul_is_stored_and_the_message_kept(deployments: Deployments) -> None:
    made = deployment("we\0b")
    await deployments.upsert(made)
    assert await deployments.get(made.id, scope=EVERYTHING) == made


async def test_walk_in_slices_gives_everything_once(deployments: Deployments) -> None:
    made = [deployment(f"d{n}") for n in range(7)]
    await deployments.upsert_many(made)
    slices = [part async for part in deployments.walk(scope=EVERYTHING, slice_size=3)]
    assert [len(part) for part in slices] == [3, 3, 1]
    assert sorted(found.id for part in slices for found in part) == sorted(d.id for d in made)


async def test_page_with_sort_limit_and_offset(deployments: Deployments) -> None:
    await deployments.upsert_many([deployment(name) for name in ("b", "d", "a", "c")])
    page = Page(limit=2, offset=1, sort=(Sort("deployment", reversed=True),))
    assert [d.name for d in await deployments.find(scope=EVERYTHING, page=page)] == ["c", "b"]
    with pytest.raises(Invalid):
        await deployments.find(scope=EVERYTHING, page=Page(sort=(Sort("Nonsense"),)))
    with pytest.raises(Invalid):
        await deployments.find(scope=EVERYTHING, page=Page(limit=-1))


async def test_sort_by_risk_priority_puts_the_highest_score_first(deployments: Deployments) -> None:
    low, high = deployment("low"), deployment("high")
    low.risk_score, high.risk_score = 1.5, 9.5
    await deployments.upsert_many([low, high])
    page = Page(sort=(Sort("Deployment Risk Priority"),))
    assert [d.name for d in await deployments.find(scope=EVERYTHING, page=page)] == ["high", "low"]


async def test_terms_of_one_child_table_meet_the_same_row(deployments: Deployments) -> None:
    await deployments.upsert(deployment("web"))

    async def count(text: str) -> int:
        return await deployments.count(Query.parse(text), scope=EVERYTHING)

    assert await count("Environment Key:MODE+Environment Value:web") == 1
    assert await count("Environment Key:LEVEL+Environment Value:web") == 0
    assert await count("Image Tag:1+Environment Key:LEVEL") == 1
    assert await count("Image:!registry.example/web") == 0
    assert await count("Unknown Label:x") == 1
    assert await count("Volume Name:-") == 1
    assert await count("Environment Key:-") == 0


async def test_search_by_cve_goes_through_image_and_component(
    deployments: Deployments, central_pool: Pool
) -> None:
    images = ProtoStoreOf(central_pool)
    await images.put("v2-web", {"log4j": ("CVE-2021-44228", 10.0), "openssl": ("CVE-2022-3602", 7.5)})
    await deployments.upsert_many([deployment("web"), deployment("other")])

    async def names(text: str) -> list[str]:
        return [d.name for d in await deployments.find(Query.parse(text), scope=EVERYTHING)]

    assert await names("CVE:CVE-2021-44228") == ["web"]
    assert await names("CVE:CVE-2021-44228+Component:log4j") == ["web"]
    assert await names("CVE:CVE-2021-44228+Component:openssl") == []
    assert await names("CVSS:>=9") == ["web"]
    assert await names("CVE:nothing") == []
    scope = Scope(namespaces={A: frozenset({"shop"})})
    counted = await images.cves.group_count(["CVE"], scope=scope)
    assert [(row[0], row[1]) for row in counted] == [("CVE-2021-44228", 1), ("CVE-2022-3602", 1)]
    assert await images.cves.count(scope=Scope(namespaces={A: frozenset({"elsewhere"})})) == 0
    assert await images.images.count(Query.parse("Namespace:shop"), scope=scope) == 1


class ProtoStoreOf:
    """The three image stores of a test."""

    def __init__(self, pool: Pool) -> None:
        form = ListForm(image_v2_pb2.ImageV2, lambda image: image)
        self.images = ListedStore(pool=pool, table=tables.IMAGES_V2, list_form=form)
        self.components = ProtoStore(pool=pool, table=tables.IMAGE_COMPONENTS)
        self.cves = ProtoStore(pool=pool, table=tables.IMAGE_CVES)

    async def put(self, image_id: str, found: dict[str, tuple[str, float]]) -> None:
        await self.images.upsert(image_v2_pb2.ImageV2(id=image_id))
        for component, (cve, cvss) in found.items():
            key = f"{image_id}/{component}"
            made = tables.IMAGE_COMPONENTS.message(id=key, name=component, image_id_v2=image_id)
            await self.components.upsert(made)
            vulnerability = tables.IMAGE_CVES.message(id=f"{key}/{cve}", cvss=cvss, image_id_v2=image_id)
            vulnerability.component_id = key
            vulnerability.cve_base_info.cve = cve
            await self.cves.upsert(vulnerability)


async def test_scope_limits_every_way_of_reading(deployments: Deployments) -> None:
    inside, outside, other = (
        deployment("in"),
        deployment("out", namespace="bank"),
        deployment("far", cluster=B),
    )
    await deployments.upsert_many([inside, outside, other])
    scope = Scope(namespaces={A: frozenset({"shop"})})
    assert await deployments.get(inside.id, scope=scope) == inside
    assert await deployments.get_many([outside.id, other.id], scope=scope) == []
    assert await deployments.keys(scope=scope) == [inside.id]
    assert await deployments.count(scope=scope) == 1
    assert [d.id for d in await deployments.digests(scope=scope)] == [inside.id]
    assert [row[0] for row in await deployments.values(["Deployment"], scope=scope)] == ["in"]
    assert await deployments.suggest("Namespace", scope=scope) == ["shop"]
    assert [part async for part in deployments.walk(scope=scope)] == [[inside]]
    assert await deployments.delete_where(EVERY, scope=scope) == [inside.id]
    assert await deployments.count(scope=EVERYTHING) == 2
    assert await deployments.count(scope=NOTHING) == 0
    assert await deployments.count(scope=Scope(clusters=frozenset({B, "no-uuid"}))) == 1


async def test_group_count_by_list_column(central_pool: Pool) -> None:
    store = ListedStore(
        pool=central_pool,
        table=tables.ALERTS,
        list_form=ListForm(alert_pb2.ListAlert, list_alert),
    )
    for severity, categories in ((policy_pb2.LOW_SEVERITY, ["A", "B"]), (policy_pb2.HIGH_SEVERITY, ["B"])):
        alert = alert_pb2.Alert(id=some_id(), cluster_id=A, cluster_name="one")
        alert.policy.severity = severity
        alert.policy.categories.extend(categories)
        await store.upsert(alert)
    rows = await store.group_count(["Category"], scope=EVERYTHING)
    assert [tuple(row.values()) for row in rows] == [("A", 1), ("B", 2)]
    rows = await store.group_count(["Cluster", "Severity"], scope=EVERYTHING)
    assert [tuple(row.values()) for row in rows] == [("one", 1, 1), ("one", 3, 1)]
    assert await store.count(Query.parse("Severity:>=HIGH+Category:b"), scope=EVERYTHING) == 1


async def test_unique_name_taken_by_another_object_already_exists(central_pool: Pool) -> None:
    store = ProtoStore(pool=central_pool, table=tables.CLUSTERS)
    await store.upsert(cluster_pb2.Cluster(id=some_id(), name="same"))
    with pytest.raises(AlreadyExists):
        await store.upsert(cluster_pb2.Cluster(id=some_id(), name="same"))


async def test_message_without_key_is_kept_once(central_pool: Pool) -> None:
    store = ProtoStore(pool=central_pool, table=tables.CONFIGS)
    await store.upsert(config_pb2.Config())
    config = config_pb2.Config()
    config.public_config.header.text = "hello"
    await store.upsert(config)
    assert await store.find(scope=EVERYTHING) == [config]
    assert await store.get("singleton", scope=EVERYTHING) == config


async def test_grandchildren_are_searched_through_their_parents(central_pool: Pool) -> None:
    store = ListedStore(
        pool=central_pool,
        table=tables.SECRETS,
        list_form=ListForm(secret_pb2.ListSecret, list_secret),
    )
    secret = secret_pb2.Secret(id=some_id(), name="pull", cluster_id=A)
    registry = secret.files.add(name="f").image_pull_secret.registries.add()
    registry.name = "registry.example"
    await store.upsert(secret)
    assert await store.count(Query.parse("Image Pull Secret Registry:registry"), scope=EVERYTHING) == 1
    page = Page(sort=(Sort("Image Pull Secret Registry"), Sort("Secret Type", reversed=True)))
    assert await store.find(scope=EVERYTHING, page=page) == [secret]


def test_store_without_the_list_form_of_its_table_is_refused(central_pool: Pool) -> None:
    with pytest.raises(ValueError, match="alerts"):
        ProtoStore(pool=central_pool, table=tables.ALERTS)
