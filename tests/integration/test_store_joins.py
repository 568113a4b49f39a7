"""Search through child tables against a naive filter: terms of one path meet the same row."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Sequence

import pytest

from pyrox.pb.storage import deployment_pb2
from pyrox.pg.pool import Pool
from pyrox.rpc.scope import EVERYTHING
from services.central.db import tables
from services.central.db.query import Query
from services.central.db.search import Page, Sort
from services.central.db.store import ListedStore, ListForm

pytestmark = pytest.mark.needs("postgres")

Deployment = deployment_pb2.Deployment
Container = deployment_pb2.Container
Env = deployment_pb2.ContainerConfig.EnvironmentConfig
Port = deployment_pb2.PortConfig
TAGS, KEYS, LEVELS = ["latest", "1.0", "2.0"], ["MODE", "TOKEN"], list(Port.ExposureLevel.values())


def random_deployment(rng: random.Random) -> Deployment:
    made = Deployment(id=str(uuid.UUID(int=rng.getrandbits(128))), name=f"d{rng.randrange(4)}")
    made.labels.update(
        {key: rng.choice(["web", "db"]) for key in rng.sample(["app", "tier"], rng.randrange(3))}
    )
    for _ in range(rng.randrange(3)):
        container = made.containers.add()
        container.image.name.tag = rng.choice(TAGS)
        container.security_context.privileged = rng.random() < 0.5
        container.security_context.add_capabilities.extend(
            rng.sample(["NET_ADMIN", "SYS_ADMIN"], rng.randrange(3))
        )
        for _ in range(rng.randrange(3)):
            container.config.env.add(key=rng.choice(KEYS), value=rng.choice("xyz"))
    for _ in range(rng.randrange(2)):
        port = made.ports.add(container_port=rng.choice([80, 443]))
        for _ in range(rng.randrange(3)):
            port.exposure_infos.add(level=rng.choice(LEVELS))
    return made


def list_form(deployment: deployment_pb2.Deployment) -> deployment_pb2.ListDeployment:
    return deployment_pb2.ListDeployment(id=deployment.id)


ContainerTest = tuple[str, Callable[[Container], bool]]
EnvTest = tuple[str, Callable[[Env], bool]]
CONTAINER_TESTS: Sequence[ContainerTest] = [
    ("Image Tag:latest", lambda c: c.image.name.tag == "latest"),
    ("Image Tag:!latest", lambda c: c.image.name.tag != "latest"),
    ("Image Tag:1,2", lambda c: c.image.name.tag in {"1.0", "2.0"}),
    ("Privileged:true", lambda c: c.security_context.privileged),
    ("Privileged:!true", lambda c: not c.security_context.privileged),
    ("Add Capabilities:net", lambda c: "NET_ADMIN" in c.security_context.add_capabilities),
    ("Add Capabilities:!net", lambda c: "NET_ADMIN" not in c.security_context.add_capabilities),
]
ENV_TESTS: Sequence[EnvTest] = [
    ("Environment Key:MODE", lambda e: e.key == "MODE"),
    ('Environment Key:!"MODE"', lambda e: e.key != "MODE"),
    ("Environment Value:x,y", lambda e: e.value in {"x", "y"}),
]
ROOT_TESTS: Sequence[tuple[str, Callable[[Deployment], bool]]] = [
    ("Deployment:d1", lambda d: d.name == "d1"),
    ("Deployment Label:app=web", lambda d: d.labels.get("app") == "web"),
    ("Deployment Label:tier=", lambda d: "tier" in d.labels),
    ("Deployment Label:-", lambda d: not d.labels),
    ("Port:443", lambda d: any(p.container_port == 443 for p in d.ports)),
    ("Port:-", lambda d: not d.ports),
    (
        "Exposure Level:EXTERNAL",
        lambda d: any(i.level == Port.EXTERNAL for p in d.ports for i in p.exposure_infos),
    ),
]


def pick(
    rng: random.Random, tests: Sequence[tuple[str, Callable[..., bool]]]
) -> dict[str, Callable[..., bool]]:
    """Up to two tests, at most one of a label, since the last of a label would win."""
    chosen = {text.partition(":")[0]: (text, test) for text, test in rng.sample(tests, rng.randrange(3))}
    return dict(chosen.values())


def matches(
    deployment: Deployment,
    root: dict[str, Callable[..., bool]],
    container: dict[str, Callable[..., bool]],
    env: dict[str, Callable[..., bool]],
) -> bool:
    def meets(one: Container) -> bool:
        found = any(all(test(e) for test in env.values()) for e in one.config.env) if env else True
        return found and all(test(one) for test in container.values())

    inside = any(meets(one) for one in deployment.containers) if container or env else True
    return inside and all(test(deployment) for test in root.values())


@pytest.mark.parametrize("seed", range(4))
async def test_search_through_child_tables_equals_a_naive_filter(central_pool: Pool, seed: int) -> None:
    await central_pool.execute("TRUNCATE deployments CASCADE")
    form = ListForm(deployment_pb2.ListDeployment, list_form)
    store = ListedStore(pool=central_pool, table=tables.DEPLOYMENTS, list_form=form)
    rng = random.Random(seed)
    stored = [random_deployment(rng) for _ in range(120)]
    await store.upsert_many(stored)
    for _ in range(80):
        root, container, env = pick(rng, ROOT_TESTS), pick(rng, CONTAINER_TESTS), pick(rng, ENV_TESTS)
        text = "+".join([*root, *container, *env])
        wanted = {d.id for d in stored if matches(d, root, container, env)}
        page = Page(sort=(Sort("Image Tag", reversed=rng.random() < 0.5), Sort("Port")))
        assert set(await store.keys(Query.parse(text), scope=EVERYTHING, page=page)) == wanted, text
        assert await store.count(Query.parse(text), scope=EVERYTHING) == len(wanted), text
        grouped = await store.group_count(["Deployment"], Query.parse(text), scope=EVERYTHING)
        assert sum(row[1] for row in grouped) == len(wanted), text
