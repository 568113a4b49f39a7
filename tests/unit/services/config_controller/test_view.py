from __future__ import annotations

from typing import Any

from pyrox.k8s.watch import Change
from services.config_controller.view import Claim, View


def resource(
    name: str, wanted: str = "", *, created: str = "1", generation: int = 1, **more: Any
) -> dict[str, Any]:
    metadata = {"name": name, "uid": f"uid-{name}", "creationTimestamp": created, "generation": generation}
    return {
        "metadata": metadata | more.get("metadata", {}),
        "spec": {"policyName": wanted or name},
        "status": {"policyId": more.get("policy_id", "")},
    }


def view(*resources: dict[str, Any]) -> View:
    made = View()
    for one in resources:
        made.take(Change.SYNC, one)
    return made


def test_new_resource_concerns_itself() -> None:
    assert View().take(Change.ADDED, resource("a")) == {"a"}


def test_change_of_status_alone_concerns_nobody() -> None:
    made = view(resource("a"))
    assert made.take(Change.MODIFIED, resource("a", policy_id="p")) == set()
    assert made.shared(Claim.of(resource("b")), "p")


def test_new_generation_deletion_and_another_of_the_name_concern_it() -> None:
    made = view(resource("a"))
    assert made.take(Change.MODIFIED, resource("a", generation=2)) == {"a"}
    going = resource("a", generation=2, metadata={"deletionTimestamp": "now"})
    assert made.take(Change.MODIFIED, going) == {"a"}
    assert made.take(Change.MODIFIED, resource("a", metadata={"uid": "other"})) == {"a"}


def test_coming_renaming_and_going_concern_those_who_want_the_name() -> None:
    made = view(resource("a", "N"))
    assert made.take(Change.ADDED, resource("b", "N")) == {"a", "b"}
    assert made.take(Change.MODIFIED, resource("b", "M", generation=2)) == {"a", "b"}
    made.take(Change.MODIFIED, resource("b", "N", generation=3))
    assert made.take(Change.DELETED, {"metadata": {"name": "a"}}) == {"b"}
    assert made.take(Change.DELETED, {"metadata": {"name": "unknown"}}) == set()


def test_oldest_has_the_name_then_the_smallest_uid() -> None:
    old, young, twin = (
        resource("z", "N", created="1"),
        resource("a", "N", created="2"),
        resource("b", "N", created="2"),
    )
    made = view(young, twin, old)
    assert made.senior(Claim.of(old)) is None
    senior = made.senior(Claim.of(young))
    assert senior is not None
    assert senior.name == "z"
    made.take(Change.DELETED, old)
    assert made.senior(Claim.of(young)) is None
    assert made.senior(Claim.of(twin)) == Claim.of(young)


def test_senior_that_is_going_still_has_the_name() -> None:
    old = resource("old", "N", created="1", metadata={"deletionTimestamp": "now"})
    assert view(old).senior(Claim.of(resource("new", "N", created="2"))) is not None


def test_policy_is_shared_only_with_resources_that_stay() -> None:
    own = resource("own", policy_id="p")
    going = resource("going", policy_id="p", metadata={"deletionTimestamp": "now"})
    assert not view(own, going).shared(Claim.of(own), "p")
    assert view(own, resource("other", policy_id="p")).shared(Claim.of(own), "p")


def test_name_is_wanted_by_others_only() -> None:
    own = resource("own", "N")
    assert not view(own).wanted(Claim.of(own))
    assert view(own, resource("other", "N")).wanted(Claim.of(own))


def test_claim_of_a_broken_resource_is_empty() -> None:
    claim = Claim.of({"metadata": {"name": "x"}, "spec": "none", "status": {"policyId": 7}})
    assert (claim.name, claim.policy_name, claim.policy_id, claim.generation) == ("x", "", "", 0)
