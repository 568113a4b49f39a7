"""Who the caller is, as a session shows it, and the one provider that everybody has."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from google.protobuf import json_format

from pyrox.errors import NotFound
from pyrox.pb.api.v1 import authprovider_service_pb2 as pb
from pyrox.pb.api.v1.empty_pb2 import Empty
from pyrox.pb.storage.service_identity_pb2 import ServiceType
from pyrox.rpc.call import Call, Identity, ServiceIdentity
from pyrox.rpc.scope import EVERYTHING, Access
from services.central.access.authenticator import BASIC_PROVIDER_ID
from services.central.access.grants import ResolvedRole, RoleGrants
from services.central.login.service import AuthProviderService, basic_provider, status_of

NOBODY = Call(method="/")
ROLES = [
    ResolvedRole("Writer", {"Image": Access.READ_WRITE_ACCESS, "Node": Access.NO_ACCESS}, EVERYTHING),
    ResolvedRole("Reader", {"Image": Access.READ_ACCESS, "Alert": Access.READ_ACCESS}, EVERYTHING),
]
ADMIN = Identity(
    uid="admin",
    name="admin",
    grants=RoleGrants(ROLES),
    auth_provider=BASIC_PROVIDER_ID,
    attributes={"username": ("admin",), "role": ("Admin",)},
)


def providers() -> AuthProviderService:
    """The service without what only the exchange of passwords needs."""
    return AuthProviderService(
        basic=None,  # type: ignore[arg-type]  # not asked here
        authenticator=None,  # type: ignore[arg-type]
        issuer=None,  # type: ignore[arg-type]
        clock=None,  # type: ignore[arg-type]
    )


def test_status_of_a_password_user_never_ends_and_names_the_provider() -> None:
    status = status_of(ADMIN)
    assert status.user_id == "admin"
    assert json_format.MessageToDict(status)["expires"] == "9999-12-31T23:59:59.999999999Z"
    assert status.auth_provider == basic_provider()
    assert not status.HasField("service_id")
    assert [(a.key, list(a.values)) for a in status.user_attributes] == [
        ("role", ["Admin"]),
        ("username", ["admin"]),
    ]


def test_status_adds_the_roles_up_and_shows_each() -> None:
    info = status_of(ADMIN).user_info
    assert dict(info.permissions.resource_to_access) == {"Alert": 1, "Image": 2}
    assert [role.name for role in info.roles] == ["Reader", "Writer"]
    assert dict(info.roles[0].resource_to_access) == {"Alert": 1, "Image": 1}


def test_status_of_a_token_ends_with_it() -> None:
    ends = datetime(2026, 12, 24, 1, 2, 3, tzinfo=UTC)
    status = status_of(Identity(uid="auth-token:1", expires=ends.timestamp(), grants=RoleGrants([])))
    assert status.expires.ToDatetime(UTC) == ends
    assert not status.HasField("auth_provider")


def test_status_of_a_service_is_its_certificate() -> None:
    who = ServiceIdentity("SENSOR_SERVICE", "cluster", "bundle")
    status = status_of(Identity(uid="mtls:1", service=who))
    assert status.service_id.type == ServiceType.SENSOR_SERVICE
    assert (status.service_id.id, status.service_id.init_bundle_id) == ("cluster", "bundle")
    assert not status.user_id
    assert not status.HasField("user_info")


async def test_login_page_is_offered_the_recorded_provider() -> None:
    answer = await providers().GetLoginAuthProviders(Empty(), NOBODY)
    assert json_format.MessageToDict(answer) == {
        "authProviders": [
            {
                "id": "4df1b98c-24ed-4073-a9ad-356aec6bb62d",
                "name": "Login with username/password",
                "type": "basic",
                "loginUrl": "/sso/login/4df1b98c-24ed-4073-a9ad-356aec6bb62d",
            }
        ]
    }


@pytest.mark.parametrize(
    ("name", "kind", "count"),
    [
        ("", "", 1),
        ("Login with username/password", "", 1),
        ("", "basic", 1),
        ("other", "", 0),
        ("", "oidc", 0),
        ("Login with username/password", "oidc", 0),
    ],
)
async def test_providers_are_listed_by_name_and_type(name: str, kind: str, count: int) -> None:
    answer = await providers().GetAuthProviders(pb.GetAuthProvidersRequest(name=name, type=kind), NOBODY)
    assert [found.id for found in answer.auth_providers] == [BASIC_PROVIDER_ID] * count


async def test_provider_is_found_by_its_id_only() -> None:
    found = await providers().GetAuthProvider(pb.GetAuthProviderRequest(id=BASIC_PROVIDER_ID), NOBODY)
    assert found == basic_provider()
    assert (found.enabled, found.active, found.validated) == (True, True, True)
    for wanted in ("", "basic", BASIC_PROVIDER_ID.upper()):
        with pytest.raises(NotFound, match=f'auth provider "{wanted}" not found'):
            await providers().GetAuthProvider(pb.GetAuthProviderRequest(id=wanted), NOBODY)
