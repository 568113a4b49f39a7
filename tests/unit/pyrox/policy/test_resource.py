from __future__ import annotations

from typing import Any

import pytest

from pyrox.errors import Invalid
from pyrox.pb.storage import policy_pb2
from pyrox.pb.storage.policy_pb2 import DECLARATIVE, Policy
from pyrox.pb.storage.scope_pb2 import Scope
from pyrox.policy.resource import Names, name_of, policy_of

ID = "7f5b2b7c-37a0-4a5c-8e5d-2b1b7a2f8c11"
NAMES = Names(notifiers={"mail": "id-of-mail"}, clusters={"prod": "id-of-prod"})


def spec(**fields: Any) -> dict[str, Any]:
    return {
        "policyName": "No latest",
        "categories": ["DevOps"],
        "lifecycleStages": ["DEPLOY", "BUILD"],
        "severity": "LOW_SEVERITY",
        "policySections": [
            {
                "sectionName": "one",
                "policyGroups": [
                    {
                        "fieldName": "Image Tag",
                        "booleanOperator": "AND",
                        "negate": True,
                        "values": [{"value": "latest"}],
                    }
                ],
            }
        ],
        **fields,
    }


def test_policy_has_everything_that_the_resource_says() -> None:
    policy = policy_of(
        spec(
            description="d",
            rationale="r",
            remediation="m",
            disabled=True,
            eventSource="NOT_APPLICABLE",
            enforcementActions=["FAIL_BUILD_ENFORCEMENT"],
            mitreAttackVectors=[{"tactic": "TA0001", "techniques": ["T1078"]}],
            evaluationFilter={"skipContainerTypes": ["INIT"]},
        ),
        NAMES,
    )
    assert (policy.name, policy.description, policy.rationale, policy.remediation) == (
        "No latest", "d", "r", "m",
    )  # fmt: skip
    assert policy.disabled
    assert list(policy.lifecycle_stages) == [policy_pb2.DEPLOY, policy_pb2.BUILD]
    assert list(policy.enforcement_actions) == [policy_pb2.FAIL_BUILD_ENFORCEMENT]
    assert policy.severity == policy_pb2.LOW_SEVERITY
    assert policy.mitre_attack_vectors[0].techniques == ["T1078"]
    assert len(policy.evaluation_filter.skip_container_types) == 1
    group = policy.policy_sections[0].policy_groups[0]
    assert (group.field_name, group.negate, group.boolean_operator) == ("Image Tag", True, policy_pb2.AND)
    assert [value.value for value in group.values] == ["latest"]


def test_policy_is_declarative_of_the_newest_version_and_has_no_id() -> None:
    policy = policy_of(spec(isDefault=True, criteriaLocked=True, mitreVectorsLocked=True, id=ID), NAMES)
    assert (policy.source, policy.policy_version, policy.id) == (DECLARATIVE, "1.1", "")
    assert [policy.is_default, policy.criteria_locked, policy.mitre_vectors_locked] == [False] * 3


def test_names_are_resolved_and_ids_taken_as_they_are() -> None:
    policy = policy_of(
        spec(
            notifiers=["mail", ID],
            scope=[{"cluster": "prod", "namespace": "a"}, {"cluster": ID}],
            exclusions=[{"deployment": {"name": "x", "scope": {"cluster": "prod"}}}],
        ),
        NAMES,
    )
    assert list(policy.notifiers) == ["id-of-mail", ID]
    assert [scope.cluster for scope in policy.scope] == ["id-of-prod", ID]
    assert policy.exclusions[0].deployment.scope.cluster == "id-of-prod"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"notifiers": ["pager"]}, "Notifier 'pager' does not exist"),
        ({"scope": [{"cluster": "dev"}]}, "Cluster 'dev' does not exist"),
        ({"exclusions": [{"deployment": {"scope": {"cluster": "dev"}}}]}, "Cluster 'dev' does not exist"),
        ({"exclusions": [{"name": "x", "expiration": "soon"}]}, "Error parsing timestamp 'soon'"),
        ({"exclusions": [{"expiration": 7}]}, "Error parsing timestamp '7'"),
        ({"scope": {"cluster": "dev"}}, "spec.scope: expected a list"),
        ({"scope": ["dev"]}, r"spec.scope\[0\]: expected an object"),
        ({"policySections": "none"}, "spec: "),
        ({"disabled": "perhaps"}, "spec: "),
    ],
)
def test_what_cannot_be_resolved_or_read_is_named(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(Invalid, match=message):
        policy_of(spec(**fields), NAMES)


def test_empty_objects_are_as_absent_ones() -> None:
    empty = {"cluster": "", "label": {"key": "", "value": ""}, "clusterLabel": {}, "namespace": "a"}
    policy = policy_of(
        spec(scope=[empty], exclusions=[{"name": "x", "deployment": {"scope": empty | {"namespace": ""}}}]),
        NAMES,
    )
    assert policy.scope[0] == Scope(namespace="a")
    assert not policy.exclusions[0].HasField("deployment")


def test_labels_expiration_and_image_of_an_exclusion_are_kept() -> None:
    label = {"key": "app", "value": "x"}
    exclusion = {
        "name": "x",
        "deployment": {"name": "d", "scope": {"label": label, "namespaceLabel": label}},
        "image": {"name": "quay.io/"},
        "expiration": "2030-01-02T03:04:05.5Z",
    }
    made = policy_of(spec(exclusions=[exclusion]), NAMES).exclusions[0]
    assert (made.deployment.scope.label.key, made.deployment.scope.namespace_label.value) == ("app", "x")
    assert (made.image.name, made.expiration.nanos) == ("quay.io/", 500_000_000)


def test_enumerator_of_a_later_release_is_left_out() -> None:
    policy = policy_of(spec(lifecycleStages=["DEPLOY", "SLEEP"]), NAMES)
    assert list(policy.lifecycle_stages) == [policy_pb2.DEPLOY]


@pytest.mark.parametrize("given", [{}, {"policyName": 7}, {"policyName": None}])
def test_spec_without_a_name_has_the_empty_one(given: dict[str, Any]) -> None:
    assert name_of(given) == ""
    assert policy_of(given, NAMES) == Policy(policy_version="1.1", source=DECLARATIVE)
