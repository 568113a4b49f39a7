"""What resources there are, and which of them a change concerns. Pure.

The controller feeds it from the watch; the reconciler asks it who else wants a name.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyrox.k8s.client import Json
from pyrox.k8s.watch import Change
from pyrox.policy.resource import name_of


@dataclass(frozen=True, slots=True)
class Claim:
    """What is kept of one resource."""

    name: str
    uid: str
    created: str
    """When it was made, in RFC 3339 and UTC, which sorts as it reads."""
    policy_name: str
    policy_id: str
    generation: int
    deleting: bool

    @classmethod
    def of(cls, resource: Json) -> Claim:
        """The claim that a resource makes."""
        metadata, spec, status = (resource.get(key) for key in ("metadata", "spec", "status"))
        metadata = metadata if isinstance(metadata, dict) else {}
        policy_id = status.get("policyId") if isinstance(status, dict) else ""
        return cls(
            name=str(metadata.get("name", "")),
            uid=str(metadata.get("uid", "")),
            created=str(metadata.get("creationTimestamp", "")),
            policy_name=name_of(spec) if isinstance(spec, dict) else "",
            policy_id=policy_id if isinstance(policy_id, str) else "",
            generation=int(metadata.get("generation") or 0),
            deleting=bool(metadata.get("deletionTimestamp")),
        )

    @property
    def rank(self) -> tuple[str, str]:
        """The lowest of those who want one name has it: the oldest, then the smallest uid."""
        return self.created, self.uid


class View:
    """All resources of the namespace, as far as the watch has told."""

    def __init__(self) -> None:
        self._claims: dict[str, Claim] = {}

    def take(self, change: Change, resource: Json) -> set[str]:
        """Note a change; the names of the resources that it concerns.

        A change of status or labels alone concerns nobody, as upstream's filter by generation
        has it. Whoever wants the same policy name is concerned by the coming and going of others.
        """
        claim = Claim.of(resource)
        known = self._claims.get(claim.name)
        if change is Change.DELETED:
            self._claims.pop(claim.name, None)
            return self._wanting({known.policy_name}) if known else set()
        self._claims[claim.name] = claim
        if known is not None and _same(known, claim):
            return set()
        names = {claim.policy_name} | ({known.policy_name} if known else set())
        return self._wanting(names) | {claim.name}

    def senior(self, claim: Claim) -> Claim | None:
        """Another resource that has the name before this one.

        It counts even while it is being deleted: its policy is in Central until it is gone.
        """
        return next((one for one in self._others(claim, claim.policy_name) if one.rank < claim.rank), None)

    def shared(self, claim: Claim, policy_id: str) -> bool:
        """Whether another resource that stays owns the policy too."""
        return any(
            one.policy_id == policy_id and not one.deleting
            for one in self._claims.values()
            if one.uid != claim.uid
        )

    def wanted(self, claim: Claim) -> bool:
        """Whether another resource wants the same policy name."""
        return any(True for _ in self._others(claim, claim.policy_name))

    def _others(self, claim: Claim, policy_name: str) -> list[Claim]:
        return [
            one for one in self._claims.values() if one.policy_name == policy_name and one.uid != claim.uid
        ]

    def _wanting(self, policy_names: set[str]) -> set[str]:
        return {one.name for one in self._claims.values() if one.policy_name in policy_names}


def _same(known: Claim, claim: Claim) -> bool:
    return (known.uid, known.generation, known.deleting) == (claim.uid, claim.generation, claim.deleting)
