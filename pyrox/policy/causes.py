"""Which criterion met which value on which object, for each sentence of a violation.

Central calls it to explain an alert. It must not change a verdict: the subject is matched
again, and each sentence is led back to the objects that it speaks of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from pyrox.pb.storage import policy_pb2
from pyrox.policy import eventmessages
from pyrox.policy.compile import CompiledGroup, CompiledSection, SectionPlan
from pyrox.policy.errors import PolicyInvalid
from pyrox.policy.evaluate import CompiledPolicy
from pyrox.policy.explain import Finding, Placed, kept_objects, objects_at, placed_findings
from pyrox.policy.leaves import Node
from pyrox.policy.messages import PrinterError
from pyrox.policy.plan import Hit, paths
from pyrox.policy.subject import Subject
from pyrox.policy.views import RootView

# One sentence may speak of many objects: the same CVE in hundreds of components.
MAX_OBJECTS = 20
# What a criterion met around these objects; a container's sentence may rest on thousands of CVEs.
MAX_FINDINGS = 20


@dataclass(frozen=True, slots=True)
class Place:
    """An object by its path; the container that it is in, by name."""

    path: str
    container: str = ""

    def to_json(self) -> dict[str, Any]:
        """The stable form."""
        return {"path": self.path, "container": self.container}


@dataclass(frozen=True, slots=True)
class CriterionCause:
    """A criterion, and the values that satisfied it around the objects of a sentence."""

    name: str
    negate: bool
    operator: str
    values: tuple[str, ...]
    findings: tuple[Finding, ...]
    omitted: int

    def to_json(self) -> dict[str, Any]:
        """The stable form."""
        return {
            "criterion": self.name,
            "negate": self.negate,
            "operator": self.operator,
            "values": list(self.values),
            "findings": [finding.to_json() for finding in self.findings],
            "omitted": self.omitted,
        }


@dataclass(frozen=True, slots=True)
class Cause:
    """Why one section says a sentence."""

    section_index: int
    section: str
    objects: tuple[Place, ...]
    omitted_objects: int
    criteria: tuple[CriterionCause, ...]

    def to_json(self) -> dict[str, Any]:
        """The stable form."""
        return {
            "sectionIndex": self.section_index,
            "section": self.section,
            "objects": [place.to_json() for place in self.objects],
            "omittedObjects": self.omitted_objects,
            "criteria": [criterion.to_json() for criterion in self.criteria],
        }


def causes_of(
    compiled: CompiledPolicy, subject: Subject, now: int, wanted: Collection[str]
) -> dict[str, list[Cause]]:
    """The causes of each wanted sentence that the policy says of the subject, by sentence.

    `now` is in nanoseconds since 1970. Sentences that the subject does not give are left out.
    """
    root = compiled.root_of(subject)
    if not compiled.judge(root, now).matched:
        return {}
    found: dict[str, list[Cause]] = defaultdict(list)
    for at, section in enumerate(compiled.sections):
        for sentence, cause in _of_section(at, section, root, now, wanted):
            found[sentence].append(cause)
    return dict(found)


def _of_section(
    at: int, section: CompiledSection, root: RootView, now: int, wanted: Collection[str]
) -> Iterator[tuple[str, Cause]]:
    try:
        plan = section.plan_for(root.kind)
    except PolicyInvalid:
        return
    top = root if plan.top is Node.ROOT else root.containers[0]
    hit = plan.linked.match(top, now)
    if hit is None:
        return
    said = _said(plan, hit, top, wanted)
    event = event_sentence(root)
    if event in wanted and section.at_run_time:
        said.setdefault(event, [Place("")])
    if not said:
        return
    met = [_Met.of(group, plan, top, hit, now) for group in section.groups]
    for sentence, places in said.items():
        shown = places[:MAX_OBJECTS]
        criteria = tuple(one.around(shown) for one in met)
        yield sentence, Cause(at, section.name, tuple(shown), len(places) - len(shown), criteria)


def _said(plan: SectionPlan, hit: Hit, top: Any, wanted: Collection[str]) -> dict[str, list[Place]]:
    """The wanted sentences with the objects that each speaks of."""
    said: dict[str, list[Place]] = defaultdict(list)
    for node, printer in plan.printers:
        where = {id(element): path for path, element in objects_at(node, plan.top, top)}
        for objects in paths(hit, node, plan.top):
            try:
                sentence = printer(objects, plan.asked)
            except PrinterError:
                continue
            if sentence in wanted:
                container = objects.get(Node.CONTAINER)
                name = "" if container is None else container.name
                place = Place(where.get(id(objects[node]), ""), name)
                if place not in said[sentence]:
                    said[sentence].append(place)
    return said


def event_sentence(root: RootView) -> str:
    """What the violation of the event itself says; empty without an event."""
    if root.process is not None:
        return eventmessages.process_message([root.process.process])
    if root.kube_event is not None:
        return eventmessages.kube_violation(root.kube_event).message
    if root.flow is not None:
        return eventmessages.flow_violation(root.flow).message
    if root.file_access is not None:
        return eventmessages.file_violation(root.file_access).message
    return ""


@dataclass(frozen=True, slots=True)
class _Met:
    """A criterion and everything that satisfied it, by the path of the object."""

    group: CompiledGroup
    by_object: dict[str, list[Finding]]

    @classmethod
    def of(cls, group: CompiledGroup, plan: SectionPlan, top: Any, hit: Hit, now: int) -> _Met:
        by_object: dict[str, list[Finding]] = defaultdict(list)
        kept = kept_objects(hit)
        for placed in placed_findings(group, plan, top, kept, now):
            if _counts(placed):
                by_object[placed.object].append(placed.finding)
        return cls(group, by_object)

    def around(self, places: list[Place]) -> CriterionCause:
        """The criterion with what it met on these objects, above and below them."""
        found: list[Finding] = []
        omitted = 0
        for key in dict.fromkeys(key for place in places for key in self._keys(place.path)):
            room = MAX_FINDINGS - len(found)
            found.extend(self.by_object[key][:room])
            omitted += max(0, len(self.by_object[key]) - room)
        group = self.group.group
        return CriterionCause(
            self.group.criterion.name,
            group.negate,
            policy_pb2.BooleanOperator.Name(group.boolean_operator),
            tuple(value.value for value in group.values),
            tuple(found),
            omitted,
        )

    def _keys(self, path: str) -> Iterator[str]:
        above = [key for key in _above(path) if key in self.by_object]
        yield from above
        below = f"{path}." if path else ""
        yield from (key for key in self.by_object if key not in above and key.startswith(below))


def _counts(placed: Placed) -> bool:
    return placed.finding.matched and placed.finding.linked


def _above(path: str) -> Iterator[str]:
    """The object itself and everything that it is part of."""
    while path:
        yield path
        path = path.rpartition(".")[0]
    yield ""
