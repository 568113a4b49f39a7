"""The rules that a whole policy must keep before it is stored, in upstream's words.

The service and the import call it. Criteria have rules of their own in
`pyrox.policy.validate`; here is what surrounds them. Sources of the texts:
`central/policy/service/validator.go`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from itertools import islice

from pyrox.errors import Invalid
from pyrox.pb.storage.policy_pb2 import (
    EventSource,
    Exclusion,
    LifecycleStage,
    Policy,
    PolicySection,
    Severity,
)
from pyrox.pb.storage.scope_pb2 import Scope
from pyrox.policy.compile import DEFAULT_OPTIONS, check_size, compile_sections
from pyrox.policy.enforcement import drop_foreign_actions
from pyrox.policy.errors import PolicyInvalid, error_list
from pyrox.policy.fields import CRITERIA, Kind
from pyrox.policy.scope import compile_scope
from pyrox.policy.validate import CURRENT_VERSION, ValidateOptions, validate

_NAME = re.compile(r"[^\n\r$]{5,128}")
_DESCRIPTION = re.compile(r"[^$]{0,800}")
# What upstream's converter says of a version that never was (pkg/booleanpolicy/policyversion).
_NO_VERSION = "invalid version"
_NOT_ENFORCEABLE = ("Has Ingress Network Policy", "Has Egress Network Policy")
# Kinds of events that do not go together; audit log entries have their own source, which tells.
_EVENTS = {
    Kind.PROCESS: "process",
    Kind.FILE: "process",
    Kind.FLOW: "flow",
    Kind.KUBE: "kube",
    Kind.AUDIT: "",
    Kind.KUBE_OR_AUDIT: "kube",
}


def check(policy: Policy, *, options: ValidateOptions, notifiers: Collection[str] | None = None) -> None:
    """Return when the policy may be stored; it is brought into its stored form.

    `notifiers` are the ids of those that exist, None when they do not matter. Raises
    `Invalid` with all that is wrong.
    """
    if text := problem(policy, options=options, notifiers=notifiers):
        before = "Could not ensure policy format: " if text == _NO_VERSION else ""
        raise Invalid.because(f"{before}{text}")


def problem(policy: Policy, *, options: ValidateOptions, notifiers: Collection[str] | None = None) -> str:
    """As `check`: all that is wrong, as imports tell it, or an empty text."""
    if not policy.policy_version:
        # Upstream rewrites the empty version of old exports without a conversion.
        policy.policy_version = CURRENT_VERSION
    if policy.policy_version not in {"1", CURRENT_VERSION}:
        return _NO_VERSION
    drop_foreign_actions(policy)
    policy.name = policy.name.strip()
    problems = [problem for rule in _RULES for problem in rule(policy, options)]
    if notifiers is not None:
        missing = (one for one in policy.notifiers if one not in notifiers)
        problems += [f"notifier {one} does not exist" for one in islice(missing, 1)]
    return error_list("policy invalid", problems)


def _version(policy: Policy, _: ValidateOptions) -> Iterator[str]:
    if policy.policy_version != CURRENT_VERSION:
        yield f"policy version {policy.policy_version} is not supported"


def _name(policy: Policy, _: ValidateOptions) -> Iterator[str]:
    if not _NAME.fullmatch(policy.name):
        yield "policy must have a name between 5 and 128 characters long with no new lines or dollar signs"


def _description(policy: Policy, _: ValidateOptions) -> Iterator[str]:
    if not _DESCRIPTION.fullmatch(policy.description):
        yield (
            "description, when present, should be of sentence form, and not contain more than 800 characters"
        )


def _stages(policy: Policy, options: ValidateOptions) -> Iterator[str]:
    if not policy.lifecycle_stages:
        yield "a policy must apply to at least one lifecycle stage"
        return
    problems = [
        problem
        for stage, rule in _rules_of_stages().items()
        if stage in policy.lifecycle_stages and (problem := rule(policy, options))
    ]
    if text := error_list("error validating lifecycle stage", problems):
        yield text


def _rules_of_stages() -> dict[LifecycleStage.ValueType, Callable[[Policy, ValidateOptions], str]]:
    return {
        LifecycleStage.BUILD: _build,
        LifecycleStage.DEPLOY: _deploy,
        LifecycleStage.RUNTIME: _runtime,
    }


def allowed_stages(policy: Policy) -> list[LifecycleStage.ValueType]:
    """The stages that the policy's criteria allow; none without criteria."""
    if not policy.policy_sections:
        return []
    options = ValidateOptions()
    return [stage for stage, rule in _rules_of_stages().items() if not rule(policy, options)]


