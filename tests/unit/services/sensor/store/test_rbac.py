"""Permission levels of service accounts."""

from __future__ import annotations

from pyrox.pb.storage.rbac_pb2 import (
    K8sRole,
    K8sRoleBinding,
    PermissionLevel,
    PolicyRule,
    Subject,
    SubjectKind,
)
from pyrox.workload.rbac import RoleRef
from services.sensor.store.rbac import Rbac

ACCOUNT = ("shop", "sa")
VIEW = RoleRef("view", "")


def role(verb: str, name: str = "view") -> K8sRole:
    return K8sRole(
        id=f"id-{name}", name=name, rules=[PolicyRule(verbs=[verb], api_groups=["*"], resources=["*"])]
    )


def binding(key: str = "b", *, cluster: bool = False) -> K8sRoleBinding:
    subject = Subject(kind=SubjectKind.SERVICE_ACCOUNT, name="sa", namespace="shop")
    return K8sRoleBinding(id=key, namespace="shop", cluster_role=cluster, subjects=[subject])


def test_level_without_bindings_is_none() -> None:
    assert Rbac().level(ACCOUNT) == PermissionLevel.NONE


def test_level_is_the_highest_of_all_bindings() -> None:
    rbac = Rbac()
    rbac.put_role(role("get"))
    assert rbac.put_binding(binding(), VIEW) == {ACCOUNT}
    assert rbac.level(ACCOUNT) == PermissionLevel.DEFAULT
    rbac.put_role(role("*", "admin"))
    rbac.put_binding(binding("c", cluster=True), RoleRef("admin", ""))
    assert rbac.level(ACCOUNT) == PermissionLevel.CLUSTER_ADMIN
    assert rbac.remove_binding("c") == {ACCOUNT}
    assert rbac.level(ACCOUNT) == PermissionLevel.DEFAULT


def test_level_follows_the_role() -> None:
    rbac = Rbac()
    rbac.put_binding(binding(), VIEW)
    assert rbac.level(ACCOUNT) == PermissionLevel.NONE
    assert rbac.put_role(role("list")) == {ACCOUNT}
    assert rbac.level(ACCOUNT) == PermissionLevel.ELEVATED_IN_NAMESPACE
    assert rbac.role_id(VIEW) == "id-view"
    rbac.remove_role(role("list"))
    assert (rbac.level(ACCOUNT), rbac.role_id(VIEW)) == (PermissionLevel.NONE, "")


def test_put_binding_again_forgets_the_old_subjects() -> None:
    rbac = Rbac()
    rbac.put_role(role("get"))
    rbac.put_binding(binding(), VIEW)
    assert rbac.put_binding(K8sRoleBinding(id="b", namespace="shop"), VIEW) == {ACCOUNT}
    assert rbac.level(ACCOUNT) == PermissionLevel.NONE
