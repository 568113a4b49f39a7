"""Central's check of files, Sensor's detector and Admission, each as it judges one scene.

All are the real ones down to the border of their process; behind it stand answers of the
scene: what a scanner says, what the cluster holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import NoReturn

import orjson
import yaml

from pyrox.errors import Unavailable
from pyrox.k8s.kinds import Kind
from pyrox.k8s.watch import Change
from pyrox.metrics import Metrics
from pyrox.pb.api.v1.detection_service_pb2 import DeployYAMLDetectionRequest
from pyrox.pb.internalapi.central.sensor_events_pb2 import ResourceAction
from pyrox.pb.internalapi.sensor.admission_control_pb2 import (
    AdmCtrlUpdateResourceRequest,
    AdmissionControlSettings,
    ClusterLabels,
)
from pyrox.pb.storage.alert_pb2 import Alert
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.pb.storage.deployment_pb2 import ContainerImage, Deployment
from pyrox.pb.storage.image_pb2 import Image
from pyrox.pb.storage.namespace_metadata_pb2 import NamespaceMetadata
from pyrox.pb.storage.network_policy_pb2 import NetworkPolicy
from pyrox.pb.storage.policy_pb2 import EnforcementAction, Policy
from pyrox.policy.sets import PolicySet
from pyrox.rpc.scope import Scope
from pyrox.workload.deployments import Scene as WorkloadScene
from pyrox.workload.deployments import to_deployment
from pyrox.workload.network_policies import to_network_policy
from services.admission import review
from services.admission.alerts import Alerts
from services.admission.backoff import Pauses
from services.admission.deploytime import DeployReviews
from services.admission.detect import Detector
from services.admission.images import Images as AdmissionImages
from services.admission.policies import Ruling, ruling_of
from services.admission.resources import Resources
from services.central.detection.service import DetectionService
from services.central.detection.surroundings import Surroundings
from services.central.images.enrich import Wanted
from services.sensor.detect.deploytime import DeployDetector
from services.sensor.detect.images import Images as SensorImages
from services.sensor.detect.images import Source
from services.sensor.detect.policies import Policies
from services.sensor.link.events import Events
from services.sensor.link.outbox import Outbox
from services.sensor.network.places import Places
from services.sensor.store.entities import Entities
from services.sensor.store.messages import Messages
from services.sensor.store.publish import Publisher
from services.sensor.store.rbac import Rbac
from services.sensor.store.resolver import Resolver
from services.sensor.store.workloads import Workloads
from services.sensor.watch.cluster import STAGES, all_sinks
from services.sensor.watch.handlers import Desk
from tests.support.callers import ADMIN
from tests.support.generated_workloads import NAMESPACES, Json, Scene
from tests.support.own_policies import CLUSTER
from tests.support.pki import FixedClock

Verdicts = dict[str, list[str]]
"""What is violated: by id of the policy the sentences in their order."""
CLUSTER_LABELS = {"env": "prod", "region": "eu"}
_KINDS: dict[str, Kind] = {kind.name: kind for stage in STAGES for kind in stage}


class StillClock(FixedClock):
    """A clock whose sleepers sleep on: what is tried again later is not tried in a test."""

    async def sleep(self, seconds: float) -> NoReturn:
        self.slept.append(seconds)
        await asyncio.Event().wait()
        raise AssertionError


def verdicts(alerts: Iterable[Alert]) -> Verdicts:
    """The alerts as something that can be compared."""
    return {alert.policy.id: [_words(one) for one in alert.violations] for alert in alerts}


def _words(violation: Alert.Violation) -> str:
    # The ids of network policies in a file are made up by whoever reads it.
    names = sorted(pair.value for pair in violation.key_value_attrs.attrs if pair.key == "Policy name")
    return " ".join([Alert.Violation.Type.Name(violation.type), violation.message, *names])


class SensorJudge:
    """A Sensor that watches a cluster with nothing but the scene."""

    def __init__(self, scene: Scene, policies: Policies, clock: FixedClock) -> None:
        self.scene = scene
        self._clock = clock
        metrics = Metrics("sensor")
        events = Events(outbox=Outbox(limit=1000, kept_limit=10, metrics=metrics), clock=clock)
        self._messages = Messages()
        publisher = Publisher(messages=self._messages, events=events)
        workloads, rbac = Workloads(), Rbac()
        self.resolver = Resolver(
            workloads=workloads,
            rbac=rbac,
            messages=self._messages,
            publisher=publisher,
            clock=clock,
            cluster_id=lambda: CLUSTER,
        )
        self._sinks = all_sinks(
            Desk(
                messages=self._messages,
                publisher=publisher,
                resolver=self.resolver,
                workloads=workloads,
                rbac=rbac,
                entities=Entities(),
                places=Places(),
                clock=clock,
                cluster_id=lambda: CLUSTER,
            )
        )
        self._images = SensorImages(scanner=self, clock=clock, ttl=timedelta(hours=4), metrics=metrics)
        self._images.online = True
        self._policies = policies
        self._detector = DeployDetector(
            policies=policies,
            images=self._images,
            messages=self._messages,
            events=events,
            clock=clock,
            enforce=lambda _deployment, _alerts: None,
        )
        self._detector.cluster_labels = CLUSTER_LABELS

    async def scan(self, image: ContainerImage, source: Source, *, cached_only: bool) -> Image:
        """The scanner's answer to Sensor."""
        del source, cached_only
        return _scanned(self.scene, image)

    async def watch(self) -> None:
        """Learn everything that the cluster holds."""
        for name, labels in NAMESPACES.items():
            await self._tell({"kind": "Namespace", "metadata": {"name": name, "uid": name, "labels": labels}})
        scene = self.scene
        for value in (*scene.permissions, *scene.network_policies, *scene.services, scene.workload):
            await self._tell(value)

    async def _tell(self, value: Json) -> None:
        kind = _KINDS[value["kind"]]
        await self._sinks[kind](Change.ADDED, {"apiVersion": kind.api_version, **value})

    async def judge(self) -> Verdicts | None:
        """The verdicts; None when the object is no deployment."""
        deployment = self.resolver.build(self.scene.workload["metadata"]["uid"])
        if deployment is None:
            return None
        running = asyncio.create_task(self._images.run(lambda: None))
        await asyncio.sleep(0)
        images = await self._images.of(deployment)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return verdicts(self._detector.alerts_of(deployment, images, self._policies.current))


