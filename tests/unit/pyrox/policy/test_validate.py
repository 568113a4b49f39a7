"""Validation, word for word."""

from __future__ import annotations

import pytest

from pyrox.pb.storage import policy_pb2
from pyrox.policy import grammars
from pyrox.policy.compile import CompileOptions
from pyrox.policy.quoting import quote
from pyrox.policy.validate import ValidateOptions, validate
from tests.unit.pyrox.policy import builders as b

_AUDIT, _DEPLOYMENT, _NODE = 2, 1, 3


def _section(text: str) -> str:
    return f'policy validation error: validation of section "section 0" error: {text}'


@pytest.mark.parametrize(
    ("groups", "source", "error"),
    [
        ([("Nope", ["x"])], 0, 'policy criteria name "Nope" is invalid'),
        ([("CVE", [])], 0, 'no values for field "CVE"'),
        ([("CVE", ["a"]), ("CVE", ["b"])], 0, 'field name "CVE" found in multiple groups'),
        ([("Host IPC", ["true"], "!")], 0, 'policy criteria "Host IPC" cannot be negated'),
        (
            [("Host IPC", ["true", "false"])],
            0,
            (
                'policy criteria "Host IPC" does not support more than one value '
                '["value:\\"true\\"" "value:\\"false\\""]'
            ),
        ),
        (
            [("Process Name", ["x"])],
            0,
            '"Process Name" is not supported for event source "NOT_APPLICABLE"',
        ),
        (
            [("Kubernetes API Verb", ["GET"]), ("Kubernetes Resource", ["PODS_EXEC"])],
            _DEPLOYMENT,
            '"Kubernetes API Verb" is not supported for event source "DEPLOYMENT_EVENT"',
        ),
        (
            [("Kubernetes User Name", ["x"])],
            _DEPLOYMENT,
            (
                'validating field dependencies for "section 0" error: '
                "policy sections with Kubernetes User Name must also contain Kubernetes Resource"
            ),
        ),
        (
            [("User Agent", ["x"])],
            _AUDIT,
            (
                "validating event source requirements for section 0 errors: "
                '["AUDIT_LOG_EVENT" policies require field "Kubernetes Resource", '
                '"AUDIT_LOG_EVENT" policies require field "Kubernetes API Verb"]'
            ),
        ),
        (
            [("Severity", ["HIGH"])],
            0,
            f'policy criteria "Severity" has invalid value[0]="HIGH": must match {quote(grammars.SEVERITY)}',
        ),
        (
            [("File Path", ["/a["])],
            _NODE,
            'policy criteria "File Path" has invalid value[0]="/a[": path contains invalid wildcard pattern',
        ),
        (
            [("File Path", ["a"])],
            _NODE,
            'policy criteria "File Path" has invalid value[0]="a": path must be absolute',
        ),
        (
            [("File Path", ["/a/../b"])],
            _NODE,
            (
                'policy criteria "File Path" has invalid value[0]="/a/../b": '
                "path must not contain traversal '..'"
            ),
        ),
    ],
)
def test_broken_rule_is_told_in_upstreams_words(groups: list[b.Group], source: int, error: str) -> None:
    assert validate(b.policy(groups, source=source)) == _section(error)


def test_criteria_on_the_workload_fit_every_event_source() -> None:
    assert validate(b.policy([("File Path", ["/a"]), ("Host IPC", ["true"])], source=_DEPLOYMENT)) == ""


def test_several_errors_are_listed_per_section() -> None:
    error = validate(b.policy([("Nope", ["x"]), ("CVE", [])], [("Never", ["x"])]))
    assert error == (
        'policy validation errors: [validation of section "section 0" errors: '
        '[policy criteria name "Nope" is invalid, no values for field "CVE"], '
        'validation of section "section 1" error: policy criteria name "Never" is invalid]'
    )


@pytest.mark.parametrize(
    ("version", "error"),
    [
        ("", "only policy with version 1.1 is supported"),
        ("1", "only policy with version 1.1 is supported"),
        ("2", "policy has invalid version"),
    ],
)
def test_other_version_is_refused(version: str, error: str) -> None:
    policy = b.policy([("CVE", ["x"])])
    policy.policy_version = version
    assert validate(policy) == f"policy validation error: {error}"


def test_policy_without_name_is_refused() -> None:
    policy = b.policy([("CVE", ["x"])])
    policy.name = ""
    assert validate(policy) == "policy validation error: no name specified"


def test_signature_values_joined_by_and_are_refused() -> None:
    policy = b.policy([("Image Signature Verified By", [b.SIGNER], "&")])
    assert validate(policy) == (
        'policy validation error: operator AND is not allowed for field "Image Signature Verified By"'
    )


@pytest.mark.parametrize(
    ("name", "value", "options", "source"),
    [
        ("Dockerfile Line", "FROM=x", ValidateOptions(refuse_from=True), 0),
        ("Environment Variable", "SECRET_KEY=k=v", ValidateOptions(strict_environment=True), 0),
        ("Kubernetes Resource", "PODS_EXEC", ValidateOptions(audit_source=True), _DEPLOYMENT),
        (
            "File Path",
            "/a",
            ValidateOptions(features=CompileOptions(sensitive_file_activity=False)),
            _DEPLOYMENT,
        ),
    ],
)
def test_option_makes_validation_stricter(
    name: str, value: str, options: ValidateOptions, source: int
) -> None:
    policy = b.policy([(name, [value])], source=source)
    assert validate(policy) == ""
    assert validate(policy, options=options) != ""


def test_strict_environment_still_takes_raw_values() -> None:
    policy = b.policy([("Environment Variable", ["RAW=k=v", "SECRET_KEY=k="])])
    assert validate(policy, options=ValidateOptions(strict_environment=True)) == ""


def test_audit_resources_are_others_than_those_of_pods() -> None:
    groups: list[b.Group] = [("Kubernetes Resource", ["SECRETS"]), ("Kubernetes API Verb", ["GET"])]
    assert validate(b.policy(groups, stage=policy_pb2.RUNTIME, source=_AUDIT)) == ""
    assert "PODS_EXEC" in validate(b.policy(groups[:1], source=_DEPLOYMENT))
