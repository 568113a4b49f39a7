"""Compliance's composition root: every object of the process is built here, once.

`build` constructs and opens nothing; the components are started by `main.py` in the
order given here.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from pyrox.clock import Clock
from pyrox.metrics import Metrics
from pyrox.mtls.choice import CertificateChoice
from pyrox.mtls.identity import Subject
from pyrox.mtls.reload import CertificateWatch, ClientTls
from pyrox.rpc.client import Channels, Target
from pyrox.rpc.monitoring import metrics_fronts
from pyrox.service import Component
from services.compliance.config import Config
from services.compliance.stream import SensorStream

# Any of its certificates carries the name; the id differs from cluster to cluster.
_SENSOR = Subject("SENSOR_SERVICE", "")


@dataclass(frozen=True, slots=True)
class App:
    """The built process."""

    components: tuple[Component, ...]
    stream: SensorStream
    channels: Channels

    async def close(self) -> None:
        """Close the connection to Sensor."""
        await self.channels.close()


def build(config: Config, clock: Clock) -> App:
    """Build everything."""
    metrics = Metrics("compliance")
    tls = ClientTls(authorities=[config.ca_file], certificate=config.files)
    channels = Channels(Target(config.sensor, _SENSOR.hostname, by_service_name=True), tls=tls)
    stream = SensorStream(
        channels=channels, node_name=config.node_name, metrics=metrics, clock=clock, random=random.random
    )
    choice = CertificateChoice(places=config.certs, clock=clock)
    watch = CertificateWatch(watched=[tls], clock=clock)
    return App(
        components=(*metrics_fronts(config.metrics, metrics, clock), choice, watch, stream),
        stream=stream,
        channels=channels,
    )
