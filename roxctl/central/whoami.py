"""`roxctl central whoami`: who the credentials belong to and what they allow."""

from __future__ import annotations

from roxctl.app import App
from roxctl.cli import command as declare
from roxctl.cli import pass_app, retry_timeout, timeout
from roxctl.errors import CliError

_ACCESS = {0: "--", 1: "r-", 2: "rw"}


@declare("whoami", "Show who you are to Central, your roles and your rights.")
@timeout("1m")
@retry_timeout()
@pass_app
def command(app: App, *, seconds: float, try_seconds: float) -> None:
    """Ask and print."""
    from pyrox.pb.api.v1 import auth_service_pb2, empty_pb2, role_service_pb2  # noqa: PLC0415 - slow to import

    limits = {"seconds": seconds, "try_seconds": try_seconds}
    with app.central() as central:
        doing = "getting auth status"
        try:
            status = central.call(
                "/v1.AuthService/GetAuthStatus", empty_pb2.Empty(), auth_service_pb2.AuthStatus, **limits
            )
            doing = "getting permissions"
            rights = central.call(
                "/v1.RoleService/GetMyPermissions",
                empty_pb2.Empty(),
                role_service_pb2.GetPermissionsResponse,
                **limits,
            )
        except CliError as error:
            raise error.wrap(doing) from error
    who = ["UserID:", f"\t{status.user_id}", "User name:", f"\t{status.user_info.friendly_name}"]
    roles = [f"\t- {role.name}" for role in status.user_info.roles]
    access = sorted(rights.resource_to_access.items())
    levels = [f"\t{_ACCESS.get(level, '--')} {resource}" for resource, level in access]
    for line in [*who, "Roles:", *roles, "Access:", *levels]:
        app.console.result(line)
