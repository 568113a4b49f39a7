"""The event timeline of a deployment: read from a real database, over the routes."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from urllib.parse import quote

import orjson
import pytest
from fastapi import FastAPI

from pyrox.pb.internalapi.central.sensor_events_pb2 import ResourceAction, SensorEvent
from pyrox.pb.storage.alert_pb2 import ViolationState
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.pb.storage.policy_pb2 import LifecycleStage
from pyrox.pg.pool import Pool
from pyrox.rpc.call import Identity
from pyrox.rpc.scope import EVERYTHING, Scope
from services.central.alerts.store import AlertStore
from services.central.baselines.store import BaselineStore
from services.central.db import tables
from services.central.db.store import ProtoStore
from services.central.deployments.store import DeploymentStore
from services.central.link.fragments.pod import PodFragment
from services.central.risk.timeline import TimelineReader
from services.central.routes.guard import Guard
from services.central.routes.timeline import timeline_router
from tests.support import fleet
from tests.support.asgi import request
from tests.support.fleet import BLUE, RED, Fleet
from tests.support.pki import FixedClock
from tests.support.routes import People, Reads, app_of, bearer

pytestmark = pytest.mark.needs("postgres")
NOWHERE = "00000000-0000-4000-8000-000000000000"
PATH = f"/api/ui/risk/deployments/{RED.id('deployment')}/timeline"
CSV = "/api/risk/timeline/export/csv"


@pytest.fixture
async def app(central_pool: Pool) -> FastAPI:
    """The routes over a fleet; a container of red restarted, and its tool violates a policy."""
    made = Fleet(central_pool)
    await made.clear()
    await made.write()
    pods = PodFragment(store=ProtoStore(pool=central_pool, table=tables.PODS))
    for number, state in enumerate(("running", "ended", "running")):
        event = SensorEvent(id=RED.id("pod"), action=ResourceAction.SYNC_RESOURCE, pod=fleet.pod(RED))
        instance = event.pod.live_instances.add(container_name="red-container")
        instance.instance_id.id = f"instance-{number // 2}"
        instance.started.seconds = 1_700_000_000 + 100 * (number // 2)
        if state == "ended":
            instance.instance_id.id = "instance-0"
            instance.finished.seconds, instance.exit_code = 1_700_000_050, 1
        async with central_pool.transaction() as tx:
            await pods.apply([event], Cluster(id=RED.cluster_id), tx)
    process = fleet.process(RED)
    process.pod_id, process.container_name = "red-pod", "red-container"
    await ProtoStore(pool=central_pool, table=tables.PROCESS_INDICATORS).upsert(process)
    alert = fleet.alert(RED)
    alert.state, alert.lifecycle_stage = ViolationState.ACTIVE, LifecycleStage.RUNTIME
    alert.process_violation.processes.add().CopyFrom(process)
    await AlertStore(pool=central_pool).put([alert])
    baselines = BaselineStore(pool=central_pool, clock=FixedClock(), learning=timedelta(hours=1))
    deployments = DeploymentStore(pool=central_pool)
    reader = TimelineReader(pool=central_pool, deployments=deployments, baselines=baselines)
    only_blue = Scope(namespaces={BLUE.cluster_id: frozenset({BLUE.name})})
    extended = ("Deployment", "DeploymentExtension")
    people = People(
        deployments=Identity(uid="d", grants=Reads("Deployment", within=EVERYTHING)),
        reader=Identity(uid="r", grants=Reads(*extended, within=EVERYTHING)),
        blue=Identity(uid="b", grants=Reads(*extended, "Alert", within=only_blue)),
    )
    return app_of(timeline_router(reader, Guard(authenticator=people)))


async def test_portal_gets_the_events_of_a_deployment(app: FastAPI) -> None:
    answer = await request(app, "GET", PATH, headers=bearer("admin"))
    assert answer.status == 200
    found = orjson.loads(answer.body)
    assert found["counts"] == {
        "policyViolations": 1,
        "processActivities": 1,
        "restarts": 1,
        "terminations": 1,
        "pods": 1,
    }
    (pod,) = found["pods"]
    assert (pod["name"], pod["containerCount"], found["truncated"]) == ("red-pod", 1, False)
    (container,) = pod["containers"]
    assert sorted(event["type"] for event in container["events"]) == [
        "ContainerRestartEvent",
        "ContainerTerminationEvent",
        "PolicyViolationEvent",
        "ProcessActivityEvent",
    ]
    end = next(one for one in container["events"] if one["type"] == "ContainerTerminationEvent")
    assert (end["exitCode"], end["timestamp"]) == (1, "2023-11-14T22:14:10.000Z")


async def test_file_has_the_events_of_all_pods_that_match(app: FastAPI) -> None:
    query = quote(f'Deployment ID:"{RED.id("deployment")}"')
    answer = await request(app, "GET", f"{CSV}?query={query}", headers=bearer("admin"))
    assert (answer.status, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert answer.headers["content-disposition"] == 'attachment; filename="events_export"'
    _, *rows = csv.reader(io.StringIO(answer.body.decode()))
    assert len(rows) == 4
    assert {row[15] for row in rows} == {"red-pod"}
    nothing = await request(app, "GET", f"{CSV}?query=Namespace:none", headers=bearer("admin"))
    assert len(nothing.body.decode().splitlines()) == 1


@pytest.mark.parametrize("id_", [NOWHERE, "no-uuid"])
async def test_timeline_of_nothing_is_not_found(app: FastAPI, id_: str) -> None:
    answer = await request(app, "GET", PATH.replace(RED.id("deployment"), id_), headers=bearer("admin"))
    assert answer.status == 404
    assert orjson.loads(answer.body)["message"] == f"deployment with id '{id_}' does not exist: not found"


async def test_deployment_without_pods_has_no_events(app: FastAPI, central_pool: Pool) -> None:
    await central_pool.execute("DELETE FROM pods")
    path = PATH.replace(RED.id("deployment"), BLUE.id("deployment"))
    answer = await request(app, "GET", path, headers=bearer("admin"))
    assert orjson.loads(answer.body)["pods"] == []


async def test_long_query_is_refused(app: FastAPI) -> None:
    answer = await request(app, "GET", f"{CSV}?query={'x' * 8193}", headers=bearer("admin"))
    assert answer.status == 400


@pytest.mark.parametrize("path", [PATH, CSV])
async def test_timeline_is_for_those_who_may_read_it(app: FastAPI, path: str) -> None:
    assert (await request(app, "GET", path)).status == 401
    assert (await request(app, "GET", path, headers=bearer("deployments"))).status == 403
    assert (await request(app, "GET", path, headers=bearer("reader"))).status == 200


async def test_alerts_are_left_out_for_those_who_may_not_read_them(app: FastAPI) -> None:
    answer = await request(app, "GET", PATH, headers=bearer("reader"))
    counts = orjson.loads(answer.body)["counts"]
    assert (counts["policyViolations"], counts["processActivities"]) == (0, 1)


async def test_deployment_outside_of_the_scope_is_not_found(app: FastAPI) -> None:
    answer = await request(app, "GET", PATH, headers=bearer("blue"))
    assert answer.status == 404
    file = await request(app, "GET", CSV, headers=bearer("blue"))
    assert RED.id("pod") not in file.body.decode()
