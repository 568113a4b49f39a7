from __future__ import annotations

from pyrox.pb.storage import policy_pb2
from pyrox.pb.storage.policy_pb2 import Policy
from services.config_controller.compare import Memory, bare


def held(**fields: object) -> Policy:
    """A policy as Central gives it back."""
    made = Policy(
        id="p",
        name="N",
        categories=["A", "B"],
        lifecycle_stages=[policy_pb2.BUILD, policy_pb2.DEPLOY],
        SORT_name="N",
        SORT_lifecycleStage="BUILD,DEPLOY",
        SORT_enforcement=True,
    )
    made.last_updated.FromSeconds(7)
    made.MergeFrom(Policy(**fields))  # type: ignore[arg-type]  # any field
    return made


WANTED = Policy(
    id="p", name="N", categories=["B", "A"], lifecycle_stages=[policy_pb2.DEPLOY, policy_pb2.BUILD]
)


def test_order_of_lists_and_what_central_fills_in_make_no_difference() -> None:
    assert Memory().equal("uid", WANTED, held())
    assert held().last_updated.seconds == 7


def test_anything_else_makes_a_difference() -> None:
    assert not Memory().equal("uid", WANTED, held(severity=policy_pb2.LOW_SEVERITY))
    assert not Memory().equal("uid", WANTED, held(disabled=True))
    assert not Memory().equal("uid", WANTED, held(name="M"))


def test_what_central_made_of_it_is_equal_until_a_side_changes() -> None:
    memory = Memory()
    memory.note("uid", WANTED, held(categories=["C"]))
    assert memory.equal("uid", WANTED, held(categories=["C"]))
    assert not memory.equal("other", WANTED, held(categories=["C"]))
    assert not memory.equal("uid", WANTED, held(categories=["D"]))
    assert not memory.equal("uid", Policy(id="p", name="N"), held(categories=["C"]))
    memory.forget("uid")
    assert not memory.equal("uid", WANTED, held(categories=["C"]))


def test_bare_policy_is_a_copy() -> None:
    policy = held()
    bare(policy).name = "changed"
    assert policy.name == "N"
