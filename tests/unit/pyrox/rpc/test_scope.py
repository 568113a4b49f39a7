"""Scopes: what they let see, and how they add up."""

from __future__ import annotations

from itertools import product

import pytest

from pyrox.pb.storage import role_pb2
from pyrox.rpc.scope import EVERYTHING, NOTHING, Access, FullGrants, NoGrants, Scope

PROD = Scope(clusters=frozenset({"prod"}))
WEB = Scope(namespaces={"test": frozenset({"web"})})
SHOP = Scope(namespaces={"test": frozenset({"shop"}), "dev": frozenset({"shop"})})
ALL = (EVERYTHING, NOTHING, PROD, WEB, SHOP, PROD | WEB)
PLACES = [("", ""), ("prod", ""), ("prod", "web"), ("test", ""), ("test", "web"), ("test", "shop")]
PLACES += [("dev", "shop"), ("other", "web"), ("", "web")]


def test_accesses_have_the_numbers_of_the_proto() -> None:
    assert {access.name: access.value for access in Access} == dict(role_pb2.Access.items())
    assert Access.NO_ACCESS < Access.READ_ACCESS < Access.READ_WRITE_ACCESS


@pytest.mark.parametrize(
    ("scope", "visible"),
    [
        (EVERYTHING, set(PLACES)),
        (NOTHING, set()),
        (PROD, {("", ""), ("", "web"), ("prod", ""), ("prod", "web")}),
        (WEB, {("", ""), ("", "web"), ("test", "web")}),
        (SHOP, {("", ""), ("", "web"), ("test", "shop"), ("dev", "shop")}),
    ],
)
def test_scope_allows_exactly(scope: Scope, visible: set[tuple[str, str]]) -> None:
    assert {place for place in PLACES if scope.allows(*place)} == visible


def test_scope_is_nothing_only_when_it_is_empty() -> None:
    assert [scope.nothing for scope in ALL] == [False, True, False, False, False, False]


@pytest.mark.parametrize(("one", "other"), list(product(ALL, ALL)))
def test_union_allows_what_either_allows(one: Scope, other: Scope) -> None:
    for place in PLACES:
        assert (one | other).allows(*place) == (one.allows(*place) or other.allows(*place)), place
    assert (one | other) == (other | one)


def test_union_changes_neither_side() -> None:
    one, other = Scope(namespaces={"c": frozenset({"a"})}), Scope(namespaces={"c": frozenset({"b"})})
    assert (one | other).namespaces == {"c": frozenset({"a", "b"})}
    assert one.namespaces == {"c": frozenset({"a"})}
    assert other.namespaces == {"c": frozenset({"b"})}


@pytest.mark.parametrize("access", list(Access))
def test_grants_of_nobody_and_of_the_system(access: Access) -> None:
    assert NoGrants().scope("Image", access) is NOTHING
    assert NoGrants().role_names() == frozenset()
    assert FullGrants().scope("Anything", access) is EVERYTHING
    assert FullGrants().role_names() == {"Admin"}
