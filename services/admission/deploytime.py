"""Reviews of workloads: the deploy-time policies that are enforced.

The webhook calls it for `/validate`. It must not know HTTP or where images come from.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import NotFound
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.image_pb2 import Image
from pyrox.policy.alerts import as_attempted
from pyrox.policy.enforcement import BREAK_GLASS_ANNOTATION, bypassed
from pyrox.policy.sets import Detection, Match
from pyrox.policy.subject import DeploymentSubject
from pyrox.workload.deployments import Scene, to_deployment
from pyrox.workload.objects import Object
from services.admission import bypass, review
from services.admission.alerts import Alerts
from services.admission.detect import Detector, alerts_of
from services.admission.images import bare
from services.admission.policies import Ruling
from services.admission.resources import Resources
from services.admission.review import Review

_LOG = log.get(__name__)


class DeployReviews:
    """Decides on workloads."""

    def __init__(
        self, *, resources: Resources, detector: Detector, alerts: Alerts, clock: Clock, namespace: str
    ) -> None:
        """`namespace` is Admission's own, where nothing is refused."""
        self._resources = resources
        self._detector = detector
        self._alerts = alerts
        self._clock = clock
        self._namespace = namespace

    async def answer(self, asked: Review, ruling: Ruling) -> bytes:
        """The answer to a review; raises `NotFound` or `Invalid` when it cannot be decided."""
        if not ruling.judges(asked.operation) or bypass.is_exempt(asked, self._namespace):
            return review.allowed(asked)
        deployment = self._deployment(asked, ruling)
        if deployment is None:
            return review.allowed(asked)
        if not ruling.bypass_disabled and bypassed(deployment.annotations):
            _LOG.warning(
                "workload passes unchecked",
                namespace=asked.namespace,
                workload=asked.name,
                kind=asked.kind,
                annotation=BREAK_GLASS_ANNOTATION,
            )
            return review.allowed(asked)
        return await self._judge(asked, deployment, ruling)

    async def _judge(self, asked: Review, deployment: Deployment, ruling: Ruling) -> bytes:
        # Policies on an image's name need no more of it than the workload says.
        named = [bare(container.image) for container in deployment.containers]
        matches = ruling.on_spec.detect(
            DeploymentSubject(deployment, named),
            self._clock.now(),
            places=self._resources.places(asked.namespace),
        ).matches
        skipped = len(ruling.on_images.policies) if matches else 0
        if not matches and ruling.on_images.policies:
            matches = await self._on_images(asked, deployment, ruling)
        if not matches:
            return review.allowed(asked)
        return self._refuse(asked, deployment, matches, ruling, skipped)

    async def _on_images(self, asked: Review, deployment: Deployment, ruling: Ruling) -> tuple[Match, ...]:
        places = self._resources.places(asked.namespace)

        def detect(images: Sequence[Image]) -> Detection:
            subject = DeploymentSubject(deployment, images)
            return ruling.on_images.detect(subject, self._clock.now(), places=places)

        # As upstream: a second is too short to wait for a scan.
        if ruling.timeout_seconds > 1 and self._has_new_images(asked, deployment, ruling):
            return await self._detector.with_images(deployment, detect, ruling)
        return self._detector.now(deployment, detect)

    def _refuse(
        self, asked: Review, deployment: Deployment, matches: Sequence[Match], ruling: Ruling, skipped: int
    ) -> bytes:
        subject = DeploymentSubject(deployment)
        alerts = alerts_of(matches, subject, self._clock.now())
        for alert in alerts:
            as_attempted(alert, create=asked.operation == "CREATE")
        if not asked.dry_run:
            self._alerts.put(alerts)
        _LOG.info(
            "workload refused",
            namespace=asked.namespace,
            workload=asked.name,
            kind=asked.kind,
            operation=asked.operation,
            policies=[alert.policy.name for alert in alerts],
        )
        text = review.denial_text(alerts, skipped=skipped, bypass_disabled=ruling.bypass_disabled)
        return review.denied(asked, text)

    def _deployment(self, asked: Review, ruling: Ruling) -> Deployment | None:
        if asked.subresource != bypass.SCALE:
            return self._converted(asked, asked.object, ruling)
        found = self._resources.deployment(asked.namespace, asked.name)
        if found is None:
            raise NotFound(
                f'could not find deployment with name: "{asked.name}" in namespace "{asked.namespace}" '
                "for this admission review request"
            )
        return found

    def _converted(self, asked: Review, value: Object, ruling: Ruling) -> Deployment | None:
        scene = Scene(
            now=self._clock.now(),
            cluster_id=ruling.cluster_id,
            registry_override=ruling.registry_override,
            image_ids=ruling.image_ids,
        )
        return to_deployment({"kind": asked.kind, **value}, scene)

    def _has_new_images(self, asked: Review, deployment: Deployment, ruling: Ruling) -> bool:
        if not asked.old_object:
            return True
        old = self._converted(asked, asked.old_object, ruling)
        if old is None:
            return True
        known = {container.image.name.full_name for container in old.containers}
        return any(one.image.name.full_name not in known for one in deployment.containers)
