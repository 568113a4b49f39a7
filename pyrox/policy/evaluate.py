"""A compiled policy and its verdicts.

Called by detectors through `pyrox.policy.sets`, and directly by the policy test command.
It must not know how verdicts become alerts.
"""

from __future__ import annotations

from collections.abc import Sequence
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
from pyrox.policy.errors import PolicyInvalid, error_list
from pyrox.policy.explain import Explanation, explain_sections
from pyrox.policy.fields import Kind
from pyrox.policy.leaves import STEPS, Node, has_baseline
from pyrox.policy.messages import PrinterError
from pyrox.policy.plan import Hit, LinkedPlan, paths
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
from pyrox.policy.verdict import NO_MATCH, Verdict
from pyrox.policy.views import RootView

_NANOS = 1_000_000_000

_NETWORK_POLICY = frozenset({"Has Ingress Network Policy", "Has Egress Network Policy"})
_FILE = frozenset({"File Path", "File Operation"})
_KUBE = frozenset({"Kubernetes API Verb", "Kubernetes Resource"})
# Which labels make a section speak about the event itself.
_EVENT_LABELS: dict[type[Subject], frozenset[str]] = {
    ProcessSubject: frozenset(
        {
            "Process Name",
            "Process Ancestor",
            "Process UID",
            "Process Arguments",
            "Unexpected Process Executed",
        }
    ),
    KubeEventSubject: _KUBE,
    AuditEventSubject: _KUBE,
    NetworkFlowSubject: frozenset({"Not In Network Baseline"}),
    FileAccessSubject: _FILE,
    NodeEventSubject: _FILE,
}
_PROCESS_NAME = "Process Name"
# Policies with these alert because something about the image is not known yet.
_ALERTS_ON_MISSING = ("Unscanned Image", "Image Signature Verified By")


def nanoseconds(now: datetime) -> int:
    """The moment in nanoseconds since 1970; it must carry a time zone."""
    since = now - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * _NANOS + since.microseconds * 1000


@dataclass(frozen=True, slots=True)
class _Ready:
    """The plans of all sections for one kind of subject, or why there are none.

    `choosy` says that a subject of the kind may be ruled out before any section is matched.
    """

    plans: tuple[tuple[CompiledSection, SectionPlan], ...] = ()
    events: tuple[LinkedPlan, ...] = ()
    error: str = ""
    never: bool = False
    choosy: bool = True


def _prepare(sections: tuple[CompiledSection, ...], kind: type[Subject]) -> _Ready:
    try:
        plans = tuple((section, section.plan_for(kind)) for section in sections)
    except PolicyInvalid as error:
        return _Ready(error=error.message)
    events = tuple(plan.event for _section, plan in plans if plan.event is not None)
    if kind in {ProcessSubject, NetworkFlowSubject} and len(events) < len(plans):
        # A section on the workload alone cannot be ruled out by the process or the flow.
        events = ()
    # Upstream looks at requests only for policies that ask about requests.
    never = kind is KubeEventSubject and not events
    return _Ready(plans, events, never=never, choosy=kind not in {DeploymentSubject, ImageSubject})


def _ruled_out(ready: _Ready, root: RootView, now: int) -> Verdict | None:
    """The verdict that the event alone gives, if it does."""
    if ready.error:
        return Verdict(matched=False, error=ready.error)
    if ready.never or not has_baseline(root.flow):
        return NO_MATCH
    if ready.events and not _event_fits(ready.events, root, now):
        return NO_MATCH
    if root.missing_container is not None:
        return Verdict(matched=False, error=root.missing_container.message)
    return None


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
        ready = self._ready.get(root.kind) or self._prepared(root.kind)
        if ready.choosy:
            ruled_out = _ruled_out(ready, root, now)
            if ruled_out is not None:
                return ruled_out
        found: list[tuple[CompiledSection, SectionPlan, Hit]] | None = None
        for section, plan in ready.plans:
            hit = plan.linked.match(root if plan.top is Node.ROOT else root.containers[0], now)
            if hit is not None:
                found = [*(found or ()), (section, plan, hit)]
        # Most policies do not match, and most of the time goes here.
        return NO_MATCH if found is None else _Judge(root, now).verdict(found)

    def fits_process_name(self, name: str) -> bool:
        """Whether a process of that name can violate the policy at all, or fail it."""
        ready = self._ready.get(ProcessSubject) or self._prepared(ProcessSubject)
        if ready.error or not ready.events:
            return True
        return any(section.fits(_PROCESS_NAME, name) for section in self.sections)

    def _prepared(self, kind: type[Subject]) -> _Ready:
        ready = self._ready[kind] = _prepare(self.sections, kind)
        return ready

    def root_of(self, subject: Subject) -> RootView:
        """The subject unfolded, without the containers that the policy skips."""
        root = RootView(subject)
        return _without(root, self.skipped_containers) if self.skipped_containers else root

    def explain(self, subject: Subject, now: datetime) -> Explanation:
        """Which criterion met which value on which object."""
        return self.explain_at(subject, nanoseconds(now))

    def explain_at(self, subject: Subject, now: int) -> Explanation:
        """As `explain`, with nanoseconds since 1970."""
        root = self.root_of(subject)
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
    for event in events:
        # A process is looked at before its container is looked for.
        if event.match(root if event.root.node is Node.ROOT else root.alone, now) is not None:
            return True
    return False


