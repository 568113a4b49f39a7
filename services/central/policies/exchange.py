"""Policies as files: what an export holds, and what an import does with each policy."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol
from uuid import uuid4

from pyrox.clock import Clock
from pyrox.errors import Invalid
from pyrox.pb.api.v1.policy_service_pb2 import ImportPolicyError, ImportPolicyResponse
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.pb.storage.policy_pb2 import DECLARATIVE, IMPERATIVE, ExportPoliciesResponse, Policy
from pyrox.policy.quoting import quote
from pyrox.policy.validate import ValidateOptions
from pyrox.rpc.scope import EVERYTHING, Scope
from services.central.policies.rules import problem
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


class Clusters(Protocol):
    """Finds clusters."""

    async def find(self, query: str = "", *, scope: Scope) -> list[Cluster]:
        """Those of the scope."""


class Importer:
    """Takes policies of another installation in."""

    def __init__(self, *, store: PolicyStore, clusters: Clusters, clock: Clock) -> None:
        self._store = store
        self._clusters = clusters
        self._clock = clock

    async def take(self, policy: Policy, *, overwrite: bool) -> ImportPolicyResponse:
        """Store one policy as a custom one; the answer says what was in the way."""
        imported = Policy()
        imported.CopyFrom(policy)
        imported.id = imported.id or str(uuid4())
        stripped = _strip_foreign(imported, await self._known_clusters(imported))
        errors = self._invalid(imported)
        clashes = [] if errors else await self._clashes(imported)
        # A policy that is managed from outside is no more to be replaced than a default one.
        fixed = [error for error, old in clashes if old.is_default or old.source == DECLARATIVE]
        errors += fixed if overwrite else [error for error, _ in clashes]
        if errors:
            return ImportPolicyResponse(succeeded=False, policy=policy, errors=errors)
        imported.is_default = imported.criteria_locked = imported.mitre_vectors_locked = False
        imported.source = IMPERATIVE
        imported.last_updated.FromDatetime(self._clock.now())
        try:
            await self._store.put(imported, replacing={old.id for _, old in clashes})
        except Invalid as error:
            return ImportPolicyResponse(succeeded=False, policy=policy, errors=[_invalid(error.message)])
        notes = [ImportPolicyError(message=REMOVED_MESSAGE, type=REMOVED)] if stripped else []
        return ImportPolicyResponse(succeeded=True, policy=imported, errors=notes)

    async def _known_clusters(self, policy: Policy) -> set[str]:
        """The clusters of this installation, when the policy names any."""
        named = [scope.cluster for scope in policy.scope if scope.cluster]
        named += [e.deployment.scope.cluster for e in policy.exclusions if e.deployment.scope.cluster]
        # Whoever may write policies may name every cluster in them.
        return {one.id for one in await self._clusters.find(scope=EVERYTHING)} if named else set()

    @staticmethod
    def _invalid(policy: Policy) -> list[ImportPolicyError]:
        text = problem(policy, options=ValidateOptions())
        return [_invalid(text)] if text else []

    async def _clashes(self, policy: Policy) -> list[tuple[ImportPolicyError, Policy]]:
        """What is in the way: policies of the same id or name."""
        found = []
        if policy.id and (old := await self._store.get(policy.id)) is not None:
            kind = DUPLICATE_SYSTEM_ID if old.is_default else DUPLICATE_ID
            found.append((_clash(policy, kind, old), old))
        if (old := await self._store.by_name(policy.name)) is not None:
            kind = DUPLICATE_SYSTEM_NAME if old.is_default else DUPLICATE_NAME
            found.append((_clash(policy, kind, old), old))
        return found


def _clash(policy: Policy, kind: str, old: Policy) -> ImportPolicyError:
    whose = "system policy" if old.is_default else "policy"
    message = f"{whose} with id {quote(policy.id)} already exists, unable to import policy"
    return ImportPolicyError(message=message, type=kind, duplicate_name=old.name)


def _invalid(text: str) -> ImportPolicyError:
    return ImportPolicyError(message="Invalid policy", type=INVALID, validation_error=text)


def _strip_foreign(policy: Policy, clusters: Collection[str]) -> bool:
    """Remove unknown clusters and all notifiers, whose ids mean nothing here; whether there were any."""

    def here(cluster: str) -> bool:
        return not cluster or cluster in clusters

    scopes = [scope for scope in policy.scope if here(scope.cluster)]
    exclusions = [e for e in policy.exclusions if here(e.deployment.scope.cluster)]
    had = (
        len(scopes) < len(policy.scope) or len(exclusions) < len(policy.exclusions) or bool(policy.notifiers)
    )
    del policy.scope[:], policy.exclusions[:], policy.notifiers[:]
    policy.scope.extend(scopes)
    policy.exclusions.extend(exclusions)
    return had
