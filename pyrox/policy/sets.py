"""Many policies at once: detection over a set, and the sets that processes need.

Built by Sensor, Admission and Central whenever policies change; immutable, so that a
running detection keeps the set that it began with. It must not know how alerts are made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from pyrox.pb.storage import policy_pb2
from pyrox.pb.storage.policy_pb2 import Policy
from pyrox.policy import enforcement
from pyrox.policy.compile import DEFAULT_OPTIONS, CompileOptions
from pyrox.policy.errors import PolicyInvalid
from pyrox.policy.evaluate import CompiledPolicy, compile_policy, nanoseconds
from pyrox.policy.fields import Kind
from pyrox.policy.scope import NO_LABELS, PlaceLabels
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
from pyrox.policy.verdict import Verdict
from pyrox.policy.views import RootView


@dataclass(frozen=True, slots=True)
class PolicyProblem:
    """A policy that could not be compiled or evaluated; the others went on."""

    policy_id: str
    policy_name: str
    message: str


@dataclass(frozen=True, slots=True)
class Match:
    """A violated policy."""

    compiled: CompiledPolicy
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Detection:
    """All violated policies in the order of their ids, and those that failed."""

    matches: tuple[Match, ...]
    problems: tuple[PolicyProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which policies look at a kind of subject."""

    stage: int
    source: int
    kinds: frozenset[Kind]

    def takes(self, compiled: CompiledPolicy) -> bool:
        if not compiled.has_stage(self.stage):
            return False
        if self.stage != policy_pb2.RUNTIME:
            return True
        return compiled.policy.event_source == self.source and bool(compiled.kinds & self.kinds)


_NOTHING = Detection(())
# Names of processes that are remembered, and the longest of them; kernels cut them at 15 characters.
_NAMES, _MEMORABLE = 4096, 64
_RUNTIME = policy_pb2.RUNTIME
_ON_DEPLOYMENT = policy_pb2.DEPLOYMENT_EVENT
_PROCESS_OR_FILE = frozenset({Kind.FILE})
_KUBE = frozenset({Kind.KUBE, Kind.KUBE_OR_AUDIT})
_AUDIT = frozenset({Kind.AUDIT, Kind.KUBE_OR_AUDIT})
_WANTED: dict[type[Subject], _Wanted] = {
    ImageSubject: _Wanted(policy_pb2.BUILD, 0, frozenset()),
    DeploymentSubject: _Wanted(policy_pb2.DEPLOY, 0, frozenset()),
    ProcessSubject: _Wanted(_RUNTIME, _ON_DEPLOYMENT, frozenset({Kind.PROCESS})),
    NetworkFlowSubject: _Wanted(_RUNTIME, _ON_DEPLOYMENT, frozenset({Kind.FLOW})),
    KubeEventSubject: _Wanted(_RUNTIME, _ON_DEPLOYMENT, _KUBE),
    FileAccessSubject: _Wanted(_RUNTIME, _ON_DEPLOYMENT, _PROCESS_OR_FILE),
    AuditEventSubject: _Wanted(_RUNTIME, policy_pb2.AUDIT_LOG_EVENT, _AUDIT),
    NodeEventSubject: _Wanted(_RUNTIME, policy_pb2.NODE_EVENT, _PROCESS_OR_FILE),
}


