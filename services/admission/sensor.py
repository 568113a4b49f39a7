"""Admission's side of Sensor and Central: the stream of settings, alerts, images, pods.

The only place that knows the RPCs. It must not know how a review is decided.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import NotFound, RoxError, Unavailable
from pyrox.mtls.identity import CENTRAL
from pyrox.mtls.reload import ClientTls
from pyrox.pb.api.v1.image_service_pb2 import ScanImageInternalRequest
from pyrox.pb.api.v1.image_service_pb2_grpc import ImageServiceStub as CentralImages
from pyrox.pb.internalapi.sensor.admission_control_iservice_pb2 import (
    MsgFromAdmissionControl,
    MsgToAdmissionControl,
)
from pyrox.pb.internalapi.sensor.admission_control_iservice_pb2_grpc import (
    AdmissionControlManagementServiceStub,
)
from pyrox.pb.internalapi.sensor.admission_control_pb2 import AdmissionControlAlerts
from pyrox.pb.internalapi.sensor.deployment_iservice_pb2 import GetDeploymentForPodRequest
from pyrox.pb.internalapi.sensor.deployment_iservice_pb2_grpc import DeploymentServiceStub
from pyrox.pb.internalapi.sensor.image_iservice_pb2 import GetImageRequest
from pyrox.pb.internalapi.sensor.image_iservice_pb2_grpc import ImageServiceStub
from pyrox.pb.storage.deployment_pb2 import ContainerImage, Deployment
from pyrox.pb.storage.image_pb2 import Image
from pyrox.rpc.client import Channels, Target, our_side_may_close
from services.admission.backoff import Pauses

_LOG = log.get(__name__)
_CALL_SECONDS = 30.0
# A scan may take this long; the review that asked gives up much earlier and the answer is kept.
_SCAN_SECONDS = 600.0
_CLUSTER_ID_HEADER = "stackrox.cluster.id"


class SensorStream:
    """The component that keeps the stream from Sensor open."""

    name = "sensor-stream"

    def __init__(
        self,
        *,
        channels: Channels,
        pauses: Pauses,
        on_connect: Callable[[], None],
        on_message: Callable[[MsgToAdmissionControl], None],
    ) -> None:
        self._channels = channels
        self._pauses = pauses
        self._on_connect = on_connect
        self._on_message = on_message
        self.connected = False

    async def run(self, ready: Callable[[], None]) -> None:
        """Connect, read, connect again, until cancelled."""
        ready()
        while True:
            try:
                with our_side_may_close("Sensor"):
                    await self._read()
                reason = "Sensor ended the stream"
            except grpc.aio.AioRpcError as error:
                reason = f"{error.code().name}: {error.details()}"
            except (grpc.aio.BaseError, asyncio.InvalidStateError) as error:
                # Sensor went between the connection and the first message.
                reason = str(error)
            except Unavailable as error:
                reason = error.message
            finally:
                self.connected = False
            await self._pauses.wait("settings", reason)

    async def _read(self) -> None:
        stub: Any = AdmissionControlManagementServiceStub(await self._channels.channel())
        stream = stub.Communicate()
        try:
            await stream.wait_for_connection()
            await stream.write(MsgFromAdmissionControl())
            self._on_connect()
            _LOG.info("connected to Sensor")
            async for message in stream:
                self.connected = True
                self._pauses.reset()
                self._on_message(message)
        finally:
            stream.cancel()


class Sensor:
    """Unary calls to Sensor, and to Central when Sensor is away."""

    def __init__(self, *, channels: Channels, tls: ClientTls, clock: Clock) -> None:
        self._channels = channels
        self._tls = tls
        self._clock = clock
        self._central: Channels | None = None
        self._central_endpoint = ""
        self._cluster_id = ""
        self.connected: Callable[[], bool] = lambda: False

    def use_central(self, endpoint: str, cluster_id: str) -> None:
        """Central's address as the settings name it; empty when it is not known."""
        self._cluster_id = cluster_id
        if endpoint != self._central_endpoint:
            self._central_endpoint = endpoint
            self._central = None

    async def send_alerts(self, alerts: AdmissionControlAlerts) -> None:
        """Hand alerts to Sensor; raises `Unavailable`."""
        stub = AdmissionControlManagementServiceStub(await self._channels.channel())
        await _ask(stub.PolicyAlerts(alerts, timeout=_CALL_SECONDS), "alerts")

    async def deployment_of(self, namespace: str, pod: str) -> Deployment | None:
        """The deployment of a pod, asked of Sensor; None when it does not know either."""
        stub = DeploymentServiceStub(await self._channels.channel())
        request = GetDeploymentForPodRequest(pod_name=pod, namespace=namespace)
        try:
            found: Deployment = await _ask(
                stub.GetDeploymentForPod(request, timeout=_CALL_SECONDS), f"pod {namespace}/{pod}"
            )
        except NotFound:
            return None
        return found

    async def fetch(self, image: ContainerImage, namespace: str, *, scan_inline: bool) -> Image:
        """The image from Sensor, or from Central while there is no stream from Sensor."""
        what = f"image {image.name.full_name}"
        if not self.connected() and self._central_endpoint:
            central: Any = CentralImages(await self._to_central())
            asked = ScanImageInternalRequest(image=image, cached_only=not scan_inline)
            call = central.ScanImageInternalForAdmission(
                asked, timeout=_SCAN_SECONDS, metadata=((_CLUSTER_ID_HEADER, self._cluster_id),)
            )
        else:
            sensor: Any = ImageServiceStub(await self._channels.channel())
            wanted = GetImageRequest(image=image, scan_inline=scan_inline, namespace=namespace)
            call = sensor.GetImage(wanted, timeout=_SCAN_SECONDS)
        answer = await _ask(call, what)
        found: Image = answer.image
        return found

    async def close(self) -> None:
        """Close the connection to Central, if there is one."""
        if self._central is not None:
            await self._central.close()

    async def _to_central(self) -> grpc.aio.Channel:
        if self._central is None:
            target = Target(self._central_endpoint, CENTRAL.hostname, by_service_name=True)
            self._central = Channels(target, tls=self._tls, service_cert=self._clock)
        return await self._central.channel()


async def _ask(call: Awaitable[Any], what: str) -> Any:
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        text = f"{what}: {error.code().name}: {error.details()}"
        failure: RoxError = NotFound(text) if error.code() is grpc.StatusCode.NOT_FOUND else Unavailable(text)
        raise failure from error
