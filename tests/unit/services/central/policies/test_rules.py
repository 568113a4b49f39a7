"""The rules that a whole policy must keep, in upstream's words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from pyrox.errors import Invalid
from pyrox.pb.storage.deployment_pb2 import ContainerType, Deployment
from pyrox.pb.storage.policy_pb2 import EnforcementAction, EventSource, LifecycleStage, Policy, Severity
from pyrox.pb.storage.scope_pb2 import Scope
from pyrox.policy.defaults import load
from pyrox.policy.evaluate import compile_policy
from pyrox.policy.subject import DeploymentSubject
from pyrox.policy.validate import ValidateOptions
from services.central.policies.rules import check, scope_problem

BUILD, DEPLOY, RUNTIME = LifecycleStage.BUILD, LifecycleStage.DEPLOY, LifecycleStage.RUNTIME
ANY = ValidateOptions()
Change = Callable[[Policy], object]


def policy(*stages: LifecycleStage.ValueType, field: str = "Image Tag", value: str = "latest") -> Policy:
    made = Policy(
        name="A good name",
        policy_version="1.1",
        lifecycle_stages=stages or [BUILD],
        severity=Severity.LOW_SEVERITY,
        categories=["DevOps Best Practices"],
    )
    if RUNTIME in stages:
        made.event_source = EventSource.DEPLOYMENT_EVENT
    group = made.policy_sections.add().policy_groups.add(field_name=field)
    group.values.add(value=value)
    return made


def runtime() -> Policy:
    return policy(RUNTIME, field="Process Name", value="sh")


def audit() -> Policy:
    made = policy(RUNTIME, field="Kubernetes Resource", value="SECRETS")
    made.policy_sections[0].policy_groups.add(field_name="Kubernetes API Verb").values.add(value="GET")
    made.event_source = EventSource.AUDIT_LOG_EVENT
    return made


def excluding() -> Policy:
    made = policy(BUILD, DEPLOY)
    made.exclusions.add().image.name = "docker.io/library/"
    made.exclusions.add().deployment.name = "web-.*"
    made.exclusions.add().deployment.scope.namespace = "kube-.*"
    return made


@pytest.mark.parametrize(
    "made", [excluding(), policy(BUILD), policy(DEPLOY), policy(BUILD, DEPLOY), runtime(), audit()]
)
def test_check_good_policy_passes(made: Policy) -> None:
    name = made.name
    check(made, options=ANY)
    assert made.name == name


@pytest.mark.parametrize("default", load(), ids=lambda default: default.name)
def test_check_default_policies_pass(default: Policy) -> None:
    before = Policy.FromString(default.SerializeToString())
    check(default, options=ANY, notifiers=())
    assert default == before


def test_check_brings_the_policy_into_its_stored_form() -> None:
    made = policy(BUILD)
    made.name, made.policy_version = "  A good name\t", ""
    made.enforcement_actions.extend(
        [EnforcementAction.FAIL_BUILD_ENFORCEMENT, EnforcementAction.KILL_POD_ENFORCEMENT]
    )
    check(made, options=ANY)
    assert (made.name, made.policy_version) == ("A good name", "1.1")
    assert list(made.enforcement_actions) == [EnforcementAction.FAIL_BUILD_ENFORCEMENT]


NAME = "policy must have a name between 5 and 128 characters long with no new lines or dollar signs"
DESCRIPTION = (
    "description, when present, should be of sentence form, and not contain more than 800 characters"
)


def with_scope(**fields: str) -> Change:
    return lambda made: made.scope.add(**fields)


def with_exclusion(change: Change = lambda _: None) -> Change:
    return lambda made: change(made.exclusions.add())  # type: ignore[arg-type]  # an exclusion


REFUSED: dict[str, tuple[Callable[[], Policy], Change, str]] = {
    "short name": (policy, lambda p: setattr(p, "name", "four"), NAME),
    "long name": (policy, lambda p: setattr(p, "name", "x" * 129), NAME),
    "name of two lines": (policy, lambda p: setattr(p, "name", "one\ntwo"), NAME),
    "name with a dollar": (policy, lambda p: setattr(p, "name", "a $ name"), NAME),
    "long description": (policy, lambda p: setattr(p, "description", "x" * 801), DESCRIPTION),
    "description with a dollar": (policy, lambda p: setattr(p, "description", "$"), DESCRIPTION),
    "no stage": (
        policy,
        lambda p: p.ClearField("lifecycle_stages"),
        "a policy must apply to at least one lifecycle stage",
    ),
    "no severity": (policy, lambda p: p.ClearField("severity"), "a policy must have a severity"),
    "no category": (policy, lambda p: p.ClearField("categories"), "a policy must have at least one category"),
    "category twice": (
        policy,
        lambda p: p.categories.append(p.categories[0]),
        "a policy cannot contain duplicate categories",
    ),
    "empty scope": (policy, with_scope(), "scope must have at least one field populated"),
    "exclusion of nothing": (
        policy,
        with_exclusion(),
        "all excluded scopes must have some criteria to match on",
    ),
    "deployment excluded from a build": (
        policy,
        with_exclusion(lambda e: setattr(e.deployment, "name", "x")),  # type: ignore[attr-defined]
        "excluding a deployment is only valid during the DEPLOY and RUNTIME lifecycles",
    ),
    "image excluded from a deployment": (
        lambda: policy(DEPLOY),
        with_exclusion(lambda e: setattr(e.image, "name", "x")),  # type: ignore[attr-defined]
        "excluding an image is only valid during the BUILD lifecycle",
    ),
    "image excluded without a name": (
        policy,
        with_exclusion(lambda e: e.image.SetInParent()),  # type: ignore[attr-defined]
        "image excluded scope must have nonempty name",
    ),
    "deployment excluded without a name": (
        lambda: policy(DEPLOY),
        with_exclusion(lambda e: e.deployment.SetInParent()),  # type: ignore[attr-defined]
        "at least one field of deployment exclusion scope must be defined",
    ),
    "exclusion by cluster label": (
        lambda: policy(DEPLOY),
        with_exclusion(lambda e: e.deployment.scope.cluster_label.SetInParent()),  # type: ignore[attr-defined]
        "exclusion scopes do not support cluster labels",
    ),
    "old version": (policy, lambda p: setattr(p, "policy_version", "1"), "policy version 1 is not supported"),
    "exclusion by namespace label": (
        lambda: policy(DEPLOY),
        with_exclusion(lambda e: e.deployment.scope.namespace_label.SetInParent()),  # type: ignore[attr-defined]
        "exclusion scopes do not support namespace labels",
    ),
    "exclusion by a bad scope": (
        lambda: policy(DEPLOY),
        with_exclusion(lambda e: setattr(e.deployment.scope, "namespace", "(")),  # type: ignore[attr-defined]
        "deployment exclusion scope is invalid: could not compile scope: ",
    ),
    "audit without a label": (
        audit,
        with_exclusion(lambda e: e.deployment.scope.label.SetInParent()),  # type: ignore[attr-defined]
        "labels in `exclude by scope` section are not permitted for audit log events based policies",
    ),
    "event source of a build": (
        policy,
        lambda p: setattr(p, "event_source", EventSource.DEPLOYMENT_EVENT),
        "event source must not be set for build or deploy time policies",
    ),
    "no event source at run time": (
        runtime,
        lambda p: p.ClearField("event_source"),
        "event source must be deployment or audit event or node for runtime policies",
    ),
    "enforced audit": (
        audit,
        lambda p: p.enforcement_actions.append(EnforcementAction.FAIL_KUBE_REQUEST_ENFORCEMENT),
        "enforcement actions are not applicable for runtime policies with audit log as the event source",
    ),
    "audit with a label": (
        audit,
        lambda p: p.scope.add().label.SetInParent(),
        "labels in `restrict to scope` section are not permitted for audit log events based policies",
    ),
    "audit without a deployment": (
        audit,
        with_exclusion(lambda e: setattr(e.deployment, "name", "x")),  # type: ignore[attr-defined]
        "deployment level exclusion is not applicable runtime policies with audit log as the event source",
    ),
    "runtime criterion at deploy time": (
        lambda: policy(DEPLOY, field="Process Name", value="sh"),
        lambda p: setattr(p, "event_source", EventSource.DEPLOYMENT_EVENT),
        "error validating lifecycle stage error: deploy time policy cannot contain runtime criteria",
    ),
    "deploy criterion at build time": (
        lambda: policy(BUILD, field="Privileged Container", value="true"),
        lambda _: None,
        "error validating lifecycle stage error: policy configuration is invalid for build time: ",
    ),
    "no event at run time": (
        lambda: policy(RUNTIME),
        lambda _: None,
        "error validating lifecycle stage error: A runtime policy must contain at least one policy criterion",
    ),
    "unknown criterion": (
        lambda: policy(BUILD, field="No Such Field"),
        lambda _: None,
        "policy configuration is invalid for build time: ",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_check_refuses_with_upstreams_words(case: str) -> None:
    make, change, message = REFUSED[case]
    made = make()
    change(made)
    with pytest.raises(Invalid) as refused:
        check(made, options=ANY)
    assert message in refused.value.message
    assert refused.value.message.startswith("policy invalid error")
    assert refused.value.message.endswith(": invalid arguments")


def test_check_names_everything_that_is_wrong_in_order() -> None:
    with pytest.raises(Invalid) as refused:
        check(Policy(policy_version="1.1"), options=ANY)
    parts = (NAME, "at least one lifecycle stage", "must have a severity", "must have at least one category")
    places = [refused.value.message.index(part) for part in parts]
    assert places == sorted(places)
    assert refused.value.message.startswith("policy invalid errors: [")


def test_check_criteria_of_two_event_kinds_in_one_section_are_refused() -> None:
    made = runtime()
    made.policy_sections[0].policy_groups.add(field_name="Kubernetes Resource").values.add(value="PODS_EXEC")
    with pytest.raises(Invalid, match="must not mix incompatible runtime criteria"):
        check(made, options=ANY)


def _add_section(made: Policy, *criteria: tuple[str, str]) -> None:
    section = made.policy_sections.add()
    for name, value in criteria:
        section.policy_groups.add(field_name=name).values.add(value=value)


def _events(*sections: list[tuple[str, str]], source: EventSource.ValueType) -> Policy:
    made = runtime()
    made.event_source = source
    made.ClearField("policy_sections")
    for section in sections:
        _add_section(made, *section)
    return made


_PROCESS, _FILE = ("Process Name", "sh"), ("File Path", "/etc/passwd")
_NODE_FIELDS = "Node event policies must contain only node fields"
_ON_DEPLOYMENT, _ON_NODE = EventSource.DEPLOYMENT_EVENT, EventSource.NODE_EVENT


@pytest.mark.parametrize(
    "sections",
    [
        [[_PROCESS], [("Unexpected Network Flow Detected", "true")]],
        [[_PROCESS], [("Kubernetes Resource", "PODS_EXEC")]],
        [[_PROCESS], [_FILE]],
        [[_PROCESS, _FILE], [_PROCESS]],
    ],
)
def test_check_events_that_do_not_go_together_are_refused_across_sections(
    sections: list[list[tuple[str, str]]],
) -> None:
    made = _events(*sections, source=_ON_DEPLOYMENT)
    with pytest.raises(Invalid, match="must not mix incompatible runtime criteria"):
        check(made, options=ANY)


@pytest.mark.parametrize(
    ("sections", "source"),
    [
        ([[_PROCESS, _FILE], [_FILE]], _ON_DEPLOYMENT),
        ([[_FILE], [_FILE, ("File Operation", "OPEN")]], _ON_DEPLOYMENT),
        ([[_PROCESS, _FILE]], _ON_NODE),
        ([[_PROCESS], [("Process UID", "0")]], _ON_DEPLOYMENT),
    ],
)
def test_check_events_that_go_together_pass(
    sections: list[list[tuple[str, str]]], source: EventSource.ValueType
) -> None:
    made = _events(*sections, source=source)
    check(made, options=ANY)
    assert len(made.policy_sections) == len(sections)


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ([_FILE, ("Namespace", "x")], "Node event policies must contain only node fields"),
        (
            [_FILE, ("Unexpected Process Executed", "true")],
            "Node event policies must contain only node fields",
        ),
        (
            [_PROCESS],
            "Node event policies with process criteria must include file access criteria in the same section",
        ),
    ],
)
def test_check_node_events_have_rules_of_their_own(section: list[tuple[str, str]], told: str) -> None:
    with pytest.raises(Invalid) as refused:
        check(_events(section, source=_ON_NODE), options=ANY)
    # Both the rule of the stage and that of the event source say it.
    assert refused.value.message == (
        f"policy invalid errors: [error validating lifecycle stage error: {told}, {told}]: invalid arguments"
    )


def test_check_names_the_first_of_several_bad_scopes_and_unknown_notifiers() -> None:
    made = policy()
    made.scope.add()
    made.scope.add()
    made.notifiers.extend(["n1", "n2"])
    with pytest.raises(Invalid) as refused:
        check(made, options=ANY, notifiers=())
    assert refused.value.message == (
        "policy invalid errors: [scope must have at least one field populated, notifier n1 does not exist]"
        ": invalid arguments"
    )


@pytest.mark.parametrize(
    ("make", "refused"),
    [(policy, True), (audit, True), (lambda: policy(DEPLOY), False), (lambda: policy(BUILD, DEPLOY), False)],
)
def test_check_containers_are_skipped_only_where_they_are_looked_at(
    make: Callable[[], Policy], refused: bool
) -> None:
    made = make()
    made.evaluation_filter.skip_container_types.append(ContainerType.INIT)
    if refused:
        with pytest.raises(Invalid, match="evaluation filter is not applicable"):
            check(made, options=ANY)
    else:
        check(made, options=ANY)
    assert list(made.evaluation_filter.skip_container_types) == [ContainerType.INIT]


def test_check_capability_added_and_dropped_is_refused() -> None:
    made = policy(DEPLOY, field="Add Capabilities", value="SYS_ADMIN")
    made.policy_sections[0].policy_groups.add(field_name="Drop Capabilities").values.add(value="SYS_ADMIN")
    with pytest.raises(Invalid, match="Capabilities 'SYS_ADMIN' cannot be included in both add and drop"):
        check(made, options=ANY)


@pytest.mark.parametrize("field", ["Has Ingress Network Policy", "Has Egress Network Policy"])
def test_check_missing_network_policy_cannot_be_enforced(field: str) -> None:
    made = policy(DEPLOY, field=field, value="false")
    check(made, options=ANY)
    made.enforcement_actions.append(EnforcementAction.SCALE_TO_ZERO_ENFORCEMENT)
    with pytest.raises(Invalid, match=f"enforcement of {field} is not allowed"):
        check(made, options=ANY)


def test_check_notifiers_must_exist_when_they_are_asked_for() -> None:
    made = policy()
    made.notifiers.append("n1")
    check(made, options=ANY)
    check(made, options=ANY, notifiers={"n1"})
    with pytest.raises(Invalid, match="notifier n1 does not exist"):
        check(made, options=ANY, notifiers=())


def test_check_from_line_is_refused_when_saving_and_taken_in_imports() -> None:
    made = policy(BUILD, field="Dockerfile Line", value="FROM=.*debian")
    check(made, options=ANY)
    with pytest.raises(Invalid):
        check(made, options=ValidateOptions(refuse_from=True))


def scope(**fields: str | tuple[str, str]) -> Scope:
    made = Scope()
    for name, value in fields.items():
        if isinstance(value, str):
            setattr(made, name, value)
        else:
            label = getattr(made, name)
            label.key, label.value = value
    return made


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (scope(cluster="c"), ""),
        (scope(namespace="prod-.*"), ""),
        (scope(label=("app", ".*"), cluster="c", namespace="n"), ""),
        (scope(cluster_label=("a", "b"), namespace_label=("c", "d")), ""),
        (scope(), "scope must have at least one field populated"),
        (
            scope(cluster="c", cluster_label=("a", "b")),
            "scope cannot have both 'cluster' and 'cluster_label' fields populated",
        ),
        (
            scope(namespace="n", namespace_label=("a", "b")),
            "scope cannot have both 'namespace' and 'namespace_label' fields populated",
        ),
        (scope(namespace="("), "could not compile scope: "),
        (scope(label=("(", "")), "could not compile scope: "),
        (scope(namespace="(a{1000}){1000}"), "could not compile scope: "),
        (scope(namespace=r"(?=x)"), "could not compile scope: "),
    ],
)
def test_scope_problem_names_it(given: Scope, problem: str) -> None:
    found = scope_problem(given)
    assert found.startswith(problem)
    assert bool(found) == bool(problem)


@pytest.mark.parametrize("stage", [BUILD, DEPLOY])
@pytest.mark.parametrize("value", ["(", "(?<=a)b", "((x{1000}){1000}){1000}", "a|" * 40_000])
def test_check_refuses_an_expression_that_cannot_be_compiled(
    stage: LifecycleStage.ValueType, value: str
) -> None:
    with pytest.raises(Invalid, match=r"policy configuration is invalid for .* time: .*'Image Tag'"):
        check(policy(stage, value=value), options=ANY)


def test_check_refuses_more_values_and_sections_than_are_read() -> None:
    made = policy(BUILD)
    for number in range(10_000):
        made.policy_sections[0].policy_groups[0].values.add(value=f"v{number}")
    with pytest.raises(Invalid, match="more than 10000 values"):
        check(made, options=ANY)
    made = policy(BUILD)
    made.policy_sections.extend([made.policy_sections[0]] * 1000)
    with pytest.raises(Invalid, match="more than 1000 sections"):
        check(made, options=ANY)


def _asking(criterion: str, *values: str) -> Policy:
    made = Policy(
        name="Hostile one",
        policy_version="1.1",
        lifecycle_stages=[LifecycleStage.DEPLOY],
        severity=Severity.LOW_SEVERITY,
        categories=["Zoo"],
    )
    group = made.policy_sections.add(section_name="first").policy_groups.add(field_name=criterion)
    for value in values:
        group.values.add(value=value)
    return made


_WHERE = "policy 'Hostile one', section 'first', criterion "


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        (_asking("CVE", "x", "a" * 70_000), _WHERE + "'CVE': value[1] is longer than 65536 characters"),
        (_asking("Namespace", " " * 10_000_000), _WHERE + "'Namespace': value[0] is longer than 65536"),
        (_asking("CVE", "((a{1000}){1000}){1000}"), _WHERE + "'CVE': regular expression '((a{1000})"),
        (_asking("CVE", "(?=a)"), _WHERE + "'CVE': regular expression '(?=a)': invalid perl operator: (?="),
        (_asking("Dockerfile Line", "RUN=("), _WHERE + "'Dockerfile Line': regular expression"),
        (_asking("Required Label", "(=x"), _WHERE + "'Required Label': regular expression '('"),
        (_asking("CVE", *["x"] * 10_001), "policy 'Hostile one': more than 10000 values"),
    ],
    ids=range(7),
)
def test_hostile_policy_is_refused_with_the_place_named(policy: Policy, told: str) -> None:
    with pytest.raises(Invalid) as refused:
        check(policy, options=ValidateOptions())
    assert told in refused.value.message
    assert len(refused.value.message) < 1000


def test_pattern_that_makes_other_engines_run_for_ever_is_harmless() -> None:
    policy = _asking("Namespace", "(a+)+$|((a*)*)*b")
    check(policy, options=ValidateOptions())
    compiled = compile_policy(policy)
    deployment = Deployment(namespace="a" * 5000 + "!")
    assert not compiled.evaluate(DeploymentSubject(deployment), datetime(2026, 11, 24, tzinfo=UTC)).matched


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("1", "policy version 1 is not supported"),
        ("2", "Could not ensure policy format: invalid version: invalid arguments"),
        ("1.1 ", "invalid version"),
    ],
)
def test_version_that_cannot_be_converted_is_refused(version: str, told: str) -> None:
    policy = _asking("CVE", "x")
    policy.policy_version = version
    with pytest.raises(Invalid, match=told):
        check(policy, options=ValidateOptions())


def test_policy_of_the_oldest_version_is_taken_as_a_current_one() -> None:
    policy = _asking("CVE", "x")
    policy.policy_version = ""
    check(policy, options=ValidateOptions())
    assert policy.policy_version == "1.1"