@dataclass(frozen=True, slots=True)
class PolicySet:
    """Compiled policies by id; made by `PolicySet.of`, narrowed by `where`."""

    policies: tuple[CompiledPolicy, ...] = ()
    problems: tuple[PolicyProblem, ...] = ()
    _by_subject: dict[type[Subject], tuple[CompiledPolicy, ...]] = field(default_factory=dict, repr=False)
    _by_name: dict[str, tuple[CompiledPolicy, ...]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        policies: Iterable[Policy],
        *,
        options: CompileOptions = DEFAULT_OPTIONS,
        before: PolicySet | None = None,
    ) -> PolicySet:
        """Compile all policies; one that is invalid becomes a problem of the set.

        What did not change since `before`, a set made with the same options, is taken over
        from it as it is.
        """
        known = {one.id: one for one in before.policies} if before is not None else {}
        compiled: dict[str, CompiledPolicy] = {}
        problems: list[PolicyProblem] = []
        for policy in policies:
            try:
                same = _unchanged(known.get(policy.id), policy)
                compiled[policy.id] = same or compile_policy(policy, options=options)
            except PolicyInvalid as error:
                problems.append(PolicyProblem(policy.id, policy.name, error.message))
        return cls._made(compiled.values(), tuple(problems))

    @classmethod
    def _made(cls, compiled: Iterable[CompiledPolicy], problems: tuple[PolicyProblem, ...]) -> PolicySet:
        ordered = tuple(sorted(compiled, key=lambda one: one.id))
        enabled = [one for one in ordered if not one.policy.disabled]
        index = {kind: tuple(filter(wanted.takes, enabled)) for kind, wanted in _WANTED.items()}
        return cls(ordered, problems, index)

    def with_policy(self, policy: Policy, *, options: CompileOptions = DEFAULT_OPTIONS) -> PolicySet:
        """This set with one policy added or replaced; raises `PolicyInvalid`."""
        changed = compile_policy(policy, options=options)
        others = [one for one in self.policies if one.id != policy.id]
        return self._made([*others, changed], self.problems)

    def without(self, policy_id: str) -> PolicySet:
        """This set without one policy."""
        return self.where(lambda one: one.id != policy_id)

    def where(self, keep: Callable[[CompiledPolicy], bool]) -> PolicySet:
        """The policies that the predicate keeps."""
        return self._made(filter(keep, self.policies), self.problems)

    def get(self, policy_id: str) -> CompiledPolicy | None:
        """The policy of that id."""
        return next((one for one in self.policies if one.id == policy_id), None)

    def for_subject(self, kind: type[Subject]) -> tuple[CompiledPolicy, ...]:
        """The enabled policies that look at that kind of subject."""
        return self._by_subject.get(kind, ())

    def detect(self, subject: Subject, now: datetime, *, places: PlaceLabels = NO_LABELS) -> Detection:
        """The enabled policies that the subject violates, scopes and exclusions respected.

        The subject is unfolded once for all of them. A policy that fails is reported and
        the others go on.
        """
        candidates = self._candidates(subject)
        if not candidates:
            return _NOTHING
        root, moment = RootView(subject), nanoseconds(now)
        matches: list[Match] = []
        problems: list[PolicyProblem] = []
        for compiled in candidates:
            verdict = compiled.judge(root, moment)
            # Most policies do not match, so the scope, which costs more, is asked last.
            if not (verdict.matched or verdict.error) or not compiled.scope.applies_to(subject, now, places):
                continue
            if verdict.error:
                problems.append(PolicyProblem(compiled.id, compiled.name, verdict.error))
            else:
                matches.append(Match(compiled, verdict))
        return Detection(tuple(matches), tuple(problems))

    def _candidates(self, subject: Subject) -> tuple[CompiledPolicy, ...]:
        """The policies worth asking: of a process most are ruled out by its name, and names repeat."""
        policies = self._by_subject.get(type(subject), ())
        if not isinstance(subject, ProcessSubject):
            return policies
        name = subject.process.signal.name
        known = self._by_name.get(name)
        if known is None:
            known = tuple(one for one in policies if one.fits_process_name(name))
            if len(name) <= _MEMORABLE:
                if len(self._by_name) >= _NAMES:
                    self._by_name.clear()
                self._by_name[name] = known
        return known


def _unchanged(known: CompiledPolicy | None, policy: Policy) -> CompiledPolicy | None:
    """The compiled policy when it says the same to the byte."""
    if known is None:
        return None
    return known if _bytes(known.policy) == _bytes(policy) else None


def _bytes(policy: Policy) -> bytes:
    return policy.SerializeToString(deterministic=True)


def enforced_at_deploy(policies: PolicySet, *, inline_scan: bool) -> tuple[PolicySet, PolicySet]:
    """Admission's two phases: policies on the spec alone, and those that wait for images.

    Without inline scans, policies that alert on what nobody looked at yet are left out.
    """

    def enforced(one: CompiledPolicy) -> bool:
        return (
            not one.policy.disabled
            and one.has_stage(policy_pb2.DEPLOY)
            and enforcement.has_deploy_enforcement(one.policy)
            and (inline_scan or not one.alerts_on_missing_enrichment)
        )

    ours = policies.where(enforced)
    return ours.where(lambda one: not one.needs_images), ours.where(lambda one: one.needs_images)
