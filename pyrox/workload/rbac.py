"""Roles, bindings and service accounts, and what an account may do at most.

Sensor keeps the objects and asks `permission_level` for each deployment. It must not
know where they are stored.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from pyrox.pb.storage.rbac_pb2 import (
    K8sRole,
    K8sRoleBinding,
    PermissionLevel,
    PolicyRule,
    Subject,
    SubjectKind,
)
from pyrox.pb.storage.service_account_pb2 import ServiceAccount
from pyrox.workload import objects
from pyrox.workload.objects import Object

_EVERYTHING = "*"
_READ_ONE = frozenset({"get", "watch"})
_LIST = "list"
_WRITE_VERBS = frozenset(
    {"create", "update", "patch", "delete", "deletecollection", "bind", "escalate", "impersonate"}
)
_SUBJECT_KINDS = {
    "ServiceAccount": SubjectKind.SERVICE_ACCOUNT,
    "User": SubjectKind.USER,
    "Group": SubjectKind.GROUP,
}
_ADMIN_VERBS = frozenset({"create", "update", "patch", "delete"})


class RoleLevel(IntEnum):
    """The most that a role's rules allow, from least to most."""

    NONE = 0
    GET_OR_WATCH = 1
    LIST_SOME = 2
    WRITE_SOME = 3
    WRITE_ALL = 4


@dataclass(frozen=True, slots=True)
class RoleRef:
    """The role that a binding names."""

    name: str
    namespace: str
    """Empty for a cluster role."""


def to_role(value: Object) -> K8sRole:
    """A Role or ClusterRole."""
    namespace = objects.namespace(value)
    return K8sRole(
        id=objects.uid(value),
        name=objects.name(value),
        namespace=namespace,
        cluster_role=objects.text(value, "kind") == "ClusterRole",
        labels=objects.label_map(value),
        annotations=objects.annotation_map(value),
        created_at=objects.created(value),
        rules=[_rule(rule) for rule in objects.children(value, "rules")],
    )


def _rule(rule: Object) -> PolicyRule:
    return PolicyRule(
        verbs=objects.texts(rule, "verbs"),
        api_groups=objects.texts(rule, "apiGroups"),
        resources=objects.texts(rule, "resources"),
        non_resource_urls=objects.texts(rule, "nonResourceURLs"),
        resource_names=objects.texts(rule, "resourceNames"),
    )


def to_binding(value: Object, *, role_id: str) -> K8sRoleBinding:
    """A RoleBinding or ClusterRoleBinding of the role with that id (empty when unknown)."""
    return K8sRoleBinding(
        id=objects.uid(value),
        name=objects.name(value),
        namespace=objects.namespace(value),
        cluster_role=objects.text(value, "kind") == "ClusterRoleBinding",
        labels=objects.label_map(value),
        annotations=objects.annotation_map(value),
        created_at=objects.created(value),
        subjects=[_subject(subject) for subject in objects.children(value, "subjects")],
        role_id=role_id,
    )


def role_ref(value: Object) -> RoleRef:
    """Which role a binding object gives."""
    reference = objects.child(value, "roleRef")
    cluster = objects.text(reference, "kind") == "ClusterRole"
    return RoleRef(objects.text(reference, "name"), "" if cluster else objects.namespace(value))


def _subject(subject: Object) -> Subject:
    kind = _SUBJECT_KINDS.get(objects.text(subject, "kind"), SubjectKind.UNSET_KIND)
    # Only accounts live in namespaces; the API ignores a namespace on the others.
    namespace = objects.text(subject, "namespace") if kind == SubjectKind.SERVICE_ACCOUNT else ""
    return Subject(kind=kind, name=objects.text(subject, "name"), namespace=namespace)


def to_service_account(value: Object) -> ServiceAccount:
    """A service account; its token counts as mounted unless it says otherwise."""
    return ServiceAccount(
        id=objects.uid(value),
        name=objects.name(value),
        namespace=objects.namespace(value),
        labels=objects.label_map(value),
        annotations=objects.annotation_map(value),
        created_at=objects.created(value),
        automount_token=objects.flag(value, "automountServiceAccountToken", default=True),
        secrets=[objects.text(item, "name") for item in objects.children(value, "secrets")],
        image_pull_secrets=[
            objects.text(item, "name") for item in objects.children(value, "imagePullSecrets")
        ],
    )


def role_level(rules: Iterable[PolicyRule]) -> RoleLevel:
    """The most that any of the rules allows."""
    return max((_level(rule) for rule in rules), default=RoleLevel.NONE)


def _level(rule: PolicyRule) -> RoleLevel:
    verbs = set(rule.verbs)
    every_verb = _EVERYTHING in verbs
    writes = every_verb or bool(verbs & _WRITE_VERBS)
    everywhere = _EVERYTHING in rule.resources and _EVERYTHING in rule.api_groups and not rule.resource_names
    if everywhere and (every_verb or verbs >= _ADMIN_VERBS):
        return RoleLevel.WRITE_ALL
    if writes:
        return RoleLevel.WRITE_SOME
    if _LIST in verbs:
        return RoleLevel.LIST_SOME
    return RoleLevel.GET_OR_WATCH if verbs & _READ_ONE else RoleLevel.NONE


def level_of(role: RoleLevel, *, cluster_wide: bool) -> PermissionLevel.ValueType:
    """What one binding of a role of that level gives."""
    if role == RoleLevel.NONE:
        return PermissionLevel.NONE
    if cluster_wide:
        admin = role == RoleLevel.WRITE_ALL
        return PermissionLevel.CLUSTER_ADMIN if admin else PermissionLevel.ELEVATED_CLUSTER_WIDE
    if role == RoleLevel.GET_OR_WATCH:
        return PermissionLevel.DEFAULT
    return PermissionLevel.ELEVATED_IN_NAMESPACE
