"""Which roles a subject has."""

from __future__ import annotations

from pyrox.pb.storage.rbac_pb2 import K8sRole, K8sRoleBinding
from services.central.rbac.granted import granted

ROLES = {name: K8sRole(id=name, name=name) for name in ("admin", "view", "edit")}


def bound(role: str, namespace: str = "") -> K8sRoleBinding:
    return K8sRoleBinding(role_id=role, namespace=namespace, cluster_role=not namespace)


def test_granted_parts_cluster_and_namespaces() -> None:
    has = granted([bound("admin"), bound("view", "b"), bound("edit", "a"), bound("view", "a")], ROLES)
    assert [role.name for role in has.cluster] == ["admin"]
    assert [(one.namespace, [role.name for role in one.roles]) for one in has.scoped] == [
        ("a", ["edit", "view"]),
        ("b", ["view"]),
    ]


def test_granted_names_each_role_once() -> None:
    has = granted([bound("view"), bound("view"), bound("edit", "a"), bound("edit", "a")], ROLES)
    assert len(has.cluster) == 1
    assert len(has.scoped[0].roles) == 1


def test_granted_leaves_out_roles_that_are_not_visible() -> None:
    has = granted([bound("hidden"), bound("hidden", "a")], ROLES)
    assert (list(has.cluster), list(has.scoped)) == ([], [])
