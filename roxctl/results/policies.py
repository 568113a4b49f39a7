"""Violated policies by entity, from the alerts of a check."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyrox.pb.storage import alert_pb2, policy_pb2
from roxctl.results.names import enum_name

SEVERITIES = ("LOW", "MEDIUM", "HIGH", "CRITICAL")
TOTAL = "TOTAL"


@dataclass(slots=True)
class ViolatedPolicy:
    """One policy and all its violations on one entity."""

    name: str
    severity: str
    description: str
    remediation: str
    breaks: bool
    violations: list[str] = field(default_factory=list)

    @property
    def json(self) -> dict[str, Any]:
        """As `-o json` shows it."""
        return {
            "name": self.name,
            "severity": self.severity,
            "description": self.description,
            "violation": self.violations,
            "remediation": self.remediation,
            "failingCheck": self.breaks,
        }


@dataclass(slots=True)
class Entity:
    """An image or a deployment that was checked."""

    id: str
    info: dict[str, str]
    policies: dict[str, ViolatedPolicy] = field(default_factory=dict)

    @property
    def sorted_policies(self) -> list[ViolatedPolicy]:
        """The worst first, then by name."""
        return sorted(self.policies.values(), key=lambda p: (-rank(p.severity), p.name))

    @property
    def json(self) -> dict[str, Any]:
        """As `-o json` shows it."""
        result: dict[str, Any] = {
            "metadata": {"id": self.id, "additionalInfo": dict(sorted(self.info.items())) or None},
            "summary": counts(self.policies.values()),
        }
        if self.policies:
            result["violatedPolicies"] = [policy.json for policy in self.sorted_policies]
        return result


@dataclass(frozen=True, slots=True)
class PolicySummary:
    """All entities with violations."""

    entities: Sequence[Entity]

    @property
    def policies(self) -> list[tuple[Entity, ViolatedPolicy]]:
        """Every violated policy with its entity, in the order of all outputs."""
        return [(entity, policy) for entity in self.entities for policy in entity.sorted_policies]

    @property
    def counts(self) -> Mapping[str, int]:
        """How many policies are violated, by severity."""
        return counts(policy for _, policy in self.policies)

    @property
    def breaking(self) -> int:
        """How many of them fail the check."""
        return sum(policy.breaks for _, policy in self.policies)

    @property
    def json(self) -> dict[str, Any]:
        """As `-o json` shows it."""
        results = [entity.json for entity in self.entities]
        return {**({"results": results} if results else {}), "summary": self.counts}


def summarize(
    alerts: Iterable[alert_pb2.Alert], breaking_action: policy_pb2.EnforcementAction.ValueType
) -> PolicySummary:
    """Several alerts of one policy on one entity become one, with all violations."""
    entities: dict[str, Entity] = {}
    for alert in alerts:
        entity_id, info = _entity(alert)
        entity = entities.setdefault(entity_id, Entity(entity_id, info))
        policy = entity.policies.get(alert.policy.id)
        if policy is None:
            policy = entity.policies[alert.policy.id] = _policy(alert.policy, breaking_action)
        policy.violations.extend(violation.message for violation in alert.violations)
    ordered = sorted(entities.values(), key=lambda e: (e.info.get("type", ""), e.info.get("name", "")))
    return PolicySummary(ordered)


def _entity(alert: alert_pb2.Alert) -> tuple[str, dict[str, str]]:
    kind = alert.WhichOneof("Entity")
    if kind == "deployment":
        found = alert.deployment
        return found.id, {"name": found.name, "type": found.type, "namespace": found.namespace}
    if kind == "image":
        name = alert.image.name.full_name
        return name, {"name": name, "type": "image"}
    return "unknown", {}


def _policy(
    policy: policy_pb2.Policy, breaking_action: policy_pb2.EnforcementAction.ValueType
) -> ViolatedPolicy:
    return ViolatedPolicy(
        name=policy.name,
        severity=enum_name(policy_pb2.Severity.Name, policy.severity).removesuffix("_SEVERITY"),
        description=policy.description,
        remediation=policy.remediation,
        breaks=breaking_action in policy.enforcement_actions,
    )


def rank(severity: str) -> int:
    """Higher is worse; an unset severity counts as low."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else 0


def counts(policies: Iterable[ViolatedPolicy]) -> dict[str, int]:
    """Policies by severity and in all, in the order of the JSON."""
    found = Counter(policy.severity for policy in policies)
    known = {**dict.fromkeys(SEVERITIES, 0), **found, TOTAL: sum(found.values())}
    return dict(sorted(known.items()))
