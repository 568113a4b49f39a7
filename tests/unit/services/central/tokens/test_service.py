"""Which roles a caller may put into a token: none that reaches further than its own."""

from __future__ import annotations

from itertools import product

import pytest

from pyrox.rpc.call import Call, Identity
from pyrox.rpc.scope import EVERYTHING, NOTHING, Access, Scope
from services.central.access.grants import ResolvedRole, RoleGrants
from services.central.tokens.service import covers, may_grant

A, B = Scope(clusters=frozenset({"a"})), Scope(clusters=frozenset({"b"}))
A_RED = Scope(namespaces={"a": frozenset({"red"})})
A_BOTH = Scope(namespaces={"a": frozenset({"red", "blue"})})
SCOPES = (EVERYTHING, NOTHING, A, B, A | B, A_RED, A_BOTH, B | A_RED)
PLACES = [("a", "red"), ("a", "blue"), ("a", "x"), ("b", "red"), ("b", "x"), ("c", "red")]


@pytest.mark.parametrize(("have", "wanted"), list(product(SCOPES, SCOPES)))
def test_covers_says_yes_only_when_nothing_more_is_reached(have: Scope, wanted: Scope) -> None:
    reached = {place for place in PLACES if wanted.allows(*place)}
    assert covers(have, wanted) == (reached <= {place for place in PLACES if have.allows(*place)})


def test_covers_knows_that_everything_is_more_than_all_known_clusters() -> None:
    assert not covers(Scope(clusters=frozenset("abc")), EVERYTHING)


def caller(*roles: ResolvedRole) -> Call:
    return Call(method="/", identity=Identity(uid="u", grants=RoleGrants(roles)))


def role(scope: Scope, **access: Access) -> ResolvedRole:
    return ResolvedRole(name="r", access=access, scope=scope)


READ, WRITE, NO = Access.READ_ACCESS, Access.READ_WRITE_ACCESS, Access.NO_ACCESS


@pytest.mark.parametrize(
    ("have", "wanted", "allowed"),
    [
        (role(A, Image=WRITE), role(A, Image=READ), True),
        (role(A, Image=READ), role(A, Image=WRITE), False),
        (role(A, Image=READ), role(A_RED, Image=READ), True),
        (role(A_RED, Image=READ), role(A, Image=READ), False),
        (role(A, Image=READ), role(B, Image=READ), False),
        (role(A, Image=READ), role(A, Image=READ, Node=READ), False),
        (role(A, Image=READ), role(A, Image=READ, Node=NO), True),
        # The scope of a role means nothing to a global resource, on either side.
        (role(A, Integration=READ), role(B, Integration=READ), True),
        (role(NOTHING, Integration=READ), role(EVERYTHING, Integration=READ), True),
        (role(EVERYTHING, Image=WRITE), role(NOTHING, Integration=READ), False),
        (role(A, Image=READ), role(EVERYTHING), True),
        (role(EVERYTHING, Imagine=READ), role(A, Imagine=READ), True),
    ],
)
def test_role_may_be_granted(have: ResolvedRole, wanted: ResolvedRole, allowed: bool) -> None:
    assert may_grant(caller(have), wanted) is allowed


def test_rights_of_several_roles_add_up() -> None:
    call = caller(
        ResolvedRole("one", {"Image": READ}, A_RED),
        ResolvedRole("two", {"Image": READ}, Scope(namespaces={"a": frozenset({"blue"})})),
    )
    assert may_grant(call, role(A_BOTH, Image=READ))
    assert not may_grant(call, role(A, Image=READ))


def test_nobody_may_grant_only_what_gives_nothing() -> None:
    assert may_grant(Call(method="/"), role(EVERYTHING))
    assert not may_grant(Call(method="/"), role(A_RED, Image=READ))
