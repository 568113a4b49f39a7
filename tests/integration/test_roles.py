"""Roles, permission sets and access scopes: defaults, rules between them, what a scope shows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pyrox.errors import (
    AlreadyExists,
    Invalid,
    NoCredentials,
    NotAuthorized,
    NotFound,
    Referenced,
)
from pyrox.pb.api.v1 import role_service_pb2 as role_pb
from pyrox.pb.api.v1.common_pb2 import ResourceByID
from pyrox.pb.api.v1.empty_pb2 import Empty
from pyrox.pb.storage.role_pb2 import PermissionSet, Role, SimpleAccessScope
from pyrox.pb.storage.traits_pb2 import Traits
from pyrox.pg.pool import Pool
from pyrox.rpc.call import Call
from pyrox.rpc.scope import EVERYTHING, NOTHING, Access, Scope
from services.central.access import defaults
from services.central.access.defaults import UNRESTRICTED_SCOPE_ID
from services.central.access.rolebook import MAX_AGE
from services.central.roles.store import RoleStore
from tests.support.access import (
    ADMIN_SET,
    DENY_ALL,
    NO_ID,
    READ,
    WRITE,
    AccessSite,
    fresh,
)
from tests.support.fleet import BLUE, GREEN, RED, Fleet

pytestmark = pytest.mark.needs("postgres")
NO_NAME = "\t* role name field must be set\n"
NO_SET = "\t* role permission_set_id field must be set to an existing permission set\n"
NO_SCOPE = "\t* role access_scope_id field must be set to an existing access scope\n"


@pytest.fixture
async def site(central_pool: Pool, tmp_path: Path) -> AccessSite:
    return await fresh(central_pool, tmp_path)


async def test_defaults_are_those_of_the_reference_system(site: AccessSite) -> None:
    admin = await site.admin()
    roles = (await site.roles.GetRoles(Empty(), admin)).roles
    assert [role.name for role in roles] == sorted(role.name for role in roles)
    assert {role.name for role in roles} == {
        "Admin",
        "Analyst",
        "Configuration Controller",
        "Continuous Integration",
        "Network Graph Viewer",
        "None",
        "Sensor Creator",
        "Vulnerability Management Approver",
        "Vulnerability Management Requester",
        "Vulnerability Report Creator",
    }
    assert all(role.traits.origin == Traits.DEFAULT for role in roles)
    scopes = (await site.roles.ListSimpleAccessScopes(Empty(), admin)).access_scopes
    assert [(scope.name, scope.id) for scope in scopes] == [
        ("Deny All", DENY_ALL),
        ("Unrestricted", UNRESTRICTED_SCOPE_ID),
    ]


async def test_defaults_are_mended_at_the_next_start_and_own_objects_stay(site: AccessSite) -> None:
    await site.role("Mine", {"Image": READ})
    changed = await site.store.role("Analyst")
    assert changed is not None
    changed.description = "changed by hand"
    await site.store.put_role(changed)
    await site.store.ensure_defaults()
    mended = await site.store.role("Analyst")
    assert mended is not None
    assert mended.description == "For users: use it to give read-only access to all the resources"
    assert await site.store.role("Mine") is not None


@pytest.mark.parametrize(
    ("role", "permissions"),
    [
        ("Continuous Integration", {"Detection": Access.READ_ACCESS, "Image": Access.READ_WRITE_ACCESS}),
        ("Sensor Creator", {"Administration": Access.READ_WRITE_ACCESS, "Cluster": Access.READ_WRITE_ACCESS}),
        (
            "Network Graph Viewer",
            dict.fromkeys(("Deployment", "NetworkGraph", "NetworkPolicy"), Access.READ_ACCESS),
        ),
    ],
)
async def test_my_permissions_are_those_of_the_role(
    site: AccessSite, role: str, permissions: dict[str, Access]
) -> None:
    answer = await site.roles.GetMyPermissions(Empty(), await site.holder(role))
    assert {k: Access(v) for k, v in answer.resource_to_access.items()} == permissions


async def test_analyst_reads_everything_but_administration(site: AccessSite) -> None:
    mine = (await site.roles.GetMyPermissions(Empty(), await site.holder("Analyst"))).resource_to_access
    every = (await site.roles.GetResources(Empty(), await site.admin())).resources
    assert set(mine) == set(every) - {"Administration"}
    assert {Access(value) for value in mine.values()} == {Access.READ_ACCESS}


async def test_role_made_changed_and_removed_takes_effect_at_once(site: AccessSite) -> None:
    await site.role("Reader", {"Image": READ})
    call = await site.holder("Reader")
    assert call.scope("Image") == EVERYTHING
    found = await site.roles.GetRole(ResourceByID(id="Reader"), await site.admin())
    sets = (await site.roles.ListPermissionSets(Empty(), await site.admin())).permission_sets
    mine = next(one for one in sets if one.id == found.permission_set_id)
    mine.resource_to_access["Image"] = Access.READ_WRITE_ACCESS.value  # type: ignore[assignment]
    await site.roles.PutPermissionSet(mine, await site.admin())
    token = (await site.token("Reader")).token
    assert (await site.as_token(token)).scope("Image", Access.READ_WRITE_ACCESS) == EVERYTHING
    found.access_scope_id = DENY_ALL
    await site.roles.UpdateRole(found, await site.admin())
    assert (await site.as_token(token)).scope("Image") == NOTHING
    await site.roles.DeleteRole(ResourceByID(id="Reader"), await site.admin())
    with pytest.raises(NoCredentials, match="no valid role, please contact your system administrator"):
        await site.as_token(token)


async def test_role_of_another_replica_is_seen_within_seconds(site: AccessSite, central_pool: Pool) -> None:
    replica = RoleStore(pool=central_pool, defaults=defaults.load(), on_change=lambda: None)
    assert await site.book.known(["Late"]) == frozenset()
    await replica.put_role(
        Role(name="Late", permission_set_id=ADMIN_SET, access_scope_id=UNRESTRICTED_SCOPE_ID)
    )
    assert await site.book.known(["Late"]) == frozenset()
    site.clock.moment += timedelta(seconds=MAX_AGE)
    assert await site.book.known(["Late", "Never"]) == {"Late"}


@pytest.mark.parametrize(
    ("role", "message"),
    [
        (
            Role(name="X"),
            'failed to store role "X": 2 errors occurred:\n' + NO_SET + NO_SCOPE + "\n: invalid arguments",
        ),
        (
            Role(permission_set_id=ADMIN_SET, access_scope_id=DENY_ALL),
            'failed to store role "": 1 error occurred:\n' + NO_NAME + "\n: invalid arguments",
        ),
        (
            Role(name="X", permission_set_id=DENY_ALL[:-1] + "0", access_scope_id=ADMIN_SET),
            'failed to store role "X": 1 error occurred:\n' + NO_SET + "\n: invalid arguments",
        ),
    ],
)
async def test_role_that_refers_to_nothing_is_refused(site: AccessSite, role: Role, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        await site.roles.CreateRole(role_pb.CreateRoleRequest(role=role), await site.admin())
    assert caught.value.message == message


async def test_role_name_of_path_and_body_must_agree(site: AccessSite) -> None:
    role = Role(name="A", permission_set_id=ADMIN_SET, access_scope_id=DENY_ALL)
    with pytest.raises(Invalid, match='different role names in path and body: "B", "A"'):
        await site.roles.CreateRole(role_pb.CreateRoleRequest(name="B", role=role), await site.admin())
    role.name = ""
    await site.roles.CreateRole(role_pb.CreateRoleRequest(name="B", role=role), await site.admin())
    with pytest.raises(AlreadyExists, match='failed to store role "B"'):
        await site.roles.CreateRole(role_pb.CreateRoleRequest(name="B", role=role), await site.admin())


DEFAULTS: list[tuple[str, Any, str, str]] = [
    ("DeleteRole", ResourceByID(id="Admin"), "delete", 'role "Admin"'),
    ("UpdateRole", Role(name="Admin", permission_set_id=ADMIN_SET), "update", 'role "Admin"'),
    ("DeletePermissionSet", ResourceByID(id=ADMIN_SET), "delete", 'permission set "Admin"'),
    ("PutPermissionSet", PermissionSet(id=ADMIN_SET, name="X"), "update", 'permission set "Admin"'),
    ("DeleteSimpleAccessScope", ResourceByID(id=DENY_ALL), "delete", 'access scope "Deny All"'),
    ("PutSimpleAccessScope", SimpleAccessScope(id=DENY_ALL, name="X"), "update", 'access scope "Deny All"'),
]


@pytest.mark.parametrize(("method", "request_", "verb", "what"), DEFAULTS, ids=[d[0] for d in DEFAULTS])
async def test_default_object_cannot_be_changed(
    site: AccessSite, method: str, request_: Any, verb: str, what: str
) -> None:
    with pytest.raises(NotAuthorized) as caught:
        await getattr(site.roles, method)(request_, await site.admin())
    assert caught.value.message == (
        f"failed to {verb} {what}: {what}'s origin is DEFAULT, "
        "cannot be modified or deleted with the current permission: not authorized"
    )


@pytest.mark.parametrize("origin", [Traits.DEFAULT, Traits.DECLARATIVE])
async def test_object_cannot_be_made_or_turned_into_a_default_one(
    site: AccessSite, origin: Traits.Origin.ValueType
) -> None:
    traits, admin = Traits(origin=origin), await site.admin()
    await site.role("Mine", {"Image": READ})
    mine = await site.store.role("Mine")
    scope = await site.scope("Mine")
    assert mine is not None
    mine.traits.CopyFrom(traits)
    rules = SimpleAccessScope.Rules()
    attempts = [
        site.roles.CreateRole(
            role_pb.CreateRoleRequest(
                role=Role(name="X", permission_set_id=ADMIN_SET, access_scope_id=DENY_ALL, traits=traits)
            ),
            admin,
        ),
        site.roles.UpdateRole(mine, admin),
        site.roles.PostPermissionSet(PermissionSet(name="X", traits=traits), admin),
        site.roles.PutPermissionSet(PermissionSet(id=mine.permission_set_id, name="X", traits=traits), admin),
        site.roles.PostSimpleAccessScope(SimpleAccessScope(name="X", rules=rules, traits=traits), admin),
        site.roles.PutSimpleAccessScope(
            SimpleAccessScope(id=scope.id, name="X", rules=rules, traits=traits), admin
        ),
    ]
    for attempt in attempts:
        with pytest.raises(NotAuthorized, match="cannot be modified or deleted"):
            await attempt
    assert await site.store.role("X") is None


@pytest.mark.parametrize(
    ("method", "request_", "message"),
    [
        ("GetRole", ResourceByID(id="NoSuch"), 'failed to retrieve role "NoSuch": not found'),
        ("DeleteRole", ResourceByID(id="NoSuch"), 'failed to delete role "NoSuch": not found'),
        ("UpdateRole", Role(name="NoSuch"), 'failed to update role "NoSuch": not found'),
        ("GetPermissionSet", ResourceByID(id=NO_ID), f"failed to retrieve permission set {NO_ID}: not found"),
        ("PutPermissionSet", PermissionSet(id="x"), "failed to update permission set x: not found"),
        ("DeletePermissionSet", ResourceByID(), "failed to delete permission set : not found"),
        ("GetSimpleAccessScope", ResourceByID(id="a\0"), "failed to retrieve access scope a\0: not found"),
        ("PutSimpleAccessScope", SimpleAccessScope(), "failed to update access scope : not found"),
        ("DeleteSimpleAccessScope", ResourceByID(id="x"), "failed to delete access scope x: not found"),
    ],
)
async def test_object_that_does_not_exist_is_not_found(
    site: AccessSite, method: str, request_: Any, message: str
) -> None:
    with pytest.raises(NotFound) as caught:
        await getattr(site.roles, method)(request_, await site.admin())
    assert caught.value.message == message


async def test_object_that_a_role_uses_cannot_be_removed(site: AccessSite) -> None:
    scope = await site.scope("Prod")
    await site.role("Reader", {"Image": READ}, scope.id)
    role = await site.store.role("Reader")
    assert role is not None
    admin = await site.admin()
    with pytest.raises(Referenced, match=r"cannot delete access scope in use by \['Reader'\]"):
        await site.roles.DeleteSimpleAccessScope(ResourceByID(id=scope.id), admin)
    with pytest.raises(Referenced, match=r"cannot delete permission set in use by \['Reader'\]"):
        await site.roles.DeletePermissionSet(ResourceByID(id=role.permission_set_id), admin)
    await site.roles.DeleteRole(ResourceByID(id="Reader"), admin)
    await site.roles.DeleteSimpleAccessScope(ResourceByID(id=scope.id), admin)
    await site.roles.DeletePermissionSet(ResourceByID(id=role.permission_set_id), admin)


async def test_names_of_sets_and_scopes_are_given_once(site: AccessSite) -> None:
    admin, rules = await site.admin(), SimpleAccessScope.Rules()
    first, second = await site.permission_set("a"), await site.permission_set("b")
    one, two = await site.scope("a"), await site.scope("b")
    with pytest.raises(AlreadyExists, match='failed to store permission set "a"'):
        await site.permission_set("a")
    with pytest.raises(AlreadyExists, match='failed to update permission set "a"'):
        await site.roles.PutPermissionSet(PermissionSet(id=second.id, name="a"), admin)
    with pytest.raises(AlreadyExists, match='failed to store access scope "Unrestricted"'):
        await site.scope("Unrestricted")
    with pytest.raises(AlreadyExists, match='failed to update access scope "a"'):
        await site.roles.PutSimpleAccessScope(SimpleAccessScope(id=two.id, name="a", rules=rules), admin)
    await site.roles.PutPermissionSet(PermissionSet(id=first.id, name="a", description="d"), admin)
    await site.roles.PutSimpleAccessScope(SimpleAccessScope(id=one.id, name="c", rules=rules), admin)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (PermissionSet(), 'failed to store permission set "": 1 error occurred:\n\t* name field must be set'),
        (
            PermissionSet(name="x", resource_to_access={"Imagine": 1}),  # type: ignore[dict-item]
            '1 error occurred:\n\t* resource "Imagine" does not exist',
        ),
        (PermissionSet(name="x", id=NO_ID), "setting id field is not allowed"),
    ],
)
async def test_permission_set_that_makes_no_sense_is_refused(
    site: AccessSite, wanted: PermissionSet, message: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await site.roles.PostPermissionSet(wanted, await site.admin())
    assert message in caught.value.message


async def test_access_scope_that_makes_no_sense_is_refused_in_the_recorded_words(site: AccessSite) -> None:
    with pytest.raises(Invalid) as caught:
        await site.roles.PostSimpleAccessScope(SimpleAccessScope(), await site.admin())
    assert caught.value.message == (
        'failed to store access scope "": 2 errors occurred:\n'
        "\t* name field must be set\n\t* rules field must be set\n\n: invalid arguments"
    )
    with pytest.raises(Invalid, match="setting id field is not allowed"):
        await site.roles.PostSimpleAccessScope(SimpleAccessScope(id=NO_ID), await site.admin())


# --- scopes ----------------------------------------------------------------------------


async def clusters_of(site: AccessSite, call: Call, *resources: str) -> list[str]:
    request = role_pb.GetClustersForPermissionsRequest(permissions=resources)
    return sorted(c.name for c in (await site.roles.GetClustersForPermissions(request, call)).clusters)


async def namespaces_of(site: AccessSite, call: Call, cluster: str, *resources: str) -> list[str]:
    request = role_pb.GetNamespaceForClusterAndPermissionsRequest(cluster_id=cluster, permissions=resources)
    answer = await site.roles.GetNamespacesForClusterAndPermissions(request, call)
    return sorted(namespace.name for namespace in answer.namespaces)


async def test_scope_of_a_role_follows_the_inventory(site: AccessSite, central_pool: Pool) -> None:
    scope = await site.scope(
        "Red and beta",
        included_clusters=["beta"],
        included_namespaces=[{"cluster_name": "alpha", "namespace_name": "red"}],
    )
    await site.role("Limited", {"Deployment": READ, "Cluster": READ, "Integration": READ}, scope.id)
    token = (await site.token("Limited")).token
    assert (await site.as_token(token)).scope("Deployment") == NOTHING
    await Fleet(central_pool).write()
    site.clock.moment += timedelta(seconds=MAX_AGE)
    call = await site.as_token(token)
    expected = Scope(clusters=frozenset({GREEN.cluster_id}), namespaces={RED.cluster_id: frozenset({"red"})})
    assert call.scope("Deployment") == expected
    assert call.scope("Deployment", Access.READ_WRITE_ACCESS) == NOTHING
    assert call.scope("Integration") == EVERYTHING
    assert await clusters_of(site, call, "Deployment") == ["alpha", "beta"]
    assert await clusters_of(site, call, "Node") == []
    assert await clusters_of(site, call, "Integration") == []
    assert await clusters_of(site, call) == ["alpha", "beta"]
    assert await namespaces_of(site, call, RED.cluster_id, "Deployment") == ["red"]
    assert await namespaces_of(site, call, GREEN.cluster_id) == ["green"]
    assert await namespaces_of(site, call, RED.cluster_id, "Cluster") == []
    assert await namespaces_of(site, call, NO_ID, "Deployment") == []
    everything = await site.admin()
    assert await namespaces_of(site, everything, BLUE.cluster_id) == ["blue", "red"]


async def test_role_with_scope_deny_all_keeps_global_rights_only(
    site: AccessSite, central_pool: Pool
) -> None:
    await Fleet(central_pool).write()
    await site.role("Shut", {"Deployment": WRITE, "Integration": READ}, DENY_ALL)
    call = await site.holder("Shut")
    assert call.scope("Deployment") == NOTHING
    assert call.scope("Integration") == EVERYTHING
    assert await clusters_of(site, call) == []
