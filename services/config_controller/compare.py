"""Whether Central has a policy as a resource says. Pure.

A policy that is equal is not written again: each write makes every Sensor look at every
deployment anew.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyrox.pb.storage.policy_pb2 import LifecycleStage, Policy


def bare(policy: Policy) -> Policy:
    """The policy without what Central fills in, and with its lists in Central's order."""
    made = Policy()
    made.CopyFrom(policy)
    made.ClearField("last_updated")
    made.SORT_name = made.SORT_lifecycleStage = ""
    made.SORT_enforcement = made.criteria_locked = made.mitre_vectors_locked = made.is_default = False
    made.categories[:] = sorted(policy.categories)
    made.lifecycle_stages[:] = sorted(policy.lifecycle_stages, key=LifecycleStage.Name)
    return made


@dataclass(frozen=True, slots=True)
class _Written:
    wanted: Policy
    held: Policy


class Memory:
    """What Central made of what it was given, resource by resource.

    Central may change what it takes: it writes categories with capitals and leaves actions out
    that a policy's stages do not know. Such a policy is equal as long as neither side changes.
    """

    def __init__(self) -> None:
        self._written: dict[str, _Written] = {}

    def note(self, uid: str, wanted: Policy, held: Policy) -> None:
        """This is what Central has after it was given what is wanted."""
        self._written[uid] = _Written(bare(wanted), bare(held))

    def forget(self, uid: str) -> None:
        """The resource is gone."""
        self._written.pop(uid, None)

    def equal(self, uid: str, wanted: Policy, held: Policy) -> bool:
        """Whether Central needs to be given nothing."""
        left, right = bare(wanted), bare(held)
        return left == right or self._written.get(uid) == _Written(left, right)