def _scanned(scene: Scene, image: ContainerImage) -> Image:
    found = scene.images.get(image.name.full_name)
    if found is None:
        raise Unavailable(f"image {image.name.full_name} cannot be scanned")
    return found


class CentralJudge:
    """A Central that checks the scene as a file, for the cluster of a Sensor."""

    def __init__(self, sensor: SensorJudge, policies: PolicySet, clock: FixedClock) -> None:
        self._sensor = sensor
        self._scene = sensor.scene
        self._policies = policies
        surroundings = Surroundings(clusters=self, namespaces=self, network_policies=self)
        self._service = DetectionService(
            images=self, engine=self, places=surroundings, sensors=self, clock=clock
        )
        self._stored: Sequence[Json] = ()

    async def judge(self, *, as_json: bool, stored: bool) -> Verdicts | None:
        """The verdicts; with `stored` the network policies are in the cluster, else in the file."""
        self._stored = self._scene.network_policies if stored else ()
        documents = [self._scene.workload, *(() if stored else self._scene.network_policies)]
        text = (
            "\n---\n".join(orjson.dumps(one).decode() for one in documents)
            if as_json
            else yaml.dump_all(documents, Dumper=yaml.CSafeDumper)
        )
        request = DeployYAMLDetectionRequest(yaml=text, cluster="remote")
        answer = await self._service.DetectDeployTimeFromYAML(request, ADMIN)
        assert len(answer.runs) <= 1
        return verdicts(answer.runs[0].alerts) if answer.runs else None

    async def current(self) -> PolicySet:
        """The engine."""
        return self._policies

    async def image(self, wanted: ContainerImage, how: Wanted | None = None) -> Image:
        """Nobody checks an image here."""
        raise AssertionError(wanted, how)

    async def scan_or_bare(self, wanted: ContainerImage, how: Wanted | None = None) -> Image:
        """The image, with notes when it cannot be known."""
        del how
        try:
            return _scanned(self._scene, wanted)
        except Unavailable:
            return Image(id=wanted.id, name=wanted.name, names=[wanted.name])

    async def find(self, query: str = "", *, scope: Scope) -> list[Cluster]:
        """All clusters."""
        del query, scope
        return [Cluster(id=CLUSTER, name="remote", labels=CLUSTER_LABELS)]

    async def of_names(
        self, cluster_id: str, names: Sequence[str], *, scope: Scope
    ) -> list[NamespaceMetadata]:
        """The namespaces."""
        del cluster_id, scope
        return [NamespaceMetadata(name=name, labels=NAMESPACES[name]) for name in names]

    async def of_place(self, cluster_id: str, namespace: str, *, scope: Scope) -> list[NetworkPolicy]:
        """The network policies that Central was told of."""
        del cluster_id, namespace, scope
        return [to_network_policy(one) for one in self._stored]

    async def enhance(
        self, cluster_id: str, request_id: str, deployments: Iterable[Deployment]
    ) -> list[Deployment]:
        """Sensor's answer."""
        del cluster_id, request_id
        enhanced = list(deployments)
        for deployment in enhanced:
            self._sensor.resolver.enhance(deployment)
        return enhanced


