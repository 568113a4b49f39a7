"""Why a policy matched or not: which criterion met which value on which object.

Called through `CompiledPolicy.explain` by the policy test command and by Central for the
portal. It must not change a verdict; it walks the subject again, without linking, and then
marks the objects that the linked matching kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pyrox.pb.storage import policy_pb2
from pyrox.policy.compile import EVENT_SUBJECTS, CompiledGroup, CompiledSection, SectionPlan
from pyrox.policy.errors import PolicyInvalid
from pyrox.policy.leaves import ABSENT, PARENT, STEPS, Leaf, Node
from pyrox.policy.mapquery import show_map
from pyrox.policy.plan import Hit
from pyrox.policy.queries import Query
from pyrox.policy.views import RootView

# A big image has thousands of values per criterion; the first of each kind say enough.
_MATCHING = 100
_OTHERS = 20
_LONGEST_VALUE = 512
# Conditions that every criterion on vulnerabilities brings along are told when they fail.
_SILENT = frozenset({"CVE Suppressed", "Vulnerability State"})


@dataclass(frozen=True, slots=True)
class Finding:
    """One value that a criterion met; `linked` says that its object counted in the end."""

    path: str
    value: str
    matched: bool
    linked: bool

    def to_json(self) -> dict[str, Any]:
        """The stable form."""
        return {"path": self.path, "value": self.value, "matched": self.matched, "linked": self.linked}


@dataclass(frozen=True, slots=True)
class Placed:
    """A finding and the path of the object that has the value."""

    object: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class CriterionExplanation:
    """One criterion; `omitted` counts the findings that were left out."""

    name: str
    negate: bool
    operator: str
    values: tuple[str, ...]
    matched: bool
    findings: tuple[Finding, ...]
    omitted: int

    def to_json(self) -> dict[str, Any]:
        """The stable form."""
        return {
            "criterion": self.name,
            "negate": self.negate,
            "operator": self.operator,
            "values": list(self.values),
            "matched": self.matched,
            "findings": [finding.to_json() for finding in self.findings],
            "omitted": self.omitted,
        }


@dataclass(frozen=True, slots=True)
class SectionExplanation:
    """One section; it may fail although all criteria match, when no object meets them all."""

    name: str
    matched: bool
    criteria: tuple[CriterionExplanation, ...]
    error: str = ""

    def to_json(self) -> dict[str, Any]:
        """The stable form."""
        return {
            "section": self.name,
            "matched": self.matched,
            "criteria": [criterion.to_json() for criterion in self.criteria],
            "error": self.error,
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole tree."""

    policy_id: str
    policy_name: str
    matched: bool
    sections: tuple[SectionExplanation, ...]

    def to_json(self) -> dict[str, Any]:
        """The stable form."""
        return {
            "policyId": self.policy_id,
            "policyName": self.policy_name,
            "matched": self.matched,
            "sections": [section.to_json() for section in self.sections],
        }


def explain_sections(
    sections: Sequence[CompiledSection], root: RootView, now: int
) -> tuple[SectionExplanation, ...]:
    """Every section against the subject, `now` in nanoseconds since 1970."""
    return tuple(_section(section, root, now) for section in sections)


def _section(section: CompiledSection, root: RootView, now: int) -> SectionExplanation:
    try:
        plan = section.plan_for(type(root.subject))
    except PolicyInvalid as error:
        return SectionExplanation(section.name, matched=False, criteria=(), error=error.message)
    top = root if plan.top is Node.ROOT else root.containers[0]
    hit = plan.linked.match(top, now)
    kept = frozenset() if hit is None else kept_objects(hit)
    criteria = tuple(_criterion(group, plan, top, kept, now) for group in section.groups)
    return SectionExplanation(section.name, hit is not None, criteria, _error(root))


def _error(root: RootView) -> str:
    missing = root.missing_container
    return missing.message if missing is not None and isinstance(root.subject, EVENT_SUBJECTS) else ""


def kept_objects(hit: Hit) -> frozenset[int]:
    """The identities of all objects that the linked matching kept."""
    return frozenset(_kept(hit))


def _kept(hit: Hit) -> Iterator[int]:
    yield id(hit.element)
    for _node, hits in hit.below:
        for below in hits:
            yield from _kept(below)


def _criterion(
    group: CompiledGroup, plan: SectionPlan, top: Any, kept: Collection[int], now: int
) -> CriterionExplanation:
    findings: list[Finding] = []
    each_found = True
    for query in group.queries:
        found = [one.finding for one in _findings(query, plan.leaves[query.label], plan.top, top, kept, now)]
        each_found = each_found and any(finding.matched for finding in found)
        findings.extend(one for one in found if not (one.matched and query.label in _SILENT))
    matching = [finding for finding in findings if finding.matched]
    others = [finding for finding in findings if not finding.matched]
    shown = matching[:_MATCHING] + others[:_OTHERS]
    return CriterionExplanation(
        group.criterion.name,
        group.group.negate,
        policy_pb2.BooleanOperator.Name(group.group.boolean_operator),
        tuple(value.value for value in group.group.values),
        each_found,
        tuple(shown),
        len(findings) - len(shown),
    )


def placed_findings(
    group: CompiledGroup, plan: SectionPlan, top: Any, kept: Collection[int], now: int
) -> Iterator[Placed]:
    """All that the queries of a criterion met, but for what goes without saying."""
    for query in group.queries:
        if query.label not in _SILENT:
            yield from _findings(query, plan.leaves[query.label], plan.top, top, kept, now)


def objects_at(node: Node, here: Node, top: Any) -> Iterator[tuple[str, Any]]:
    """All objects at the node, linked or not, with their paths from the top."""
    return _objects(node, here, top, "")


def _findings(
    query: Query, leaf: Leaf, here: Node, top: Any, kept: Collection[int], now: int
) -> Iterator[Placed]:
    for path, element in _objects(leaf.node, here, top, ""):
        value = leaf.get(element)
        if value is ABSENT:
            continue
        fits = query.fits(list(value) if leaf.many else value, now)
        where = ".".join(part for part in (path, leaf.path) if part)
        yield Placed(path, Finding(where, _show(leaf, value), fits, fits and id(element) in kept))


def _objects(node: Node, here: Node, element: Any, path: str) -> Iterator[tuple[str, Any]]:
    """All objects at the node, linked or not, with their paths."""
    if node is here:
        yield path, element
        return
    for above, parent in _objects(PARENT[node], here, element, path):
        step, elements = STEPS[node]
        for at, one in enumerate(elements(parent)):
            yield ".".join(part for part in (above, f"{step}[{at}]") if part), one


def _show(leaf: Leaf, value: Any) -> str:
    if leaf.many:
        text = ", ".join(value) or "<empty>"
    elif isinstance(value, dict):
        text = show_map(value)
    else:
        text = str(value).lower() if isinstance(value, bool) else leaf.show(value).replace("\t", "=")
    return text[:_LONGEST_VALUE]
