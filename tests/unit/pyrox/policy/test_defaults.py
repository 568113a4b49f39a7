"""The default policies as a whole."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from google.protobuf import json_format

from pyrox.pb.storage import policy_pb2
from pyrox.pb.storage.policy_pb2 import Policy
from pyrox.policy import defaults
from pyrox.policy.compile import CompileOptions
from pyrox.policy.evaluate import compile_policy
from pyrox.policy.validate import validate

_POLICIES = {policy.name: policy for policy in defaults.load()}


def test_there_are_89_policies_of_which_26_are_disabled() -> None:
    assert len(_POLICIES) == 89
    assert sum(policy.disabled for policy in _POLICIES.values()) == 26
    assert len({policy.id for policy in _POLICIES.values()}) == 89


@pytest.mark.parametrize("name", sorted(_POLICIES))
def test_default_policy_is_valid_locked_and_described(name: str) -> None:
    policy = _POLICIES[name]
    assert validate(policy) == ""
    compile_policy(policy, options=CompileOptions())
    assert policy.is_default
    assert policy.criteria_locked
    assert policy.mitre_vectors_locked
    for text in (policy.description, policy.rationale, policy.remediation):
        assert 10 < len(text) <= 800
        assert text.endswith(".")
        assert "$" not in text
    assert policy.policy_version == "1.1"
    assert not policy.notifiers
    assert not policy.scope
    again = json_format.Parse(json_format.MessageToJson(policy), Policy())
    assert again == policy


def test_categories_are_used_as_often_as_in_the_reference() -> None:
    used = Counter(category for policy in _POLICIES.values() for category in policy.categories)
    assert used == {
        "Anomalous Activity": 5,
        "Cryptocurrency Mining": 1,
        "DevOps Best Practices": 12,
        "Docker CIS": 15,
        "Kubernetes": 3,
        "Kubernetes Events": 6,
        "Network Tools": 7,
        "Package Management": 3,
        "Privileges": 9,
        "Security Best Practices": 29,
        "Supply Chain Security": 8,
        "System Modification": 11,
        "Vulnerability Management": 9,
        "Zero Trust": 3,
    }
    names = {category.name for category in defaults.load_categories()}
    assert set(used) <= names
    assert all(category.id and category.isDefault for category in defaults.load_categories())


def test_only_two_policies_enforce_and_only_at_build_time() -> None:
    enforcing = {policy.name: list(policy.enforcement_actions) for policy in _POLICIES.values()}
    assert {name: actions for name, actions in enforcing.items() if actions} == {
        "Fixable CVSS >= 7": [policy_pb2.FAIL_BUILD_ENFORCEMENT],
        "Fixable Severity at least Important": [policy_pb2.FAIL_BUILD_ENFORCEMENT],
    }


def test_vectors_name_known_tactics_and_techniques() -> None:
    tactics = {tactic.id for tactic in defaults.load_tactics()}
    techniques = {technique.id for technique in defaults.load_techniques()}
    vectors = [vector for policy in _POLICIES.values() for vector in policy.mitre_attack_vectors]
    assert sum(bool(policy.mitre_attack_vectors) for policy in _POLICIES.values()) == 35
    assert {vector.tactic for vector in vectors} == tactics
    assert {one for vector in vectors for one in vector.techniques} == techniques


@pytest.mark.parametrize(
    ("name", "deployments", "namespaces"),
    [
        ("Docker CIS 4.1: Ensure That a User for the Container Has Been Created", 49, 21),
        ("Red Hat Package Manager in Image", 66, 1),
        ("No CPU request or memory limit specified", 39, 2),
        ("Mounting Sensitive Host Directories", 15, 18),
        ("Latest tag", 12, 2),
    ],
)
def test_long_exclusion_lists_are_complete(name: str, deployments: int, namespaces: int) -> None:
    exclusions = _POLICIES[name].exclusions
    assert sum(exclusion.deployment.name != "" for exclusion in exclusions) >= deployments - 1
    assert len(exclusions) == deployments + namespaces


def test_defaults_read_as_the_usual_reader_of_json_reads_them() -> None:
    files = Path(defaults.__file__).parent.joinpath("defaults").glob("*.json")
    usual = [json_format.Parse(file.read_text("utf-8"), Policy()) for file in files]
    assert sorted(one.SerializeToString(deterministic=True) for one in usual) == sorted(
        one.SerializeToString(deterministic=True) for one in defaults.load()
    )
