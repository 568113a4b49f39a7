"""Which orders alerts make, and what each does to the Kubernetes API."""

from __future__ import annotations

from typing import Any, cast

import pytest

from pyrox.errors import Unavailable
from pyrox.k8s.client import KubeClient
from pyrox.metrics import Metrics
from pyrox.pb.internalapi.central.sensor_events_pb2 import (
    ContainerInstanceEnforcement,
    DeploymentEnforcement,
    SensorEnforcement,
)
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgToSensor
from pyrox.pb.storage.alert_pb2 import Alert
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.policy_pb2 import EnforcementAction, Policy
from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator
from pyrox.service import BoundedQueue
from services.sensor.enforce.enforcer import Enforcer, Order
from tests.support.pki import FixedClock

SCALE = EnforcementAction.SCALE_TO_ZERO_ENFORCEMENT
NODE = EnforcementAction.UNSATISFIABLE_NODE_CONSTRAINT_ENFORCEMENT
KILL = EnforcementAction.KILL_POD_ENFORCEMENT


class Api:
    """Records what is asked of the Kubernetes API."""

    def __init__(self, failures: int = 0) -> None:
        self.calls: list[tuple[str, str, Any]] = []
        self._failures = failures

    async def patch(self, path: str, body: Any, *, form: str = "", query: Any = None) -> Any:
        self.calls.append((form.partition("+")[0].rpartition("/")[2], path, body))
        if self._failures:
            self._failures -= 1
            raise Unavailable("busy")

    async def delete(self, path: str, *, grace_seconds: int | None = None) -> Any:
        self.calls.append(("delete", path, grace_seconds))

    async def create(self, path: str, body: Any) -> Any:
        self.calls.append(("create", path, body["reason"]))


def enforcer(api: Api) -> tuple[Enforcer, BoundedQueue[Order]]:
    queue: BoundedQueue[Order] = BoundedQueue(name="enforcement", limit=10, metrics=Metrics("sensor"))
    return Enforcer(client=cast("KubeClient", api), queue=queue, clock=FixedClock()), queue


def order(action: EnforcementAction.ValueType, kind: str = "Deployment", pod: str = "") -> Order:
    return Order(action, kind, "shop", "web", "alert-1", "Policy", pod)


ACTS = {
    "scale": (
        order(SCALE),
        ("merge-patch", "/apis/apps/v1/namespaces/shop/deployments/web/scale", {"spec": {"replicas": 0}}),
    ),
    "suspend": (
        order(SCALE, "CronJob"),
        (
            "apply-patch",
            "/apis/batch/v1/namespaces/shop/cronjobs/web",
            {
                "apiVersion": "batch/v1",
                "kind": "CronJob",
                "metadata": {"name": "web"},
                "spec": {"suspend": True},
            },
        ),
    ),
    "node constraint": (
        order(NODE, "DaemonSet"),
        (
            "strategic-merge-patch",
            "/apis/apps/v1/namespaces/shop/daemonsets/web",
            {"spec": {"template": {"spec": {"nodeSelector": {"BlockedByStackRox": "alert-1"}}}}},
        ),
    ),
    "kill": (order(KILL, pod="web-1"), ("delete", "/api/v1/namespaces/shop/pods/web-1", 0)),
}


@pytest.mark.parametrize("case", ACTS)
async def test_try_order_acts_and_records(case: str) -> None:
    api = Api()
    made, _ = enforcer(api)
    wanted, expected = ACTS[case]
    await made._try(wanted)
    assert api.calls == [expected, ("create", "/api/v1/namespaces/shop/events", "StackRox enforcement")]


async def test_try_failing_order_is_tried_three_times() -> None:
    api = Api(failures=9)
    await enforcer(api)[0]._try(order(SCALE))
    assert len(api.calls) == 3


async def test_try_daemon_set_cannot_be_scaled() -> None:
    api = Api()
    await enforcer(api)[0]._try(order(SCALE, "DaemonSet"))
    assert not api.calls


def alert(action: EnforcementAction.ValueType | None, pod: str = "") -> Alert:
    made = Alert(id="alert-1", policy=Policy(name="Policy"))
    if action is not None:
        made.enforcement.action = action
    if pod:
        made.process_violation.processes.append(ProcessIndicator(pod_id=pod))
    return made


async def test_enforce_each_action_once_and_only_when_asked() -> None:
    made, queue = enforcer(Api())
    deployment = Deployment(name="web", namespace="shop", type="Deployment")
    made.enforce(deployment, [alert(None), alert(SCALE), alert(SCALE), alert(KILL, "web-1")])
    assert [(await queue.get()).action for _ in range(len(queue))] == [SCALE, KILL]


def test_enforce_break_glass_stops_it() -> None:
    made, queue = enforcer(Api())
    made.enforce(Deployment(annotations={"admission.stackrox.io/break-glass": ""}), [alert(SCALE)])
    assert len(queue) == 0


async def test_on_enforcement_central_names_the_pod() -> None:
    made, queue = enforcer(Api())
    place = DeploymentEnforcement(
        deployment_name="web", namespace="shop", deployment_type="Deployment", policy_name="P"
    )
    asked = SensorEnforcement(
        enforcement=KILL,
        container_instance=ContainerInstanceEnforcement(pod_id="web-1", deployment_enforcement=place),
    )
    made.on_enforcement(MsgToSensor(enforcement=asked))
    assert (await queue.get()).pod == "web-1"
