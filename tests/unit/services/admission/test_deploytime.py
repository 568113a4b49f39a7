"""Decisions on workloads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pyrox.errors import NotFound
from pyrox.pb.internalapi.sensor.admission_control_pb2 import AdmCtrlUpdateResourceRequest
from pyrox.pb.storage import policy_pb2
from pyrox.pb.storage.alert_pb2 import ATTEMPTED
from pyrox.pb.storage.deployment_pb2 import Deployment
from services.admission.deploytime import DeployReviews
from services.admission.policies import Ruling
from services.admission.review import Review
from tests.unit.services.admission.builders import (
    LATEST,
    OLD_OS,
    PRIVILEGED,
    UNSCANNED,
    Site,
    review,
    ruling,
    workload,
)

BREAK_GLASS = {"admission.stackrox.io/break-glass": ""}
NGINX = "docker.io/library/nginx:1.25"


class Desk(Site):
    """A site with the deploy-time reviews."""

    def __init__(self) -> None:
        super().__init__()
        self.reviews = DeployReviews(
            resources=self.resources,
            detector=self.detector,
            alerts=self.alerts,
            clock=self.clock,
            namespace="mine",
        )

    async def decide(self, asked: Review, rules: Ruling) -> dict[str, Any]:
        response: dict[str, Any] = json.loads(await self.reviews.answer(asked, rules))["response"]
        return response


async def test_violation_is_refused_and_reported_as_attempted() -> None:
    desk = Desk()
    response = await desk.decide(review(workload(privileged=True)), ruling(PRIVILEGED))
    assert response["allowed"] is False
    assert "Policy: privileged\n" in response["status"]["message"]
    assert "- Violations:\n    - Container 'main' is privileged\n" in response["status"]["message"]
    (alert,) = await desk.delivered()
    assert alert.state == ATTEMPTED
    assert alert.enforcement.action == policy_pb2.FAIL_DEPLOYMENT_CREATE_ENFORCEMENT
    assert (alert.deployment.name, alert.deployment.cluster_id, alert.deployment.inactive) == (
        "web",
        "cluster-1",
        True,
    )


async def test_refused_update_is_reported_on_the_active_deployment() -> None:
    desk = Desk()
    asked = review(workload(privileged=True), operation="UPDATE", old_object=workload())
    assert not (await desk.decide(asked, ruling(PRIVILEGED)))["allowed"]
    (alert,) = await desk.delivered()
    assert alert.enforcement.action == policy_pb2.FAIL_DEPLOYMENT_UPDATE_ENFORCEMENT
    assert not alert.deployment.inactive


async def test_dry_run_is_refused_and_not_reported() -> None:
    desk = Desk()
    asked = review(workload(privileged=True), dry_run=True)
    assert not (await desk.decide(asked, ruling(PRIVILEGED)))["allowed"]
    assert await desk.delivered() == []


@pytest.mark.parametrize(
    ("asked", "rules"),
    [
        (review(workload()), ruling(PRIVILEGED)),
        (review(workload(privileged=True), operation="DELETE"), ruling(PRIVILEGED)),
        (review(workload(privileged=True)), ruling(PRIVILEGED, enabled=False)),
        (review(workload(privileged=True), operation="UPDATE"), ruling(PRIVILEGED, enforce_on_updates=False)),
        (review(workload(privileged=True), namespace="kube-system"), ruling(PRIVILEGED)),
        (review(workload(privileged=True, annotations=BREAK_GLASS)), ruling(PRIVILEGED)),
        (review({"apiVersion": "v1", "kind": "ConfigMap"}, kind="ConfigMap"), ruling(PRIVILEGED)),
    ],
)
async def test_requests_that_pass(asked: Review, rules: Ruling) -> None:
    desk = Desk()
    assert await desk.decide(asked, rules) == {"uid": "u1", "allowed": True}
    assert await desk.delivered() == []


async def test_break_glass_does_not_help_where_it_is_disabled() -> None:
    asked = review(workload(privileged=True, annotations=BREAK_GLASS))
    response = await Desk().decide(asked, ruling(PRIVILEGED, disable_bypass=True))
    assert not response["allowed"]
    assert "break-glass" not in response["status"]["message"]


async def test_owned_object_passes_since_its_owner_was_judged() -> None:
    value = workload(privileged=True)
    value["kind"] = "ReplicaSet"
    value["metadata"]["ownerReferences"] = [
        {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "u"}
    ]
    assert (await Desk().decide(review(value, kind="ReplicaSet"), ruling(PRIVILEGED)))["allowed"]


async def test_policies_on_images_are_not_looked_at_when_the_spec_is_refused() -> None:
    desk = Desk()
    asked = review(workload(image="nginx:latest"))
    response = await desk.decide(asked, ruling(LATEST, OLD_OS, UNSCANNED))
    assert "2 additional policies depend on image enrichment" in response["status"]["message"]
    assert desk.source.asked == []


async def test_images_are_fetched_for_policies_that_need_them() -> None:
    desk = Desk()
    desk.source.scanned(NGINX, os="debian:8")
    response = await desk.decide(review(workload()), ruling(OLD_OS))
    assert not response["allowed"]
    assert desk.source.asked == [(NGINX, "shop", True)]


async def test_update_without_new_images_asks_for_none() -> None:
    desk = Desk()
    desk.source.scanned(NGINX, os="debian:8")
    asked = review(workload(), operation="UPDATE", old_object=workload())
    assert (await desk.decide(asked, ruling(OLD_OS, UNSCANNED)))["allowed"]
    assert desk.source.asked == []
    changed = review(workload(), operation="UPDATE", old_object=workload(image="nginx:1.24"))
    assert not (await desk.decide(changed, ruling(OLD_OS)))["allowed"]


async def test_timeout_of_a_second_is_too_short_to_ask_for_images() -> None:
    desk = Desk()
    assert (await desk.decide(review(workload()), ruling(UNSCANNED, timeout_seconds=1)))["allowed"]
    assert desk.source.asked == []


async def test_scaling_judges_the_deployment_that_sensor_told_of() -> None:
    desk = Desk()
    known = Deployment(id="d", name="web", namespace="shop")
    known.containers.add(name="main").security_context.privileged = True
    desk.resources.apply(AdmCtrlUpdateResourceRequest(deployment=known))
    asked = review({"kind": "Scale"}, kind="Scale", subresource="scale", operation="UPDATE")
    assert not (await desk.decide(asked, ruling(PRIVILEGED)))["allowed"]


async def test_scaling_something_unknown_cannot_be_decided() -> None:
    asked = review({"kind": "Scale"}, kind="Scale", subresource="scale", operation="UPDATE")
    with pytest.raises(NotFound, match='could not find deployment with name: "web" in namespace "shop"'):
        await Desk().decide(asked, ruling(PRIVILEGED))
