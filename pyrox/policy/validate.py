"""The rules a policy's criteria must keep, with upstream's error texts.

Called by Central before it stores a policy, by roxctl and by the policy test command. It
must not know the rest of the policy nor compile it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pyrox.pb.storage import policy_pb2
from pyrox.pb.storage.policy_pb2 import EventSource, Policy, PolicyGroup, PolicySection
from pyrox.policy import glob, grammars, regex
from pyrox.policy.compile import DEFAULT_OPTIONS, CompileOptions
from pyrox.policy.errors import error_list
from pyrox.policy.fields import CRITERIA, Criterion
from pyrox.policy.quoting import quote, quote_list

# The only version that exists today (upstream pkg/booleanpolicy/policyversion).
CURRENT_VERSION = "1.1"
_KNOWN_VERSIONS = frozenset({"", "1", CURRENT_VERSION})

_RESOURCE, _VERB, _PATH = "Kubernetes Resource", "Kubernetes API Verb", "File Path"
_REQUIRED: dict[int, tuple[str, ...]] = {
    policy_pb2.AUDIT_LOG_EVENT: (_RESOURCE, _VERB),
    policy_pb2.NODE_EVENT: (_PATH,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateOptions:
    """How strict to be.

    `strict_environment`: a variable that is not RAW may not name a value (new policies).
    `audit_source`: the policy is on audit log events whatever it says itself.
    `refuse_from`: the Dockerfile instruction FROM is refused (saving through the API).
    """

    strict_environment: bool = False
    audit_source: bool = False
    refuse_from: bool = False
    features: CompileOptions = DEFAULT_OPTIONS


DEFAULT_VALIDATE_OPTIONS = ValidateOptions()


def validate(policy: Policy, *, options: ValidateOptions = DEFAULT_VALIDATE_OPTIONS) -> str:
    """Upstream's error text, or an empty one for a valid policy."""
    problems: list[str] = []
    if policy.policy_version not in _KNOWN_VERSIONS:
        problems.append("policy has invalid version")
    elif policy.policy_version != CURRENT_VERSION:
        problems.append(f"only policy with version {CURRENT_VERSION} is supported")
    if not policy.name:
        problems.append("no name specified")
    source = policy_pb2.AUDIT_LOG_EVENT if options.audit_source else policy.event_source
    checker = _Checker(source, options)
    problems.extend(problem for section in policy.policy_sections if (problem := checker.section(section)))
    problems.extend(_joined_by_and(policy))
    return error_list("policy validation", problems)


@dataclass(frozen=True, slots=True)
class _Checker:
    source: EventSource.ValueType
    options: ValidateOptions

    def section(self, section: PolicySection) -> str:
        seen: set[str] = set()
        problems: list[str] = []
        for group in section.policy_groups:
            problems.extend(self._group(group, seen))
        present = {group.field_name for group in section.policy_groups}
        name = section.section_name
        problems.extend(
            filter(
                None,
                (
                    error_list(
                        f"validating event source requirements for {name}", list(self._source(present))
                    ),
                    error_list(
                        f"validating field dependencies for {quote(name)}",
                        list(_dependencies(section, present)),
                    ),
                ),
            )
        )
        return error_list(f"validation of section {quote(name)}", problems)

    def _source(self, present: set[str]) -> Iterable[str]:
        for name in _REQUIRED.get(self.source, ()):
            if name not in present:
                yield f'"{EventSource.Name(self.source)}" policies require field "{name}"'

    def _group(self, group: PolicyGroup, seen: set[str]) -> Iterable[str]:
        name = group.field_name
        criterion = CRITERIA.get(name)
        if criterion is None or not self.options.features.knows(criterion):
            yield f"policy criteria name {quote(name)} is invalid"
            return
        if not criterion.allowed_for(self.source):
            yield f"{quote(name)} is not supported for event source {quote(EventSource.Name(self.source))}"
            return
        if not group.values:
            yield f"no values for field {quote(name)}"
        if name in seen:
            yield f"field name {quote(name)} found in multiple groups"
        seen.add(name)
        yield from _operators(criterion, group)
        yield from self._values(criterion, group)

    def _values(self, criterion: Criterion, group: PolicyGroup) -> Iterable[str]:
        expression = criterion.grammar_for(
            self.source,
            strict_environment=self.options.strict_environment,
            allow_from=not self.options.refuse_from,
        )
        check = path_problem if expression == grammars.FILE_PATH else _expression_check(expression)
        for at, value in enumerate(group.values):
            problem = check(value.value)
            if problem:
                shown = f"value[{at}]={quote(value.value)}"
                yield f"policy criteria {quote(criterion.name)} has invalid {shown}: {problem}"


def _operators(criterion: Criterion, group: PolicyGroup) -> Iterable[str]:
    name = quote(criterion.name)
    if group.negate and not criterion.negatable:
        yield f"policy criteria {name} cannot be negated"
    if len(group.values) > 1 and criterion.single:
        # Upstream shows the messages in their text form, each quoted once more.
        texts = [f"value:{quote(value.value)}" if value.value else "" for value in group.values]
        yield f"policy criteria {name} does not support more than one value {quote_list(texts)}"


def _joined_by_and(policy: Policy) -> Iterable[str]:
    for section in policy.policy_sections:
        for group in section.policy_groups:
            criterion = CRITERIA.get(group.field_name)
            if criterion is not None and criterion.or_only and group.boolean_operator == policy_pb2.AND:
                yield f"operator AND is not allowed for field {quote(criterion.name)}"


def _dependencies(section: PolicySection, present: set[str]) -> Iterable[str]:
    for group in section.policy_groups:
        criterion = CRITERIA.get(group.field_name)
        for needed in criterion.needs if criterion is not None else ():
            if needed not in present:
                yield f"policy sections with {group.field_name} must also contain {needed}"


class _ExpressionCheck:
    """A callable that tells which expression a value fails."""

    def __init__(self, expression: str) -> None:
        self._test = regex.sensitive(expression)
        self._problem = f"must match {quote(expression)}"

    def __call__(self, value: str) -> str:
        return "" if self._test(value) else self._problem


def _expression_check(expression: str) -> _ExpressionCheck:
    return _ExpressionCheck(expression)


def path_problem(value: str) -> str:
    """What is wrong with a File Path value; empty when nothing is."""
    if not value.startswith("/"):
        return "path must be absolute"
    if ".." in value.split("/"):
        return "path must not contain traversal '..'"
    try:
        glob.compile_glob(value)
    except glob.BadGlob:
        return "path contains invalid wildcard pattern"
    return ""
