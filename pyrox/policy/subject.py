"""What a policy is evaluated against: one dataclass per kind of event.

Built by Central (build-time and YAML checks), Sensor and Admission from messages that
they already hold; read by `pyrox.policy.evaluate`. It must not know any policy.

The messages inside are shared, never copied, and must not change during an evaluation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

    from pyrox.pb.storage.deployment_pb2 import Deployment
    from pyrox.pb.storage.file_access_pb2 import FileAccess
    from pyrox.pb.storage.image_pb2 import Image
    from pyrox.pb.storage.kube_event_pb2 import KubernetesEvent
    from pyrox.pb.storage.node_pb2 import Node
    from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator


@dataclass(frozen=True, slots=True)
class NetworkPoliciesApplied:
    """Which network policies select the deployment's pods; names by id."""

    has_ingress: bool
    has_egress: bool
    policies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FlowEnd:
    """One end of a network flow; `entity_type` is a storage.NetworkEntityInfo.Type number."""

    name: str
    entity_type: int
    deployment_namespace: str = ""
    deployment_type: str = ""


@dataclass(frozen=True, slots=True)
class NetworkFlow:
    """A flow with both ends named; `l4_protocol` is a storage.L4Protocol number."""

    source: FlowEnd
    destination: FlowEnd
    destination_port: int
    l4_protocol: int
    not_in_baseline: bool
    last_seen: Timestamp | None = None


@dataclass(frozen=True, slots=True)
class DeploymentSubject:
    """A deployment with the image of each container, by index; None is an unknown image.

    `network_policies` None says that nobody computed them: no criterion on them matches.
    """

    deployment: Deployment
    images: Sequence[Image | None] = ()
    network_policies: NetworkPoliciesApplied | None = None


@dataclass(frozen=True, slots=True)
class ImageSubject:
    """An image at build time."""

    image: Image


@dataclass(frozen=True, slots=True)
class ProcessSubject:
    """A process that ran in a container of a deployment."""

    on: DeploymentSubject
    process: ProcessIndicator
    not_in_baseline: bool = False


@dataclass(frozen=True, slots=True)
class NetworkFlowSubject:
    """A network flow from or to a deployment."""

    on: DeploymentSubject
    flow: NetworkFlow


@dataclass(frozen=True, slots=True)
class KubeEventSubject:
    """An exec, port-forward or attach request on a pod; `on` is None while the pod is unknown."""

    event: KubernetesEvent
    on: DeploymentSubject | None = None


@dataclass(frozen=True, slots=True)
class AuditEventSubject:
    """An entry of the Kubernetes audit log."""

    event: KubernetesEvent


@dataclass(frozen=True, slots=True)
class FileAccessSubject:
    """A file event in a container of a deployment."""

    on: DeploymentSubject
    access: FileAccess


@dataclass(frozen=True, slots=True)
class NodeEventSubject:
    """A file event on a node."""

    node: Node
    access: FileAccess


Subject = (
    DeploymentSubject
    | ImageSubject
    | ProcessSubject
    | NetworkFlowSubject
    | KubeEventSubject
    | AuditEventSubject
    | FileAccessSubject
    | NodeEventSubject
)
