"""A policy as the SecurityPolicy resource that would make it, in YAML. Pure.

The route that saves policies as resources calls it. Names, fields, their order and what is
left out when empty are upstream's (central/policy/customresource).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from pyrox.pb.storage import policy_pb2
from pyrox.pb.storage.deployment_pb2 import ContainerType
from pyrox.pb.storage.policy_pb2 import Exclusion, Policy, PolicyGroup
from pyrox.pb.storage.scope_pb2 import Scope
from services.central.policies import go_yaml

# Kubernetes' limit for a name that is a DNS subdomain.
MAX_NAME = 253
_ID_LENGTH = 36
_NOT_IN_NAMES, _RUNS = re.compile(r"[^a-z0-9.\-]"), re.compile(r"[.-]{2,}")


def resource_name(policy_name: str, random: Callable[[], str]) -> str:
    """A name for the resource; `random` gives a new uuid for policies whose name leaves nothing."""
    name = _NOT_IN_NAMES.sub("-", policy_name.lower())
    name = _RUNS.sub("-", name)[:MAX_NAME].strip("-.")
    return name or f"rhacs-{random().partition('-')[0]}"


def distinct_name(name: str, policy_id: str) -> str:
    """The name for a policy whose own name another one has already."""
    most = MAX_NAME - _ID_LENGTH - 1
    return f"{name[:most].strip('-.') if len(name) > most else name}-{policy_id}"


def resource_text(policy: Policy, name: str, notifiers: Mapping[str, str]) -> str:
    """The resource of that name; `notifiers` are names by id, and ids without one are left out."""
    return go_yaml.dump(
        {
            "apiVersion": "config.stackrox.io/v1alpha1",
            "kind": "SecurityPolicy",
            "metadata": {"name": name},
            "spec": _spec(policy, notifiers),
        }
    )


def _spec(policy: Policy, notifiers: Mapping[str, str]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "policyName": policy.name,
        "description": policy.description,
        "rationale": policy.rationale,
        "remediation": policy.remediation,
        "disabled": policy.disabled,
        "categories": list(policy.categories),
        "lifecycleStages": [policy_pb2.LifecycleStage.Name(stage) for stage in policy.lifecycle_stages],
        "eventSource": policy_pb2.EventSource.Name(policy.event_source),
        "exclusions": [_exclusion(one) for one in policy.exclusions],
        "scope": [_scope(one) for one in policy.scope],
        "severity": policy_pb2.Severity.Name(policy.severity),
        "enforcementActions": [policy_pb2.EnforcementAction.Name(one) for one in policy.enforcement_actions],
        "notifiers": [notifiers[one] for one in policy.notifiers if one in notifiers],
        "policySections": [
            _filled({"sectionName": one.section_name, "policyGroups": [_group(g) for g in one.policy_groups]})
            for one in policy.policy_sections
        ],
        "mitreAttackVectors": [
            {"tactic": one.tactic, "techniques": list(one.techniques)} for one in policy.mitre_attack_vectors
        ],
        "criteriaLocked": policy.criteria_locked,
        "mitreVectorsLocked": policy.mitre_vectors_locked,
        "isDefault": policy.is_default,
        "evaluationFilter": _filter(policy),
    }
    return _filled(made, keep={"policyName", "lifecycleStages", *_ALWAYS})


# Truth values and enumerators that upstream writes whatever they are.
_ALWAYS = frozenset({"eventSource", "severity", "criteriaLocked", "mitreVectorsLocked", "isDefault"})


def _group(group: PolicyGroup) -> dict[str, Any]:
    made = {
        "fieldName": group.field_name,
        "booleanOperator": policy_pb2.BooleanOperator.Name(group.boolean_operator),
        "negate": group.negate,
        "values": [{"value": one.value} for one in group.values],
    }
    return _filled(made, keep={"fieldName"})


def _exclusion(exclusion: Exclusion) -> dict[str, Any]:
    made: dict[str, Any] = {"name": exclusion.name}
    if exclusion.HasField("deployment"):
        deployment = exclusion.deployment
        scope = _scope(deployment.scope) if deployment.HasField("scope") else None
        made["deployment"] = _filled({"name": deployment.name}) | ({} if scope is None else {"scope": scope})
    if exclusion.HasField("image"):
        made["image"] = {"name": exclusion.image.name}
    if exclusion.HasField("expiration"):
        made["expiration"] = exclusion.expiration.ToDatetime().strftime("%Y-%m-%dT%H:%M:%SZ")
    return _filled(made, keep={"deployment", "image"} & made.keys())


def _scope(scope: Scope) -> dict[str, Any]:
    made: dict[str, Any] = _filled({"cluster": scope.cluster, "namespace": scope.namespace})
    if scope.HasField("label"):
        made["label"] = _label(scope.label)
    if scope.HasField("cluster_label"):
        made["clusterLabel"] = _label(scope.cluster_label)
    if scope.HasField("namespace_label"):
        made["namespaceLabel"] = _label(scope.namespace_label)
    return made


def _label(label: Scope.Label) -> dict[str, str]:
    return {"key": label.key, "value": label.value}


def _filter(policy: Policy) -> dict[str, Any]:
    kinds = policy.evaluation_filter.skip_container_types
    return {"skipContainerTypes": [ContainerType.Name(kind) for kind in kinds]} if kinds else {}


def _filled(made: dict[str, Any], *, keep: frozenset[str] | set[str] = frozenset()) -> dict[str, Any]:
    """Without what is empty, but for the keys that are always written."""
    return {key: value for key, value in made.items() if key in keep or value not in ("", [], {}, False)}