def _kinds(policy: Policy) -> Iterator[tuple[str, Kind]]:
    for section in policy.policy_sections:
        yield from _kinds_of(section)


def _kinds_of(section: PolicySection) -> Iterator[tuple[str, Kind]]:
    for group in section.policy_groups:
        if (criterion := CRITERIA.get(group.field_name)) is not None:
            yield group.field_name, criterion.kind


def _configuration(policy: Policy, options: ValidateOptions) -> str:
    """What is wrong with the criteria.

    An expression that RE2 refuses keeps the rules of `validate`; stored, the policy would
    look alive and never be violated. So the criteria are compiled as well.
    """
    try:
        check_size(policy)
        if problem := validate(policy, options=options):
            return problem
        compile_sections(policy, DEFAULT_OPTIONS)
    except PolicyInvalid as error:
        return error.message
    return ""


def _build(policy: Policy, options: ValidateOptions) -> str:
    problem = _configuration(policy, options)
    if not problem:
        beyond = next((name for name, kind in _kinds(policy) if kind is not Kind.IMAGE), "")
        problem = f"invalid query: field {beyond} unknown" if beyond else ""
    return f"policy configuration is invalid for build time: {problem}" if problem else ""


def _deploy(policy: Policy, options: ValidateOptions) -> str:
    if problem := _configuration(policy, options):
        return f"policy configuration is invalid for deploy time: {problem}"
    if any(kind in _EVENTS for _, kind in _kinds(policy)):
        return "deploy time policy cannot contain runtime criteria"
    return ""


def _runtime(policy: Policy, options: ValidateOptions) -> str:
    if not any(kind in _EVENTS for _, kind in _kinds(policy)):
        return (
            "A runtime policy must contain at least one policy criterion from process, network flow, "
            "audit log events, or Kubernetes events criteria categories"
        )
    if _mixes_events(policy):
        return (
            "A runtime policy must not mix incompatible runtime criteria: process and file criteria must be "
            "in the same section, and cannot coexist with network flow or Kubernetes events criteria"
        )
    if problem := _node(policy):
        return problem
    problem = _configuration(policy, options)
    return f"policy configuration is invalid for runtime: {problem}" if problem else ""


def _mixes_events(policy: Policy) -> bool:
    sections = [{kind for _, kind in _kinds_of(section)} for section in policy.policy_sections]
    kinds = frozenset().union(*sections)
    if {Kind.PROCESS, Kind.FILE} <= kinds and {Kind.PROCESS} in [
        one & {Kind.PROCESS, Kind.FILE} for one in sections
    ]:
        return True
    return len({_EVENTS[kind] for kind in kinds if _EVENTS.get(kind)}) > 1


def _node(policy: Policy) -> str:
    if policy.event_source != EventSource.NODE_EVENT:
        return ""
    for section in policy.policy_sections:
        for group in section.policy_groups:
            criterion = CRITERIA.get(group.field_name)
            if criterion is None or not (
                criterion.at_run_time and criterion.allowed_for(policy.event_source)
            ):
                return "Node event policies must contain only node fields"
    for section in policy.policy_sections:
        kinds = {kind for _, kind in _kinds_of(section)}
        if Kind.PROCESS in kinds and Kind.FILE not in kinds:
            return (
                "Node event policies with process criteria must include file access criteria "
                "in the same section"
            )
    return ""


def _severity(policy: Policy, _: ValidateOptions) -> Iterator[str]:
    if policy.severity == Severity.UNSET_SEVERITY:
        yield "a policy must have a severity"


def _categories(policy: Policy, _: ValidateOptions) -> Iterator[str]:
    if not policy.categories:
        yield "a policy must have at least one category"
    elif len(set(policy.categories)) != len(policy.categories):
        yield "a policy cannot contain duplicate categories"


def _scopes(policy: Policy, _: ValidateOptions) -> Iterator[str]:
    # As with exclusions, notifiers and enforcement, upstream names the first one alone.
    yield from islice(filter(None, map(scope_problem, policy.scope)), 1)


def scope_problem(scope: Scope) -> str:
    """What is wrong with one scope, or an empty text."""
    parts = (scope.cluster, scope.namespace)
    labels = [scope.HasField(name) for name in ("label", "cluster_label", "namespace_label")]
    if not any(parts) and not any(labels):
        return "scope must have at least one field populated"
    if scope.cluster and scope.HasField("cluster_label"):
        return "scope cannot have both 'cluster' and 'cluster_label' fields populated"
    if scope.namespace and scope.HasField("namespace_label"):
        return "scope cannot have both 'namespace' and 'namespace_label' fields populated"
    try:
        compile_scope(Policy(scope=[scope]))
    except PolicyInvalid as error:
        return f"could not compile scope: {error.message}"
    return ""


