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
from pyrox.pb.storage.network_flow_pb2 import NetworkEntityInfo
from pyrox.pb.storage.policy_pb2 import Policy
from pyrox.policy import eventmessages, explain, scope
from pyrox.policy.compile import DEFAULT_OPTIONS, CompiledSection, CompileOptions, SectionPlan, compile_sections
from pyrox.policy.errors import PolicyInvalid
from pyrox.policy.fields import Kind
from pyrox.policy.leaves import Node
from pyrox.policy.plan import Hit, paths
from pyrox.policy.subject import DeploymentSubject, ImageSubject, ProcessSubject, Subject
from pyrox.policy.verdict import NO_MATCH, Verdict
from pyrox.policy.views import ContainerView, RootView

_NANOS = 1_000_000_000

_NETWORK_POLICY = ("Has Ingress Network Policy", "Has Egress Network Policy")
# Flows to and from other kinds of entities have no baseline.
_BASELINED = frozenset(
    {
        NetworkEntityInfo.DEPLOYMENT,
        NetworkEntityInfo.EXTERNAL_SOURCE,
        NetworkEntityInfo.INTERNET,
        NetworkEntityInfo.INTERNAL_ENTITIES,
    }
)
# Policies with these alert because something about the image is not known yet.
_ALERTS_ON_MISSING = ("Unscanned Image", "Image Signature Verified By")


def nanoseconds(now: datetime) -> int:
    """The moment in nanoseconds since 1970; it must carry a time zone."""
    since = now - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * _NANOS + since.microseconds * 1000


@dataclass(frozen=True, slots=True)
class CompiledPolicy:
    """A policy, its compiled sections and its scope. Made by `compile_policy`; never changes."""

    policy: Policy
    sections: tuple[CompiledSection, ...]
    scope: scope.CompiledScope
    skipped_containers: frozenset[int] = frozenset()
    criteria: frozenset[str] = field(default_factory=frozenset)

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
        return self.judge(RootView(subject), now)

    def judge(self, root: RootView, now: datetime) -> Verdict:
        """As `evaluate`, on a subject that is unfolded already."""
        if self.skipped_containers:
            root = _without(root, self.skipped_containers)
        return _Judge(self, root, nanoseconds(now)).verdict()

    def explain(self, subject: Subject, now: datetime) -> explain.Explanation:
        """Which criterion met which value on which object."""
        root = RootView(subject)
        if self.skipped_containers:
            root = _without(root, self.skipped_containers)
        return explain.explain(self.policy, self.sections, root, nanoseconds(now))


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
                raise PolicyInvalid(f"policy {own.name!r}, section {section.name!r}: {error.message}") from error
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


@dataclass(slots=True)
class _Found:
    """What one matching section says."""

    messages: list[str]
    network_policy: bool


@dataclass(frozen=True, slots=True)
class _Judge:
    """One evaluation."""

    compiled: CompiledPolicy
    root: RootView
    now: int

    def verdict(self) -> Verdict:
        kind = type(self.root.subject)
        try:
            plans = [(section, section.plan_for(kind)) for section in self.compiled.sections]
        except PolicyInvalid as error:
            return Verdict(matched=False, error=error.message)
        if not self._evaluable() or not self._event_fits(plans):
            return NO_MATCH
        if self.root.missing_container is not None:
            return Verdict(matched=False, error=self.root.missing_container.message)
        return self._match(plans)

    def _evaluable(self) -> bool:
        flow = self.root.flow
        return flow is None or (flow.source.entity_type in _BASELINED and flow.destination.entity_type in _BASELINED)

    def _event_fits(self, plans: list[tuple[CompiledSection, SectionPlan]]) -> bool:
        events = [plan.event for _section, plan in plans if plan.event is not None]
        if not events:
            return True
        return any(event.match(self._event_top(event.root.node), self.now) for event in events)

    def _event_top(self, node: Node) -> RootView | ContainerView:
        if node is Node.ROOT:
            return self.root
        alone = ContainerView(0, None, None)
        subject = self.root.process
        if subject is not None:
            alone.process, alone.not_in_baseline = subject.process, subject.not_in_baseline
        return alone

    def _match(self, plans: list[tuple[CompiledSection, SectionPlan]]) -> Verdict:
        violations: list[Alert.Violation] = []
        process: Alert.ProcessViolation | None = None
        matched = network_policy = False
        for section, plan in plans:
            hit = self._hit(plan)
            if hit is None:
                continue
            error = _printer_error(section)
            if error:
                return Verdict(matched=False, error=error)
            matched = True
            ours = isinstance(self.root.subject, DeploymentSubject) and section.asks(_NETWORK_POLICY)
            network_policy = network_policy or ours
            violations.extend(_generic(plan, hit, network_policy=ours))
            if section.at_run_time:
                process = process or self._event_violation(violations)
        if not matched:
            return NO_MATCH
        if network_policy:
            self._attach_policies(violations)
        return Verdict(matched=True, violations=tuple(violations), process_violation=process)

    def _hit(self, plan: SectionPlan) -> Hit | None:
        if plan.top is Node.ROOT:
            return plan.linked.match(self.root, self.now)
        return plan.linked.match(self.root.containers[0], self.now)

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
    beyond = {"Exposed Port", "Exposed Port Protocol", "Exposed Node Port", "Port Exposure Method", *_NETWORK_POLICY}
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
