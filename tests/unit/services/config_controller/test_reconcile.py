"""Each way that a resource can go, over a Central and an API server in memory."""

from __future__ import annotations

import copy
from typing import Any, cast

import pytest

from pyrox.errors import Invalid, Unavailable
from pyrox.k8s.client import KubeClient
from pyrox.k8s.watch import Change
from pyrox.pb.storage.policy_pb2 import DECLARATIVE, HIGH_SEVERITY, Policy
from services.config_controller.central import Central
from services.config_controller.reconcile import Outcome, Reconciler
from services.config_controller.resources import FINALIZER, Resources, finalizers
from services.config_controller.view import View
from tests.support.pki import FixedClock
from tests.unit.services.config_controller.builders import DECLARED, FakeApi, FakeCentral, away, refused

SPEC = {"categories": ["A"], "lifecycleStages": ["DEPLOY"], "severity": "LOW_SEVERITY"}


class Site:
    """A reconciler that knows everything of both sides."""

    def __init__(self) -> None:
        self.central = FakeCentral()
        self.api = FakeApi()
        self.view = View()
        self.restart()

    def restart(self) -> None:
        """A new process, which remembers nothing."""
        self.reconciler = Reconciler(
            central=cast("Central", self.central),
            resources=Resources(client=cast("KubeClient", self.api), namespace="stackrox"),
            view=self.view,
            clock=FixedClock(),
        )

    def apply(self, name: str, **spec: Any) -> None:
        known = self.api.objects.get(name)
        if known is None:
            self.api.add(name, {**SPEC, **spec}, creationTimestamp=str(len(self.api.objects)))
        else:
            known["spec"] |= spec
            known["metadata"]["generation"] += 1
        self.look()

    def delete(self, name: str) -> None:
        found = self.api.objects[name]
        found["metadata"]["deletionTimestamp"] = "now"
        self.look()

    def look(self) -> None:
        """The watch tells the view."""
        for one in self.api.objects.values():
            self.view.take(Change.MODIFIED, copy.deepcopy(one))

    async def reconcile(self, name: str) -> Outcome:
        outcome = await self.reconciler.reconcile(name)
        self.look()
        return outcome

    def said(self, name: str) -> dict[str, tuple[str, str]]:
        conditions = self.api.objects[name]["status"]["conditions"]
        return {one["type"]: (one["status"], one["message"]) for one in conditions}

    def policy_id(self, name: str) -> str:
        return str(self.api.objects[name]["status"]["policyId"])


async def test_new_resource_becomes_a_policy_and_is_held() -> None:
    site = Site()
    site.apply("a")
    assert await site.reconcile("a") is Outcome.SETTLED
    assert site.said("a") == {
        "CentralDataFresh": ("True", "Central caches refreshed successfully."),
        "PolicyValidated": ("True", "Policy successfully validated."),
        "AcceptedByCentral": ("True", "Policy was accepted by Central."),
    }
    held = site.central.policies[site.policy_id("a")]
    assert (held.name, held.source) == ("a", DECLARATIVE)
    assert finalizers(site.api.objects["a"]) == [FINALIZER]


async def test_change_updates_and_what_is_equal_is_left_alone() -> None:
    site = Site()
    site.apply("a")
    await site.reconcile("a")
    site.apply("a", severity="HIGH_SEVERITY")
    await site.reconcile("a")
    assert site.said("a")["AcceptedByCentral"] == ("True", "Policy was updated in Central.")
    written = len(site.api.patches)
    site.restart()
    await site.reconcile("a")
    assert site.central.writes == ["create a", "update a"]
    assert len(site.api.patches) == written


async def test_drift_is_undone_and_a_lost_policy_made_again() -> None:
    site = Site()
    site.apply("a")
    await site.reconcile("a")
    site.central.policies[site.policy_id("a")].severity = HIGH_SEVERITY
    await site.reconcile("a")
    assert site.central.writes == ["create a", "update a"]
    site.central.policies.clear()
    await site.reconcile("a")
    assert site.central.writes == ["create a", "update a", "create a"]
    assert site.policy_id("a") in site.central.policies


