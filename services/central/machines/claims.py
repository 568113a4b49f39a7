"""What a machine's ID token says, and which roles that gives. Pure.

Rules are upstream's (central/auth/m2m: claim extractors, role mapper).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import re2

from pyrox.errors import Invalid
from pyrox.pb.storage.auth_machine_to_machine_pb2 import AuthMachineToMachineConfig

GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
NONE_ROLE = "None"
# Claims that name a person, in the order in which they are looked at.
_NAMES = ("email", "preferred_username", "full_name")
_GITHUB = (
    "actor",
    "actor_id",
    "base_ref",
    "environment",
    "event_name",
    "head_ref",
    "job_workflow_ref",
    "job_workflow_sha",
    "ref",
    "ref_type",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "repository_visibility",
    "run_id",
    "run_number",
    "run_attempt",
    "runner_environment",
    "workflow",
    "workflow_ref",
    "workflow_sha",
)
Attributes = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Machine:
    """Who logs in."""

    user_id: str
    full_name: str
    attributes: Attributes


def machine_of(kind: AuthMachineToMachineConfig.Type.ValueType, claims: Mapping[str, Any]) -> Machine:
    """The user that a verified token stands for."""
    if kind == AuthMachineToMachineConfig.GITHUB_ACTIONS:
        return _of_github(claims)
    attributes = _texts(claims)
    subject = ":".join(attributes.get("sub", ()))
    name = next((attributes[key][0] for key in _NAMES if len(attributes.get(key, ())) == 1), "")
    user_id = f"{subject}|{name}" if name else subject
    return Machine(user_id, name or user_id, attributes)


def _of_github(claims: Mapping[str, Any]) -> Machine:
    texts = _texts(claims)
    attributes = {key: texts.get(key, ("",))[:1] for key in _GITHUB}
    attributes |= {"sub": texts.get("sub", ("",)), "aud": texts.get("aud", ())}
    actor = attributes["actor"][0]
    return Machine(f"{attributes['actor_id'][0]}|{actor}", actor, attributes)


def _texts(claims: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The claims that are texts or lists of texts; others cannot be matched."""
    found: dict[str, tuple[str, ...]] = {}
    for key, value in claims.items():
        if isinstance(value, str):
            found[key] = (value,)
        elif isinstance(value, list):
            found[key] = tuple(item for item in value if isinstance(item, str))
    return found


def roles_of(
    mappings: Iterable[AuthMachineToMachineConfig.Mapping], attributes: Attributes
) -> frozenset[str]:
    """The roles whose mapping meets a claim; the role `None` is not given to anybody."""
    return frozenset(
        mapping.role
        for mapping in mappings
        if mapping.role != NONE_ROLE and _meets(mapping, attributes.get(mapping.key, ()))
    )


def _meets(mapping: AuthMachineToMachineConfig.Mapping, values: Sequence[str]) -> bool:
    expression = compiled(mapping.value_expression)
    return any(expression.search(value) for value in values)


def compiled(expression: str) -> re.Pattern[str]:
    """The expression in RE2's language, which takes linear time. Raises `Invalid`."""
    options = re2.Options()
    options.log_errors = False
    try:
        found: re.Pattern[str] = re2.compile(expression, options)
    except re2.error as error:
        raise Invalid.because(f"invalid regular expression {expression!r} given") from error
    return found
