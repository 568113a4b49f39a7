"""Machines and their roles."""

from __future__ import annotations

import pytest

from pyrox.errors import Invalid
from pyrox.pb.storage.auth_machine_to_machine_pb2 import AuthMachineToMachineConfig
from services.central.machines.claims import compiled, machine_of, roles_of

GENERIC = AuthMachineToMachineConfig.GENERIC
GITHUB = AuthMachineToMachineConfig.GITHUB_ACTIONS
Mapping = AuthMachineToMachineConfig.Mapping


@pytest.mark.parametrize(
    ("claims", "user", "name"),
    [
        ({"sub": "s"}, "s", "s"),
        ({"sub": "s", "email": "a@b"}, "s|a@b", "a@b"),
        ({"sub": "s", "preferred_username": "p", "full_name": "f"}, "s|p", "p"),
        ({"sub": "s", "email": ["a", "b"], "full_name": "f"}, "s|f", "f"),
        ({}, "", ""),
    ],
)
def test_generic_machine_is_named_by_subject_and_person(
    claims: dict[str, object], user: str, name: str
) -> None:
    machine = machine_of(GENERIC, claims)
    assert (machine.user_id, machine.full_name) == (user, name)


def test_generic_attributes_are_the_texts_of_the_claims() -> None:
    claims = {"sub": "s", "aud": ["x", 5, "y"], "exp": 7, "nested": {"a": "b"}, "groups": ["g"]}
    assert machine_of(GENERIC, claims).attributes == {"sub": ("s",), "aud": ("x", "y"), "groups": ("g",)}


def test_github_machine_is_named_by_its_actor_and_has_all_attributes() -> None:
    named = {"actor": "octo", "actor_id": "7", "repository": "o/r"}
    machine = machine_of(GITHUB, {"sub": "repo:o/r", "aud": "me", "other": "x", **named})
    assert (machine.user_id, machine.full_name) == ("7|octo", "octo")
    assert machine.attributes["repository"] == ("o/r",)
    assert machine.attributes["environment"] == ("",)
    assert (machine.attributes["sub"], machine.attributes["aud"]) == (("repo:o/r",), ("me",))
    assert "other" not in machine.attributes
    assert len(machine.attributes) == 24


@pytest.mark.parametrize(
    ("mapping", "roles"),
    [
        (Mapping(key="repository", value_expression="^o/r$", role="CI"), {"CI"}),
        (Mapping(key="repository", value_expression="r", role="CI"), {"CI"}),
        (Mapping(key="repository", value_expression="^x", role="CI"), set()),
        (Mapping(key="absent", value_expression="", role="CI"), set()),
        (Mapping(key="groups", value_expression="^b$", role="CI"), {"CI"}),
        (Mapping(key="groups", value_expression="b", role="None"), set()),
    ],
)
def test_roles_come_from_expressions_that_meet_any_value(mapping: Mapping, roles: set[str]) -> None:
    assert roles_of([mapping], {"repository": ("o/r",), "groups": ("a", "b")}) == roles


def test_bad_expression_is_refused() -> None:
    with pytest.raises(Invalid, match="invalid regular expression '\\('"):
        compiled("(")


def test_expression_that_explodes_elsewhere_takes_linear_time_here() -> None:
    assert not compiled("^(a+)+$").search("a" * 5000 + "b")
