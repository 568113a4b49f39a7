"""`v1.DetectionService`: would this image or this file violate a policy?

`roxctl image check`, `roxctl deployment check`, the Jenkins plugin and CI scripts call it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Protocol
from uuid import uuid4

from pyrox.clock import Clock
from pyrox.errors import Invalid, NotFound
from pyrox.pb.api.v1 import detection_service_pb2 as pb
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.pb.storage.deployment_pb2 import ContainerImage, Deployment
from pyrox.pb.storage.image_pb2 import Image
from pyrox.pb.storage.rbac_pb2 import PermissionLevel
from pyrox.policy.sets import PolicySet
from pyrox.rpc.authz import AnyOf, Permissions, Rule, Services
from pyrox.rpc.call import Call
from pyrox.rpc.scope import Scope
from pyrox.workload.images import parse_image
from services.central.detection import files
from services.central.detection.build import deployment_alerts, image_alerts, of_categories
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


class Clusters(Protocol):
    """Finds clusters."""

    async def find(self, query: str = "", *, scope: Scope) -> list[Cluster]:
        """Those of the caller's scope."""


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
        self, *, images: Images, engine: Engine, clusters: Clusters, sensors: Sensors, clock: Clock
    ) -> None:
        self._images = images
        self._engine = engine
        self._clusters = clusters
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
        self, request: pb.DeployDetectionRequest, _: Call
    ) -> pb.DeployDetectionResponse:
        """Violated DEPLOY policies of one deployment."""
        if not request.HasField("deployment"):
            raise Invalid.because("Deployment must be passed to deploy time detection")
        deployment = request.deployment
        deployment.cluster_id = request.cluster_id or deployment.cluster_id
        read = files.Files(deployments=[deployment])
        how = Wanted(cached_only=request.no_external_metadata)
        return await self._check(read, (), how, enforced_only=request.enforcement_only)

    async def DetectDeployTimeFromYAML(
        self, request: pb.DeployYAMLDetectionRequest, call: Call
    ) -> pb.DeployDetectionResponse:
        """Violated DEPLOY policies of every workload in the files."""
        read = files.read(request.yaml, namespace=request.namespace, now=self._clock.now())
        enhanced = bool(request.cluster)
        if enhanced:
            cluster_id = await self._cluster_id(request.cluster, call)
            for deployment in read.deployments:
                deployment.cluster_id = cluster_id
            read.deployments = await self._sensors.enhance(cluster_id, str(uuid4()), read.deployments)
        how = Wanted(force=request.force, cached_only=request.no_external_metadata)
        answer = await self._check(
            read, request.policy_categories, how, enforced_only=request.enforcement_only
        )
        if enhanced:
            answer.remarks.extend(_remark(found, read) for found in read.deployments)
        return answer

    async def _check(
        self, read: files.Files, categories: Sequence[str], how: Wanted, *, enforced_only: bool
    ) -> pb.DeployDetectionResponse:
        policies = of_categories(await self._engine.current(), categories)
        answer = pb.DeployDetectionResponse(ignored_object_refs=read.ignored)
        for deployment in read.deployments:
            images = [await self._images.scan_or_bare(c.image, how) for c in deployment.containers]
            selected = files.applied(deployment, read.network_policies)
            alerts = deployment_alerts(policies, deployment, images, selected, self._clock.now())
            if enforced_only:
                alerts = [alert for alert in alerts if alert.enforcement.action]
            answer.runs.add(name=deployment.name, type=deployment.type, alerts=alerts)
        return answer

    async def _cluster_id(self, name_or_id: str, call: Call) -> str:
        for cluster in await self._clusters.find(scope=call.scope("Cluster")):
            if name_or_id in {cluster.id, cluster.name}:
                return cluster.id
        raise NotFound.because(f"cluster {name_or_id!r}")


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


def _remark(deployment: Deployment, read: files.Files) -> pb.DeployDetectionRemark:
    selected = files.applied(deployment, read.network_policies)
    return pb.DeployDetectionRemark(
        name=deployment.name,
        permission_level=PermissionLevel.Name(deployment.service_account_permission_level),
        applied_network_policies=sorted(selected.policies.values()) if selected is not None else (),
    )
