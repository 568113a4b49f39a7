"""Declarative configuration: files in a directory, over a real database as Central composes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey

from pyrox.errors import NotAuthorized
from pyrox.pb.api.v1 import auth_service_pb2
from pyrox.pb.api.v1.common_pb2 import ResourceByID
from pyrox.pb.api.v1.empty_pb2 import Empty
from pyrox.pb.storage.declarative_config_health_pb2 import DeclarativeConfigHealth as Health
from pyrox.pb.storage.policy_pb2 import DECLARATIVE, HIGH_SEVERITY, LOW_SEVERITY, Policy
from pyrox.pb.storage.role_pb2 import Role
from pyrox.pb.storage.traits_pb2 import Traits
from pyrox.pg.pool import Pool
from pyrox.policy.defaults import load as default_policies
from pyrox.rpc.call import Call
from services.central.access import defaults
from services.central.access.jwt import TokenIssuer
from services.central.access.rolebook import RoleBook
from services.central.clusters.store import ClusterStore
from services.central.declarative.apply import Applier
from services.central.declarative.documents import Reader, stable_id
from services.central.declarative.health import Healths
from services.central.declarative.keeper import Keeper
from services.central.declarative.mounts import Mount
from services.central.declarative.service import DeclarativeConfigHealthService
from services.central.declarative.settings import DeclarativeSettings
from services.central.login.service import AuthService
from services.central.machines.exchange import Exchange
from services.central.machines.issuers import Issuers
from services.central.machines.store import MachineStore
from services.central.policies.store import PolicyStore
from services.central.roles.store import RoleStore
from tests.support.pki import FixedClock

pytestmark = pytest.mark.needs("postgres")
CALL = Call(method="/test")

ACCESS = """
name: shop
rules:
  includedObjects: [{cluster: prod}]
---
name: readers
resources: [{resource: Image, access: READ_ACCESS}]
---
name: shop readers
accessScope: shop
permissionSet: readers
---
type: GENERIC
issuer: https://ci.example
tokenExpirationDuration: 5m
mappings: [{key: sub, value: job, role: shop readers}]
"""
POLICY = """
kind: SecurityPolicy
metadata: {name: no-latest}
spec:
  policyName: No latest by file
  categories: [DevOps Best Practices]
  lifecycleStages: [DEPLOY]
  severity: LOW_SEVERITY
  policySections:
    - policyGroups: [{fieldName: Image Tag, values: [{value: latest}]}]
