"""From a storage.Policy to something that can be evaluated: once, before all events.

Called by `pyrox.policy.sets` and by whoever checks one policy. It must not know alerts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pyrox.pb.storage import policy_pb2
from pyrox.pb.storage.policy_pb2 import Policy, PolicyGroup, PolicySection
from pyrox.policy import messages, plan
from pyrox.policy.errors import PolicyInvalid
from pyrox.policy.fields import CRITERIA, CVE_FIX_TIMESTAMP, SENSITIVE_FILE_ACTIVITY, Criterion, Kind
from pyrox.policy.leaves import FILE_LEAVES, LEAVES, Leaf, Node
from pyrox.policy.messages import Asked
from pyrox.policy.queries import Query
from pyrox.policy.regex import MAX_PATTERN_LENGTH
from pyrox.policy.subject import (
    AuditEventSubject,
    DeploymentSubject,
    FileAccessSubject,
    ImageSubject,
    KubeEventSubject,
    NetworkFlowSubject,
    NodeEventSubject,
    ProcessSubject,
    Subject,
)
from pyrox.policy.values import BadValue, anything

# Bounds on what a stranger's policy may ask for; the largest default policy has 2 sections,
# 4 groups and 5 values.
MAX_SECTIONS = 1000
MAX_VALUES = 10_000

# Values that messages need and that must therefore be found somewhere (upstream
# violationmessages/context.go), where the criterion's own label does not imply them.
_CONTAINER_NAME, _PROCESS_NAME = "Container Name", "Process Name"
_CONTEXT: dict[str, tuple[str, ...]] = {
    "Exposed Port": (_CONTAINER_NAME,),
    "Port Protocol": (_CONTAINER_NAME,),
    "Exposure Level": (_CONTAINER_NAME,),
    "Replicas": (_CONTAINER_NAME,),
    "Automount Service Account Token": (_CONTAINER_NAME,),
    "Unexpected Process Executed": (_PROCESS_NAME,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CompileOptions:
    """Feature flags of the engine; the defaults are upstream's."""

    evaluation_filter: bool = True
    cve_fix_timestamp: bool = True
    sensitive_file_activity: bool = True

    def knows(self, criterion: Criterion) -> bool:
        """Whether the criterion is switched on."""
        flags = {
            CVE_FIX_TIMESTAMP: self.cve_fix_timestamp,
            SENSITIVE_FILE_ACTIVITY: self.sensitive_file_activity,
        }
        return flags.get(criterion.flag, True)


DEFAULT_OPTIONS = CompileOptions()


@dataclass(frozen=True, slots=True)
class CompiledGroup:
    """A criterion of a section with its queries."""

    criterion: Criterion
    group: PolicyGroup
    queries: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class SectionPlan:
    """How a section is matched for one kind of subject.

    `event` looks at the event alone; it is None for a section without criteria on events.
    """

    linked: plan.LinkedPlan
    event: plan.LinkedPlan | None
    asked: Asked
    printers: tuple[tuple[Node, messages.Printer], ...]
    leaves: dict[str, Leaf]
    top: Node


@dataclass(slots=True)
class CompiledSection:
    """One section; plans are made per kind of subject when first needed."""

    name: str
    groups: tuple[CompiledGroup, ...]
    _plans: dict[type[Subject], SectionPlan] = field(default_factory=dict)

    def plan_for(self, kind: type[Subject]) -> SectionPlan:
        """The plan for that kind of subject; raises `PolicyInvalid` when there can be none."""
        known = self._plans.get(kind)
        if known is None:
            known = self._plans[kind] = _section_plan(self, kind)
        return known

    @property
    def at_run_time(self) -> bool:
        """Whether any criterion is about an event."""
        return any(group.criterion.at_run_time for group in self.groups)

    def fits(self, label: str, value: str) -> bool:
        """Whether the value fits all that the section asks of the label; so too where it asks nothing."""
        queries = (query for group in self.groups for query in group.queries)
        return all(query.fits(value, 0) for query in queries if query.label == label)

    def asks(self, names: Iterable[str]) -> bool:
        """Whether one of the criteria is in the section."""
        wanted = set(names)
        return any(group.criterion.name in wanted for group in self.groups)


def compile_sections(policy: Policy, options: CompileOptions) -> tuple[CompiledSection, ...]:
    """All sections of the policy; raises `PolicyInvalid` naming section and criterion."""
    check_size(policy)
    return tuple(_section(policy, section, options) for section in policy.policy_sections)


