"""Which roles a subject has, from bindings and roles: cluster-wide and per namespace. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pyrox.pb.api.v1.rbac_service_pb2 import ScopedRoles
from pyrox.pb.storage.rbac_pb2 import K8sRole, K8sRoleBinding


@dataclass(frozen=True, slots=True)
class Granted:
    """The roles of one subject."""

    cluster: Sequence[K8sRole]
    scoped: Sequence[ScopedRoles]


def granted(bindings: Iterable[K8sRoleBinding], roles: Mapping[str, K8sRole]) -> Granted:
    """The roles that the bindings, all of one subject, give it; each role once."""
    cluster: dict[str, K8sRole] = {}
    scoped: dict[str, dict[str, K8sRole]] = {}
    for binding in bindings:
        role = roles.get(binding.role_id)
        if role is None:
            continue
        if binding.cluster_role:
            cluster.setdefault(role.id, role)
        else:
            scoped.setdefault(binding.namespace, {}).setdefault(role.id, role)
    return Granted(
        list(cluster.values()),
        [ScopedRoles(namespace=name, roles=scoped[name].values()) for name in sorted(scoped)],
    )
