"""How declared objects are: one state for each mount and each object, for the portal's page.

The keeper writes it, `v1.DeclarativeConfigHealthService` reads it. Ids and names are
upstream's (central/declarativeconfig/utils/health.go). Policies, for which the message knows
no kind, are told of with their mount.
"""

from __future__ import annotations

from datetime import datetime

from pyrox.pb.storage.auth_machine_to_machine_pb2 import AuthMachineToMachineConfig
from pyrox.pb.storage.declarative_config_health_pb2 import DeclarativeConfigHealth as Health
from pyrox.pb.storage.role_pb2 import PermissionSet, Role, SimpleAccessScope
from services.central.declarative.documents import PolicyResource, Wanted, stable_id


class Healths:
    """The states as of the last reconciliation."""

    def __init__(self) -> None:
        self._found: list[Health] = []

    def all(self) -> list[Health]:
        """Every state, by name."""
        return self._found

    def replace(self, found: list[Health]) -> None:
        """These are the states now."""
        self._found = sorted(found, key=lambda one: (one.resource_type, one.name))


def of_mount(name: str, error: str, now: datetime) -> Health:
    """The state of a ConfigMap or Secret."""
    made = Health(
        id=stable_id("handler", name),
        name=f"Config Map {name}",
        resource_name=name,
        resource_type=Health.CONFIG_MAP,
    )
    return _with(made, error, now)


def of_object(wanted: Wanted, mount: str, error: str, now: datetime) -> Health | None:
    """The state of an object; None for a policy."""
    if isinstance(wanted, PolicyResource):
        return None
    name = wanted.issuer if isinstance(wanted, AuthMachineToMachineConfig) else wanted.name
    # A role has no id of its own.
    key = stable_id("role-config-health", wanted.name) if isinstance(wanted, Role) else wanted.id
    made = Health(
        id=key,
        name=f"{name} in config map {mount}",
        resource_name=name,
        resource_type=_kind(wanted),
    )
    return _with(made, error, now)


def _kind(wanted: Wanted) -> Health.ResourceType.ValueType:
    match wanted:
        case SimpleAccessScope():
            return Health.ACCESS_SCOPE
        case PermissionSet():
            return Health.PERMISSION_SET
        case Role():
            return Health.ROLE
        case _:
            return Health.AUTH_MACHINE_TO_MACHINE_CONFIG


def _with(made: Health, error: str, now: datetime) -> Health:
    made.status = Health.UNHEALTHY if error else Health.HEALTHY
    made.error_message = error
    made.last_timestamp.FromDatetime(now)
    return made
