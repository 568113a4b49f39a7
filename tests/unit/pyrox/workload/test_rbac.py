"""Roles and what they allow."""

from __future__ import annotations

import pytest

from pyrox.pb.storage.rbac_pb2 import PermissionLevel, PolicyRule, SubjectKind
from pyrox.workload.rbac import (
    RoleLevel,
    level_of,
    role_level,
    role_ref,
    to_binding,
    to_role,
    to_service_account,
)

LEVELS = {
    "everything": (PolicyRule(verbs=["*"], api_groups=["*"], resources=["*"]), RoleLevel.WRITE_ALL),
    # From a recorded conversation, where it made the account's level ELEVATED_IN_NAMESPACE.
    "recorded": (
        PolicyRule(
            verbs=["create", "patch", "update", "deletecollection", "list", "watch", "bind", "delete", "get"],
            api_groups=["", "*"],
            resources=["*", "secrets"],
        ),
        RoleLevel.WRITE_ALL,
    ),
    "named only": (
        PolicyRule(verbs=["*"], api_groups=["*"], resources=["*"], resource_names=["a"]),
        RoleLevel.WRITE_SOME,
    ),
    "one write": (
        PolicyRule(verbs=["get", "update"], api_groups=[""], resources=["pods"]),
        RoleLevel.WRITE_SOME,
    ),
    "list": (PolicyRule(verbs=["get", "list"], api_groups=[""], resources=["pods"]), RoleLevel.LIST_SOME),
    "watch": (PolicyRule(verbs=["watch"], api_groups=[""], resources=["pods"]), RoleLevel.GET_OR_WATCH),
    "unknown verb": (
        PolicyRule(verbs=["use"], api_groups=[""], resources=["podsecuritypolicies"]),
        RoleLevel.NONE,
    ),
}


@pytest.mark.parametrize("case", LEVELS)
def test_role_level_rule_gives_bucket(case: str) -> None:
    rule, expected = LEVELS[case]
    assert role_level([PolicyRule(verbs=["use"]), rule]) == expected


def test_role_level_no_rules_is_none() -> None:
    assert role_level([]) == RoleLevel.NONE


@pytest.mark.parametrize(
    ("role", "cluster_wide", "expected"),
    [
        (RoleLevel.WRITE_ALL, True, PermissionLevel.CLUSTER_ADMIN),
        (RoleLevel.GET_OR_WATCH, True, PermissionLevel.ELEVATED_CLUSTER_WIDE),
        (RoleLevel.NONE, True, PermissionLevel.NONE),
        (RoleLevel.WRITE_ALL, False, PermissionLevel.ELEVATED_IN_NAMESPACE),
        (RoleLevel.LIST_SOME, False, PermissionLevel.ELEVATED_IN_NAMESPACE),
        (RoleLevel.GET_OR_WATCH, False, PermissionLevel.DEFAULT),
        (RoleLevel.NONE, False, PermissionLevel.NONE),
    ],
)
def test_level_of_binding(role: RoleLevel, cluster_wide: bool, expected: PermissionLevel.ValueType) -> None:
    assert level_of(role, cluster_wide=cluster_wide) == expected


def test_to_binding_subjects_and_reference() -> None:
    value = {
        "kind": "RoleBinding",
        "metadata": {"uid": "b", "name": "n", "namespace": "ns"},
        "roleRef": {"kind": "ClusterRole", "name": "view"},
        "subjects": [
            {"kind": "ServiceAccount", "name": "sa", "namespace": "ns"},
            {"kind": "Group", "name": "g", "namespace": "ns"},
        ],
    }
    made = to_binding(value, role_id="r")
    assert not made.cluster_role
    assert made.role_id == "r"
    assert [(s.kind, s.namespace) for s in made.subjects] == [
        (SubjectKind.SERVICE_ACCOUNT, "ns"),
        (SubjectKind.GROUP, ""),
    ]
    assert not role_ref(value).namespace
    assert made.created_at.seconds == -62135596800


def test_to_role_and_service_account() -> None:
    role = to_role(
        {
            "kind": "ClusterRole",
            "metadata": {"uid": "r"},
            "rules": [{"verbs": ["get"], "nonResourceURLs": ["/x"]}],
        }
    )
    assert role.cluster_role
    assert list(role.rules[0].non_resource_urls) == ["/x"]
    account = to_service_account(
        {"metadata": {"name": "a"}, "secrets": [{"name": "t"}], "imagePullSecrets": [{"name": "p"}]}
    )
    assert account.automount_token
    assert (list(account.secrets), list(account.image_pull_secrets)) == (["t"], ["p"])