def check_size(policy: Policy) -> None:
    """Raise `PolicyInvalid` when the policy is too large to be worth a look."""
    if len(policy.policy_sections) > MAX_SECTIONS:
        raise PolicyInvalid(f"policy {policy.name!r}: more than {MAX_SECTIONS} sections")
    if (
        sum(len(group.values) for section in policy.policy_sections for group in section.policy_groups)
        > MAX_VALUES
    ):
        raise PolicyInvalid(f"policy {policy.name!r}: more than {MAX_VALUES} values")
    for section in policy.policy_sections:
        for group in section.policy_groups:
            at = next(
                (at for at, one in enumerate(group.values) if len(one.value) > MAX_PATTERN_LENGTH), None
            )
            if at is not None:
                raise PolicyInvalid(
                    f"policy {policy.name[:128]!r}, section {section.section_name[:128]!r}, criterion "
                    f"{group.field_name[:128]!r}: value[{at}] is longer than {MAX_PATTERN_LENGTH} characters"
                )


def _section(policy: Policy, section: PolicySection, options: CompileOptions) -> CompiledSection:
    if not section.policy_groups:
        raise PolicyInvalid(
            f"policy {policy.name!r}, section {section.section_name!r}: the section has no criteria"
        )
    groups = []
    for group in section.policy_groups:
        where = f"policy {policy.name!r}, section {section.section_name!r}, criterion {group.field_name!r}"
        criterion = CRITERIA.get(group.field_name)
        if criterion is None or not options.knows(criterion):
            raise PolicyInvalid(f"{where}: the criterion is unknown")
        groups.append(CompiledGroup(criterion, group, _queries(where, criterion, group)))
    return CompiledSection(section.section_name, tuple(groups))


def _queries(where: str, criterion: Criterion, group: PolicyGroup) -> tuple[Query, ...]:
    texts = [value.value for value in group.values]
    if not texts:
        raise PolicyInvalid(f"{where}: the criterion has no values")
    if group.negate and not criterion.negatable:
        raise PolicyInvalid(f"{where}: the criterion cannot be negated")
    if len(texts) > 1 and criterion.single:
        raise PolicyInvalid(f"{where}: the criterion takes one value")
    every = group.boolean_operator == policy_pb2.AND
    if every and criterion.or_only and len(texts) > 1:
        raise PolicyInvalid(f"{where}: the values cannot be joined by AND")
    try:
        return criterion.build(texts, every, group.negate)
    except BadValue as error:
        raise PolicyInvalid(f"{where}: {error}") from error


def _section_plan(section: CompiledSection, kind: type[Subject]) -> SectionPlan:
    build_time = kind is ImageSubject
    if build_time:
        _refuse_beyond_image(section)
    leaves = FILE_LEAVES if kind in {FileAccessSubject, NodeEventSubject} else LEAVES
    top = Node.CONTAINER if build_time else Node.ROOT
    queries = [query for group in section.groups for query in group.queries]
    asked = _asked(queries, build_time=build_time)
    context = [] if build_time or kind in {AuditEventSubject, NodeEventSubject} else _context(asked)
    return SectionPlan(
        plan.link([*queries, *context], leaves, top),
        _event_plan(section, kind, leaves),
        asked,
        _printers(section),
        leaves,
        top,
    )


def _context(asked: Asked) -> list[Query]:
    labels = dict.fromkeys(label for query in asked.queries for label in _CONTEXT.get(query, ()))
    return [Query(label, (anything,)) for label in labels if not asked.has(label)]


def _refuse_beyond_image(section: CompiledSection) -> None:
    for group in section.groups:
        if group.criterion.kind is not Kind.IMAGE:
            # Upstream's text for a query that the image does not have.
            raise PolicyInvalid(f"invalid query: field {group.queries[0].label} unknown")


def _asked(queries: list[Query], *, build_time: bool) -> Asked:
    by_label: dict[str, tuple[Query, ...]] = {}
    for query in queries:
        by_label[query.label] = (*by_label.get(query.label, ()), query)
    return Asked(by_label, build_time)


def _event_plan(
    section: CompiledSection, kind: type[Subject], leaves: dict[str, Leaf]
) -> plan.LinkedPlan | None:
    queries = [query for group in section.groups if group.criterion.at_run_time for query in group.queries]
    if not queries or kind in {DeploymentSubject, ImageSubject}:
        return None
    # A process is looked at before its container is looked for.
    return plan.link(queries, leaves, Node.CONTAINER if _on_process(section, kind) else Node.ROOT)


def _on_process(section: CompiledSection, kind: type[Subject]) -> bool:
    events = (group.criterion.kind for group in section.groups if group.criterion.at_run_time)
    return kind is ProcessSubject and all(one is Kind.PROCESS for one in events)


def _printers(section: CompiledSection) -> tuple[tuple[Node, messages.Printer], ...]:
    names = dict.fromkeys(
        name for group in section.groups for name in messages.PRINTER_OF.get(group.criterion.name, ())
    )
    return tuple(messages.PRINTERS[name] for name in names)


EVENT_SUBJECTS: tuple[type[Subject], ...] = (
    ProcessSubject,
    NetworkFlowSubject,
    KubeEventSubject,
    AuditEventSubject,
    FileAccessSubject,
    NodeEventSubject,
)
