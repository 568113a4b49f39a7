"""Policies that cannot be compiled say where."""

from __future__ import annotations

import pytest

from pyrox.pb.storage.policy_pb2 import Policy
from pyrox.policy import compile as engine
from pyrox.policy.compile import CompileOptions
from pyrox.policy.errors import PolicyInvalid
from pyrox.policy.evaluate import compile_policy
from tests.unit.pyrox.policy import builders as b

_WHERE = "policy 'test policy', section 'section 0'"


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([("No Such", ["x"])], f"{_WHERE}, criterion 'No Such': the criterion is unknown"),
        ([("CVE", [])], f"{_WHERE}, criterion 'CVE': the criterion has no values"),
        ([("Host IPC", ["true"], "!")], f"{_WHERE}, criterion 'Host IPC': the criterion cannot be negated"),
        ([("Host IPC", ["true", "false"])], f"{_WHERE}, criterion 'Host IPC': the criterion takes one value"),
        (
            [("Image Signature Verified By", [b.SIGNER, b.OTHER_SIGNER], "&")],
            f"{_WHERE}, criterion 'Image Signature Verified By': the values cannot be joined by AND",
        ),
        ([("Process UID", ["root"])], f"{_WHERE}, criterion 'Process UID': 'root' is not a whole number"),
        ([("Exposed Port", ["1.5"])], f"{_WHERE}, criterion 'Exposed Port': '1.5' is not a whole number"),
    ],
)
def test_bad_criterion_is_named_with_policy_and_section(groups: list[b.Group], message: str) -> None:
    with pytest.raises(PolicyInvalid) as caught:
        compile_policy(b.policy(groups))
    assert caught.value.message == message


def test_bad_expression_is_named_with_its_text() -> None:
    with pytest.raises(PolicyInvalid, match=r"criterion 'CVE': regular expression '\('"):
        compile_policy(b.policy([("CVE", ["("])]))


def test_section_without_criteria_is_refused() -> None:
    policy = Policy(name="x")
    policy.policy_sections.add(section_name="empty")
    with pytest.raises(PolicyInvalid, match="section 'empty': the section has no criteria"):
        compile_policy(policy)


def test_policy_without_sections_never_matches() -> None:
    assert not compile_policy(Policy(name="x")).evaluate(b.on_deployment(), b.NOW).matched


@pytest.mark.parametrize(
    ("name", "value", "options"),
    [
        ("Days Since CVE Fix Was Available", "1", CompileOptions(cve_fix_timestamp=False)),
        ("File Path", "/etc/*", CompileOptions(sensitive_file_activity=False)),
    ],
)
def test_criterion_behind_a_flag_is_unknown_when_it_is_off(
    name: str, value: str, options: CompileOptions
) -> None:
    policy = b.policy([(name, [value])])
    compile_policy(policy)
    with pytest.raises(PolicyInvalid, match="the criterion is unknown"):
        compile_policy(policy, options=options)


def test_hostile_numbers_of_sections_and_values_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "MAX_SECTIONS", 1)
    monkeypatch.setattr(engine, "MAX_VALUES", 2)
    with pytest.raises(PolicyInvalid, match="more than 1 sections"):
        compile_policy(b.policy([("CVE", ["a"])], [("CVE", ["b"])]))
    with pytest.raises(PolicyInvalid, match="more than 2 values"):
        compile_policy(b.policy([("CVE", ["a", "b", "c"])]))


def test_bad_expression_in_a_scope_is_refused() -> None:
    policy = b.policy([("CVE", ["a"])])
    policy.scope.add(namespace="(")
    with pytest.raises(PolicyInvalid, match="a scope or exclusion has a bad expression"):
        compile_policy(policy)
