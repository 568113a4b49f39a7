"""`v1.DetectionService`: would this image or this file violate a policy?

`roxctl image check`, `roxctl deployment check`, the Jenkins plugin and CI scripts call it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Protocol
from uuid import uuid4

from pyrox.clock import Clock
from pyrox.errors import Invalid
from pyrox.pb.api.v1 import detection_service_pb2 as pb
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.pb.storage.deployment_pb2 import ContainerImage, Deployment
from pyrox.pb.storage.image_pb2 import Image
from pyrox.pb.storage.network_policy_pb2 import NetworkPolicy
from pyrox.pb.storage.rbac_pb2 import PermissionLevel
from pyrox.policy.sets import PolicySet
from pyrox.rpc.authz import AnyOf, Permissions, Rule, Services
from pyrox.rpc.call import Call
from pyrox.workload.images import parse_image
from services.central.detection import files
from services.central.detection.build import deployment_alerts, image_alerts, of_categories
from services.central.detection.surroundings import NOWHERE, Place
from services.central.images.enrich import Wanted


class Images(Protocol):
    """Gets images known."""

    async def image(self, wanted: ContainerImage, how: Wanted = ...) -> Image:
        """The image, or the registry's or scanner's error."""

    async def scan_or_bare(self, wanted: ContainerImage, how: Wanted = ...) -> Image:
        """The image, with notes when it cannot be known."""


class Engine(Protocol):
    """The compiled policies."""

    async def current(self) -> PolicySet:
        """All of them."""


class Places(Protocol):
    """Looks up where deployments are meant to run."""

    async def cluster(self, name_or_id: str, call: Call) -> Cluster:
        """The cluster; raises `NotFound` for one that the caller cannot see."""

    async def place(self, cluster: Cluster, deployments: Iterable[Deployment]) -> Place:
        """What surrounds these deployments in the cluster."""


class Sensors(Protocol):
    """Asks secured clusters."""

    async def enhance(
        self, cluster_id: str, request_id: str, deployments: Iterable[Deployment]
    ) -> list[Deployment]:
        """Deployments with what only the cluster knows."""


class DetectionService:
    """`v1.DetectionService`."""

    SERVICE: ClassVar[str] = "v1.DetectionService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {
        "DetectBuildTime": Permissions(read=("Detection",)),
        "DetectDeployTime": AnyOf.of(Services.of("SENSOR_SERVICE"), Permissions(write=("Detection",))),
        "DetectDeployTimeFromYAML": Permissions(read=("Detection",)),
    }

    def __init__(
        self, *, images: Images, engine: Engine, places: Places, sensors: Sensors, clock: Clock
    ) -> None:
        self._images = images
        self._engine = engine
        self._places = places
        self._sensors = sensors
        self._clock = clock

    async def DetectBuildTime(self, request: pb.BuildDetectionRequest, _: Call) -> pb.BuildDetectionResponse:
        """Violated BUILD policies of an image, scanned first if need be."""
        wanted = _image_of(request)
        if request.force and request.no_external_metadata:
            raise Invalid.because("force and no_external_metadata are mutually exclusive")
        policies = of_categories(await self._engine.current(), request.policy_categories)
        how = Wanted(force=request.force, cached_only=request.no_external_metadata)
        image = await self._images.image(wanted, how)
        return pb.BuildDetectionResponse(alerts=image_alerts(policies, image, self._clock.now()))

    async def DetectDeployTime(
        self, request: pb.DeployDetectionRequest, call: Call
    ) -> pb.DeployDetectionResponse:
        """Violated DEPLOY policies of one deployment."""
        if not request.HasField("deployment"):
            raise Invalid.because("Deployment must be passed to deploy time detection")
        deployment = request.deployment
        deployment.cluster_id = request.cluster_id or deployment.cluster_id
        read = files.Files(deployments=[deployment])
        place = NOWHERE
        if request.cluster_id:
            place = await self._places.place(
                await self._places.cluster(request.cluster_id, call), [deployment]
            )
        how = Wanted(cached_only=request.no_external_metadata)
        return await self._check(read, (), how, place, enforced_only=request.enforcement_only)

    async def DetectDeployTimeFromYAML(
        self, request: pb.DeployYAMLDetectionRequest, call: Call
    ) -> pb.DeployDetectionResponse:
        """Violated DEPLOY policies of every workload in the files."""
        read = files.read(request.yaml, namespace=request.namespace, now=self._clock.now())
        place = await self._enhanced(read, request.cluster, call) if request.cluster else NOWHERE
        how = Wanted(force=request.force, cached_only=request.no_external_metadata)
        answer = await self._check(
            read, request.policy_categories, how, place, enforced_only=request.enforcement_only
        )
        if place is not NOWHERE:
            selecting = place.with_applied(read.network_policies)
            answer.remarks.extend(_remark(found, selecting) for found in read.deployments)
        return answer

    async def _enhanced(self, read: files.Files, name_or_id: str, call: Call) -> Place:
        """Add what the cluster knows to the deployments; the cluster itself."""
        cluster = await self._places.cluster(name_or_id, call)
        for deployment in read.deployments:
            deployment.cluster_id, deployment.cluster_name = cluster.id, cluster.name
        read.deployments = await self._sensors.enhance(cluster.id, str(uuid4()), read.deployments)
        return await self._places.place(cluster, read.deployments)

    async def _check(
        self, read: files.Files, categories: Sequence[str], how: Wanted, place: Place, *, enforced_only: bool
    ) -> pb.DeployDetectionResponse:
        policies = of_categories(await self._engine.current(), categories)
        answer = pb.DeployDetectionResponse(ignored_object_refs=read.ignored)
        selecting = place.with_applied(read.network_policies)
        for deployment in read.deployments:
            images = [await self._images.scan_or_bare(c.image, how) for c in deployment.containers]
            selected = files.applied(deployment, selecting)
            labels = place.labels(deployment.namespace)
            alerts = deployment_alerts(policies, deployment, images, selected, self._clock.now(), labels)
            if enforced_only:
                alerts = [alert for alert in alerts if alert.enforcement.action]
            answer.runs.add(name=deployment.name, type=deployment.type, alerts=alerts)
        return answer


def _image_of(request: pb.BuildDetectionRequest) -> ContainerImage:
    match request.WhichOneof("Resource"):
        case "image_name":
            return parse_image(request.image_name)
        case "image":
            if not request.image.name.full_name:
                raise Invalid.because("image name must be specified")
            # Clients send a name that they parsed; ours is parsed again, so that both agree.
            wanted = parse_image(request.image.name.full_name)
            wanted.id = wanted.id or request.image.id
            return wanted
    raise Invalid.because("image or image_name must be specified")


def _remark(deployment: Deployment, policies: Sequence[NetworkPolicy] | None) -> pb.DeployDetectionRemark:
    selected = files.applied(deployment, policies)
    return pb.DeployDetectionRemark(
        name=deployment.name,
        permission_level=PermissionLevel.Name(deployment.service_account_permission_level),
        applied_network_policies=sorted(selected.policies.values()) if selected is not None else (),
    )
