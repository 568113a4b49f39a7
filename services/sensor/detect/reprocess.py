"""Central's messages about images and reprocessing. Handlers for the link; no logic of detection."""

from __future__ import annotations

from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgToSensor
from services.sensor.detect.deploytime import DeployDetector
from services.sensor.detect.images import Images


class Reprocessing:
    """Keeps images as fresh as Central says and judges again what uses them."""

    def __init__(self, *, images: Images, detector: DeployDetector) -> None:
        self._images = images
        self._detector = detector

    def on_updated_image(self, message: MsgToSensor) -> None:
        """Central scanned an image anew; a reprocess message follows."""
        self._images.put(message.updated_image)

    def on_invalidate(self, message: MsgToSensor) -> None:
        """Forget images and ask for them again at once, as upstream's Sensor does."""
        self._detector.judge_images(self._images.forget(message.invalidate_image_cache.image_keys))

    def on_refresh(self, message: MsgToSensor) -> None:
        """These images did not change."""
        self._images.refresh(message.refresh_image_cache_ttl.image_keys)

    def on_reprocess_deployments(self, message: MsgToSensor) -> None:
        """Judge everything again, with fresh images unless Central says otherwise."""
        if not message.reprocess_deployments.skip_cache_flush:
            self._images.forget_all()
        self._detector.judge_all()

    def on_reprocess_deployment(self, message: MsgToSensor) -> None:
        """Judge some deployments again."""
        self._detector.judge(list(message.reprocess_deployment.deployment_ids))
