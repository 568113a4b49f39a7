"""Retention on a real database: what is too old goes, what is used or young stays."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from pyrox.clock import SystemClock
from pyrox.pb.storage.alert_pb2 import Alert, ViolationState
from pyrox.pb.storage.config_pb2 import Config
from pyrox.pb.storage.policy_pb2 import LifecycleStage
from pyrox.pg.locks import advisory
from pyrox.pg.pool import Pool
from services.central.alerts.store import AlertStore
from services.central.db import tables
from services.central.db.store import ProtoStore
from services.central.images.store import ImageStore
from services.central.jobs.pruning import LOCK, Pruner
from services.central.jobs.store import PruneStore
from services.central.network_graph.flows import FlowStore
from services.central.system_config import defaults
from tests.support.fleet import BLUE, RED, Fleet, image, process

pytestmark = pytest.mark.needs("postgres")
DEPLOY, RUNTIME = LifecycleStage.DEPLOY, LifecycleStage.RUNTIME
ACTIVE, RESOLVED, ATTEMPTED = ViolationState.ACTIVE, ViolationState.RESOLVED, ViolationState.ATTEMPTED


class Fixed:
    """A configuration that does not change."""

    def __init__(self, config: Config) -> None:
        self.config = config

    async def load(self) -> Config:
        return self.config


def pruner(pool: Pool, config: Config | None = None) -> Pruner:
    images = ImageStore(pool=pool, clock=SystemClock())
    return Pruner(
        store=PruneStore(pool=pool, images=images, flows=FlowStore(pool=pool)),
        config=Fixed(config or defaults.load(datetime.now(UTC))),
        pool=pool,
        clock=SystemClock(),
    )


def alert(
    stage: LifecycleStage.ValueType, state: ViolationState.ValueType, days: float, **more: bool
) -> Alert:
    made = Alert(id=str(uuid.uuid4()), lifecycle_stage=stage, state=state)
    made.time.FromDatetime(datetime.now(UTC) - timedelta(days=days))
    made.deployment.inactive = more.get("inactive", False)
    return made


async def remaining(pool: Pool, *alerts: Alert) -> list[bool]:
    store = AlertStore(pool=pool)
    await pool.execute("TRUNCATE alerts")
    await store.put(alerts)
    await pruner(pool).round()
    rows = {str(row["id"]) for row in await pool.fetch("SELECT id FROM alerts")}
    return [one.id in rows for one in alerts]


async def test_alerts_go_by_the_default_retention(central_pool: Pool) -> None:
    kept = await remaining(
        central_pool,
        alert(DEPLOY, RESOLVED, 8),
        alert(DEPLOY, RESOLVED, 6),
        alert(DEPLOY, ACTIVE, 400),
        alert(RUNTIME, ACTIVE, 31),
        alert(RUNTIME, ACTIVE, 29),
        alert(RUNTIME, ACTIVE, 8, inactive=True),
        alert(RUNTIME, ACTIVE, 6, inactive=True),
        alert(DEPLOY, ATTEMPTED, 8),
        alert(RUNTIME, ATTEMPTED, 8),
        alert(RUNTIME, ATTEMPTED, 6),
    )
    assert kept == [False, True, True, False, True, False, True, False, False, True]


async def test_retention_of_zero_days_keeps_everything(central_pool: Pool) -> None:
    await central_pool.execute("TRUNCATE alerts")
    await AlertStore(pool=central_pool).put([alert(DEPLOY, RESOLVED, 4000)])
    removed = await pruner(central_pool, Config()).round()
    assert (removed["alerts"], removed["images"]) == (0, 0)
    assert await central_pool.fetchval("SELECT count(*) FROM alerts") == 1


async def test_only_old_images_that_nothing_uses_go(central_pool: Pool) -> None:
    fleet = Fleet(central_pool, (RED,))
    await fleet.clear()
    await fleet.write()
    await ImageStore(pool=central_pool, clock=SystemClock()).put(image(BLUE))
    assert (await pruner(central_pool).round())["images"] == 0
    await central_pool.execute("UPDATE images SET lastupdated = now() - interval '8 days'")
    assert (await pruner(central_pool).round())["images"] == 1
    left = [row["id"] for row in await central_pool.fetch("SELECT id FROM images")]
    assert left == [RED.digest]
    findings = await central_pool.fetch("SELECT DISTINCT imageidv2 FROM image_cves_v2")
    assert [row["imageidv2"] for row in findings] == [RED.image_id]


async def test_processes_outlive_their_deployment_by_half_an_hour(central_pool: Pool) -> None:
    fleet = Fleet(central_pool, (RED, BLUE))
    await fleet.clear()
    await fleet.write()
    await central_pool.execute("DELETE FROM deployments WHERE namespace = 'red'")
    await central_pool.execute("UPDATE process_indicators SET signal_time = now() - interval '20 minutes'")
    assert (await pruner(central_pool).round())["processes"] == 0
    await central_pool.execute("UPDATE process_indicators SET signal_time = now() - interval '40 minutes'")
    assert (await pruner(central_pool).round())["processes"] == 1
    assert await central_pool.fetchval("SELECT namespace FROM process_indicators") == "blue"


async def test_processes_outlive_their_pod_by_half_an_hour_and_the_risk_follows(central_pool: Pool) -> None:
    fleet = Fleet(central_pool, (RED, BLUE))
    await fleet.clear()
    await fleet.write()
    store = ProtoStore(pool=central_pool, table=tables.PROCESS_INDICATORS)
    for place in (RED, BLUE):
        ran = process(place)
        ran.pod_uid = place.id("pod")
        await store.upsert(ran)
    await central_pool.execute("DELETE FROM pods WHERE namespace = 'red'")
    await central_pool.execute("TRUNCATE risk_marks")
    await central_pool.execute("UPDATE process_indicators SET signal_time = now() - interval '20 minutes'")
    assert (await pruner(central_pool).round())["processes"] == 0
    await central_pool.execute("UPDATE process_indicators SET signal_time = now() - interval '40 minutes'")
    assert (await pruner(central_pool).round())["processes"] == 1
    assert await central_pool.fetchval("SELECT namespace FROM process_indicators") == "blue"
    marked = await central_pool.fetch("SELECT deployment_id::text AS id FROM risk_marks")
    assert [row["id"] for row in marked] == [RED.id("deployment")]


async def test_notices_older_than_an_hour_go(central_pool: Pool) -> None:
    await central_pool.execute(
        "INSERT INTO notices (channel, ids, sent) VALUES ('x', '{}', now() - interval '2h')"
    )
    assert (await pruner(central_pool).round())["notices"] >= 1


async def test_kind_that_another_replica_prunes_is_left_to_it(central_pool: Pool) -> None:
    await central_pool.execute("TRUNCATE alerts")
    await AlertStore(pool=central_pool).put([alert(DEPLOY, RESOLVED, 8)])
    async with advisory(central_pool, LOCK + "alerts") as mine:
        assert mine
        assert (await pruner(central_pool).round())["alerts"] == 0
    assert (await pruner(central_pool).round())["alerts"] == 1
