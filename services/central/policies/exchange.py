"""Policies as files: what an export holds, and what an import does with each policy."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

from pyrox.clock import Clock
from pyrox.errors import Invalid
from pyrox.pb.api.v1.policy_service_pb2 import ImportPolicyError, ImportPolicyResponse
from pyrox.pb.storage.policy_pb2 import DECLARATIVE, IMPERATIVE, ExportPoliciesResponse, Policy
from pyrox.policy.validate import ValidateOptions
from services.central.policies.rules import check
from services.central.policies.store import PolicyStore

# Upstream pkg/policies/import_errors.go.
DUPLICATE_ID = "duplicate_id"
DUPLICATE_NAME = "duplicate_name"
DUPLICATE_SYSTEM_ID = "duplicate_system_policy_id"
DUPLICATE_SYSTEM_NAME = "duplicate_system_policy_name"
INVALID = "invalid_policy"
REMOVED = "removed_clusters_or_notifiers"
REMOVED_MESSAGE = (
    "Cluster scopes, cluster exclusions, and notification options have been removed from this policy."
)


def export(policies: Sequence[Policy]) -> ExportPoliciesResponse:
    """The document of these policies, without what only this installation needs."""
    document = ExportPoliciesResponse()
    for policy in policies:
        added = document.policies.add()
        added.CopyFrom(policy)
        for field in ("SORT_name", "SORT_lifecycleStage", "SORT_enforcement"):
            added.ClearField(field)
    return document


class Importer:
    """Takes policies of another installation in."""

    def __init__(self, *, store: PolicyStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def take(self, policy: Policy, *, overwrite: bool) -> ImportPolicyResponse:
        """Store one policy as a custom one; the answer says what was in the way."""
        imported = Policy()
        imported.CopyFrom(policy)
        stripped = _strip_local(imported)
        errors = self._invalid(imported)
        clashes = [] if errors else await self._clashes(imported)
        # A policy that is managed from outside is no more to be replaced than a default one.
        fixed = [error for error, old in clashes if old.is_default or old.source == DECLARATIVE]
        errors += fixed if overwrite else [error for error, _ in clashes]
        if errors:
            return ImportPolicyResponse(succeeded=False, policy=policy, errors=errors)
        imported.id = imported.id or str(uuid4())
        imported.is_default = imported.criteria_locked = imported.mitre_vectors_locked = False
        imported.source = IMPERATIVE
        imported.last_updated.FromDatetime(self._clock.now())
        try:
            await self._store.put(imported, replacing={old.id for _, old in clashes})
        except Invalid as error:
            return ImportPolicyResponse(succeeded=False, policy=policy, errors=[_invalid(error)])
        notes = [ImportPolicyError(message=REMOVED_MESSAGE, type=REMOVED)] if stripped else []
        return ImportPolicyResponse(succeeded=True, policy=imported, errors=notes)

    @staticmethod
    def _invalid(policy: Policy) -> list[ImportPolicyError]:
        try:
            check(policy, options=ValidateOptions())
        except Invalid as error:
            return [_invalid(error)]
        return []

    async def _clashes(self, policy: Policy) -> list[tuple[ImportPolicyError, Policy]]:
        """What is in the way: policies of the same id or name."""
        found = []
        if policy.id and (old := await self._store.get(policy.id)) is not None:
            kind = DUPLICATE_SYSTEM_ID if old.is_default else DUPLICATE_ID
            message = f"Policy {policy.name} ({policy.id}) cannot be added because it already exists"
            found.append((ImportPolicyError(message=message, type=kind, duplicate_name=old.name), old))
        if (old := await self._store.by_name(policy.name)) is not None:
            kind = DUPLICATE_SYSTEM_NAME if old.is_default else DUPLICATE_NAME
            message = (
                "Could not add policy due to name validation, "
                f'policy with name "{policy.name}" already exists'
            )
            found.append((ImportPolicyError(message=message, type=kind, duplicate_name=old.name), old))
        return found


def _invalid(error: Invalid) -> ImportPolicyError:
    return ImportPolicyError(message="Invalid policy", type=INVALID, validation_error=error.message)


def _strip_local(policy: Policy) -> bool:
    """Remove clusters and notifiers, whose ids mean nothing here; whether there were any."""
    scopes = [scope for scope in policy.scope if not scope.cluster]
    exclusions = [e for e in policy.exclusions if not e.deployment.scope.cluster]
    had = (
        len(scopes) < len(policy.scope) or len(exclusions) < len(policy.exclusions) or bool(policy.notifiers)
    )
    del policy.scope[:], policy.exclusions[:], policy.notifiers[:]
    policy.scope.extend(scopes)
    policy.exclusions.extend(exclusions)
    return had
