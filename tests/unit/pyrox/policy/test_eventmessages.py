"""Sentences on events."""

from __future__ import annotations

import pytest

from pyrox.pb.storage.file_access_pb2 import FileAccess
from pyrox.pb.storage.kube_event_pb2 import KubernetesEvent
from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator
from pyrox.policy import eventmessages
from tests.unit.pyrox.policy import builders as b


def _process(path: str, args: str = "", uid: int = 0) -> ProcessIndicator:
    made = ProcessIndicator()
    made.signal.exec_file_path, made.signal.args, made.signal.uid = path, args, uid
    return made


@pytest.mark.parametrize(
    ("processes", "message"),
    [
        ([_process("/a")], "Binary '/a' executed without arguments under user ID 0"),
        ([_process("/a", "-x", 5)] * 2, "Binary '/a' executed with arguments '-x' under user ID 5"),
        (
            [_process("/b"), _process("/a", "y", 1)],
            "Binaries '/a' and '/b' executed with 2 different arguments under 2 different user IDs",
        ),
        (
            [_process(path) for path in ("/c", "/a", "/b")],
            "Binaries '/a', '/b', and '/c' executed without arguments under user ID 0",
        ),
        ([_process(f"/{at}") for at in range(10)], "10 binaries executed without arguments under user ID 0"),
    ],
)
def test_process_sentence_sums_up_all_processes(processes: list[ProcessIndicator], message: str) -> None:
    assert eventmessages.process_message(processes) == message
    assert eventmessages.process_violation(processes).message == message


def _event(resource: int, **changes: str) -> KubernetesEvent:
    made = KubernetesEvent()
    made.object.resource = resource  # type: ignore[assignment]  # a plain number
    made.object.name = changes.get("name", "")
    made.object.namespace = changes.get("namespace", "")
    return made


_KINDS = KubernetesEvent.Object


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (_event(_KINDS.PODS_EXEC), "Kubernetes API received exec request"),
        (_event(_KINDS.PODS_EXEC, name="p"), "Kubernetes API received exec request into pod 'p'"),
        (_event(_KINDS.PODS_PORTFORWARD), "Kubernetes API received port forward request"),
        (
            _event(_KINDS.PODS_PORTFORWARD, name="p"),
            "Kubernetes API received port forward request to pod 'p'",
        ),
        (_event(_KINDS.PODS_ATTACH, name="p"), "Kubernetes API received attach request to pod 'p'"),
        (_event(_KINDS.SECRETS, name="s"), 'Access to secret "s"'),
        (
            _event(_KINDS.NETWORK_POLICIES, name="n", namespace="x"),
            'Access to network policy "n" in namespace "x"',
        ),
        (_event(_KINDS.CONFIGMAPS, namespace="x"), 'Access to configmaps in namespace "x"'),
        (_event(_KINDS.EGRESS_FIREWALLS), "Access to egress firewalls"),
    ],
)
def test_kube_sentence_leaves_out_what_is_unknown(event: KubernetesEvent, message: str) -> None:
    violation = eventmessages.kube_violation(event)
    assert violation.message == message
    assert not violation.HasField("time")


def _attributes(event: KubernetesEvent) -> list[tuple[str, str]]:
    return [(one.key, one.value) for one in eventmessages.kube_violation(event).key_value_attrs.attrs]


def test_exec_attributes_name_pod_commands_and_user() -> None:
    assert _attributes(b.exec_event()) == [
        ("pod", "web-1"),
        ("container", "web"),
        ("commands", "ls -la"),
        ("Username", "alice"),
        ("Groups", "system:authenticated, dev"),
    ]
    assert eventmessages.kube_violation(b.exec_event()).time.seconds == int(b.OLD.timestamp())


def test_port_forward_attributes_name_the_ports() -> None:
    event = _event(_KINDS.PODS_PORTFORWARD, name="p")
    event.pod_port_forward_args.ports.extend([8080, 9090])
    event.impersonated_user.username = "bob"
    event.impersonated_user.groups.extend(["x", "y"])
    assert _attributes(event) == [
        ("pod", "p"),
        ("ports", "8080, 9090"),
        ("Impersonated Username", "bob"),
        ("Impersonated Groups", "x, y"),
    ]
    assert eventmessages.kube_violation(event).message.endswith("to pod 'p' ports '8080, 9090'")


def test_attach_names_the_container() -> None:
    event = _event(_KINDS.PODS_ATTACH)
    event.pod_attach_args.container = "side"
    violation = eventmessages.kube_violation(event)
    assert violation.message == "Kubernetes API received attach request container 'side'"
    assert _attributes(event) == [("container", "side")]


def test_audit_attributes_begin_with_the_verb_and_cut_the_query() -> None:
    assert _attributes(b.audit_event()) == [
        ("Verb", "GET"),
        ("Username", "alice"),
        ("Groups", "dev"),
        ("User Agent", "oc/4.7"),
        ("IP address", "10.1.2.3"),
        ("Resource", "/api/v1/secrets/htpasswd"),
    ]


def test_flow_violation_says_expected_and_keeps_both_ends() -> None:
    violation = eventmessages.flow_violation(b.flow(unexpected=False))
    assert violation.message.startswith("Expected network flow found in deployment.")
    info = violation.network_flow_info
    assert (info.source.name, info.destination.name, info.destination.port) == ("web", "db", 5432)
    assert (info.destination.deployment_namespace, info.destination.deployment_type) == (
        "data",
        "StatefulSet",
    )


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        (FileAccess.OPEN, "opened (writable)"),
        (FileAccess.UNLINK, "deleted (unlinked)"),
        (FileAccess.CREATE, "created"),
        (FileAccess.RENAME, "renamed"),
        (FileAccess.OWNERSHIP_CHANGE, "ownership changed"),
        (FileAccess.PERMISSION_CHANGE, "permission changed"),
        (FileAccess.ACL_CHANGE, "ACL changed"),
        (FileAccess.XATTR_REMOVE, "extended attribute removed"),
        (99, "Unknown operation"),
    ],
)
def test_file_sentence_names_path_and_operation(operation: int, words: str) -> None:
    access = FileAccess()
    access.operation = operation  # type: ignore[assignment]  # a plain number
    access.file.effective_path = "/host/x"
    assert eventmessages.file_violation(access).message == f"'/host/x' {words}"


def test_attributes_of_lists_are_there_when_the_list_is() -> None:
    event = b.audit_event()
    del event.user.groups[:]
    del event.source_ips[:]
    event.source_ips.append("")
    event.request_uri = "?"
    attributes = {one.key: one.value for one in eventmessages.kube_violation(event).key_value_attrs.attrs}
    assert attributes == {"Verb": "GET", "Username": "alice", "User Agent": "oc/4.7", "IP address": ""}
