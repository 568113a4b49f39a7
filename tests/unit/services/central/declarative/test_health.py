from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pyrox.pb.storage.auth_machine_to_machine_pb2 import AuthMachineToMachineConfig
from pyrox.pb.storage.declarative_config_health_pb2 import DeclarativeConfigHealth as Health
from pyrox.pb.storage.role_pb2 import PermissionSet, Role, SimpleAccessScope
from services.central.declarative.documents import PolicyResource, Wanted, stable_id
from services.central.declarative.health import Healths, of_mount, of_object

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wanted", "kind", "key", "name"),
    [
        (SimpleAccessScope(id="i", name="n"), Health.ACCESS_SCOPE, "i", "n"),
        (PermissionSet(id="i", name="n"), Health.PERMISSION_SET, "i", "n"),
        (Role(name="n"), Health.ROLE, stable_id("role-config-health", "n"), "n"),
        (AuthMachineToMachineConfig(id="i", issuer="u"), Health.AUTH_MACHINE_TO_MACHINE_CONFIG, "i", "u"),
    ],
)
def test_object_has_upstreams_id_and_name(
    wanted: Wanted, kind: Health.ResourceType.ValueType, key: str, name: str
) -> None:
    made = of_object(wanted, "mount", "", NOW)
    assert made is not None
    assert (made.id, made.resource_type, made.resource_name) == (key, kind, name)
    assert (made.name, made.status) == (f"{name} in config map mount", Health.HEALTHY)
    assert made.last_timestamp.ToDatetime(UTC) == NOW


def test_policy_has_no_state_of_its_own() -> None:
    assert of_object(PolicyResource("i", "n", {}), "mount", "wrong", NOW) is None


def test_mounts_come_first_and_errors_are_kept() -> None:
    role = of_object(Role(name="a"), "m", "wrong", NOW)
    assert role is not None
    healths = Healths()
    healths.replace([role, of_mount("z", "", NOW), of_mount("b", "bad", NOW)])
    assert [one.name for one in healths.all()] == ["Config Map b", "Config Map z", "a in config map m"]
    assert [one.status for one in healths.all()] == [Health.UNHEALTHY, Health.HEALTHY, Health.UNHEALTHY]
    assert healths.all()[0].id == stable_id("handler", "b")
