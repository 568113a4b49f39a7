"""Role names to grants: one snapshot for many callers, and when it is thrown away."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from pyrox.pb.storage.role_pb2 import PermissionSet, Role, SimpleAccessScope
from pyrox.rpc.scope import EVERYTHING, NOTHING, Access, Scope
from services.central.access.defaults import UNRESTRICTED_SCOPE_ID
from services.central.access.effective import ClusterFacts, NamespaceFacts
from services.central.access.rolebook import MAX_AGE, Book, RoleBook, resolve_role
from tests.support.pki import FixedClock

IMAGES = PermissionSet(id="images", resource_to_access={"Image": Access.READ_ACCESS.value})  # type: ignore[dict-item]
ALPHA = ClusterFacts("1", "alpha", namespaces=(NamespaceFacts("red"), NamespaceFacts("blue")))


def book(*roles: Role, clusters: tuple[ClusterFacts, ...] = (ALPHA,)) -> Book:
    red = SimpleAccessScope(id="red")
    red.rules.included_namespaces.add(cluster_name="alpha", namespace_name="red")
    return Book(
        roles={role.name: role for role in roles},
        permission_sets={IMAGES.id: IMAGES},
        access_scopes={red.id: red},
        clusters=clusters,
    )


def role(name: str, permissions: str = "images", scope: str = UNRESTRICTED_SCOPE_ID) -> Role:
    return Role(name=name, permission_set_id=permissions, access_scope_id=scope)


class Source:
    """A database that counts its readers and lets a test hold them up."""

    def __init__(self, *roles: Role) -> None:
        self.book = book(*roles)
        self.loads = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def load(self) -> Book:
        self.loads += 1
        found = self.book
        await self.gate.wait()
        return found


@pytest.mark.parametrize(
    ("wanted", "access", "scope"),
    [
        (role("r"), {"Image": Access.READ_ACCESS}, EVERYTHING),
        (role("r", scope="red"), {"Image": Access.READ_ACCESS}, Scope(namespaces={"1": frozenset({"red"})})),
        (role("r", permissions="gone"), {}, EVERYTHING),
        (role("r", scope="gone"), {"Image": Access.READ_ACCESS}, NOTHING),
        (role("r", scope=""), {"Image": Access.READ_ACCESS}, NOTHING),
    ],
)
def test_role_whose_parts_are_missing_gives_nothing(
    wanted: Role, access: dict[str, Access], scope: Scope
) -> None:
    found = resolve_role(book(wanted), wanted)
    assert (found.access, found.scope) == (access, scope)


async def test_unknown_names_give_nothing_and_spoil_nothing() -> None:
    roles = RoleBook(source=Source(role("Reader")), clock=FixedClock())
    grants = await roles.grants_of(["Reader", "Gone"])
    assert grants.role_names() == {"Reader"}
    assert grants.scope("Image", Access.READ_ACCESS) == EVERYTHING
    assert (await roles.grants_of([])).role_names() == frozenset()
    assert await roles.known(["Reader", "Gone"]) == {"Reader"}
    assert [found.name for found in await roles.all_roles()] == ["Reader"]


async def test_many_callers_at_once_read_the_database_once() -> None:
    source = Source(role("Reader"))
    roles = RoleBook(source=source, clock=FixedClock())
    grants = await asyncio.gather(*(roles.grants_of(["Reader"]) for _ in range(50)))
    assert source.loads == 1
    assert all(one is grants[0] for one in grants)


async def test_snapshot_ends_after_its_time() -> None:
    source, clock = Source(role("Reader")), FixedClock()
    roles = RoleBook(source=source, clock=clock)
    await roles.grants_of(["Reader"])
    source.book = book()
    clock.moment += timedelta(seconds=MAX_AGE - 0.1)
    assert (await roles.grants_of(["Reader"])).role_names() == {"Reader"}
    clock.moment += timedelta(seconds=0.1)
    assert (await roles.grants_of(["Reader"])).role_names() == frozenset()
    assert source.loads == 2


async def test_invalidation_counts_at_once() -> None:
    source = Source(role("Reader"))
    roles = RoleBook(source=source, clock=FixedClock())
    await roles.grants_of(["Reader"])
    source.book = book()
    roles.invalidate()
    assert (await roles.grants_of(["Reader"])).role_names() == frozenset()


async def test_change_during_a_load_is_not_forgotten() -> None:
    source = Source(role("Reader"))
    roles = RoleBook(source=source, clock=FixedClock())
    source.gate.clear()
    first = asyncio.create_task(roles.grants_of(["Reader"]))
    await asyncio.sleep(0)
    source.book = book()
    roles.invalidate()
    source.gate.set()
    # Who asked before the change may still be answered from before it, nobody later.
    assert (await first).role_names() == {"Reader"}
    assert (await roles.grants_of(["Reader"])).role_names() == frozenset()


async def test_failed_load_leaves_the_next_one_free() -> None:
    class Broken(Source):
        async def load(self) -> Book:
            if not self.loads:
                self.loads += 1
                raise ConnectionError
            return await super().load()

    roles = RoleBook(source=Broken(role("Reader")), clock=FixedClock())
    with pytest.raises(ConnectionError):
        await roles.grants_of(["Reader"])
    assert (await roles.grants_of(["Reader"])).role_names() == {"Reader"}
