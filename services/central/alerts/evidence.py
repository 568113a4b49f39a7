"""What an alert was about, as subjects that its policy can be matched against again.

Pure. `explanation.py` calls it. Events are read back from what the alert keeps of them; the
workload comes from Central DB or, where there is none, from the alert too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from google.protobuf.timestamp_pb2 import Timestamp

from pyrox.pb.storage.alert_pb2 import Alert
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.image_pb2 import Image
from pyrox.pb.storage.kube_event_pb2 import KubernetesEvent
from pyrox.pb.storage.network_flow_pb2 import L4Protocol
from pyrox.pb.storage.node_pb2 import Node
from pyrox.pb.storage.policy_pb2 import EventSource, LifecycleStage, Policy
from pyrox.policy.eventmessages import process_message
from pyrox.policy.subject import (
    AuditEventSubject,
    DeploymentSubject,
    FileAccessSubject,
    FlowEnd,
    ImageSubject,
    KubeEventSubject,
    NetworkFlow,
    NetworkFlowSubject,
    NodeEventSubject,
    ProcessSubject,
    Subject,
)
from services.central.deployments.from_alert import deployment_of

_UNEXPECTED_PROCESS = "Unexpected Process Executed"
_UNEXPECTED_FLOW = "Unexpected network flow"
# The separators of pyrox.policy.eventmessages.
_LIST, _WORDS = ", ", " "


@dataclass(frozen=True, slots=True)
class Evidence:
    """A subject with the words by which people know it."""

    kind: str
    name: str
    subject: Subject

    def to_json(self) -> dict[str, str]:
        """The stable form."""
        return {"kind": self.kind, "name": self.name}


def number_name(items: Iterable[tuple[str, int]], number: int) -> str:
    """The name that an enum gives a number, or the number itself."""
    return next((name for name, known in items if known == number), str(number))


def kept_deployment(alert: Alert) -> Deployment:
    """The alert's deployment as far as the alert itself keeps it."""
    deployment = deployment_of(alert)
    for container in alert.deployment.containers:
        deployment.containers.add(name=container.name, image=container.image)
    return deployment


def evidence_of(alert: Alert, on: DeploymentSubject) -> list[Evidence]:
    """All that the policy is matched against; `on` is the workload for events in one."""
    if alert.lifecycle_stage == LifecycleStage.BUILD:
        image = Image(id=alert.image.id, name=alert.image.name)
        return [Evidence("image", alert.image.name.full_name, ImageSubject(image))]
    if alert.lifecycle_stage == LifecycleStage.DEPLOY:
        return [Evidence("deployment", alert.deployment.name, on)]
    return [*_processes(alert, on), *_events(alert, on)]


def _processes(alert: Alert, on: DeploymentSubject) -> Iterator[Evidence]:
    unexpected = _asks_for_unexpected(alert.policy)
    seen: set[str] = set()
    for process in alert.process_violation.processes:
        sentence = process_message([process])
        key = f"{process.container_name}\t{sentence}"
        if key not in seen:
            seen.add(key)
            yield Evidence("process", sentence, ProcessSubject(on, process, unexpected))


def _asks_for_unexpected(policy: Policy) -> bool:
    """Baselines may have changed since; that the alert exists says what this one said."""
    groups = (group for section in policy.policy_sections for group in section.policy_groups)
    return any(
        group.field_name == _UNEXPECTED_PROCESS and value.value.lower() == "true"
        for group in groups
        for value in group.values
    )


def _events(alert: Alert, on: DeploymentSubject) -> Iterator[Evidence]:
    for violation in alert.violations:
        if violation.type == Alert.Violation.K8S_EVENT:
            yield _kube_event(alert, violation, on)
        elif violation.type == Alert.Violation.NETWORK_FLOW:
            yield Evidence("networkFlow", violation.message, NetworkFlowSubject(on, _flow(violation)))
        elif violation.type == Alert.Violation.FILE_ACCESS:
            yield _file_access(alert, violation, on)


