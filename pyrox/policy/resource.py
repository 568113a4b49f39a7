"""The `spec` of a SecurityPolicy as a `storage.Policy`. Pure.

The config controller calls it for resources, Central for mounted files. Field names, what
is resolved by name and the texts of errors are upstream's
(config-controller/api/v1alpha1/policy_types.go). The API server has checked a spec against
the resource's schema; what it let through is checked here by the message's own JSON form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from google.protobuf import json_format
from google.protobuf.timestamp_pb2 import Timestamp

from pyrox.errors import Invalid
from pyrox.pb.storage.policy_pb2 import DECLARATIVE, Policy

Json = dict[str, Any]
VERSION = "1.1"
# What a resource says in the words of the message. `criteriaLocked`, `mitreVectorsLocked` and
# `isDefault` are accepted by the schema, so that an exported policy can be applied, and ignored.
_SAME = (
    "description",
    "rationale",
    "remediation",
    "disabled",
    "categories",
    "lifecycleStages",
    "eventSource",
    "severity",
    "enforcementActions",
    "policySections",
    "mitreAttackVectors",
    "evaluationFilter",
)


@dataclass(frozen=True, slots=True)
class Names:
    """Ids that a resource may call by name."""

    notifiers: Mapping[str, str] = field(default_factory=dict)
    clusters: Mapping[str, str] = field(default_factory=dict)


def name_of(spec: Json) -> str:
    """The policy's name in Central; empty when there is none."""
    name = spec.get("policyName")
    return name if isinstance(name, str) else ""


def policy_of(spec: Json, names: Names) -> Policy:
    """The policy without an id. Raises `Invalid` that names what cannot be resolved or read."""
    form: Json = {key: spec[key] for key in _SAME if spec.get(key) is not None}
    form["name"] = name_of(spec)
    form["notifiers"] = [_id(one, names.notifiers, "Notifier") for one in _list(spec, "notifiers")]
    form["scope"] = [_scope(one, names) for one in _objects(spec, "scope")]
    form["exclusions"] = [_exclusion(one, names) for one in _objects(spec, "exclusions")]
    try:
        # An enumerator that this release does not know is left out, as upstream does.
        policy = json_format.ParseDict(form, Policy(), ignore_unknown_fields=True)
    except (json_format.ParseError, RecursionError) as error:
        raise Invalid(f"spec: {error}") from error
    policy.policy_version = VERSION
    policy.source = DECLARATIVE
    return policy


def _exclusion(given: Json, names: Names) -> Json:
    made: Json = _filled(given)
    if expiration := made.get("expiration"):
        _check_time(expiration)
    deployment = made.get("deployment")
    if isinstance(deployment, dict) and isinstance(deployment.get("scope"), dict):
        made["deployment"] = {**deployment, "scope": _scope(deployment["scope"], names)}
    return made


def _scope(given: Json, names: Names) -> Json:
    made: Json = _filled(given)
    if cluster := made.get("cluster"):
        made["cluster"] = _id(cluster, names.clusters, "Cluster")
    return made


def _id(given: Any, known: Mapping[str, str], what: str) -> str:
    """The id itself, or the id of what has that name."""
    text = str(given)
    try:
        UUID(text)
    except ValueError:
        if text not in known:
            raise Invalid(f"{what} '{text}' does not exist") from None
        return known[text]
    return text


def _check_time(text: Any) -> None:
    try:
        Timestamp().FromJsonString(text)
    except (ValueError, TypeError, AttributeError) as error:
        raise Invalid(f"Error parsing timestamp '{text}': {error}") from error


def _filled(given: Json) -> Json:
    """Without what is empty: to upstream an empty object and an absent one are the same."""
    made = {key: _filled(value) if isinstance(value, dict) else value for key, value in given.items()}
    return {key: value for key, value in made.items() if value not in ({}, "", None)}


def _list(spec: Json, key: str) -> list[Any]:
    found = spec.get(key)
    if found is None:
        return []
    if not isinstance(found, list):
        raise Invalid(f"spec.{key}: expected a list")
    return found


def _objects(spec: Json, key: str) -> list[Json]:
    found = _list(spec, key)
    for number, one in enumerate(found):
        if not isinstance(one, dict):
            raise Invalid(f"spec.{key}[{number}]: expected an object")
    return found