async def test_renamed_resource_keeps_its_policy() -> None:
    site = Site()
    site.apply("a")
    await site.reconcile("a")
    before = site.policy_id("a")
    site.apply("a", policyName="another")
    await site.reconcile("a")
    assert {one.id: one.name for one in site.central.policies.values()} == {before: "another"}


async def test_policy_of_a_user_is_taken_over_and_the_resources_own_removed() -> None:
    site = Site()
    site.apply("a")
    await site.reconcile("a")
    users = site.central.add("theirs")
    site.apply("a", policyName="theirs")
    await site.reconcile("a")
    assert list(site.central.policies) == [users.id]
    assert site.central.policies[users.id].source == DECLARATIVE
    assert site.policy_id("a") == users.id


async def test_name_of_a_default_policy_is_refused_for_good() -> None:
    site = Site()
    site.central.add("a", is_default=True)
    site.apply("a")
    assert await site.reconcile("a") is Outcome.PARKED
    message = "Failed to reconcile: existing default policy with the same name 'a' exists"
    assert site.said("a")["PolicyValidated"] == ("False", message)
    assert site.said("a")["AcceptedByCentral"] == ("False", "")
    assert site.central.writes == []


async def test_what_cannot_be_converted_is_said_and_tried_again() -> None:
    site = Site()
    site.apply("a", scope=[{"cluster": "dev"}])
    with pytest.raises(Invalid):
        await site.reconcile("a")
    message = "Unable to convert given spec to protobuf: Cluster 'dev' does not exist"
    assert site.said("a")["PolicyValidated"] == ("False", message)
    assert site.central.forgotten == 1


async def test_central_that_is_away_is_said() -> None:
    site = Site()
    site.central.failures["refresh"] = away()
    site.apply("a")
    with pytest.raises(Unavailable):
        await site.reconcile("a")
    message = "Unable to refresh Central caches: Central is away"
    assert site.said("a")["CentralDataFresh"] == ("False", message)


@pytest.mark.parametrize("verb", ["create", "update"])
async def test_refusal_of_central_is_said_with_its_reason(verb: str) -> None:
    site = Site()
    site.apply("a")
    if verb == "update":
        await site.reconcile("a")
        site.apply("a", severity="HIGH_SEVERITY")
    site.central.failures[verb] = refused()
    with pytest.raises(Invalid):
        await site.reconcile("a")
    message = f"Failed to {verb} policy 'a': policy invalid error"
    assert site.said("a")["AcceptedByCentral"] == ("False", message)
    del site.central.failures[verb]
    await site.reconcile("a")
    assert site.said("a")["AcceptedByCentral"][0] == "True"


async def test_younger_resource_of_a_name_waits_until_the_older_goes() -> None:
    site = Site()
    site.apply("old", policyName="N")
    site.apply("new", policyName="N")
    await site.reconcile("old")
    assert await site.reconcile("new") is Outcome.SETTLED
    message = 'duplicate policyName "N" is already managed by SecurityPolicy "old"; policyName must be unique'
    assert site.said("new")["PolicyValidated"] == ("False", message)
    assert site.said("new")["AcceptedByCentral"] == ("False", message)
    site.delete("new")
    await site.reconcile("new")
    assert site.central.writes == ["create N"]
    assert "new" not in site.api.objects


async def test_resource_renamed_onto_a_taken_name_keeps_its_policy_to_clean_up() -> None:
    site = Site()
    site.apply("old", policyName="N")
    site.apply("new", policyName="M")
    await site.reconcile("old")
    await site.reconcile("new")
    site.apply("new", policyName="N")
    await site.reconcile("new")
    assert site.central.policies[site.policy_id("new")].name == "M"
    site.delete("new")
    await site.reconcile("new")
    assert [one.name for one in site.central.policies.values()] == ["N"]