def _file_access(alert: Alert, violation: Alert.Violation, on: DeploymentSubject) -> Evidence:
    access = violation.file_access
    if alert.HasField("node"):
        node = Node(
            id=alert.node.id,
            name=alert.node.name,
            cluster_id=alert.node.cluster_id,
            cluster_name=alert.node.cluster_name,
        )
        return Evidence("nodeEvent", violation.message, NodeEventSubject(node, access))
    return Evidence("fileAccess", violation.message, FileAccessSubject(on, access))


def _flow(violation: Alert.Violation) -> NetworkFlow:
    info = violation.network_flow_info
    return NetworkFlow(
        _flow_end(info.source),
        _flow_end(info.destination),
        info.destination.port,
        info.protocol if info.protocol in L4Protocol.values() else L4Protocol.L4_PROTOCOL_UNKNOWN,
        violation.message.startswith(_UNEXPECTED_FLOW),
        violation.time if violation.HasField("time") else None,
    )


def _flow_end(entity: Alert.Violation.NetworkFlowInfo.Entity) -> FlowEnd:
    return FlowEnd(entity.name, entity.entity_type, entity.deployment_namespace, entity.deployment_type)


def _kube_event(alert: Alert, violation: Alert.Violation, on: DeploymentSubject) -> Evidence:
    said = {pair.key: pair.value for pair in violation.key_value_attrs.attrs}
    time = violation.time if violation.HasField("time") else None
    if alert.policy.event_source == EventSource.AUDIT_LOG_EVENT:
        return Evidence("auditEvent", violation.message, AuditEventSubject(_audit(alert, said, time)))
    event = KubernetesEvent(api_verb=KubernetesEvent.CREATE, timestamp=time)
    event.object.name, event.object.namespace = said.get("pod", ""), alert.namespace
    event.object.cluster_id = alert.cluster_id
    _set_request(event, violation.message, said)
    _set_user(event, said)
    known = on if alert.HasField("deployment") else None
    return Evidence("kubeEvent", violation.message, KubeEventSubject(event, known))


def _set_request(event: KubernetesEvent, message: str, said: Mapping[str, str]) -> None:
    kinds = KubernetesEvent.Object
    if " exec" in message.partition("'")[0]:
        event.object.resource = kinds.PODS_EXEC
        event.pod_exec_args.container = said.get("container", "")
        event.pod_exec_args.commands.extend(filter(None, said.get("commands", "").split(_WORDS)))
    elif " port forward" in message.partition("'")[0]:
        event.object.resource = kinds.PODS_PORTFORWARD
        ports = filter(str.isdigit, said.get("ports", "").split(_LIST))
        event.pod_port_forward_args.ports.extend(int(port) for port in ports)
    else:
        event.object.resource = kinds.PODS_ATTACH
        event.pod_attach_args.container = said.get("container", "")


def _audit(alert: Alert, said: Mapping[str, str], time: Timestamp | None) -> KubernetesEvent:
    event = KubernetesEvent(timestamp=time, request_uri=said.get("Resource", ""))
    # A Sensor may write numbers and names into an alert that no enum has.
    event.api_verb = dict(KubernetesEvent.APIVerb.items()).get(said.get("Verb", ""), KubernetesEvent.UNKNOWN)
    kind = number_name(Alert.Resource.ResourceType.items(), alert.resource.resource_type)
    resources = dict(KubernetesEvent.Object.Resource.items())
    event.object.resource = resources.get(kind, KubernetesEvent.Object.UNKNOWN)
    event.object.name, event.object.namespace = alert.resource.name, alert.resource.namespace
    event.object.cluster_id = alert.cluster_id
    _set_user(event, said)
    return event


def _set_user(event: KubernetesEvent, said: Mapping[str, str]) -> None:
    event.user.username = said.get("Username", "")
    event.user.groups.extend(_words(said, "Groups"))
    event.user_agent = said.get("User Agent", "")
    event.source_ips.extend(_words(said, "IP address"))
    if "Impersonated Username" in said or "Impersonated Groups" in said:
        event.impersonated_user.username = said.get("Impersonated Username", "")
        event.impersonated_user.groups.extend(_words(said, "Impersonated Groups"))


def _words(said: Mapping[str, str], key: str) -> list[str]:
    return said[key].split(_LIST) if key in said else []
