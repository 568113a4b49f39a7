"""Deploy-time detection: every deployment against every deploy policy.

The component takes ids of deployments, waits for their images, evaluates, and sends
one event with all current alerts of the deployment. Alerts on new deployments are also
handed to the enforcer. It must not know how events travel or how enforcement is done.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence

from pyrox import log
from pyrox.clock import Clock
from pyrox.pb.internalapi.central.sensor_events_pb2 import AlertResults, ResourceAction, SensorEvent
from pyrox.pb.storage.alert_pb2 import Alert
from pyrox.pb.storage.deployment_pb2 import ContainerImage, Deployment
from pyrox.pb.storage.image_pb2 import Image
from pyrox.pb.storage.network_policy_pb2 import NetworkPolicyType
from pyrox.policy.alerts import build_alert
from pyrox.policy.evaluate import CompiledPolicy
from pyrox.policy.scope import PlaceLabels
from pyrox.policy.sets import PolicySet
from pyrox.policy.subject import DeploymentSubject, NetworkPoliciesApplied
from pyrox.workload.network_policies import selecting
from services.sensor.detect.images import Images, key_of
from services.sensor.detect.policies import Policies
from services.sensor.link.events import Events
from services.sensor.store.messages import Messages

_LOG = log.get(__name__)
# Deployments that wait for their images at the same time; waiting costs next to nothing.
_PARALLEL = 2000
# A new deployment is judged by its spec alone when its images take longer than this.
_PATIENCE_SECONDS = 2.0
Enforce = Callable[[Deployment, Sequence[Alert]], None]


class DeployDetector:
    """The component that judges deployments."""

    name = "deploy-detector"

    def __init__(
        self,
        *,
        policies: Policies,
        images: Images,
        messages: Messages,
        events: Events,
        clock: Clock,
        enforce: Enforce,
    ) -> None:
        self._policies = policies
        self._images = images
        self._messages = messages
        self._events = events
        self._clock = clock
        self._enforce = enforce
        self._waiting: dict[str, ResourceAction.ValueType] = {}
        self._running: set[str] = set()
        self._judged: set[str] = set()
        self._wake = asyncio.Event()
        self._held = False
        self.cluster_labels: Mapping[str, str] = {}
        """What the installation says of the cluster, for policies scoped by label."""

    def hold(self) -> None:
        """Judge nothing for now: Central must hear of the deployments first."""
        self._held = True

    def release(self) -> None:
        """Go on."""
        self._held = False
        self._wake.set()

    def on_change(self, key: str, action: ResourceAction.ValueType) -> None:
        """A deployment was published or removed."""
        if action == ResourceAction.REMOVE_RESOURCE:
            self._waiting.pop(key, None)
            self._judged.discard(key)
            self._send(key, (), ResourceAction.REMOVE_RESOURCE)
            return
        self._request(key, action)

    def on_offer(self, key: str) -> None:
        """Central was just told of the deployment, after a (re)connect."""
        self._request(
            key, ResourceAction.UPDATE_RESOURCE if key in self._judged else ResourceAction.SYNC_RESOURCE
        )

    def judge_all(self) -> None:
        """Whatever verdicts rest on may have changed: judge everything again."""
        for key in list(self._messages.entries("deployment")):
            self._request(key, ResourceAction.UPDATE_RESOURCE)

    def judge_policies(self) -> None:
        """Policies changed: judge again what a changed one speaks about, or spoke about before.

        What a policy newly leaves out is judged too, so that its alert ends.
        """
        self.judge_by(self._policies.changed)

    def judge_by(self, policies: Sequence[CompiledPolicy]) -> None:
        """Judge the deployments again that one of these policies speaks about."""
        now = self._clock.now()
        for deployment in self._messages.deployments() if policies else ():
            places = self.places(deployment)
            if any(one.scope.applies_to_deployment(deployment, now, places) for one in policies):
                self._request(deployment.id, ResourceAction.UPDATE_RESOURCE)

    def judge_images(self, keys: set[str]) -> None:
        """Judge the deployments again that use one of these images."""
        for deployment in self._messages.deployments():
            if any(_names(container.image) & keys for container in deployment.containers):
                self._request(deployment.id, ResourceAction.UPDATE_RESOURCE)

    def judge(self, deployment_ids: Sequence[str]) -> None:
        """Judge these deployments again."""
        for key in deployment_ids:
            self._request(key, ResourceAction.UPDATE_RESOURCE)

    async def run(self, ready: Callable[[], None]) -> None:
        """Judge what is requested until cancelled."""
        ready()
        slots = asyncio.Semaphore(_PARALLEL)
        async with asyncio.TaskGroup() as group:
            while True:
                await self._wake.wait()
                self._wake.clear()
                if self._held:
                    continue
                for key in [key for key in self._waiting if key not in self._running]:
                    await slots.acquire()
                    action = self._waiting.pop(key, None)
                    if action is None:
                        slots.release()
                        continue
                    self._running.add(key)
                    group.create_task(self._judge(key, action, slots))

    def _request(self, key: str, action: ResourceAction.ValueType) -> None:
        """Note the deployment; a creation is not forgotten by a later update."""
        if not self._policies.received:
            return
        if self._waiting.get(key) != ResourceAction.CREATE_RESOURCE:
            self._waiting[key] = action
        self._wake.set()

    async def _judge(self, key: str, action: ResourceAction.ValueType, slots: asyncio.Semaphore) -> None:
        try:
            deployment = self._messages.deployment(key)
            if deployment is None:
                return
            images = await self._images_of(deployment, action)
            if self._messages.deployment(key) is deployment and not self._held:
                self._conclude(deployment, images, action)
            elif self._messages.deployment(key) is not None:
                # It changed while its images were fetched, and only the newest state counts; or
                # the connection did.
                self._request(key, action)
        finally:
            self._running.discard(key)
            slots.release()
            self._wake.set()

    async def _images_of(self, deployment: Deployment, action: ResourceAction.ValueType) -> list[Image]:
        """The images; a new deployment is judged by its spec meanwhile when they are slow.

        Only a new one: of others Central may have alerts on images, which a list without
        them would resolve.
        """
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(self._images.of(deployment))
            if action == ResourceAction.CREATE_RESOURCE:
                done, _ = await asyncio.wait({waiting}, timeout=_PATIENCE_SECONDS)
                if not done and self._messages.deployment(deployment.id) is deployment and not self._held:
                    self._conclude(
                        deployment, self._images.cached_of(deployment), action, self._policies.on_spec
                    )
        return waiting.result()

    def _conclude(
        self,
        deployment: Deployment,
        images: Sequence[Image],
        action: ResourceAction.ValueType,
        policies: PolicySet | None = None,
    ) -> None:
        alerts = self.alerts_of(deployment, images, policies or self._policies.current)
        self._judged.add(deployment.id)
        self._send(deployment.id, alerts, action)
        if action == ResourceAction.CREATE_RESOURCE and alerts:
            self._enforce(deployment, alerts)

    def alerts_of(self, deployment: Deployment, images: Sequence[Image], policies: PolicySet) -> list[Alert]:
        """The alerts of the deployment as it is, in the order of their policies' ids."""
        subject = DeploymentSubject(deployment, images, self._applied(deployment))
        now = self._clock.now()
        detection = policies.detect(subject, now, places=self.places(deployment))
        for problem in detection.problems:
            _LOG.warning("policy failed on deployment", policy=problem.policy_name, error=problem.message)
        return [
            build_alert(match.compiled.policy, match.verdict, subject, alert_id=str(uuid.uuid4()), now=now)
            for match in detection.matches
        ]

    def places(self, deployment: Deployment) -> PlaceLabels:
        """Labels of the cluster and the deployment's namespace, for policies scoped by label."""
        labels = next(
            (
                dict(found.labels)
                for found in self._messages.namespaces()
                if found.name == deployment.namespace
            ),
            {},
        )
        return PlaceLabels(cluster=self.cluster_labels, namespace=labels)

    def _applied(self, deployment: Deployment) -> NetworkPoliciesApplied:
        found = selecting(self._messages.network_policies(), deployment.namespace, deployment.pod_labels)
        types = {kind for policy in found for kind in policy.spec.policy_types}
        return NetworkPoliciesApplied(
            has_ingress=NetworkPolicyType.INGRESS_NETWORK_POLICY_TYPE in types,
            has_egress=NetworkPolicyType.EGRESS_NETWORK_POLICY_TYPE in types,
            policies={policy.id: policy.name for policy in found},
        )

    def _send(self, key: str, alerts: Sequence[Alert], action: ResourceAction.ValueType) -> None:
        results = AlertResults(deployment_id=key, alerts=alerts)
        self._events.emit(SensorEvent(id=key, action=action, alert_results=results))


def _names(image: ContainerImage) -> set[str]:
    return {key_of(image), image.id, image.name.full_name}
