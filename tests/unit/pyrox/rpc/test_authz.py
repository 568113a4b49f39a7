"""Rules: who passes each, and with which words the others are refused."""

from __future__ import annotations

import pytest

from pyrox.errors import NoCredentials, NotAuthorized, RoxError, Unimplemented
from pyrox.rpc.authz import (
    ADMIN,
    ANONYMOUS,
    AUTHENTICATED,
    IDENTIFIED,
    UNSERVED,
    AnyOf,
    HasRole,
    Permissions,
    Rule,
    Services,
)
from pyrox.rpc.call import ANONYMOUS as NOBODY
from pyrox.rpc.call import Identity, ServiceIdentity
from pyrox.rpc.scope import EVERYTHING, NOTHING, Access, FullGrants, Scope


class Reader:
    """May read images, in one cluster."""

    def scope(self, resource: str, access: Access) -> Scope:
        allowed = resource == "Image" and access <= Access.READ_ACCESS
        return Scope(clusters=frozenset({"c"})) if allowed else NOTHING

    def role_names(self) -> frozenset[str]:
        return frozenset({"Reader"})


PEOPLE = {
    "nobody": NOBODY,
    "reader": Identity(uid="r", grants=Reader()),
    "admin": Identity(uid="a", grants=FullGrants()),
    "sensor": Identity(uid="s", service=ServiceIdentity("SENSOR_SERVICE", "id")),
    "scanner": Identity(uid="s", service=ServiceIdentity("SCANNER_V4_SERVICE", "id")),
}
READ_IMAGE, WRITE_IMAGE = Permissions(read=("Image",)), Permissions(write=("Image",))
SENSOR = Services.of("SENSOR_SERVICE")


@pytest.mark.parametrize(
    ("rule", "passing"),
    [
        (ANONYMOUS, {"nobody", "reader", "admin", "sensor", "scanner"}),
        (IDENTIFIED, {"reader", "admin", "sensor", "scanner"}),
        (AUTHENTICATED, {"reader", "admin"}),
        (READ_IMAGE, {"reader", "admin"}),
        (WRITE_IMAGE, {"admin"}),
        (Permissions(read=("Image", "Node")), {"admin"}),
        (ADMIN, {"admin"}),
        (HasRole("Reader"), {"reader"}),
        (SENSOR, {"sensor"}),
        (AnyOf.of(SENSOR, READ_IMAGE), {"reader", "admin", "sensor"}),
        (UNSERVED, set()),
    ],
)
def test_rule_lets_pass(rule: Rule, passing: set[str]) -> None:
    passed = set()
    for name, identity in PEOPLE.items():
        try:
            rule.check(identity)
        except RoxError:
            continue
        passed.add(name)
    assert passed == passing


@pytest.mark.parametrize(
    ("rule", "who", "error", "text"),
    [
        (IDENTIFIED, "nobody", NoCredentials, "credentials not found"),
        (AUTHENTICATED, "sensor", NoCredentials, "credentials not found"),
        (WRITE_IMAGE, "reader", NotAuthorized, 'not authorized: "READ_WRITE_ACCESS" for "Image"'),
        (SENSOR, "nobody", NoCredentials, "credentials not found"),
        (
            SENSOR,
            "scanner",
            NotAuthorized,
            "not authorized: only specific service identities may call this method",
        ),
        (ADMIN, "reader", NotAuthorized, 'not authorized: role "Admin" is required'),
        (
            AnyOf.of(SENSOR, READ_IMAGE),
            "nobody",
            NotAuthorized,
            (
                "not authorized: no authorizer could authorize this request: "
                "errors: [credentials not found, credentials not found]"
            ),
        ),
        (UNSERVED, "admin", Unimplemented, "not implemented"),
    ],
)
def test_refusal_has_upstreams_words(rule: Rule, who: str, error: type[RoxError], text: str) -> None:
    with pytest.raises(error) as caught:
        rule.check(PEOPLE[who])
    assert caught.value.message == text


def test_full_grants_reach_everything() -> None:
    assert PEOPLE["admin"].grants.scope("Image", Access.READ_WRITE_ACCESS) is EVERYTHING