def _exclusions(policy: Policy, _: ValidateOptions) -> Iterator[str]:
    for exclusion in policy.exclusions:
        if problem := _exclusion(policy, exclusion):
            yield problem
            return


def _exclusion(policy: Policy, exclusion: Exclusion) -> str:
    if not exclusion.HasField("deployment") and not exclusion.HasField("image"):
        return "all excluded scopes must have some criteria to match on"
    if exclusion.HasField("deployment"):
        if not {LifecycleStage.DEPLOY, LifecycleStage.RUNTIME} & set(policy.lifecycle_stages):
            return "excluding a deployment is only valid during the DEPLOY and RUNTIME lifecycles"
        if problem := _deployment_exclusion(exclusion.deployment):
            return problem
    if exclusion.HasField("image"):
        if LifecycleStage.BUILD not in policy.lifecycle_stages:
            return "excluding an image is only valid during the BUILD lifecycle"
        if not exclusion.image.name:
            return "image excluded scope must have nonempty name"
    return ""


def _deployment_exclusion(deployment: Exclusion.Deployment) -> str:
    if not deployment.HasField("scope"):
        return "" if deployment.name else "at least one field of deployment exclusion scope must be defined"
    if deployment.scope.HasField("cluster_label"):
        return "exclusion scopes do not support cluster labels"
    if deployment.scope.HasField("namespace_label"):
        return "exclusion scopes do not support namespace labels"
    problem = scope_problem(deployment.scope)
    return f"deployment exclusion scope is invalid: {problem}" if problem else ""


def _capabilities(policy: Policy, _: ValidateOptions) -> Iterator[str]:
    def values(name: str) -> list[str]:
        groups = (
            g for section in policy.policy_sections for g in section.policy_groups if g.field_name == name
        )
        return [value.value for group in groups for value in group.values]

    both = [name for name in dict.fromkeys(values("Drop Capabilities")) if name in values("Add Capabilities")]
    if both:
        yield f"Capabilities '{','.join(both)}' cannot be included in both add and drop"


def _event_source(policy: Policy, _: ValidateOptions) -> Iterator[str]:
    runtime = LifecycleStage.RUNTIME in policy.lifecycle_stages
    if runtime and policy.event_source == EventSource.NOT_APPLICABLE:
        yield "event source must be deployment or audit event or node for runtime policies"
        return
    early = {LifecycleStage.BUILD, LifecycleStage.DEPLOY} & set(policy.lifecycle_stages)
    if early and policy.event_source != EventSource.NOT_APPLICABLE:
        yield "event source must not be set for build or deploy time policies"
        return
    if policy.event_source == EventSource.AUDIT_LOG_EVENT:
        yield from _audit(policy)
    elif problem := _node(policy):
        yield problem


def _audit(policy: Policy) -> Iterator[str]:
    if policy.enforcement_actions:
        yield "enforcement actions are not applicable for runtime policies with audit log as the event source"
        return
    refusal = "labels in `{}` section are not permitted for audit log events based policies"
    if any(scope.HasField("label") for scope in policy.scope):
        yield refusal.format("restrict to scope")
        return
    for exclusion in policy.exclusions:
        if exclusion.deployment.name:
            yield (
                "deployment level exclusion is not applicable runtime policies "
                "with audit log as the event source"
            )
            return
        if exclusion.deployment.scope.HasField("label"):
            yield refusal.format("exclude by scope")
            return


def _enforcement(policy: Policy, _: ValidateOptions) -> Iterator[str]:
    if not policy.enforcement_actions:
        return
    for name, _kind in _kinds(policy):
        if name in _NOT_ENFORCEABLE:
            yield f"enforcement of {name} is not allowed"
            return


def _evaluation_filter(policy: Policy, _: ValidateOptions) -> Iterator[str]:
    """Only verdicts on deployments look at containers one by one. The words are ours."""
    if not policy.evaluation_filter.skip_container_types:
        return
    if set(policy.lifecycle_stages) == {LifecycleStage.BUILD}:
        yield "evaluation filter is not applicable to policies for the build lifecycle alone"
    elif policy.event_source in {EventSource.AUDIT_LOG_EVENT, EventSource.NODE_EVENT}:
        source = EventSource.Name(policy.event_source)
        yield f"evaluation filter is not applicable to policies with event source {source}"


Rule = Callable[[Policy, ValidateOptions], Iterator[str]]
_RULES: tuple[Rule, ...] = (
    _version,
    _name,
    _description,
    _stages,
    _severity,
    _categories,
    _scopes,
    _exclusions,
    _capabilities,
    _event_source,
    _enforcement,
    _evaluation_filter,
)
