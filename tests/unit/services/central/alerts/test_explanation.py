"""Explanations of alerts: with what is stored, with what alerts keep, for whoever asks."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from pyrox.errors import NotFound
from pyrox.pb.storage import policy_pb2
from pyrox.pb.storage.alert_pb2 import Alert
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.image_pb2 import Image
from pyrox.pb.storage.network_policy_pb2 import NetworkPolicy
from pyrox.pb.storage.policy_pb2 import Policy
from pyrox.policy.alerts import build_alert
from pyrox.policy.evaluate import compile_policy
from pyrox.policy.eventmessages import process_message
from pyrox.policy.subject import AuditEventSubject, ProcessSubject, Subject
from pyrox.rpc.call import Call
from pyrox.rpc.scope import EVERYTHING, Scope
from services.central.alerts.explanation import MAX_TREES, Explainer, Json
from tests.support.callers import ADMIN, limited
from tests.support.pki import FixedClock
from tests.unit.pyrox.policy import builders as b


@dataclass
class Kept:
    """Objects by key, for callers whose scope allows anything at all."""

    objects: dict[str, object] = field(default_factory=dict)

    def found(self, key: str, scope: Scope) -> object | None:
        return None if scope.nothing else self.objects.get(key)


class Alerts(Kept):
    async def get(self, alert_id: str, *, scope: Scope) -> Alert | None:
        found = self.found(alert_id, scope)
        assert found is None or isinstance(found, Alert)
        return found


class Deployments(Kept):
    async def get(self, key: str, *, scope: Scope) -> Deployment | None:
        found = self.found(key, scope)
        assert found is None or isinstance(found, Deployment)
        return found


class Images(Kept):
    async def get(self, sha: str, *, scope: Scope) -> Image | None:
        found = self.found(sha, scope)
        assert found is None or isinstance(found, Image)
        return found


class NetworkPolicies:
    async def of_place(self, cluster_id: str, namespace: str, *, scope: Scope) -> list[NetworkPolicy]:
        assert (cluster_id, namespace, scope) == ("c1", "prod", EVERYTHING)
        return []


class World:
    """Central's stores, with one deployment, its image and one alert."""

    def __init__(self, policy: Policy, subject: Subject) -> None:
        self.verdict = compile_policy(policy).evaluate(subject, b.NOW)
        assert self.verdict.matched, self.verdict
        self.alert = build_alert(policy, self.verdict, subject, alert_id="a1", now=b.NOW)
        self.alert.cluster_id, self.alert.namespace = "c1", "prod"
        self.deployment: Deployment | None = b.deployment()
        self.image: Image | None = b.image()
        self.clock = FixedClock(b.NOW)

    async def explain(self, call: Call = ADMIN, *, offset: int = 0, limit: int = 100) -> Json:
        explainer = Explainer(
            alerts=Alerts({"a1": self.alert}),
            deployments=Deployments({"d1": self.deployment} if self.deployment else {}),
            images=Images({"sha256:aa": self.image} if self.image else {}),
            network_policies=NetworkPolicies(),
            clock=self.clock,
        )
        made = await explainer.explain("a1", call, offset=offset, limit=limit)
        assert json.loads(json.dumps(made)) == made
        return made


def _fixable() -> World:
    return World(b.policy([("Fixable", ["true"]), ("Image Tag", ["latest"])]), b.on_deployment())


async def test_stored_objects_explain_every_violation() -> None:
    world = _fixable()
    made = await world.explain()
    assert {name: made[name] for name in ("alertId", "policyName", "lifecycleStage", "basis", "notes")} == {
        "alertId": "a1",
        "policyName": "test policy",
        "lifecycleStage": "DEPLOY",
        "basis": "STORED",
        "notes": [],
    }
    assert (made["explainedAt"], made["matched"]) == ("2026-11-24T10:00:00Z", True)
    assert [one["message"] for one in made["violations"]] == [
        violation.message for violation in world.alert.violations
    ]
    assert all(one["reproduced"] and one["causes"] for one in made["violations"])
    (cause,) = made["violations"][1]["causes"]
    assert cause["subject"] == {"kind": "deployment", "name": "web"}
    assert cause["objects"] == [
        {"path": "containers[0].image.scan.components[0].vulns[0]", "container": "web"}
    ]
    (tree,) = made["evaluations"]
    assert (tree["subject"], tree["matched"]) == ({"kind": "deployment", "name": "web"}, True)
    assert [one["criterion"] for one in tree["sections"][0]["criteria"]] == ["Fixable", "Image Tag"]


