from __future__ import annotations

import re

import jsonschema
import pytest
import yaml

from pyrox.pb.storage import policy_pb2
from pyrox.pb.storage.deployment_pb2 import ContainerType
from pyrox.pb.storage.policy_pb2 import Policy
from pyrox.policy.defaults import load
from services.central.policies.custom_resource import distinct_name, resource_name, resource_text
from tests.support.central import ROOT

CRD = ROOT / "deploy/helm/central-services/files/securitypolicies.config.stackrox.io.yaml"
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def whole() -> Policy:
    policy = Policy(
        id="p",
        name="No latest: please",
        description="one\ntwo",
        disabled=True,
        categories=["A"],
        lifecycle_stages=[policy_pb2.BUILD, policy_pb2.DEPLOY],
        severity=policy_pb2.HIGH_SEVERITY,
        enforcement_actions=[policy_pb2.FAIL_BUILD_ENFORCEMENT],
        notifiers=["n", "unknown"],
        is_default=True,
        SORT_name="x",
    )
    scope = policy.scope.add(cluster="c")
    scope.label.key = "app"
    exclusion = policy.exclusions.add(name="e")
    exclusion.deployment.name = "d"
    exclusion.deployment.scope.namespace = "ns"
    exclusion.expiration.FromJsonString("2030-01-02T03:04:05.678Z")
    policy.exclusions.add().image.name = "quay.io/"
    group = policy.policy_sections.add(section_name="s").policy_groups.add(
        field_name="Image Age", negate=True
    )
    group.values.add(value="90")
    policy.mitre_attack_vectors.add(tactic="TA0001", techniques=["T1078"])
    policy.evaluation_filter.skip_container_types.append(ContainerType.INIT)
    return policy


def test_resource_has_upstreams_fields_in_upstreams_order() -> None:
    assert resource_text(whole(), "no-latest-please", {"n": "mail"}) == (
        """apiVersion: config.stackrox.io/v1alpha1
kind: SecurityPolicy
metadata:
  name: no-latest-please
spec:
  policyName: 'No latest: please'
  description: |-
    one
    two
  disabled: true
  categories:
    - A
  lifecycleStages:
    - BUILD
    - DEPLOY
  eventSource: NOT_APPLICABLE
  exclusions:
    - name: e
      deployment:
        name: d
        scope:
          namespace: ns
      expiration: "2030-01-02T03:04:05Z"
    - image:
        name: quay.io/
  scope:
    - cluster: c
      label:
        key: app
        value: ""
  severity: HIGH_SEVERITY
  enforcementActions:
    - FAIL_BUILD_ENFORCEMENT
  notifiers:
    - mail
  policySections:
    - sectionName: s
      policyGroups:
        - fieldName: Image Age
          booleanOperator: OR
          negate: true
          values:
            - value: "90"
  mitreAttackVectors:
    - tactic: TA0001
      techniques:
        - T1078
  criteriaLocked: false
  mitreVectorsLocked: false
  isDefault: true
  evaluationFilter:
    skipContainerTypes:
      - INIT
"""
    )


def test_empty_policy_says_what_upstream_always_says() -> None:
    assert yaml.safe_load(resource_text(Policy(), "x", {}))["spec"] == {
        "policyName": "",
        "lifecycleStages": [],
        "eventSource": "NOT_APPLICABLE",
        "severity": "UNSET_SEVERITY",
        "criteriaLocked": False,
        "mitreVectorsLocked": False,
        "isDefault": False,
    }


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft7Validator:
    found = yaml.safe_load(CRD.read_text())["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return jsonschema.Draft7Validator(found)


@pytest.mark.parametrize("policy", load(), ids=lambda policy: policy.name)
def test_default_policy_is_a_resource_that_the_schema_takes(
    policy: Policy, schema: jsonschema.Draft7Validator
) -> None:
    name = resource_name(policy.name, lambda: "unused")
    made = yaml.safe_load(resource_text(policy, name, {}))
    schema.validate(made)
    assert SUBDOMAIN.fullmatch(name)
    assert made["spec"]["policyName"] == policy.name


@pytest.mark.parametrize(
    ("policy_name", "name"),
    [
        ("Latest tag", "latest-tag"),
        ("Fixable CVSS >= 7", "fixable-cvss-7"),
        ("a..b--c.-d", "a-b-c-d"),
        ("v1.2 (beta)", "v1.2-beta"),
        ("  Ünïcode!  ", "n-code"),
        ("x" * 300, "x" * 253),
        ("???", "rhacs-0a1b2c3d"),
    ],
)
def test_name_is_a_dns_subdomain(policy_name: str, name: str) -> None:
    made = resource_name(policy_name, lambda: "0a1b2c3d-0000-4000-8000-000000000000")
    assert made == name
    assert SUBDOMAIN.fullmatch(made)


def test_name_that_is_taken_gets_the_policys_id_and_stays_short() -> None:
    policy_id = "0a1b2c3d-0000-4000-8000-000000000000"
    assert distinct_name("latest-tag", policy_id) == f"latest-tag-{policy_id}"
    long = distinct_name("y" * 215 + "-" + "z" * 20, policy_id)
    assert long == f"{'y' * 215}-{policy_id}"
    assert len(long) <= 253
