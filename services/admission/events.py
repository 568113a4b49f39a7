"""Reviews of requests to pods: exec, port-forward and attach.

The webhook calls it for `/events`. It must not know HTTP or where images come from.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import RoxError
from pyrox.pb.storage import policy_pb2
from pyrox.pb.storage.alert_pb2 import ATTEMPTED, Alert
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.image_pb2 import Image
from pyrox.pb.storage.kube_event_pb2 import KubernetesEvent
from pyrox.policy.enforcement import request_bypassed
from pyrox.policy.sets import Detection, Match, PolicySet
from pyrox.policy.subject import DeploymentSubject, KubeEventSubject
from pyrox.workload import objects
from services.admission import bypass, review
from services.admission.alerts import Alerts
from services.admission.detect import Detector, alerts_of
from services.admission.policies import Ruling
from services.admission.resources import Resources
from services.admission.review import Review

_LOG = log.get(__name__)
_OPERATIONS = frozenset({"CONNECT", "CREATE"})
_RESOURCES = {
    "PodExecOptions": KubernetesEvent.Object.PODS_EXEC,
    "PodPortForwardOptions": KubernetesEvent.Object.PODS_PORTFORWARD,
    "PodAttachOptions": KubernetesEvent.Object.PODS_ATTACH,
}
# Requests to pods that nobody knows yet, judged in the background at the same time.
_MAX_LATE = 100
AskForPod = Callable[[str, str], Awaitable[Deployment | None]]


def to_event(asked: Review) -> KubernetesEvent | None:
    """The event in upstream's form; None for requests that are not about pods' insides."""
    resource = _RESOURCES.get(asked.kind)
    if resource is None or asked.operation not in _OPERATIONS:
        return None
    event = KubernetesEvent(
        id=asked.uid,
        api_verb=KubernetesEvent.CREATE,
        object=KubernetesEvent.Object(name=asked.name, resource=resource, namespace=asked.namespace),
        user=KubernetesEvent.User(username=asked.username, groups=asked.groups),
    )
    container = objects.text(asked.object, "container")
    if resource == KubernetesEvent.Object.PODS_EXEC:
        event.pod_exec_args.container = container
        event.pod_exec_args.commands.extend(objects.texts(asked.object, "command"))
        event.pod_exec_args.SetInParent()
    elif resource == KubernetesEvent.Object.PODS_PORTFORWARD:
        event.pod_port_forward_args.ports.extend(_ports(asked.object))
        event.pod_port_forward_args.SetInParent()
    else:
        event.pod_attach_args.container = container
        event.pod_attach_args.SetInParent()
    return event


def _ports(value: objects.Object) -> list[int]:
    found = value.get("ports")
    if not isinstance(found, list):
        return []
    return [port for port in found if isinstance(port, int) and 0 <= port <= 65535]


class EventReviews:
    """Decides on requests to pods."""

    def __init__(
        self,
        *,
        resources: Resources,
        detector: Detector,
        alerts: Alerts,
        clock: Clock,
        ask_for_pod: AskForPod,
    ) -> None:
        self._resources = resources
        self._detector = detector
        self._alerts = alerts
        self._clock = clock
        self._ask_for_pod = ask_for_pod
        self._late: set[asyncio.Task[None]] = set()

    async def answer(self, asked: Review, ruling: Ruling) -> bytes:
        """The answer to a review."""
        event = None if bypass.is_privileged(asked) else to_event(asked)
        if event is None:
            return review.allowed(asked)
        event.timestamp.FromDatetime(self._clock.now())
        event.object.cluster_id = ruling.cluster_id
        deployment = self._resources.of_pod(asked.namespace, asked.name)
        if deployment is None:
            if not asked.dry_run:
                self._judge_later(event, ruling)
            alerts = self._alerts_of(KubeEventSubject(event), self._detect(event, None, ruling.on_events, ()))
        else:
            alerts = await self._on_deployment(event, deployment, ruling)
        return self._conclude(asked, alerts, send=deployment is not None and not asked.dry_run)

    async def close(self) -> None:
        """Give up what is judged in the background."""
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)

    def _conclude(self, asked: Review, alerts: Sequence[Alert], *, send: bool) -> bytes:
        refused = any(
            alert.enforcement.action == policy_pb2.FAIL_KUBE_REQUEST_ENFORCEMENT for alert in alerts
        )
        if refused:
            for alert in alerts:
                alert.state = ATTEMPTED
        if send:
            self._alerts.put(alerts)
        if not refused:
            return review.allowed(asked)
        _LOG.info("request refused", namespace=asked.namespace, pod=asked.name, kind=asked.kind)
        return review.denied(asked, review.denial_text(alerts, skipped=0, bypass_disabled=True))

    async def _on_deployment(
        self, event: KubernetesEvent, deployment: Deployment, ruling: Ruling
    ) -> list[Alert]:
        matches = list(self._detect(event, deployment, ruling.on_events, ()).matches)
        matches += await self._with_deployment(event, deployment, ruling)
        subject = KubeEventSubject(event, DeploymentSubject(deployment))
        return self._alerts_of(subject, Detection(tuple(matches)))

    async def _with_deployment(
        self, event: KubernetesEvent, deployment: Deployment, ruling: Ruling
    ) -> tuple[Match, ...]:
        if not ruling.on_pods.policies:
            return ()

        def detect(images: Sequence[Image]) -> Detection:
            return self._detect(event, deployment, ruling.on_pods, images)

        return await self._detector.with_images(deployment, detect, ruling)

    def _detect(
        self,
        event: KubernetesEvent,
        deployment: Deployment | None,
        policies: PolicySet,
        images: Sequence[Image],
    ) -> Detection:
        on = None if deployment is None else DeploymentSubject(deployment, images)
        places = self._resources.places(event.object.namespace)
        return policies.detect(KubeEventSubject(event, on), self._clock.now(), places=places)

    def _alerts_of(self, subject: KubeEventSubject, detection: Detection) -> list[Alert]:
        alerts = alerts_of(detection.matches, subject, self._clock.now())
        if subject.on is not None and request_bypassed(subject.on.deployment.annotations):
            for alert in alerts:
                alert.ClearField("enforcement")
        return alerts

    def _judge_later(self, event: KubernetesEvent, ruling: Ruling) -> None:
        if not ruling.on_pods.policies:
            return
        if len(self._late) >= _MAX_LATE:
            _LOG.warning("request on unknown pod not judged later", pod=event.object.name)
            return
        task = asyncio.create_task(self._late_verdict(event, ruling))
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _late_verdict(self, event: KubernetesEvent, ruling: Ruling) -> None:
        """Once the pod's deployment is known, report what the request violated."""
        await self._resources.synced.wait()
        place = (event.object.namespace, event.object.name)
        try:
            deployment = self._resources.of_pod(*place) or await self._ask_for_pod(*place)
        except RoxError as error:
            _LOG.error("deployment of pod not found", namespace=place[0], pod=place[1], error=error.message)
            return
        if deployment is None:
            return
        matches = await self._with_deployment(event, deployment, ruling)
        subject = KubeEventSubject(event, DeploymentSubject(deployment))
        self._alerts.put(self._alerts_of(subject, Detection(matches)))
