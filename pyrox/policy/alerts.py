"""From a verdict to a storage.Alert.

Called by Sensor, Admission and Central's checks. It must not choose ids or read the clock:
both come in. Names of clusters that a secured cluster does not know are filled by Central.
"""

from __future__ import annotations

from datetime import datetime

from pyrox.pb.storage import policy_pb2
from pyrox.pb.storage.alert_pb2 import ATTEMPTED, Alert
from pyrox.pb.storage.deployment_pb2 import ContainerImage, Deployment
from pyrox.pb.storage.image_pb2 import Image
from pyrox.pb.storage.kube_event_pb2 import KubernetesEvent
from pyrox.pb.storage.node_pb2 import Node
from pyrox.pb.storage.policy_pb2 import Policy
from pyrox.policy import enforcement
from pyrox.policy.subject import (
    AuditEventSubject,
    DeploymentSubject,
    ImageSubject,
    KubeEventSubject,
    NodeEventSubject,
    Subject,
)
from pyrox.policy.verdict import Verdict

# The most violations that a run-time alert keeps (upstream central/detection/alertmanager).
MAX_RUNTIME_VIOLATIONS = 40


def build_alert(policy: Policy, verdict: Verdict, subject: Subject, *, alert_id: str, now: datetime) -> Alert:
    """The alert of a matching verdict, with the enforcement that the policy asks for."""
    alert = Alert(
        id=alert_id,
        policy=policy,
        lifecycle_stage=_stage(subject),
        violations=verdict.violations[:MAX_RUNTIME_VIOLATIONS]
        if _at_run_time(subject)
        else verdict.violations,
    )
    alert.time.FromDatetime(now)
    if verdict.process_violation is not None:
        alert.process_violation.CopyFrom(verdict.process_violation)
    chosen = choose_enforcement(policy, subject)
    if chosen is not None:
        alert.enforcement.CopyFrom(chosen)
    _set_entity(alert, subject)
    return alert


def choose_enforcement(policy: Policy, subject: Subject) -> Alert.Enforcement | None:
    """The action for this kind of subject, if the policy has one."""
    if isinstance(subject, DeploymentSubject):
        return enforcement.choose_deploy(policy, subject.deployment)
    if isinstance(subject, ImageSubject):
        return enforcement.choose_build(policy, subject)
    return enforcement.choose_runtime(policy, subject)


def as_attempted(alert: Alert, *, create: bool) -> None:
    """Turn a deploy-time alert into that of a denied request."""
    alert.state = ATTEMPTED
    alert.enforcement.CopyFrom(enforcement.admission_enforcement(create=create))
    if create:
        # The deployment never came to be.
        alert.deployment.inactive = True


def deployment_entity(deployment: Deployment) -> Alert.Deployment:
    """What an alert keeps of a deployment."""
    return Alert.Deployment(
        id=deployment.id,
        name=deployment.name,
        type=deployment.type,
        namespace=deployment.namespace,
        namespace_id=deployment.namespace_id,
        labels=deployment.labels,
        cluster_id=deployment.cluster_id,
        cluster_name=deployment.cluster_name,
        containers=[
            Alert.Deployment.Container(
                image=container.image if container.HasField("image") else None, name=container.name
            )
            for container in deployment.containers
        ],
        annotations=deployment.annotations,
        inactive=deployment.inactive,
    )


def image_entity(image: Image) -> ContainerImage:
    """What an alert keeps of an image."""
    return ContainerImage(
        id=image.id,
        name=image.name if image.HasField("name") else None,
        not_pullable=image.not_pullable,
        is_cluster_local=image.is_cluster_local,
    )


def _stage(subject: Subject) -> policy_pb2.LifecycleStage.ValueType:
    if isinstance(subject, DeploymentSubject):
        return policy_pb2.DEPLOY
    return policy_pb2.BUILD if isinstance(subject, ImageSubject) else policy_pb2.RUNTIME


def _at_run_time(subject: Subject) -> bool:
    return _stage(subject) == policy_pb2.RUNTIME


def _set_entity(alert: Alert, subject: Subject) -> None:
    match subject:
        case ImageSubject(image):
            alert.image.CopyFrom(image_entity(image))
        case DeploymentSubject():
            alert.deployment.CopyFrom(deployment_entity(subject.deployment))
        case AuditEventSubject(event) | KubeEventSubject(event, None):
            _set_resource(alert.resource, event)
        case NodeEventSubject(node):
            _set_node(alert.node, node)
        case _:
            if subject.on is not None:
                alert.deployment.CopyFrom(deployment_entity(subject.on.deployment))


def _set_resource(resource: Alert.Resource, event: KubernetesEvent) -> None:
    kind = KubernetesEvent.Object.Resource.Name(event.object.resource)
    known = dict(Alert.Resource.ResourceType.items())
    resource.resource_type = known.get(kind, Alert.Resource.UNKNOWN)
    resource.name = event.object.name
    resource.cluster_id = event.object.cluster_id
    resource.namespace = event.object.namespace


def _set_node(entity: Alert.Node, node: Node) -> None:
    entity.id, entity.name = node.id, node.name
    entity.cluster_id, entity.cluster_name = node.cluster_id, node.cluster_name


def complete(alert: Alert, *, cluster_id: str, cluster_name: str) -> None:
    """Fill in what Central knows and a secured cluster does not: the place and the entity's type."""
    kind = alert.WhichOneof("Entity")
    alert.cluster_id, alert.cluster_name = cluster_id, cluster_name
    if kind == "deployment":
        alert.entity_type = Alert.DEPLOYMENT
        alert.namespace, alert.namespace_id = alert.deployment.namespace, alert.deployment.namespace_id
        alert.deployment.cluster_id, alert.deployment.cluster_name = cluster_id, cluster_name
    elif kind == "resource":
        alert.entity_type = Alert.RESOURCE
        alert.namespace, alert.namespace_id = alert.resource.namespace, alert.resource.namespace_id
        alert.resource.cluster_id, alert.resource.cluster_name = cluster_id, cluster_name
    elif kind == "node":
        alert.entity_type = Alert.NODE
        alert.node.cluster_id, alert.node.cluster_name = cluster_id, cluster_name
    elif kind == "image":
        alert.entity_type = Alert.CONTAINER_IMAGE
