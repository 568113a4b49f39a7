"""The union of roles, each within its own scope."""

from pyrox.rpc.scope import EVERYTHING, NOTHING, Access, Scope
from services.central.access.grants import ResolvedRole, RoleGrants

READ, WRITE = Access.READ_ACCESS, Access.READ_WRITE_ACCESS


def role(name: str, scope: Scope = EVERYTHING, **access: Access) -> ResolvedRole:
    return ResolvedRole(name=name, access=access, scope=scope)


def test_scope_without_roles_is_nothing() -> None:
    grants = RoleGrants([])
    assert grants.scope("Deployment", READ) is NOTHING
    assert grants.role_names() == frozenset()


def test_scope_read_role_does_not_allow_write() -> None:
    grants = RoleGrants([role("Viewer", Deployment=READ)])
    assert grants.scope("Deployment", READ) == EVERYTHING
    assert grants.scope("Deployment", WRITE).nothing


def test_scope_of_two_roles_is_their_union() -> None:
    one = Scope(namespaces={"c1": frozenset({"a"})})
    two = Scope(clusters=frozenset({"c2"}), namespaces={"c1": frozenset({"b"})})
    grants = RoleGrants([role("A", one, Deployment=READ), role("B", two, Deployment=WRITE)])
    both = grants.scope("Deployment", READ)
    assert both.allows("c1", "a")
    assert both.allows("c1", "b")
    assert both.allows("c2", "anything")
    assert not both.allows("c1", "c")
    assert not grants.scope("Deployment", WRITE).allows("c1", "a")


def test_scope_global_resource_ignores_access_scope() -> None:
    narrow = Scope(namespaces={"c1": frozenset({"a"})})
    grants = RoleGrants([role("A", narrow, Integration=READ, Cluster=READ)])
    assert grants.scope("Integration", READ) == EVERYTHING
    assert not grants.scope("Cluster", READ).allows("c1")


def test_role_none_counts_as_no_role() -> None:
    assert RoleGrants([role("None", Deployment=WRITE)]).scope("Deployment", READ).nothing


def test_permissions_are_the_highest_of_all_roles() -> None:
    grants = RoleGrants([role("A", Image=READ, Node=Access.NO_ACCESS), role("B", Image=WRITE)])
    assert grants.permissions() == {"Image": WRITE}
