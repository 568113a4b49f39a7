"""Security contexts of containers, with what they inherit from the pod.

Part of the container conversion. It must not know policies.
"""

from __future__ import annotations

from pyrox.pb.storage.deployment_pb2 import SecurityContext
from pyrox.workload import objects
from pyrox.workload.objects import Object

_SECCOMP = {
    "Unconfined": SecurityContext.SeccompProfile.UNCONFINED,
    "Localhost": SecurityContext.SeccompProfile.LOCALHOST,
}


def to_security_context(container: Object, pod_spec: Object) -> SecurityContext:
    """The container's context; privilege escalation counts as allowed unless forbidden."""
    own = objects.child(container, "securityContext")
    of_pod = objects.child(pod_spec, "securityContext")
    capabilities = objects.child(own, "capabilities")
    return SecurityContext(
        privileged=objects.flag(own, "privileged"),
        read_only_root_filesystem=objects.flag(own, "readOnlyRootFilesystem"),
        allow_privilege_escalation=objects.flag(own, "allowPrivilegeEscalation", default=True),
        add_capabilities=objects.texts(capabilities, "add"),
        drop_capabilities=objects.texts(capabilities, "drop"),
        selinux=_selinux(_own_or_pods(own, of_pod, "seLinuxOptions")),
        seccomp_profile=_seccomp(_own_or_pods(own, of_pod, "seccompProfile")),
    )


def _own_or_pods(own: Object, of_pod: Object, key: str) -> Object | None:
    found = objects.optional_child(own, key)
    return found if found is not None else objects.optional_child(of_pod, key)


def _selinux(options: Object | None) -> SecurityContext.SELinux | None:
    if options is None:
        return None
    return SecurityContext.SELinux(
        user=objects.text(options, "user"),
        role=objects.text(options, "role"),
        type=objects.text(options, "type"),
        level=objects.text(options, "level"),
    )


def _seccomp(profile: Object | None) -> SecurityContext.SeccompProfile | None:
    if profile is None:
        return None
    return SecurityContext.SeccompProfile(
        type=_SECCOMP.get(objects.text(profile, "type"), SecurityContext.SeccompProfile.RUNTIME_DEFAULT),
        localhost_profile=objects.text(profile, "localhostProfile"),
    )
