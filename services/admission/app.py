"""Admission's composition root: every object of the process is built here, once.

`build` constructs and opens nothing; the components are started by `main.py` in the
order given here.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from pyrox.clock import Clock
from pyrox.metrics import Metrics
from pyrox.mtls.choice import CertificateChoice
from pyrox.mtls.identity import Subject
from pyrox.mtls.reload import CertFiles, CertificateWatch, ClientTls, ServerTls
from pyrox.pb.internalapi.sensor.admission_control_iservice_pb2 import MsgToAdmissionControl
from pyrox.pb.internalapi.sensor.admission_control_pb2 import AdmissionControlSettings
from pyrox.rpc.client import Channels, Target
from pyrox.rpc.front import Endpoint, Front
from pyrox.rpc.monitoring import metrics_fronts
from pyrox.service import Component
from services.admission.alerts import Alerts
from services.admission.backoff import Pauses
from services.admission.config import Config
from services.admission.deploytime import DeployReviews
from services.admission.detect import Detector
from services.admission.drain import Drain
from services.admission.events import EventReviews
from services.admission.images import Images
from services.admission.policies import Ruling, ruling_of
from services.admission.resources import Resources
from services.admission.sensor import Sensor, SensorStream
from services.admission.settings import Settings, SettingsFiles
from services.admission.webhook import Webhook

_SENSOR = Subject("SENSOR_SERVICE", "Sensor")


@dataclass(frozen=True, slots=True)
class App:
    """The built process."""

    components: tuple[Component, ...]
    front: Front
    channels: Channels
    sensor: Sensor
    events: EventReviews

    async def close(self) -> None:
        """Give up background work and close the connections."""
        await self.events.close()
        await self.sensor.close()
        await self.channels.close()


class _Current:
    """The ruling in force: made from the newest settings, with everything that follows from a change."""

    def __init__(self, *, images: Images, sensor: Sensor) -> None:
        self._images = images
        self._sensor = sensor
        self._cache_version = ""
        self.ruling: Ruling | None = None

    def on_settings(self, settings: AdmissionControlSettings) -> None:
        """Compile what changed in them; forget images when Central asks for that by a new cache version."""
        self.ruling = ruling_of(settings, self.ruling)
        self._sensor.use_central(settings.central_endpoint, settings.cluster_id)
        if settings.cache_version != self._cache_version:
            self._cache_version = settings.cache_version
            self._images.forget_all()


def build(config: Config, clock: Clock) -> App:
    """Build the process from its settings."""
    metrics = Metrics("admission_control")
    files = CertFiles.in_directory(config.certs.used)
    authorities = [config.certs.used / "ca.pem"]
    client_tls = ClientTls(authorities=authorities, certificate=files)
    server_tls = ServerTls(certificates=[files], alpn=("http/1.1",))
    channels = Channels(
        Target(config.sensor, _SENSOR.hostname, by_service_name=True), tls=client_tls, service_cert=clock
    )
    sensor = Sensor(channels=channels, tls=client_tls, clock=clock)
    images = Images(source=sensor, clock=clock, ttl=config.image_ttl, budget=config.image_bytes)
    settings = Settings(state=config.state)
    current = _Current(images=images, sensor=sensor)
    settings.listen(current.on_settings)
    resources = Resources()
    stream = SensorStream(
        channels=channels,
        pauses=Pauses(clock=clock, random=random.random),
        on_connect=resources.restart,
        on_message=_on_message(settings, resources, images),
    )
    sensor.connected = lambda: stream.connected
    alerts = Alerts(
        send=sensor.send_alerts, pauses=Pauses(clock=clock, random=random.random), metrics=metrics
    )
    detector = Detector(images=images)
    workloads = DeployReviews(
        resources=resources, detector=detector, alerts=alerts, clock=clock, namespace=config.namespace
    )
    events = EventReviews(
        resources=resources,
        detector=detector,
        alerts=alerts,
        clock=clock,
        ask_for_pod=sensor.deployment_of,
    )
    webhook = Webhook(ruling=lambda: current.ruling, validate=workloads.answer, events=events.answer)
    endpoint = Endpoint(config.listen.host, config.listen.port, server_tls)
    front = Front(endpoints=[endpoint], app=webhook, peers=None, clock=clock)
    components: tuple[Component, ...] = (
        *metrics_fronts(config.metrics, metrics, clock),
        CertificateChoice(places=config.certs, clock=clock),
        CertificateWatch(watched=[client_tls, server_tls], clock=clock),
        SettingsFiles(settings=settings, mounted=config.mounted, clock=clock),
        alerts,
        stream,
        front,
        Drain(webhook=webhook, clock=clock, seconds=config.drain.total_seconds()),
    )
    return App(components=components, front=front, channels=channels, sensor=sensor, events=events)


def _on_message(
    settings: Settings, resources: Resources, images: Images
) -> Callable[[MsgToAdmissionControl], None]:
    def take(message: MsgToAdmissionControl) -> None:
        match message.WhichOneof("msg"):
            case "settings_push":
                settings.offer(message.settings_push, "sensor")
            case "update_resource_request":
                resources.apply(message.update_resource_request)
            case "image_cache_invalidation":
                images.forget(message.image_cache_invalidation.image_keys)
            case _:
                # A later Sensor may send kinds that this release does not use.
                return

    return take
