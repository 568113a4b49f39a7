"""`roxctl central whoami`."""

from __future__ import annotations

from typing import Any

import pytest

from pyrox.pb.api.v1 import auth_service_pb2, role_service_pb2
from roxctl.errors import CallFailed
from tests.support.cli_wire import Wire

REFUSED = CallFailed("PermissionDenied", "not authorized")


def test_whoami_shows_roles_and_sorted_rights(wire: Wire) -> None:
    status = auth_service_pb2.AuthStatus(user_id="sso:1:x")
    status.user_info.friendly_name = "Ann"
    for role in ("Analyst", "Admin"):
        status.user_info.roles.add(name=role)
    wire.answer("GetAuthStatus", status)
    rights = role_service_pb2.GetPermissionsResponse()
    for resource, level in {"Image": 2, "Alert": 1, "Cluster": 0}.items():
        rights.resource_to_access[resource] = level  # type: ignore[assignment]
    wire.answer("GetMyPermissions", rights)
    done = wire.run("central", "whoami", "-t", "50s", "--retry-timeout", "5s")
    assert done.out == (
        "UserID:\n\tsso:1:x\nUser name:\n\tAnn\nRoles:\n\t- Analyst\n\t- Admin\n"
        "Access:\n\tr- Alert\n\t-- Cluster\n\trw Image\n"
    )
    assert (done.code, done.err, wire.limits, wire.closed) == (0, "", [5, 5], 1)
    assert [m["rh-roxctl-command-index"] for m in wire.metadata] == ["1", "2"]


@pytest.mark.parametrize(
    ("answers", "doing"),
    [
        ({"GetAuthStatus": REFUSED}, "getting auth status"),
        (
            {"GetAuthStatus": auth_service_pb2.AuthStatus(), "GetMyPermissions": REFUSED},
            "getting permissions",
        ),
    ],
)
def test_whoami_says_which_question_failed(wire: Wire, answers: dict[str, Any], doing: str) -> None:
    for method, answer in answers.items():
        wire.answer(method, answer)
    done = wire.run("central", "whoami")
    assert (done.code, done.out) == (1, "")
    assert done.err == f"ERROR:\t{doing}: {REFUSED}\n"
