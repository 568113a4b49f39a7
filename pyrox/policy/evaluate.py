"""A compiled policy and its verdicts.

Called by detectors through `pyrox.policy.sets`, and directly by the policy test command.
It must not know how verdicts become alerts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pyrox.pb.storage import policy_pb2
from pyrox.pb.storage.alert_pb2 import Alert
from pyrox.pb.storage.policy_pb2 import Policy
from pyrox.policy import eventmessages, scope
from pyrox.policy.compile import (
    DEFAULT_OPTIONS,
    CompiledSection,
    CompileOptions,
    SectionPlan,
    compile_sections,
)
from pyrox.policy.errors import PolicyInvalid
from pyrox.policy.explain import Explanation, explain_sections
from pyrox.policy.fields import Kind
from pyrox.policy.leaves import Node
from pyrox.policy.plan import Hit, LinkedPlan, paths
from pyrox.policy.subject import DeploymentSubject, ImageSubject, ProcessSubject, Subject
from pyrox.policy.verdict import NO_MATCH, Verdict
from pyrox.policy.views import ContainerView, RootView

_NANOS = 1_000_000_000

_NETWORK_POLICY = ("Has Ingress Network Policy", "Has Egress Network Policy")
# Policies with these alert because something about the image is not known yet.
_ALERTS_ON_MISSING = ("Unscanned Image", "Image Signature Verified By")


def nanoseconds(now: datetime) -> int:
    """The moment in nanoseconds since 1970; it must carry a time zone."""
    since = now - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * _NANOS + since.microseconds * 1000


@dataclass(frozen=True, slots=True)
class _Ready:
    """The plans of all sections for one kind of subject, or why there are none."""

    plans: tuple[tuple[CompiledSection, SectionPlan], ...] = ()
    events: tuple[LinkedPlan, ...] = ()
    error: str = ""


def _prepare(sections: tuple[CompiledSection, ...], kind: type[Subject]) -> _Ready:
    try:
        plans = tuple((section, section.plan_for(kind)) for section in sections)
    except PolicyInvalid as error:
        return _Ready(error=error.message)
    return _Ready(plans, tuple(plan.event for _section, plan in plans if plan.event is not None))


@dataclass(frozen=True, slots=True)
class CompiledPolicy:
    """A policy, its compiled sections and its scope. Made by `compile_policy`; never changes."""

    policy: Policy
    sections: tuple[CompiledSection, ...]
    scope: scope.CompiledScope
    skipped_containers: frozenset[int] = frozenset()
    criteria: frozenset[str] = field(default_factory=frozenset)
    _ready: dict[type[Subject], _Ready] = field(default_factory=dict, repr=False, compare=False)

    @property
    def id(self) -> str:
        """The policy's id."""
        return self.policy.id

    @property
    def name(self) -> str:
        """The policy's name."""
        return self.policy.name

    @property
    def needs_images(self) -> bool:
        """Whether a verdict depends on more of an image than its name."""
        return any(group.criterion.enriched for section in self.sections for group in section.groups)

    @property
    def alerts_on_missing_enrichment(self) -> bool:
        """Whether an image that nobody looked at yet violates the policy."""
        return any(section.asks(_ALERTS_ON_MISSING) for section in self.sections)

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds of its criteria."""
        return frozenset(group.criterion.kind for section in self.sections for group in section.groups)

    def has_stage(self, stage: int) -> bool:
        """Whether the policy lists that storage.LifecycleStage."""
        return stage in self.policy.lifecycle_stages

    def applies_to(self, subject: Subject, now: datetime) -> bool:
        """Whether scopes and exclusions let the policy speak about the subject at all."""
        return self.scope.applies_to(subject, now)

    def evaluate(self, subject: Subject, now: datetime) -> Verdict:
        """The verdict on the subject, scopes and exclusions left aside; never raises for data."""
        return self.judge(RootView(subject), nanoseconds(now))

    def judge(self, root: RootView, now: int) -> Verdict:
        """As `evaluate`, on a subject that is unfolded already and with nanoseconds since 1970."""
        if self.skipped_containers:
            root = _without(root, self.skipped_containers)
        ready = self._ready.get(root.kind)
        if ready is None:
            ready = self._ready[root.kind] = _prepare(self.sections, root.kind)
        if ready.error:
            return Verdict(matched=False, error=ready.error)
        if ready.events and not _event_fits(ready.events, root, now):
            return NO_MATCH
        if root.missing_container is not None:
            return Verdict(matched=False, error=root.missing_container.message)
        found = []
        for section, plan in ready.plans:
            hit = plan.linked.match(root if plan.top is Node.ROOT else root.containers[0], now)
            if hit is not None:
                found.append((section, plan, hit))
        return _Judge(root, now).verdict(found) if found else NO_MATCH

    def explain(self, subject: Subject, now: datetime) -> Explanation:
        """Which criterion met which value on which object."""
        return self.explain_at(subject, nanoseconds(now))

    def explain_at(self, subject: Subject, now: int) -> Explanation:
        """As `explain`, with nanoseconds since 1970."""
        root = RootView(subject)
        if self.skipped_containers:
            root = _without(root, self.skipped_containers)
        sections = explain_sections(self.sections, root, now)
        # A section on the workload alone may fit while no event does: the verdict decides.
        return Explanation(self.id, self.name, self.judge(root, now).matched, sections)


def compile_policy(policy: Policy, *, options: CompileOptions = DEFAULT_OPTIONS) -> CompiledPolicy:
    """The compiled policy; raises `PolicyInvalid` naming policy, section and criterion.

    The policy is copied, so the caller may change its own afterwards.
    """
    own = Policy()
    own.CopyFrom(policy)
    sections = compile_sections(own, options)
    if policy_pb2.BUILD in own.lifecycle_stages:
        for section in sections:
            try:
                section.plan_for(ImageSubject)
            except PolicyInvalid as error:
                raise PolicyInvalid(
                    f"policy {own.name!r}, section {section.name!r}: {error.message}"
                ) from error
    skipped: frozenset[int] = frozenset()
    if options.evaluation_filter:
        skipped = frozenset(own.evaluation_filter.skip_container_types)
    names = frozenset(group.criterion.name for section in sections for group in section.groups)
    return CompiledPolicy(own, sections, scope.compile_scope(own), skipped, names)


def _without(root: RootView, types: frozenset[int]) -> RootView:
    if all(view.container is None or view.container.type not in types for view in root.containers):
        return root
    fresh = RootView(root.subject)
    fresh.containers = [
        view for view in fresh.containers if view.container is None or view.container.type not in types
    ]
    return fresh


def _event_fits(events: tuple[LinkedPlan, ...], root: RootView, now: int) -> bool:
    alone: ContainerView | None = None
    for event in events:
        if event.root.node is Node.ROOT:
            if event.match(root, now) is not None:
                return True
            continue
        # The process is looked at before its container is looked for.
        alone = alone or _alone(root)
        if event.match(alone, now) is not None:
            return True
    return False


def _alone(root: RootView) -> ContainerView:
    alone = ContainerView(0, None, None)
    if root.process is not None:
        alone.process, alone.not_in_baseline = root.process.process, root.process.not_in_baseline
    return alone


@dataclass(frozen=True, slots=True)
class _Judge:
    """What the matching sections of one evaluation say."""

    root: RootView
    now: int

    def verdict(self, found: list[tuple[CompiledSection, SectionPlan, Hit]]) -> Verdict:
        violations: list[Alert.Violation] = []
        process: Alert.ProcessViolation | None = None
        network_policy = False
        for section, plan, hit in found:
            error = _printer_error(section)
            if error:
                return Verdict(matched=False, error=error)
            ours = self.root.kind is DeploymentSubject and section.asks(_NETWORK_POLICY)
            network_policy = network_policy or ours
            violations.extend(_generic(plan, hit, network_policy=ours))
            if section.at_run_time:
                process = process or self._event_violation(violations)
        if network_policy:
            self._attach_policies(violations)
        return Verdict(matched=True, violations=tuple(violations), process_violation=process)

    def _event_violation(self, violations: list[Alert.Violation]) -> Alert.ProcessViolation | None:
        root = self.root
        if isinstance(root.subject, ProcessSubject):
            return eventmessages.process_violation([root.subject.process])
        if root.kube_event is not None:
            violations.append(eventmessages.kube_violation(root.kube_event))
        elif root.flow is not None:
            violations.append(eventmessages.flow_violation(root.flow))
        elif root.file_access is not None:
            violations.append(eventmessages.file_violation(root.file_access))
        return None

    def _attach_policies(self, violations: list[Alert.Violation]) -> None:
        applied = self.root.network_policies
        for violation in violations:
            violation.time.seconds, violation.time.nanos = divmod(self.now, _NANOS)
            if applied is not None:
                eventmessages.attach_network_policies(violation, applied)


def _printer_error(section: CompiledSection) -> str:
    # Upstream prints the image's user for every linked object, and those outside the
    # containers have none: such a policy never alerts there.
    beyond = {
        "Exposed Port",
        "Exposed Port Protocol",
        "Exposed Node Port",
        "Port Exposure Method",
        *_NETWORK_POLICY,
    }
    if section.asks(("Image User",)) and section.asks(beyond):
        return "violation printer error: missing field Image User"
    return ""


def _generic(plan: SectionPlan, hit: Hit, *, network_policy: bool) -> Iterator[Alert.Violation]:
    found: set[str] = set()
    for node, printer in plan.printers:
        for objects in paths(hit, node, plan.top):
            found.add(printer(objects, plan.asked))
    kind = Alert.Violation.NETWORK_POLICY if network_policy else Alert.Violation.GENERIC
    for message in sorted(found, key=str.encode):
        yield Alert.Violation(message=message, type=kind)
