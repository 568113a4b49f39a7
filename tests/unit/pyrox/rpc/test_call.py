"""A call: who makes it and what it may touch."""

from __future__ import annotations

import pytest

from pyrox.errors import NotAuthorized
from pyrox.rpc.call import ANONYMOUS, Call, Identity, ServiceIdentity
from pyrox.rpc.scope import EVERYTHING, NOTHING, Access, FullGrants, Scope


class OneCluster:
    """May write deployments of cluster `c` and of namespace `d/web`."""

    def scope(self, resource: str, access: Access) -> Scope:
        if resource != "Deployment":
            return NOTHING
        return Scope(clusters=frozenset({"c"}), namespaces={"d": frozenset({"web"})})

    def role_names(self) -> frozenset[str]:
        return frozenset({"One"})


LIMITED = Call(method="/v1.X/Y", identity=Identity(uid="u", grants=OneCluster()))


def test_identity_without_a_uid_is_nobody() -> None:
    assert ANONYMOUS.anonymous
    assert Identity().anonymous
    assert not Identity(uid="admin").anonymous
    assert not Identity(uid="s", service=ServiceIdentity("SENSOR_SERVICE", "id")).anonymous


def test_call_without_an_identity_sees_nothing() -> None:
    call = Call(method="/v1.X/Y")
    assert call.scope("Image") is NOTHING
    with pytest.raises(NotAuthorized):
        call.require("Image", Access.READ_ACCESS)


def test_call_of_the_system_may_do_everything() -> None:
    call = Call(method="/v1.X/Y", identity=Identity(uid="s", grants=FullGrants()))
    assert call.scope("Image", Access.READ_WRITE_ACCESS) is EVERYTHING
    call.require("Cluster", Access.READ_WRITE_ACCESS, "any")


@pytest.mark.parametrize("place", [("c", ""), ("c", "shop"), ("d", "web"), ("", "")])
def test_require_lets_pass_inside_the_scope(place: tuple[str, str]) -> None:
    LIMITED.require("Deployment", Access.READ_WRITE_ACCESS, *place)


@pytest.mark.parametrize(
    ("resource", "access", "place"),
    [
        ("Deployment", Access.READ_ACCESS, ("d", "")),
        ("Deployment", Access.READ_WRITE_ACCESS, ("d", "shop")),
        ("Image", Access.READ_ACCESS, ("c", "")),
    ],
)
def test_require_refuses_outside_the_scope_in_upstreams_words(
    resource: str, access: Access, place: tuple[str, str]
) -> None:
    with pytest.raises(NotAuthorized) as caught:
        LIMITED.require(resource, access, *place)
    assert caught.value.message == f'not authorized: "{access.name}" for "{resource}"'


async def test_headers_of_a_transport_without_them_go_nowhere() -> None:
    await LIMITED.send_headers({"rox-sensor-hello": "true"})