def enforced(policies: Iterable[Policy]) -> Ruling:
    """Settings by which Admission judges all of these policies, nobody being let through."""
    settings = AdmissionControlSettings(cluster_id=CLUSTER, cache_version="1", flatten_image_data=True)
    config = settings.cluster_config.admission_controller_config
    config.enabled = config.enforce_on_updates = config.scan_inline = config.disable_bypass = True
    config.timeout_seconds = 10
    for policy in policies:
        added = settings.enforced_deploy_time_policies.policies.add()
        added.CopyFrom(policy)
        added.enforcement_actions[:] = [
            EnforcementAction.SCALE_TO_ZERO_ENFORCEMENT,
            EnforcementAction.UNSATISFIABLE_NODE_CONSTRAINT_ENFORCEMENT,
        ]
    return ruling_of(settings)


class AdmissionJudge:
    """An Admission that knows the cluster's labels, and the images when it is asked."""

    def __init__(self, scene: Scene, ruling: Ruling, clock: FixedClock) -> None:
        self._scene, self._clock = scene, clock
        # The second phase is not reached when the first refuses; so each is asked by itself.
        self._rulings = (replace(ruling, on_images=PolicySet()), replace(ruling, on_spec=PolicySet()))
        self._images = AdmissionImages(source=self, clock=clock, ttl=timedelta(hours=4), budget=1 << 24)
        resources = Resources()
        for name, labels in NAMESPACES.items():
            metadata = NamespaceMetadata(name=name, labels=labels)
            resources.apply(
                AdmCtrlUpdateResourceRequest(action=ResourceAction.CREATE_RESOURCE, namespace=metadata)
            )
        labels_of_cluster = ClusterLabels(labels=CLUSTER_LABELS)
        resources.apply(
            AdmCtrlUpdateResourceRequest(
                action=ResourceAction.SYNC_RESOURCE, cluster_labels=labels_of_cluster
            )
        )
        self._put: list[Alert] = []
        self._reviews = DeployReviews(
            resources=resources,
            detector=Detector(images=self._images),
            alerts=_Collected(self._put, clock),
            clock=clock,
            namespace="stackrox",
        )

    async def fetch(self, image: ContainerImage, namespace: str, *, scan_inline: bool) -> Image:
        """The scanner's answer to Admission."""
        del namespace, scan_inline
        return _scanned(self._scene, image)

    async def judge(self) -> Verdicts | None:
        """The verdicts; None when the request is let through without a look."""
        found: Verdicts = {}
        for ruling in self._rulings:
            asked = review.read(orjson.dumps(_review(self._scene.workload)))
            await self._warm()
            self._put.clear()
            answer = orjson.loads(await self._reviews.answer(asked, ruling))["response"]
            assert answer["allowed"] is not bool(self._put)
            text = "" if answer["allowed"] else answer["status"]["message"]
            for alert in self._put:
                assert f"Policy: {alert.policy.name}\n" in text
            found |= verdicts(self._put)
        return found

    async def _warm(self) -> None:
        # With images at hand all of them are looked at; else the first violation ends the review.
        deployment = to_deployment(self._scene.workload, WorkloadScene(now=self._clock.now()))
        for container in deployment.containers if deployment is not None else ():
            with suppress(Unavailable):
                await self._images.get(container.image, self._scene.namespace, scan_inline=True)


class _Collected(Alerts):
    """Alerts that are kept and not sent."""

    def __init__(self, put: list[Alert], clock: FixedClock) -> None:
        super().__init__(
            send=self._refuse, pauses=Pauses(clock=clock, random=lambda: 0.5), metrics=Metrics("admission")
        )
        self._collected = put

    def put(self, alerts: Sequence[Alert]) -> None:
        self._collected.extend(alerts)

    async def _refuse(self, alerts: object) -> None:
        raise AssertionError(alerts)


def _review(workload: Mapping[str, object]) -> Json:
    metadata = workload["metadata"]
    assert isinstance(metadata, dict)
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "u1",
            "operation": "CREATE",
            "kind": {"kind": workload["kind"]},
            "resource": {"resource": f"{str(workload['kind']).lower()}s"},
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "userInfo": {"username": "kubernetes-admin", "groups": ["system:masters"]},
            "object": workload,
        },
    }
