"""The component that keeps the stream to Sensor: `sensor.ComplianceService/Communicate`.

Sensor says first what it knows of the node, then sends orders. Which of them are served
is written here; the others are counted, by name. It must not know how an order is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import grpc

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import RoxError, Unavailable
from pyrox.metrics import Metrics
from pyrox.pb.internalapi.sensor.compliance_iservice_pb2 import MsgToCompliance
from pyrox.pb.internalapi.sensor.compliance_iservice_pb2_grpc import ComplianceServiceStub
from pyrox.rpc.client import Channels, our_side_may_close

_LOG = log.get(__name__)
NODE_NAME_HEADER = "rox-compliance-nodename"
# Upstream's pauses between attempts end at 30 s; after 15 minutes without Sensor it gives
# up, and the kubelet starts it anew.
_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.5, 30.0, 2.0
_GIVE_UP_SECONDS = 15 * 60.0
_FAILURES = (grpc.RpcError, grpc.aio.BaseError, asyncio.InvalidStateError, TimeoutError, OSError, RoxError)


class SensorStream:
    """Keeps one stream open and follows Sensor's orders."""

    name = "sensor-stream"

    def __init__(
        self,
        *,
        channels: Channels,
        node_name: str,
        metrics: Metrics,
        clock: Clock,
        random: Callable[[], float],
    ) -> None:
        self._channels = channels
        self._node_name = node_name
        self._clock = clock
        self._random = random
        self._pause = _FIRST_PAUSE
        self._last_contact = clock.monotonic()
        self._connected = metrics.gauge("sensor_connected", "whether the stream to Sensor is open")
        self._ignored = metrics.counter("orders_ignored", "orders of Sensor that are not served", ["order"])
        self.config: MsgToCompliance.ScrapeConfig | None = None
        """What Sensor said of the node; None while there is no stream."""

    async def run(self, ready: Callable[[], None]) -> None:
        """Connect and follow until cancelled; ready at once, since Sensor may be away.

        Raises `Unavailable` when Sensor could not be reached for a quarter of an hour.
        """
        ready()
        self._last_contact = self._clock.monotonic()
        while True:
            try:
                with our_side_may_close("Sensor"):
                    await self._session()
            except _FAILURES as err:
                self._failed(err)
            finally:
                self.config = None
                self._connected.set(0)
            await self._channels.close()
            await self._clock.sleep(self._pause * (1 + self._random()) / 2)
            self._pause = min(self._pause * _GROWTH, _LONGEST_PAUSE)

    async def _session(self) -> None:
        stub: Any = ComplianceServiceStub(await self._channels.channel())
        call = stub.Communicate(metadata=((NODE_NAME_HEADER, self._node_name),))
        try:
            async for message in call:
                self._take(message)
        finally:
            call.cancel()
        raise Unavailable("Sensor ended the stream")

    def _take(self, message: MsgToCompliance) -> None:
        self._last_contact = self._clock.monotonic()
        order = message.WhichOneof("msg")
        if self.config is None:
            if order != "config":
                raise Unavailable(
                    f"Sensor began with {order or 'an empty message'} instead of the configuration"
                )
            self._opened(message.config)
        elif order == "config":
            self.config = message.config
        else:
            _LOG.warning("order is not served", order=order)
            self._ignored.labels(order or "empty").inc()

    def _opened(self, config: MsgToCompliance.ScrapeConfig) -> None:
        _LOG.info("stream to Sensor open", control_plane=config.is_master_node)
        self.config = config
        self._pause = _FIRST_PAUSE
        self._connected.set(1)

    def _failed(self, error: BaseException) -> None:
        now = self._clock.monotonic()
        if self.config is not None:
            self._last_contact = now
        _LOG.warning("no stream to Sensor; trying again", reason=_reason(error))
        if now - self._last_contact > _GIVE_UP_SECONDS:
            raise Unavailable(f"Sensor was away for {_GIVE_UP_SECONDS / 60:g} minutes") from error


def _reason(error: BaseException) -> str:
    if isinstance(error, grpc.aio.AioRpcError):
        return f"{error.code().name}: {error.details()}"
    return f"{type(error).__name__}: {error}"
