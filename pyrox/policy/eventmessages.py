"""The violations that say which event happened: process, request, flow, file.

Called by `pyrox.policy.evaluate`, and by Central and Sensor when they merge alerts. It
must not know policies. The texts are upstream's (pkg/booleanpolicy/violationmessages/printer).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pyrox.pb.storage import file_access_pb2, kube_event_pb2, network_flow_pb2
from pyrox.pb.storage.alert_pb2 import Alert
from pyrox.pb.storage.file_access_pb2 import FileAccess
from pyrox.pb.storage.kube_event_pb2 import KubernetesEvent
from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator
from pyrox.policy.messages import sentence
from pyrox.policy.subject import FlowEnd, NetworkFlow, NetworkPoliciesApplied

# From this many different binaries on, they are counted and not named.
_MANY_BINARIES = 10


def process_violation(processes: Sequence[ProcessIndicator]) -> Alert.ProcessViolation:
    """A process violation of these processes with its sentence."""
    return Alert.ProcessViolation(message=process_message(processes), processes=processes)


def process_message(processes: Iterable[ProcessIndicator]) -> str:
    """The sentence on all processes of a violation; made anew whenever it grows."""
    paths: set[str] = set()
    arguments: set[str] = set()
    users: set[int] = set()
    for process in processes:
        paths.add(process.signal.exec_file_path)
        arguments.add(process.signal.args)
        users.add(process.signal.uid)
    return f"{_binaries(sorted(paths))} executed{_arguments(arguments)}{_users(users)}"


def _binaries(paths: list[str]) -> str:
    if len(paths) == 1:
        return f"Binary '{paths[0]}'"
    if len(paths) < _MANY_BINARIES:
        return f"Binaries {sentence([repr_quoted(path) for path in paths])}"
    return f"{len(paths)} binaries"


def repr_quoted(text: str) -> str:
    """The text between single quotes, as it is."""
    return f"'{text}'"


def _arguments(arguments: set[str]) -> str:
    if len(arguments) != 1:
        return f" with {len(arguments)} different arguments"
    only = next(iter(arguments))
    return f" with arguments '{only}'" if only else " without arguments"


def _users(users: set[int]) -> str:
    if len(users) == 1:
        return f" under user ID {next(iter(users))}"
    return f" under {len(users)} different user IDs"


def kube_violation(event: KubernetesEvent) -> Alert.Violation:
    """The violation of a pod request or an audit log entry."""
    resource = event.object.resource
    kinds = KubernetesEvent.Object
    if resource == kinds.PODS_EXEC:
        message, attributes = _exec(event)
    elif resource == kinds.PODS_PORTFORWARD:
        message, attributes = _port_forward(event)
    elif resource == kinds.PODS_ATTACH:
        message, attributes = _attach(event)
    else:
        message, attributes = _access(event)
    violation = Alert.Violation(message=message, type=Alert.Violation.K8S_EVENT)
    if event.HasField("timestamp"):
        violation.time.CopyFrom(event.timestamp)
    for key, value in attributes:
        violation.key_value_attrs.attrs.add(key=key, value=value)
    return violation


_Attributes = list[tuple[str, str]]


def _present(*pairs: tuple[str, str]) -> _Attributes:
    return [(key, value) for key, value in pairs if value]


def _exec(event: KubernetesEvent) -> tuple[str, _Attributes]:
    pod, container = event.object.name, event.pod_exec_args.container
    commands = " ".join(filter(None, event.pod_exec_args.commands))
    message = (
        f"Kubernetes API received exec{f' {repr_quoted(commands)}' if commands else ''} request"
        f"{f' into pod {repr_quoted(pod)}' if pod else ''}"
        f"{f' container {repr_quoted(container)}' if container else ''}"
    )
    attributes = _present(("pod", pod), ("container", container), ("commands", commands))
    return message, attributes + _user_attributes(event)


def _port_forward(event: KubernetesEvent) -> tuple[str, _Attributes]:
    pod = event.object.name
    ports = ", ".join(str(port) for port in event.pod_port_forward_args.ports)
    where = f" to pod '{pod}'{f' ports {repr_quoted(ports)}' if ports else ''}" if pod else ""
    attributes = _present(("pod", pod), ("ports", ports))
    return f"Kubernetes API received port forward request{where}", attributes + _user_attributes(event)


def _attach(event: KubernetesEvent) -> tuple[str, _Attributes]:
    pod, container = event.object.name, event.pod_attach_args.container
    message = (
        f"Kubernetes API received attach request{f' to pod {repr_quoted(pod)}' if pod else ''}"
        f"{f' container {repr_quoted(container)}' if container else ''}"
    )
    return message, _present(("pod", pod), ("container", container)) + _user_attributes(event)


def _access(event: KubernetesEvent) -> tuple[str, _Attributes]:
    kind = (
        kube_event_pb2.KubernetesEvent.Object.Resource.Name(event.object.resource).lower().replace("_", " ")
    )
    where = f' in namespace "{event.object.namespace}"' if event.object.namespace else ""
    if event.object.name:
        message = f'Access to {_singular(kind)} "{event.object.name}"{where}'
    else:
        message = f"Access to {kind}{where}"
    verb = kube_event_pb2.KubernetesEvent.APIVerb.Name(event.api_verb)
    return message, [("Verb", verb), *_user_attributes(event, with_resource=True)]


def _singular(kind: str) -> str:
    if kind.endswith("ies"):
        return f"{kind[:-3]}y"
    return kind.removesuffix("s")


def _user_attributes(event: KubernetesEvent, *, with_resource: bool = False) -> _Attributes:
    attributes = _present(("Username", event.user.username))
    attributes += _joined("Groups", event.user.groups)
    attributes += _present(("User Agent", event.user_agent))
    attributes += _joined("IP address", event.source_ips)
    if with_resource and event.request_uri.strip("?"):
        attributes.append(("Resource", event.request_uri.partition("?")[0]))
    other = event.impersonated_user
    attributes += _present(("Impersonated Username", other.username))
    return attributes + _joined("Impersonated Groups", other.groups)


def _joined(key: str, values: Sequence[str]) -> _Attributes:
    """Present when the list has elements, be they empty."""
    return [(key, ", ".join(values))] if values else []


def flow_violation(flow: NetworkFlow) -> Alert.Violation:
    """The violation of a network flow."""
    protocol = network_flow_pb2.L4Protocol.Name(flow.l4_protocol)  # type: ignore[arg-type]  # a plain number
    message = (
        f"{'Unexpected' if flow.not_in_baseline else 'Expected'} network flow found in deployment."
        f" Source name: '{flow.source.name}'. Destination name: '{flow.destination.name}'."
        f" Destination port: '{flow.destination_port}'. Protocol: '{protocol}'."
    )
    violation = Alert.Violation(message=message, type=Alert.Violation.NETWORK_FLOW)
    if flow.last_seen is not None:
        violation.time.CopyFrom(flow.last_seen)
    info = violation.network_flow_info
    info.protocol = flow.l4_protocol  # type: ignore[assignment]  # a plain number
    _fill_end(info.source, flow.source)
    _fill_end(info.destination, flow.destination)
    info.destination.port = flow.destination_port
    return violation


def _fill_end(entity: Alert.Violation.NetworkFlowInfo.Entity, end: FlowEnd) -> None:
    entity.name = end.name
    entity.entity_type = end.entity_type  # type: ignore[assignment]  # a plain number
    entity.deployment_namespace = end.deployment_namespace
    entity.deployment_type = end.deployment_type


_FILE_WORDS: dict[int, str] = {
    file_access_pb2.FileAccess.OPEN: "opened (writable)",
    file_access_pb2.FileAccess.UNLINK: "deleted (unlinked)",
    file_access_pb2.FileAccess.CREATE: "created",
    file_access_pb2.FileAccess.RENAME: "renamed",
    file_access_pb2.FileAccess.OWNERSHIP_CHANGE: "ownership changed",
    file_access_pb2.FileAccess.PERMISSION_CHANGE: "permission changed",
    file_access_pb2.FileAccess.ACL_CHANGE: "ACL changed",
    file_access_pb2.FileAccess.XATTR_SET: "extended attribute set",
    file_access_pb2.FileAccess.XATTR_REMOVE: "extended attribute removed",
}


def file_violation(access: FileAccess) -> Alert.Violation:
    """The violation of a file event."""
    path = access.file.actual_path or access.file.effective_path or "Unknown file"
    message = f"'{path}' {_FILE_WORDS.get(access.operation, 'Unknown operation')}"
    return Alert.Violation(message=message, type=Alert.Violation.FILE_ACCESS, file_access=access)


def attach_network_policies(violation: Alert.Violation, applied: NetworkPoliciesApplied) -> None:
    """Name the policies that select the deployment's pods."""
    for identifier, name in sorted(applied.policies.items()):
        violation.key_value_attrs.attrs.add(key="Policy ID", value=identifier)
        violation.key_value_attrs.attrs.add(key="Policy name", value=name)
