"""The subject as the engine walks it: containers joined with their images and processes.

Built once per subject by `pyrox.policy.evaluate` and shared by all policies of one
evaluation, so that each image is unfolded once. It must not know any policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pyrox.policy.subject import (
    AuditEventSubject,
    DeploymentSubject,
    FileAccessSubject,
    ImageSubject,
    KubeEventSubject,
    NetworkFlow,
    NetworkFlowSubject,
    NetworkPoliciesApplied,
    NodeEventSubject,
    ProcessSubject,
    Subject,
)

if TYPE_CHECKING:
    from pyrox.pb.storage.deployment_pb2 import Container, Deployment, PortConfig
    from pyrox.pb.storage.file_access_pb2 import FileAccess
    from pyrox.pb.storage.image_pb2 import EmbeddedImageScanComponent, Image, ImageLayer
    from pyrox.pb.storage.kube_event_pb2 import KubernetesEvent
    from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator
    from pyrox.pb.storage.vulnerability_pb2 import EmbeddedVulnerability


class Words:
    """Texts of an image, to tell at once that none of some others is among them."""

    __slots__ = ("_texts", "_usual")

    def __init__(self, texts: list[str]) -> None:
        whole = "".join(texts)
        # Other texts may fit by rules of their own: upper and lower case are not all of Unicode.
        self._usual = whole.isascii() and "\n" not in whole and "\t" not in whole
        self._texts = frozenset(map(str.lower, texts))

    def lack(self, wanted: frozenset[str]) -> bool:
        """Whether certainly none of the wanted ones, in lower case, is there."""
        return self._usual and self._texts.isdisjoint(wanted)


class ImageView:
    """An image with its scan unfolded on first use."""

    def __init__(self, image: Image) -> None:
        self.image = image

    @cached_property
    def components(self) -> list[EmbeddedImageScanComponent]:
        """The scan's components; none without a scan."""
        return list(self.image.scan.components)

    @cached_property
    def vuln_pairs(self) -> list[tuple[EmbeddedImageScanComponent, EmbeddedVulnerability]]:
        """Each vulnerability after its component."""
        return [(component, vuln) for component in self.components for vuln in component.vulns]

    @cached_property
    def cves(self) -> Words:
        """The names of the vulnerabilities."""
        return Words([vuln.cve for _component, vuln in self.vuln_pairs])

    @cached_property
    def packages(self) -> Words:
        """The names of the components."""
        return Words([one.name for one in self.components])

    @cached_property
    def layers(self) -> list[ImageLayer]:
        """The Dockerfile lines; none without metadata."""
        return list(self.image.metadata.v1.layers)

    @cached_property
    def labels(self) -> dict[str, str]:
        """The image's own labels."""
        return dict(self.image.metadata.v1.labels)


class ContainerView:
    """A container with its image; at build time an image alone."""

    __slots__ = ("container", "index", "name", "not_in_baseline", "process", "view")

    def __init__(self, index: int, container: Container | None, view: ImageView | None) -> None:
        self.index = index
        self.container = container
        self.name = container.name if container is not None else ""
        self.view = view
        self.process: ProcessIndicator | None = None
        self.not_in_baseline = False

    @property
    def components(self) -> Sequence[EmbeddedImageScanComponent]:
        """The components of the image; none while it is unknown."""
        return self.view.components if self.view is not None else ()

    @property
    def vuln_pairs(self) -> Sequence[tuple[EmbeddedImageScanComponent, EmbeddedVulnerability]]:
        """The vulnerabilities of the image with their components; none while it is unknown."""
        return self.view.vuln_pairs if self.view is not None else ()

    @property
    def cves(self) -> Words:
        """The names of the image's vulnerabilities."""
        return self.view.cves if self.view is not None else Words([])

    @property
    def packages(self) -> Words:
        """The names of the image's components."""
        return self.view.packages if self.view is not None else Words([])

    @property
    def layers(self) -> Sequence[ImageLayer]:
        """The Dockerfile lines of the image; none while it is unknown."""
        return self.view.layers if self.view is not None else ()


@dataclass(frozen=True, slots=True)
class ContainerNotFound:
    """Why a process cannot be joined with its deployment."""

    message: str


class RootView:
    """The whole subject. Parts that this kind of subject lacks are None or empty."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.kind: type[Subject] = type(subject)
        self.deployment: Deployment | None = None
        self.containers: list[ContainerView] = []
        self.network_policies: NetworkPoliciesApplied | None = None
        self.kube_event: KubernetesEvent | None = None
        self.flow: NetworkFlow | None = None
        self.file_access: FileAccess | None = None
        self.process: ProcessSubject | None = None
        self.missing_container: ContainerNotFound | None = None
        _fill(self, subject)

    @cached_property
    def alone(self) -> ContainerView:
        """The process without its container."""
        view = ContainerView(0, None, None)
        if self.process is not None:
            view.process, view.not_in_baseline = self.process.process, self.process.not_in_baseline
        return view

    @cached_property
    def ports(self) -> list[PortConfig]:
        """The deployment's ports."""
        return list(self.deployment.ports) if self.deployment is not None else []

    @cached_property
    def labels(self) -> dict[str, str]:
        """The deployment's labels."""
        return dict(self.deployment.labels) if self.deployment is not None else {}

    @cached_property
    def annotations(self) -> dict[str, str]:
        """The deployment's annotations."""
        return dict(self.deployment.annotations) if self.deployment is not None else {}


def _fill(root: RootView, subject: Subject) -> None:
    match subject:
        case DeploymentSubject():
            _fill_deployment(root, subject)
        case ImageSubject(image):
            root.containers = [ContainerView(0, None, ImageView(image))]
        case ProcessSubject(on):
            _fill_deployment(root, on)
            root.process = subject
            _attach_process(root, subject)
        case NetworkFlowSubject(on, flow):
            _fill_deployment(root, on)
            root.flow = flow
        case KubeEventSubject(event, maybe):
            if maybe is not None:
                _fill_deployment(root, maybe)
            root.kube_event = event
        case AuditEventSubject(event):
            root.kube_event = event
        case FileAccessSubject(on, access):
            _fill_deployment(root, on)
            root.file_access = access
        case NodeEventSubject(access=access):
            root.file_access = access


def _fill_deployment(root: RootView, on: DeploymentSubject) -> None:
    root.deployment = on.deployment
    root.network_policies = on.network_policies
    images = list(on.images)
    # Two containers may share one Image message: it is unfolded once.
    views: dict[int, ImageView] = {}
    for at, container in enumerate(on.deployment.containers):
        image = images[at] if at < len(images) else None
        view = None if image is None else views.setdefault(id(image), ImageView(image))
        root.containers.append(ContainerView(at, container, view))


def _attach_process(root: RootView, subject: ProcessSubject) -> None:
    name = subject.process.container_name
    for container in root.containers:
        if container.name == name:
            container.process = subject.process
            container.not_in_baseline = subject.not_in_baseline
            return
    deployment = subject.on.deployment
    # Upstream's text, its missing bracket included.
    root.missing_container = ContainerNotFound(
        f"indicator {subject.process.signal.exec_file_path} could not be matched (container name {name} "
        f"not found in deployment {deployment.cluster_id}/{deployment.namespace}/{deployment.name}"
    )
