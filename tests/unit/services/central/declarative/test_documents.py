from __future__ import annotations

import uuid

import pytest

from pyrox.pb.storage.auth_machine_to_machine_pb2 import AuthMachineToMachineConfig
from pyrox.pb.storage.labels_pb2 import SetBasedLabelSelector
from pyrox.pb.storage.role_pb2 import Access, PermissionSet, Role, SimpleAccessScope
from pyrox.pb.storage.traits_pb2 import Traits
from services.central.access import defaults
from services.central.declarative.documents import MAX_DOCUMENTS, PolicyResource, Problem, Reader, stable_id

READER = Reader(defaults=defaults.load())
SCOPE = """
name: shop only
description: d
rules:
  includedObjects:
    - cluster: prod
    - cluster: dev
      namespaces: [a, b]
  namespaceLabelSelectors:
    - requirements:
        - {key: team, operator: IN, values: [x]}
"""
PERMISSIONS = "name: readers\nresources:\n  - {resource: Image, access: READ_ACCESS}\n"
ROLE = "name: shop reader\naccessScope: shop only\npermissionSet: Analyst\n"
MACHINE = """
type: GENERIC
issuer: https://ci.example
tokenExpirationDuration: 5m
mappings:
  - {key: sub, value: job, role: Analyst}
"""
POLICY = """
apiVersion: config.stackrox.io/v1alpha1
kind: SecurityPolicy
metadata: {name: no-latest}
spec:
  policyName: No latest
  exclusions:
    - {name: x, expiration: 2030-01-02T03:04:05Z}
"""


def read(text: str) -> list[object]:
    return list(READER.read(text))


def problem(text: str) -> str:
    (found,) = read(text)
    assert isinstance(found, Problem)
    return found.text


def test_access_scope_has_its_rules() -> None:
    (made,) = read(SCOPE)
    assert isinstance(made, SimpleAccessScope)
    assert (made.id, made.traits.origin) == (stable_id("access-scope", "shop only"), Traits.DECLARATIVE)
    assert list(made.rules.included_clusters) == ["prod"]
    assert [(one.cluster_name, one.namespace_name) for one in made.rules.included_namespaces] == [
        ("dev", "a"),
        ("dev", "b"),
    ]
    requirement = made.rules.namespace_label_selectors[0].requirements[0]
    assert (requirement.key, requirement.op, list(requirement.values)) == (
        "team",
        SetBasedLabelSelector.IN,
        ["x"],
    )


def test_permission_set_and_role_refer_to_each_other_by_stable_ids() -> None:
    permissions, role, other = read(f"{PERMISSIONS}---\n{ROLE}---\n{ROLE.replace('Analyst', 'readers')}")
    assert isinstance(permissions, PermissionSet)
    assert dict(permissions.resource_to_access) == {"Image": Access.READ_ACCESS}
    assert isinstance(role, Role)
    assert isinstance(other, Role)
    assert role.permission_set_id == "ffffffff-ffff-fff4-f5ff-fffffffffffe"
    assert other.permission_set_id == permissions.id
    assert role.access_scope_id == stable_id("access-scope", "shop only")


def test_machine_login_is_known_by_its_issuer() -> None:
    (made,) = read(MACHINE)
    assert isinstance(made, AuthMachineToMachineConfig)
    assert (made.issuer, made.token_expiration_duration) == ("https://ci.example", "5m")
    assert (made.mappings[0].value_expression, made.mappings[0].role) == ("job", "Analyst")


def test_policy_keeps_its_spec_with_times_as_texts() -> None:
    (made,) = read(POLICY)
    assert isinstance(made, PolicyResource)
    assert (made.name, uuid.UUID(made.id).version) == ("No latest", 5)
    assert made.spec["exclusions"][0]["expiration"] == "2030-01-02T03:04:05Z"


def test_list_and_empty_documents_are_taken() -> None:
    found = read("---\n- name: a\n  resources: []\n- name: b\n  resources: []\n---\n")
    assert [one.name for one in found if isinstance(one, PermissionSet)] == ["a", "b"]


def test_stable_id_depends_on_kind_and_name_alone() -> None:
    assert stable_id("a", "x") == stable_id("a", "x")
    assert len({stable_id("a", "x"), stable_id("b", "x"), stable_id("a", "y")}) == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "decoding YAML file contents"),
        ("a: &x 1\nb: *x\n", "references"),
        ("just words", "expected an object"),
        ("name: x", "no known kind has these fields"),
        ("name: x\nresources: []\nmore: 1", "x: unable to unmarshal the configuration: field more not found"),
        ("name: x\nrules: {includedClusters: [a]}", "field includedClusters not found"),
        ("name: x\nresources: [{resource: Image, access: MUCH}]", "x: "),
        ("name: x\nresources: {a: b}", "resources: expected a list of objects"),
        ("name: [x]\nresources: []", "name: expected a text"),
        ("resources: []", "name must be non-empty: invalid arguments"),
        ("name: x\naccessScope: y", "permission set must be non-empty"),
        ("name: x\noidc: {}", "auth providers are not served by this Central"),
        ("name: x\nsplunk: {}", "notifiers are not served by this Central"),
        ("kind: SecurityPolicy\nspec: {}", "a SecurityPolicy needs metadata.name and spec"),
        ("[" * 5000, "decoding YAML file contents"),
    ],
)
def test_document_that_cannot_be_used_is_told_of(text: str, words: str) -> None:
    assert words in problem(text)


def test_one_bad_document_leaves_the_others() -> None:
    first, second = read(f"name: x\n---\n{PERMISSIONS}")
    assert isinstance(first, Problem)
    assert isinstance(second, PermissionSet)


def test_number_of_documents_is_bounded() -> None:
    found = read("---\nname: a\nresources: []\n" * (MAX_DOCUMENTS + 5))
    assert len(found) == MAX_DOCUMENTS + 1
    assert found[-1] == Problem(f"more than {MAX_DOCUMENTS} documents in a file")
