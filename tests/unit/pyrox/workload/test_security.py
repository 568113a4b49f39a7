"""Security contexts and what a container inherits from its pod."""

from __future__ import annotations

from typing import Any

import pytest

from pyrox.pb.storage.deployment_pb2 import SecurityContext
from pyrox.workload.security import to_security_context

Seccomp = SecurityContext.SeccompProfile


def context(own: Any = None, of_pod: Any = None) -> SecurityContext:
    return to_security_context({"securityContext": own}, {"securityContext": of_pod})


@pytest.mark.parametrize("own", [None, {}, "odd", {"privileged": "true", "capabilities": []}])
def test_context_without_settings_has_the_defaults(own: object) -> None:
    assert context(own) == SecurityContext(allow_privilege_escalation=True)


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({"privileged": True}, SecurityContext(privileged=True, allow_privilege_escalation=True)),
        (
            {"readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False},
            SecurityContext(read_only_root_filesystem=True),
        ),
        (
            {"capabilities": {"add": ["NET_ADMIN", 7, "SYS_TIME"], "drop": ["ALL"]}},
            SecurityContext(
                allow_privilege_escalation=True,
                add_capabilities=["NET_ADMIN", "SYS_TIME"],
                drop_capabilities=["ALL"],
            ),
        ),
    ],
)
def test_context_of_the_containers_own_settings(own: dict[str, Any], expected: SecurityContext) -> None:
    assert context(own) == expected


def test_privilege_settings_are_not_inherited() -> None:
    pods = {"privileged": True, "readOnlyRootFilesystem": True, "capabilities": {"add": ["ALL"]}}
    assert context(None, pods) == SecurityContext(allow_privilege_escalation=True)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("Unconfined", Seccomp.UNCONFINED),
        ("Localhost", Seccomp.LOCALHOST),
        ("RuntimeDefault", Seccomp.RUNTIME_DEFAULT),
        ("", Seccomp.RUNTIME_DEFAULT),
        ("odd", Seccomp.RUNTIME_DEFAULT),
    ],
)
def test_seccomp_profile_by_its_word(word: str, kind: Seccomp.ProfileType.ValueType) -> None:
    made = context({"seccompProfile": {"type": word, "localhostProfile": "p.json"}})
    assert (made.seccomp_profile.type, made.seccomp_profile.localhost_profile) == (kind, "p.json")


def test_seccomp_and_selinux_are_the_containers_own_else_the_pods() -> None:
    pods = {"seccompProfile": {"type": "Unconfined"}, "seLinuxOptions": {"user": "u", "level": "s0"}}
    inherited = context({}, pods)
    assert inherited.seccomp_profile.type == Seccomp.UNCONFINED
    assert inherited.selinux == SecurityContext.SELinux(user="u", level="s0")
    own = context(
        {"seccompProfile": {"type": "RuntimeDefault"}, "seLinuxOptions": {"role": "r", "type": "t"}}, pods
    )
    assert own.seccomp_profile.type == Seccomp.RUNTIME_DEFAULT
    assert own.selinux == SecurityContext.SELinux(role="r", type="t")


def test_context_without_seccomp_or_selinux_leaves_them_unset() -> None:
    made = context({}, {})
    assert not made.HasField("seccomp_profile")
    assert not made.HasField("selinux")