@dataclass(slots=True)
class _Judge:
    """What the matching sections of one evaluation say."""

    root: RootView
    now: int
    violations: list[Alert.Violation] = field(default_factory=list)
    on_event: bool = False
    on_network_policy: bool = False

    def verdict(self, found: list[tuple[CompiledSection, SectionPlan, Hit]]) -> Verdict:
        for _section, plan, hit in found:
            error = self._render(plan, hit)
            if error:
                return Verdict(matched=False, error=error)
        process = self._event_violation() if self.on_event else None
        if self.on_network_policy and not self.on_event:
            self._attach_policies(self.violations)
        return Verdict(matched=True, violations=tuple(self.violations), process_violation=process)

    def _render(self, plan: SectionPlan, hit: Hit) -> str:
        """Add the section's violations; the text of an error when it has none to add."""
        labels = plan.asked.queries.keys()
        event = not labels.isdisjoint(self._event_labels())
        policies = self.root.kind is DeploymentSubject and not labels.isdisjoint(_NETWORK_POLICY)
        problems = ["missing field Image User"] * _maps_without_user(plan, hit)
        rendered = _generic(plan, hit, problems, network_policy=policies)
        if not rendered and not event:
            problems.append("missing messages")
        self.on_event = self.on_event or event
        self.on_network_policy = self.on_network_policy or policies
        self.violations.extend(rendered)
        return error_list("violation printer", problems)

    def _event_labels(self) -> frozenset[str]:
        return _EVENT_LABELS.get(self.root.kind, frozenset())

    def _event_violation(self) -> Alert.ProcessViolation | None:
        root = self.root
        if root.process is not None:
            return eventmessages.process_violation([root.process.process])
        if root.kube_event is not None:
            self.violations.append(eventmessages.kube_violation(root.kube_event))
        elif root.flow is not None:
            self.violations.append(eventmessages.flow_violation(root.flow))
        elif root.file_access is not None:
            self.violations.append(eventmessages.file_violation(root.file_access))
        return None

    def _attach_policies(self, violations: list[Alert.Violation]) -> None:
        applied = self.root.network_policies
        for violation in violations:
            violation.time.seconds, violation.time.nanos = divmod(self.now, _NANOS)
            if applied is not None:
                eventmessages.attach_network_policies(violation, applied)


def _maps_without_user(plan: SectionPlan, hit: Hit) -> int:
    """How many linked objects lack the image's user, which upstream then fails to print.

    It prints the user for every leaf of the linked tree, and leaves outside the containers
    have none.
    """
    if not plan.asked.has("Image User") or plan.top is not Node.ROOT:
        return 0
    tree: _Tree = {}
    for label in plan.asked.queries:
        if plan.leaves[label].node is Node.ROOT:
            _grow(tree, _STEPS_TO.get(label) or plan.leaves[label].path.split(".")[:-1])
    for node, hits in hit.below:
        if node is not Node.CONTAINER:
            _grow_hits(tree, node, hits)
    return _leaves(tree) if tree else 0


_Tree = dict[str, "_Tree"]
# Upstream keeps the paths of a file event in an object of their own.
_STEPS_TO = {"File Path": ["fileAccess", "filePath"]}


def _grow(tree: _Tree, steps: Sequence[str]) -> _Tree:
    for step in steps:
        tree = tree.setdefault(step, {})
    return tree


def _grow_hits(tree: _Tree, node: Node, hits: Sequence[Hit]) -> None:
    at = _grow(tree, STEPS[node][0].split("."))
    for number, one in enumerate(hits):
        element = at.setdefault(str(number), {})
        for child, below in one.below:
            _grow_hits(element, child, below)


def _leaves(tree: _Tree) -> int:
    return sum(map(_leaves, tree.values())) if tree else 1


def _generic(
    plan: SectionPlan, hit: Hit, problems: list[str], *, network_policy: bool
) -> list[Alert.Violation]:
    found: set[str] = set()
    for node, printer in plan.printers:
        for objects in paths(hit, node, plan.top):
            try:
                found.add(printer(objects, plan.asked))
            except PrinterError as error:
                problems.append(str(error))
    kind = Alert.Violation.NETWORK_POLICY if network_policy else Alert.Violation.GENERIC
    return [Alert.Violation(message=message, type=kind) for message in sorted(found, key=str.encode)]
