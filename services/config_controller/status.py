"""The `status` of a SecurityPolicy: three conditions and the policy's id. Pure.

The reconciler reads one, says what happened, and writes it back. Types, texts and the rule
for `lastTransitionTime` are upstream's (config-controller/api/v1alpha1/policy_types.go).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from pyrox.k8s.client import Json

FRESH = "CentralDataFresh"
"""What Central knows could be read."""
VALIDATED = "PolicyValidated"
"""The resource could be made into a policy that Central may be given."""
ACCEPTED = "AcceptedByCentral"
"""Central has the policy as the resource says."""
_TYPES = (FRESH, VALIDATED, ACCEPTED)

REFRESHED_TEXT = "Central caches refreshed successfully."
VALIDATED_TEXT = "Policy successfully validated."
CREATED_TEXT = "Policy was accepted by Central."
UPDATED_TEXT = "Policy was updated in Central."


@dataclass(slots=True)
class _Condition:
    status: str
    message: str
    changed: str


class Status:
    """The state of one resource as its owner sees it."""

    def __init__(self, conditions: dict[str, _Condition], policy_id: str) -> None:
        self._conditions = conditions
        self.policy_id = policy_id
        """The id in Central of the policy that this resource owns; empty when it owns none."""

    @classmethod
    def read(cls, resource: Json, now: datetime) -> Self:
        """The status of a resource; conditions that it lacks begin as "False"."""
        status = resource.get("status")
        status = status if isinstance(status, dict) else {}
        found = {kind: _Condition("False", "", _text(now)) for kind in _TYPES}
        conditions = status.get("conditions")
        for one in conditions if isinstance(conditions, list) else ():
            if isinstance(one, dict) and one.get("type") in found:
                kept = found[one["type"]]
                kept.status, kept.message = str(one.get("status", "")), str(one.get("message", ""))
                kept.changed = str(one.get("lastTransitionTime") or kept.changed)
        policy_id = status.get("policyId")
        return cls(found, policy_id if isinstance(policy_id, str) else "")

    def say(self, kind: str, holds: bool, message: str, now: datetime) -> None:
        """Set a condition; its time changes only when it begins or ends to hold."""
        condition = self._conditions[kind]
        status = "True" if holds else "False"
        if status != condition.status:
            condition.changed = _text(now)
        condition.status, condition.message = status, message

    def holds(self, kind: str) -> bool:
        """Whether the condition is "True"."""
        return self._conditions[kind].status == "True"

    def form(self) -> Json:
        """The `status` to write."""
        return {
            "conditions": [
                {
                    "type": kind,
                    "status": condition.status,
                    "message": condition.message,
                    "lastTransitionTime": condition.changed,
                }
                for kind, condition in self._conditions.items()
            ],
            "policyId": self.policy_id,
        }


def _text(moment: datetime) -> str:
    """As Kubernetes writes a time: whole seconds, UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
