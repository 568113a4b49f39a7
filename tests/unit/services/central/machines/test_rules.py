"""Which machine logins may be configured."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pyrox.errors import Invalid
from pyrox.pb.storage.auth_machine_to_machine_pb2 import AuthMachineToMachineConfig
from services.central.machines import rules
from services.central.machines.claims import GITHUB_ISSUER

ROLES = {"Admin", "Analyst"}


def config(**changes: object) -> AuthMachineToMachineConfig:
    fields: dict[str, object] = {"id": "i", "issuer": "https://i", "token_expiration_duration": "1h"}
    fields.update(changes)
    made = AuthMachineToMachineConfig(**fields)  # type: ignore[arg-type]  # fields of the message
    made.mappings.add(key="sub", value_expression=".*", role="Admin")
    return made


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": ""}, "empty ID given"),
        (
            {"token_expiration_duration": "x"},
            'invalid token expiration duration given: time: invalid duration "x"',
        ),
        (
            {"token_expiration_duration": "59s"},
            "token expiration must be between 1 minute and 24 hours, but was 59s",
        ),
        (
            {"token_expiration_duration": "25h"},
            "token expiration must be between 1 minute and 24 hours, but was 25h0m0s",
        ),
        ({"issuer": ""}, "type GENERIC was used, but no configuration for the issuer was given"),
    ],
)
def test_config_that_cannot_be_used_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(Invalid) as caught:
        rules.validate(config(**changes), ROLES, needs_id=True)
    assert caught.value.message == message


def test_every_missing_role_is_named() -> None:
    made = config()
    for role in ("x", "Analyst", "y"):
        made.mappings.add(key="sub", role=role)
    with pytest.raises(
        Invalid, match='referenced role "x" does not exist\nreferenced role "y" does not exist'
    ):
        rules.validate(made, ROLES, needs_id=True)


def test_bad_expression_and_too_many_mappings_are_refused() -> None:
    made = config()
    made.mappings.add(key="sub", value_expression="[", role="Admin")
    with pytest.raises(Invalid, match="invalid regular expression"):
        rules.validate(made, ROLES, needs_id=True)
    for _ in range(rules.MAX_MAPPINGS):
        made.mappings.add()
    with pytest.raises(Invalid, match="more than 1000 mappings"):
        rules.validate(made, ROLES, needs_id=True)


def test_new_config_needs_no_id() -> None:
    rules.validate(config(id=""), ROLES, needs_id=False)


def test_github_has_its_issuer_by_itself() -> None:
    made = AuthMachineToMachineConfig(type=AuthMachineToMachineConfig.GITHUB_ACTIONS)
    assert rules.completed(made).issuer == GITHUB_ISSUER
    assert made.issuer == ""
    own = AuthMachineToMachineConfig(type=AuthMachineToMachineConfig.GITHUB_ACTIONS, issuer="https://ghe")
    assert rules.completed(own).issuer == "https://ghe"


@pytest.mark.parametrize(
    ("seconds", "text"), [(5, "5s"), (90, "1m30s"), (60, "1m0s"), (3600, "1h0m0s"), (3725, "1h2m5s")]
)
def test_durations_print_as_in_go(seconds: int, text: str) -> None:
    assert rules.go_duration(timedelta(seconds=seconds)) == text


def test_lifetime_is_the_configured_one() -> None:
    assert rules.lifetime(config()) == timedelta(hours=1)