async def test_violation_that_was_mended_is_said_to_be() -> None:
    world = _fixable()
    assert world.image is not None
    world.image.ClearField("scan")
    made = await world.explain()
    assert [(one["reproduced"], one["causes"]) for one in made["violations"]] == [(False, [])] * 2
    assert made["matched"] is False
    assert "changed since" in made["notes"][0]


@pytest.mark.parametrize(
    ("gone", "call", "says"),
    [
        (True, ADMIN, "not known any more"),
        (False, limited(EVERYTHING, read=("Alert",)), "may not read this deployment"),
    ],
)
async def test_without_the_deployment_the_alert_itself_is_explained(
    gone: bool, call: Call, says: str
) -> None:
    world = World(b.policy([("Image Tag", ["latest"])]), b.on_deployment())
    world.deployment = None if gone else world.deployment
    made = await world.explain(call)
    assert made["basis"] == "ALERT"
    assert [says in note for note in made["notes"]] == [True]
    assert [one["reproduced"] for one in made["violations"]] == [True]


async def test_values_are_hidden_from_those_who_may_not_read_the_deployment() -> None:
    policy = b.policy([("Environment Variable", ["RAW=.*PASSWORD.*="]), ("Image Tag", ["latest"])])
    world = World(policy, b.on_deployment())
    assert "RAW=DB_PASSWORD=x" in json.dumps(await world.explain())
    assert "RAW=DB_PASSWORD=x" not in json.dumps(await world.explain(limited(EVERYTHING, read=("Alert",))))


async def test_image_that_cannot_be_read_is_named() -> None:
    world = _fixable()
    made = await world.explain(limited(EVERYTHING, read=("Alert", "Deployment")))
    assert made["notes"][0] == "Of the image quay.io/acme/web:latest only the name is known to you."
    assert [one["reproduced"] for one in made["violations"]] == [False, False]


async def test_alert_out_of_sight_is_not_found() -> None:
    with pytest.raises(NotFound, match="alert with id 'a1' does not exist"):
        await _fixable().explain(limited(EVERYTHING, read=("Deployment",)))


async def test_processes_together_are_explained_by_each_of_them() -> None:
    policy = b.policy([("Process Name", ["apt.*"])], stage=policy_pb2.RUNTIME, source=1)
    world = World(policy, ProcessSubject(b.on_deployment(), b.process()))
    processes = world.alert.process_violation.processes
    for number in range(MAX_TREES + 2):
        made = b.process()
        made.signal.args = f"install {number}"
        processes.append(made)
    world.alert.process_violation.message = process_message(processes)
    explained = await world.explain()
    (violation,) = explained["violations"]
    assert (violation["kind"], violation["type"], violation["reproduced"]) == ("PROCESS", "PROCESS", True)
    assert violation["message"] == world.alert.process_violation.message
    assert len(violation["causes"]) == MAX_TREES + 3
    assert violation["causes"][1]["subject"] == {
        "kind": "process",
        "name": "Binary '/usr/bin/apt-get' executed with arguments 'install 0' under user ID 0",
    }
    assert (len(explained["evaluations"]), explained["omittedEvaluations"]) == (MAX_TREES, 3)


async def test_part_of_the_violations_keeps_their_numbers() -> None:
    world = World(b.policy([("Image Tag", ["latest"])], [("Host PID", ["true"])]), b.on_deployment())
    made = await world.explain(offset=1, limit=1)
    assert (made["totalViolations"], [one["index"] for one in made["violations"]]) == (2, [1])
    assert (await world.explain(offset=7))["violations"] == []


async def test_alert_about_a_resource_needs_no_deployment() -> None:
    criteria: list[b.Group] = [("Kubernetes Resource", ["SECRETS"]), ("Kubernetes API Verb", ["GET"])]
    policy = b.policy(criteria, stage=policy_pb2.RUNTIME, source=2)
    made = await World(policy, AuditEventSubject(b.audit_event())).explain()
    assert (made["basis"], made["notes"]) == ("ALERT", [])
    assert [one["reproduced"] for one in made["violations"]] == [True]


async def test_policy_that_cannot_be_evaluated_any_more_says_so() -> None:
    world = _fixable()
    world.alert.policy.policy_sections[0].policy_groups[0].field_name = "Of Another Age"
    made = await world.explain()
    assert "cannot be evaluated" in made["notes"][0]
    assert (made["matched"], made["evaluations"], made["totalViolations"]) == (False, [], 2)


async def test_age_is_that_of_the_moment_of_the_question() -> None:
    world = World(b.policy([("Image Age", ["100"])]), b.on_deployment())
    world.clock.moment = b.OLD + timedelta(days=99)
    assert (await world.explain())["matched"] is False
    world.clock.moment = b.OLD + timedelta(days=101)
    assert (await world.explain())["matched"] is True
