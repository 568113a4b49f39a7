"""Declared objects written and removed: Central made equal to what the files say.

The keeper calls it. What is equal is left alone. It touches only objects whose origin is
declarative, and refuses a name that another object has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol, TypeVar
from uuid import UUID

from pyrox.clock import Clock
from pyrox.errors import AlreadyExists, Invalid, NotAuthorized
from pyrox.pb.storage.auth_machine_to_machine_pb2 import AuthMachineToMachineConfig
from pyrox.pb.storage.policy_pb2 import DECLARATIVE, Policy
from pyrox.pb.storage.role_pb2 import PermissionSet, Role, SimpleAccessScope
from pyrox.pb.storage.traits_pb2 import Traits
from pyrox.policy.resource import Names, policy_of
from pyrox.policy.validate import ValidateOptions
from pyrox.rpc.scope import EVERYTHING
from services.central.access.resources import RESOURCES
from services.central.clusters.store import ClusterStore
from services.central.declarative.documents import PolicyResource, Wanted
from services.central.machines import rules as machine_rules
from services.central.machines.store import MachineStore
from services.central.policies.rules import check
from services.central.policies.store import PolicyStore, fill_sort_fields
from services.central.roles.store import RoleStore

_OURS = (Traits.DECLARATIVE, Traits.DECLARATIVE_ORPHANED)


class Effects(Protocol):
    """What changed policies mean beyond the database."""

    async def policy_changed(self, policy: Policy | None, policy_id: str) -> None:
        """A policy was written, or removed when it is None."""


T = TypeVar("T", SimpleAccessScope, PermissionSet, Role)


class Applier:
    """Writes declared objects."""

    def __init__(
        self,
        *,
        roles: RoleStore,
        machines: MachineStore,
        policies: PolicyStore,
        clusters: ClusterStore,
        effects: Effects,
        clock: Clock,
    ) -> None:
        self._roles = roles
        self._machines = machines
        self._policies = policies
        self._clusters = clusters
        self._effects = effects
        self._clock = clock

    async def put(self, wanted: Wanted) -> None:
        """Make the object so. Raises `RoxError` that says why it cannot be."""
        match wanted:
            case SimpleAccessScope():
                known = await self._roles.access_scopes()
                if _differs("access scope", wanted, known, (one for one in known if one.id == wanted.id)):
                    await self._roles.put_access_scope(wanted)
            case PermissionSet():
                await self._put_permission_set(wanted)
            case Role():
                await self._put_role(wanted)
            case AuthMachineToMachineConfig():
                await self._put_machine_login(wanted)
            case _:
                await self._put_policy(wanted)

    async def keep_only(self, wanted: Collection[Wanted]) -> None:
        """Remove declared objects that are not among these, those that refer to others first."""
        ids = {one.name if isinstance(one, Role) else one.id for one in wanted}
        for policy in await self._policies.all_policies():
            if _declared_here(policy) and policy.id not in ids:
                await self._policies.delete(policy.id)
                await self._effects.policy_changed(None, policy.id)
        for config in await self._machines.all_configs():
            if config.traits.origin in _OURS and config.id not in ids:
                await self._machines.delete(config.id)
        for role in await self._roles.roles():
            if role.traits.origin in _OURS and role.name not in ids:
                await self._roles.delete_role(role.name)
        await self._drop_parts(ids)

    async def _drop_parts(self, ids: Collection[str]) -> None:
        roles = await self._roles.roles()
        in_use = {role.permission_set_id for role in roles} | {role.access_scope_id for role in roles}
        for permissions in await self._roles.permission_sets():
            if permissions.traits.origin not in _OURS or permissions.id in ids:
                continue
            if permissions.id not in in_use:
                await self._roles.delete_permission_set(permissions.id)
            elif permissions.traits.origin == Traits.DECLARATIVE:
                permissions.traits.origin = Traits.DECLARATIVE_ORPHANED
                await self._roles.put_permission_set(permissions)
        for scope in await self._roles.access_scopes():
            if scope.traits.origin not in _OURS or scope.id in ids:
                continue
            if scope.id not in in_use:
                await self._roles.delete_access_scope(scope.id)
            elif scope.traits.origin == Traits.DECLARATIVE:
                scope.traits.origin = Traits.DECLARATIVE_ORPHANED
                await self._roles.put_access_scope(scope)

    async def _put_permission_set(self, wanted: PermissionSet) -> None:
        if unknown := sorted(set(wanted.resource_to_access) - RESOURCES.keys()):
            raise Invalid.because(f'resource "{unknown[0]}" does not exist')
        known = await self._roles.permission_sets()
        if _differs("permission set", wanted, known, (one for one in known if one.id == wanted.id)):
            await self._roles.put_permission_set(wanted)

    async def _put_role(self, wanted: Role) -> None:
        if not any(one.id == wanted.permission_set_id for one in await self._roles.permission_sets()):
            raise Invalid.because("role permission_set_id field must be set to an existing permission set")
        if not any(one.id == wanted.access_scope_id for one in await self._roles.access_scopes()):
            raise Invalid.because("role access_scope_id field must be set to an existing access scope")
        known = await self._roles.role(wanted.name)
        found = [known] if known is not None else []
        if _differs("role", wanted, [], found):
            await self._roles.put_role(wanted)

    async def _put_machine_login(self, wanted: AuthMachineToMachineConfig) -> None:
        config = machine_rules.completed(wanted)
        known_roles = {role.name for role in await self._roles.roles()}
        machine_rules.validate(config, known_roles, needs_id=True)
        if await self._machines.get(config.id) != config:
            await self._machines.put(config)

    async def _put_policy(self, wanted: PolicyResource) -> None:
        clusters = {one.name: one.id for one in await self._clusters.find(scope=EVERYTHING)}
        policy = policy_of(wanted.spec, Names(clusters=clusters))
        policy.id = wanted.id
        # In its stored form it can be compared with what is stored.
        check(policy, options=ValidateOptions(strict_environment=True, refuse_from=True), notifiers=())
        fill_sort_fields(policy)
        known = await self._policies.get(policy.id)
        if known is not None:
            policy.last_updated.CopyFrom(known.last_updated)
            policy.SORT_enforcement = known.SORT_enforcement or policy.SORT_enforcement
            if policy == known:
                return
        policy.last_updated.FromDatetime(self._clock.now())
        await self._policies.put(policy)
        await self._effects.policy_changed(policy, policy.id)


def _differs(kind: str, wanted: T, known: Sequence[T], same: Iterable[T]) -> bool:
    """Whether the object must be written. Raises when it is not ours, or another has its name."""
    found = next(iter(same), None)
    if found is not None:
        if found.traits.origin not in _OURS:
            name = Traits.Origin.Name(found.traits.origin)
            raise NotAuthorized.because(
                f'{kind} "{found.name}"\'s origin is {name}, cannot be modified or deleted with the '
                "current permission"
            )
        return found != wanted
    if any(other.name == wanted.name for other in known):
        raise AlreadyExists.because(f'{kind} "{wanted.name}": name already exists')
    return True


def _declared_here(policy: Policy) -> bool:
    """Whether a file made the policy: a resource's has a random id."""
    try:
        return policy.source == DECLARATIVE and UUID(policy.id).version == 5
    except ValueError:
        return False