"""


class Site:
    """The keeper with the stores of a new Central."""

    def __init__(self, pool: Pool) -> None:
        clock = FixedClock()
        self.changed: list[tuple[str, bool]] = []
        self.roles = RoleStore(pool=pool, defaults=defaults.load(), on_change=lambda: None)
        self.machines = MachineStore(pool=pool, clock=clock)
        self.policies = PolicyStore(pool=pool)
        self.healths = Healths()
        applier = Applier(
            roles=self.roles,
            machines=self.machines,
            policies=self.policies,
            clusters=ClusterStore(pool=pool, on_change=lambda: None),
            effects=self,
            clock=clock,
        )
        self.keeper = Keeper(
            settings=DeclarativeSettings(directory=Path("/none")),
            reader=Reader(defaults=defaults.load()),
            applier=applier,
            healths=self.healths,
            clock=clock,
        )

    async def policy_changed(self, policy: Policy | None, policy_id: str) -> None:
        self.changed.append((policy_id, policy is not None))

    async def declare(self, *texts: str) -> dict[str, str]:
        """What the healths say is wrong, by the name of the object."""
        await self.keeper.reconcile([Mount("m", texts)])
        assert all(bool(one.error_message) == (one.status == Health.UNHEALTHY) for one in self.healths.all())
        return {one.resource_name: one.error_message for one in self.healths.all() if one.error_message}

    async def declared(self) -> dict[str, Any]:
        """Origins of what is not a default."""
        listed: list[Any] = [
            *await self.roles.access_scopes(),
            *await self.roles.permission_sets(),
            *await self.roles.roles(),
        ]
        found = {one.name: one.traits.origin for one in listed if one.traits.origin != Traits.DEFAULT}
        found |= {one.issuer: one.traits.origin for one in await self.machines.all_configs()}
        return found | {
            one.name: one.source for one in await self.policies.all_policies() if not one.is_default
        }


@pytest.fixture
async def site(central_pool: Pool) -> Site:
    tables = "policies, roles, permission_sets, simple_access_scopes, auth_machine_to_machine_configs"
    await central_pool.execute(f"TRUNCATE {tables} CASCADE")
    made = Site(central_pool)
    await made.roles.ensure_defaults()
    await made.policies.ensure_defaults(default_policies())
    return made


async def test_declared_objects_come_stay_and_go(site: Site) -> None:
    assert await site.declare(ACCESS, POLICY) == {}
    everything = {
        "shop": Traits.DECLARATIVE,
        "readers": Traits.DECLARATIVE,
        "shop readers": Traits.DECLARATIVE,
        "https://ci.example": Traits.DECLARATIVE,
        "No latest by file": DECLARATIVE,
    }
    assert await site.declared() == everything
    policy_id = stable_id("policy", "no-latest")
    assert site.changed == [(policy_id, True)]
    assert await site.declare(ACCESS, POLICY) == {}
    assert site.changed == [(policy_id, True)]
    assert await site.declare(ACCESS) == {}
    assert site.changed[1:] == [(policy_id, False)]
    assert await site.declare() == {}
    assert await site.declared() == {}


async def test_what_somebody_changed_is_put_right(site: Site) -> None:
    await site.declare(ACCESS, POLICY)
    policy = await site.policies.get(stable_id("policy", "no-latest"))
    assert policy is not None
    assert policy.severity == LOW_SEVERITY
    policy.severity, policy.disabled = HIGH_SEVERITY, True
    await site.policies.put(policy)
    role = await site.roles.role("shop readers")
    assert role is not None
    role.description = "changed"
    await site.roles.put_role(role)
    await site.declare(ACCESS, POLICY)
    policy = await site.policies.get(policy.id)
    role = await site.roles.role("shop readers")
    assert policy is not None
    assert role is not None
    assert (policy.severity, policy.disabled, role.description) == (LOW_SEVERITY, False, "")


async def test_part_that_a_users_role_needs_is_left_as_an_orphan(site: Site) -> None:
    await site.declare(ACCESS)
    users = Role(
        name="users",
        permission_set_id=stable_id("permission-set", "readers"),
        access_scope_id=stable_id("access-scope", "shop"),
    )
    await site.roles.put_role(users)
    assert await site.declare() == {}
    orphan = Traits.DECLARATIVE_ORPHANED
    assert await site.declared() == {"shop": orphan, "readers": orphan, "users": Traits.IMPERATIVE}
    await site.roles.delete_role("users")
    await site.declare()
    assert await site.declared() == {}


async def test_what_cannot_be_is_told_of_and_the_rest_is_done(site: Site) -> None:
    await site.roles.put_role(
        Role(name="shop readers", permission_set_id=defaults.load().permission_sets[0].id)
    )
    wrong = await site.declare(
        ACCESS,
        "name: Admin\naccessScope: shop\npermissionSet: readers\n",
        "name: lost\naccessScope: shop\npermissionSet: nobody\n",
        "name: odd\nresources: [{resource: Moon, access: READ_ACCESS}]\n",
        POLICY.replace("No latest by file", "Latest tag"),
    )
    words = "cannot be modified or deleted with the current permission"
    assert {name: text.split(":")[0] for name, text in wrong.items()} == {
        "m": "policy Latest tag",
        "shop readers": f'role "shop readers"\'s origin is IMPERATIVE, {words}',
        "Admin": f'role "Admin"\'s origin is DEFAULT, {words}',
        "lost": "role permission_set_id field must be set to an existing permission set",
        "odd": 'resource "Moon" does not exist',
    }
    assert 'policy with name "Latest tag" already exists' in wrong["m"]
    assert (await site.declared())["readers"] == Traits.DECLARATIVE


async def test_declared_machine_login_is_not_changed_by_hand(site: Site) -> None:
    await site.declare(ACCESS)
    issuers = Issuers(client=httpx.AsyncClient, clock=FixedClock())
    roles = RoleBook(source=site.roles, clock=FixedClock())
    tokens = TokenIssuer(key=RSAKey.generate_key(2048), clock=FixedClock())
    exchange = Exchange(store=site.machines, issuers=issuers, tokens=tokens, clock=FixedClock())
    service = AuthService(machines=site.machines, roles=roles, exchange=exchange)
    (listed,) = (await service.ListAuthMachineToMachineConfigs(Empty(), CALL)).configs
    change = auth_service_pb2.UpdateAuthMachineToMachineConfigRequest(config=listed)
    words = 'machine to machine auth config "https://ci.example"\'s origin is DECLARATIVE'
    with pytest.raises(NotAuthorized, match=words):
        await service.UpdateAuthMachineToMachineConfig(change, CALL)
    with pytest.raises(NotAuthorized, match=words):
        await service.DeleteAuthMachineToMachineConfig(ResourceByID(id=listed.id), CALL)


async def test_health_is_served(site: Site) -> None:
    await site.declare(POLICY)
    answer = await DeclarativeConfigHealthService(healths=site.healths).GetDeclarativeConfigHealths(
        Empty(), CALL
    )
    assert [(one.name, one.status) for one in answer.healths] == [("Config Map m", Health.HEALTHY)]
