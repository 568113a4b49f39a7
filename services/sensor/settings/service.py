"""What the admission controller calls: settings and resources in, alerts out, images.

It must not know how settings are made or where images come from.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import ClassVar

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

from pyrox import log
from pyrox.errors import Exhausted, NotFound, Unavailable
from pyrox.pb.internalapi.central.sensor_events_pb2 import ResourceAction, SensorEvent
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import ImageKey
from pyrox.pb.internalapi.sensor import admission_control_iservice_pb2
from pyrox.pb.internalapi.sensor.admission_control_iservice_pb2 import MsgToAdmissionControl
from pyrox.pb.internalapi.sensor.admission_control_pb2 import (
    AdmCtrlImageCacheInvalidation,
    AdmCtrlUpdateResourceRequest,
    AdmissionControlAlerts,
    ClusterLabels,
)
from pyrox.pb.internalapi.sensor.deployment_iservice_pb2 import GetDeploymentForPodRequest
from pyrox.pb.internalapi.sensor.image_iservice_pb2 import GetImageRequest, GetImageResponse
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.rpc.authz import Rule, Services
from pyrox.rpc.call import Call
from services.sensor.detect.images import Images
from services.sensor.detect.scanner import CentralScanner
from services.sensor.link.events import Events
from services.sensor.settings.admission import AdmissionSettings
from services.sensor.store.messages import Messages

_LOG = log.get(__name__)
_ADMISSION = Services.of("ADMISSION_CONTROL_SERVICE")
_ARMS = ("deployment", "pod", "namespace")
# A replica that lags by more than this is told to connect anew and gets everything again.
_MAX_BEHIND = 10_000
_MAX_ALERTS = 1000


class AdmissionService:
    """`sensor.AdmissionControlManagementService`."""

    SERVICE: ClassVar[str] = "sensor.AdmissionControlManagementService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {"Communicate": _ADMISSION, "PolicyAlerts": _ADMISSION}

    def __init__(
        self,
        *,
        settings: AdmissionSettings,
        messages: Messages,
        events: Events,
        cluster_labels: Mapping[str, str],
    ) -> None:
        self._settings = settings
        self._cluster_labels = cluster_labels
        self._messages = messages
        self._events = events

    async def Communicate(
        self, requests: AsyncIterator[admission_control_iservice_pb2.MsgFromAdmissionControl], call: Call
    ) -> AsyncIterator[MsgToAdmissionControl]:
        """Settings, then all resources, then every change of either."""
        del requests
        feed = _Feed()
        stops = (
            self._settings.listen(lambda: feed.put(self._push()), lambda keys: feed.put(_forget(keys))),
            self._messages.watch(feed.on_change),
        )
        try:
            await call.send_headers({})
            if self._settings.current is not None:
                yield self._push()
            for message in list(self._everything()):
                yield message
            while True:
                yield await feed.take()
        finally:
            for stop in stops:
                stop()

    async def PolicyAlerts(self, request: AdmissionControlAlerts, call: Call) -> Empty:
        """Alerts of requests that Admission judged; they go to Central at once."""
        del call
        if len(request.alert_results) > _MAX_ALERTS:
            raise Exhausted(f"more than {_MAX_ALERTS} alert results in one call; send them in parts")
        for results in request.alert_results:
            self._events.emit(SensorEvent(id=results.deployment_id, alert_results=results))
        return Empty()

    def _push(self) -> MsgToAdmissionControl:
        return MsgToAdmissionControl(settings_push=self._settings.current)

    def _everything(self) -> Iterator[MsgToAdmissionControl]:
        for arm in _ARMS:
            for entry in list(self._messages.entries(arm).values()):
                yield _update(ResourceAction.CREATE_RESOURCE, arm, entry.message)
        labels = ClusterLabels(labels=self._cluster_labels)
        yield MsgToAdmissionControl(
            update_resource_request=AdmCtrlUpdateResourceRequest(
                action=ResourceAction.SYNC_RESOURCE, cluster_labels=labels
            )
        )
        synced = AdmCtrlUpdateResourceRequest.ResourcesSynced()
        yield MsgToAdmissionControl(update_resource_request=AdmCtrlUpdateResourceRequest(synced=synced))


class _Feed:
    """The changes that wait for one stream."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[MsgToAdmissionControl] = asyncio.Queue(_MAX_BEHIND)
        self._overrun = False

    def put(self, message: MsgToAdmissionControl) -> None:
        try:
            self._queue.put_nowait(message)
        except asyncio.QueueFull:
            self._overrun = True

    def on_change(self, action: ResourceAction.ValueType, arm: str, message: Message) -> None:
        if arm in _ARMS:
            self.put(_update(action, arm, message))

    async def take(self) -> MsgToAdmissionControl:
        if self._overrun:
            raise Unavailable("this replica is too far behind; connect again")
        return await self._queue.get()


def _update(action: ResourceAction.ValueType, arm: str, message: Message) -> MsgToAdmissionControl:
    update = AdmCtrlUpdateResourceRequest(action=action)
    getattr(update, arm).CopyFrom(message)
    return MsgToAdmissionControl(update_resource_request=update)


def _forget(keys: list[ImageKey]) -> MsgToAdmissionControl:
    return MsgToAdmissionControl(image_cache_invalidation=AdmCtrlImageCacheInvalidation(image_keys=keys))


class ImageService:
    """`sensor.ImageService`: images for Admission's decisions."""

    SERVICE: ClassVar[str] = "sensor.ImageService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {"GetImage": _ADMISSION}

    def __init__(self, *, images: Images, scanner: CentralScanner) -> None:
        self._images = images
        self._scanner = scanner

    async def GetImage(self, request: GetImageRequest, call: Call) -> GetImageResponse:
        """The image with its scan; without `scan_inline` only what is known already."""
        del call
        found = self._images.cached(request.image)
        if found is not None and found.HasField("scan"):
            return GetImageResponse(image=found)
        if not self._images.online:
            raise Unavailable("Sensor has no connection to Central; ask Central directly")
        scanned = await self._scanner.scan_for_admission(request.image, cached_only=not request.scan_inline)
        return GetImageResponse(image=scanned)


class DeploymentService:
    """`sensor.DeploymentService`: the deployment of a pod."""

    SERVICE: ClassVar[str] = "sensor.DeploymentService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {"GetDeploymentForPod": _ADMISSION}

    def __init__(self, *, messages: Messages) -> None:
        self._messages = messages

    async def GetDeploymentForPod(self, request: GetDeploymentForPodRequest, call: Call) -> Deployment:
        """Find the pod by namespace and name; `NotFound` when pod or deployment are not known."""
        del call
        for pod in self._messages.pods():
            if pod.name == request.pod_name and pod.namespace == request.namespace:
                deployment = self._messages.deployment(pod.deployment_id)
                if deployment is not None:
                    return deployment
        raise NotFound(f"no deployment is known for pod {request.namespace}/{request.pod_name}")
