"""Scans by Central: the unary calls of Sensor's image cache.

The only place that knows the RPC; see `detect.images` for who asks. It must not cache.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import grpc

from pyrox.errors import Exhausted, Unavailable
from pyrox.pb.api.v1.image_service_pb2 import ScanImageInternalRequest
from pyrox.pb.api.v1.image_service_pb2_grpc import ImageServiceStub
from pyrox.pb.storage.deployment_pb2 import ContainerImage
from pyrox.pb.storage.image_pb2 import Image
from services.sensor.detect.images import Source
from services.sensor.link.greeting import CLUSTER_ID_HEADER

OpenChannel = Callable[[], Awaitable[grpc.aio.Channel]]
_TOO_MANY = "TooManyParallelScans"


class CentralScanner:
    """Asks Central over the connection that also carries the stream."""

    def __init__(self, *, channel: OpenChannel, cluster_id: str, timeout: timedelta) -> None:
        self._channel = channel
        self._timeout = timeout.total_seconds()
        self.cluster_id = cluster_id

    async def scan(self, image: ContainerImage, source: Source, *, cached_only: bool) -> Image:
        """The image as Central knows or scans it.

        The source is not sent: Central needs it only for registries of this cluster,
        which it is told of by the delegated scanning of a later release.
        """
        del source
        stub = ImageServiceStub(await self._channel())
        return await self._ask(stub.ScanImageInternal, image, cached_only=cached_only)

    async def scan_for_admission(self, image: ContainerImage, *, cached_only: bool) -> Image:
        """The image for an admission decision."""
        stub = ImageServiceStub(await self._channel())
        return await self._ask(stub.ScanImageInternalForAdmission, image, cached_only=cached_only)

    async def _ask(self, method: Any, image: ContainerImage, *, cached_only: bool) -> Image:
        request = ScanImageInternalRequest(image=image, cached_only=cached_only)
        try:
            answer = await method(
                request, timeout=self._timeout, metadata=((CLUSTER_ID_HEADER, self.cluster_id),)
            )
        except grpc.aio.AioRpcError as error:
            text = f"Central's scan of {image.name.full_name}: {error.code().name}: {error.details()}"
            if _TOO_MANY.encode() in _details(error):
                raise Exhausted(text) from error
            raise Unavailable(text) from error
        found: Image = answer.image
        return found


def _details(error: grpc.aio.AioRpcError) -> bytes:
    """The status's details, in which upstream names the reason by a message type."""
    trailers: Any = error.trailing_metadata() or ()
    for key, value in trailers:
        if key == "grpc-status-details-bin":
            return value if isinstance(value, bytes) else str(value).encode()
    return b""