async def test_younger_resource_that_shared_the_policy_disowns_it() -> None:
    site = Site()
    site.apply("old", policyName="N")
    site.apply("new", policyName="N")
    await site.reconcile("old")
    site.api.objects["new"]["status"] = {"policyId": site.policy_id("old")}
    await site.reconcile("new")
    assert site.policy_id("new") == ""


async def test_deletion_takes_the_policy_out_and_lets_the_resource_go() -> None:
    site = Site()
    site.apply("a")
    await site.reconcile("a")
    site.delete("a")
    assert await site.reconcile("a") is Outcome.PARKED
    assert (site.central.policies, site.api.objects) == ({}, {})
    assert await site.reconcile("a") is Outcome.PARKED


async def test_deletion_waits_for_central() -> None:
    site = Site()
    site.apply("a")
    await site.reconcile("a")
    site.delete("a")
    site.central.failures["delete"] = away()
    with pytest.raises(Unavailable):
        await site.reconcile("a")
    assert finalizers(site.api.objects["a"]) == [FINALIZER]


async def test_deletion_of_what_was_never_accepted_needs_no_central() -> None:
    site = Site()
    site.apply("a", scope=[{"cluster": "dev"}])
    with pytest.raises(Invalid):
        await site.reconcile("a")
    site.api.objects["a"]["metadata"]["finalizers"] = [FINALIZER]
    site.central.failures["refresh"] = away()
    site.delete("a")
    await site.reconcile("a")
    assert site.api.objects == {}


async def test_deletion_spares_a_policy_that_is_shared_gone_or_a_users() -> None:
    site = Site()
    for name in ("a", "b", "c"):
        site.apply(name)
        await site.reconcile(name)
    site.api.objects["b"]["status"]["policyId"] = site.policy_id("a")
    site.look()
    site.delete("a")
    await site.reconcile("a")
    site.central.policies[site.policy_id("c")].source = Policy().source
    site.delete("c")
    await site.reconcile("c")
    assert [one.name for one in site.central.policies.values()] == ["a", "b", "c"]
    site.central.policies.clear()
    site.delete("b")
    await site.reconcile("b")
    assert site.api.objects == {}


async def test_resource_of_others_finalizers_is_not_touched_when_it_goes() -> None:
    site = Site()
    site.apply("a")
    site.api.objects["a"]["metadata"]["finalizers"] = ["other"]
    site.delete("a")
    await site.reconcile("a")
    assert site.api.patches == []


async def test_policy_made_before_a_kill_is_found_again_and_not_doubled() -> None:
    site = Site()
    site.apply("a")
    await site.reconcile("a")
    site.api.objects["a"]["status"]["policyId"] = ""
    site.api.objects["a"]["status"]["conditions"][2]["status"] = "False"
    site.restart()
    await site.reconcile("a")
    assert site.central.writes == ["create a"]
    assert site.policy_id("a") in site.central.policies
    assert site.said("a")["AcceptedByCentral"][0] == "True"


@pytest.mark.parametrize(("others", "left"), [((), []), (("b",), ["N"])])
async def test_policy_made_before_a_kill_goes_with_its_resource(
    others: tuple[str, ...], left: list[str]
) -> None:
    site = Site()
    site.apply("a", policyName="N")
    await site.reconcile("a")
    site.api.objects["a"]["status"]["policyId"] = ""
    for name in others:
        site.apply(name, policyName="N")
    site.delete("a")
    await site.reconcile("a")
    assert [one.name for one in site.central.policies.values()] == left


async def test_name_that_the_lists_do_not_show_yet_is_refused_and_found_later() -> None:
    site = Site()
    site.central.add("a", **DECLARED)
    site.central.stale.add("a")
    site.central.failures["create"] = refused()
    site.apply("a")
    with pytest.raises(Invalid):
        await site.reconcile("a")
    site.central.stale.clear()
    await site.reconcile("a")
    assert site.said("a")["AcceptedByCentral"] == ("True", "Policy was updated in Central.")
