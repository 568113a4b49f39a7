"""Decisions on requests to pods."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from pyrox.errors import Unavailable
from pyrox.pb.internalapi.sensor.admission_control_pb2 import AdmCtrlUpdateResourceRequest
from pyrox.pb.storage import policy_pb2
from pyrox.pb.storage.alert_pb2 import ATTEMPTED
from pyrox.pb.storage.deployment_pb2 import Deployment, Pod
from pyrox.pb.storage.kube_event_pb2 import KubernetesEvent
from services.admission.events import EventReviews, to_event
from services.admission.policies import Ruling
from services.admission.review import Review
from tests.unit.services.admission.builders import PRIVILEGED, Site, exec_review, on_request, review, ruling

EXEC = on_request("exec")
REPORTED = on_request("reported", enforced=False)
MIXED = on_request("mixed")
MIXED.policy_sections[0].policy_groups.append(PRIVILEGED.policy_sections[0].policy_groups[0])


def web(**changes: Any) -> Deployment:
    made = Deployment(id="d", name="web", namespace="shop", **changes)
    made.containers.add(name="main").security_context.privileged = True
    return made


class Desk(Site):
    """A site with the reviews of requests."""

    def __init__(self, deployment: Deployment | None = None) -> None:
        super().__init__()
        self.asked_pods: list[tuple[str, str]] = []
        self.late: Deployment | None = None
        self.broken = False
        self.reviews = EventReviews(
            resources=self.resources,
            detector=self.detector,
            alerts=self.alerts,
            clock=self.clock,
            ask_for_pod=self._ask,
        )
        if deployment is not None:
            self.know(deployment)

    def know(self, deployment: Deployment) -> None:
        self.resources.apply(AdmCtrlUpdateResourceRequest(deployment=deployment))
        pod = Pod(name="web-1", namespace="shop", deployment_id=deployment.id)
        self.resources.apply(AdmCtrlUpdateResourceRequest(pod=pod))

    async def _ask(self, namespace: str, pod: str) -> Deployment | None:
        self.asked_pods.append((namespace, pod))
        if self.broken:
            raise Unavailable("away")
        return self.late

    async def decide(self, asked: Review, rules: Ruling) -> dict[str, Any]:
        response: dict[str, Any] = json.loads(await self.reviews.answer(asked, rules))["response"]
        return response


def test_exec_becomes_an_event_with_container_and_command() -> None:
    event = to_event(exec_review())
    assert event is not None
    assert (event.id, event.api_verb, event.object.resource) == (
        "u1",
        KubernetesEvent.CREATE,
        KubernetesEvent.Object.PODS_EXEC,
    )
    assert (event.object.name, event.object.namespace) == ("web-1", "shop")
    assert (event.pod_exec_args.container, list(event.pod_exec_args.commands)) == ("main", ["id"])
    assert (event.user.username, list(event.user.groups)) == ("bob", ["system:authenticated"])


def test_port_forward_and_attach_become_events() -> None:
    ports = {"ports": [80, "x", 99_999_999, 443]}
    forward = to_event(review(ports, kind="PodPortForwardOptions", operation="CONNECT"))
    assert forward is not None
    assert list(forward.pod_port_forward_args.ports) == [80, 443]
    assert forward.object.resource == KubernetesEvent.Object.PODS_PORTFORWARD
    attach = to_event(review({"container": "main"}, kind="PodAttachOptions", operation="CONNECT"))
    assert attach is not None
    assert attach.pod_attach_args.container == "main"
    no_ports = to_event(review({"ports": 5}, kind="PodPortForwardOptions", operation="CONNECT"))
    assert no_ports is not None
    assert no_ports.WhichOneof("ObjectArgs") == "pod_port_forward_args"


@pytest.mark.parametrize(
    ("kind", "operation"), [("PodProxyOptions", "CONNECT"), ("PodExecOptions", "DELETE")]
)
def test_other_requests_are_no_events(kind: str, operation: str) -> None:
    assert to_event(review({}, kind=kind, operation=operation)) is None


async def test_enforced_policy_refuses_and_reports_an_attempt() -> None:
    desk = Desk(web())
    response = await desk.decide(exec_review(), ruling(runtime=(EXEC, REPORTED)))
    assert not response["allowed"]
    assert "break-glass" not in response["status"]["message"]
    alerts = await desk.delivered()
    assert {alert.policy.name for alert in alerts} == {"exec", "reported"}
    assert all(alert.state == ATTEMPTED for alert in alerts)
    assert alerts[0].deployment.name == "web"
    assert alerts[0].enforcement.action == policy_pb2.FAIL_KUBE_REQUEST_ENFORCEMENT


async def test_policy_without_enforcement_is_reported_and_the_request_passes() -> None:
    desk = Desk(web())
    assert (await desk.decide(exec_review(), ruling(runtime=(REPORTED,))))["allowed"]
    (alert,) = await desk.delivered()
    assert (alert.policy.name, alert.state) == ("reported", 0)


async def test_annotation_on_the_deployment_lets_requests_pass_with_a_report() -> None:
    desk = Desk(web(annotations={"admission.stackrox.io/bypass-kube-event-enforcement": "x"}))
    assert (await desk.decide(exec_review(), ruling(runtime=(EXEC,))))["allowed"]
    (alert,) = await desk.delivered()
    assert not alert.HasField("enforcement")


async def test_dry_run_is_not_reported() -> None:
    desk = Desk(web())
    assert not (await desk.decide(exec_review(dry_run=True), ruling(runtime=(EXEC,))))["allowed"]
    assert await desk.delivered() == []


async def test_platforms_own_requests_pass() -> None:
    response = await Desk(web()).decide(exec_review(groups=("system:nodes",)), ruling(runtime=(EXEC,)))
    assert response["allowed"]


async def test_policy_with_deploy_criteria_looks_at_the_deployment() -> None:
    desk = Desk(web())
    desk.source.scanned("")
    assert not (await desk.decide(exec_review(), ruling(runtime=(MIXED,))))["allowed"]
    harmless = web()
    harmless.containers[0].security_context.privileged = False
    assert (await Desk(harmless).decide(exec_review(), ruling(runtime=(MIXED,))))["allowed"]


async def test_unknown_pod_is_judged_by_the_request_alone_and_not_reported() -> None:
    desk = Desk()
    assert not (await desk.decide(exec_review(), ruling(runtime=(EXEC,))))["allowed"]
    assert await desk.delivered() == []


async def test_unknown_pod_is_judged_with_its_deployment_once_sensor_told() -> None:
    desk = Desk()
    assert (await desk.decide(exec_review(), ruling(runtime=(MIXED,))))["allowed"]
    desk.know(web())
    desk.resources.synced.set()
    for _ in range(10):
        await asyncio.sleep(0)
    (alert,) = await desk.delivered()
    assert (alert.policy.name, alert.deployment.name, desk.asked_pods) == ("mixed", "web", [])


async def test_pod_that_the_stream_never_told_of_is_asked_for() -> None:
    desk = Desk()
    desk.late = web()
    desk.resources.synced.set()
    await desk.decide(exec_review(), ruling(runtime=(MIXED,)))
    for _ in range(10):
        await asyncio.sleep(0)
    assert [alert.policy.name for alert in await desk.delivered()] == ["mixed"]
    assert desk.asked_pods == [("shop", "web-1")]


@pytest.mark.parametrize("broken", [True, False])
async def test_pod_that_nobody_knows_is_given_up(broken: bool) -> None:
    desk = Desk()
    desk.broken = broken
    desk.resources.synced.set()
    await desk.decide(exec_review(), ruling(runtime=(MIXED,)))
    for _ in range(10):
        await asyncio.sleep(0)
    assert await desk.delivered() == []


async def test_close_gives_up_what_waits() -> None:
    desk = Desk()
    await desk.decide(exec_review(), ruling(runtime=(MIXED,)))
    await desk.reviews.close()
    desk.resources.synced.set()
    assert desk.asked_pods == []
