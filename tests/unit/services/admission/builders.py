"""Reviews, policies, settings and workloads for Admission's tests."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from pyrox.errors import Unavailable
from pyrox.metrics import Metrics
from pyrox.pb.internalapi.sensor.admission_control_pb2 import AdmissionControlAlerts, AdmissionControlSettings
from pyrox.pb.storage import policy_pb2
from pyrox.pb.storage.deployment_pb2 import ContainerImage
from pyrox.pb.storage.image_pb2 import Image
from pyrox.pb.storage.policy_pb2 import Policy, PolicyGroup, PolicySection, PolicyValue
from services.admission.alerts import Alerts
from services.admission.backoff import Pauses
from services.admission.detect import Detector
from services.admission.images import Images
from services.admission.policies import Ruling, ruling_of
from services.admission.resources import Resources
from services.admission.review import Review
from tests.support.pki import FixedClock


def policy(name: str, field: str, value: str, **extra: Any) -> Policy:
    """A policy with one criterion that is enforced at deploy time."""
    options: dict[str, Any] = {
        "lifecycle_stages": [policy_pb2.DEPLOY],
        "enforcement_actions": [policy_pb2.SCALE_TO_ZERO_ENFORCEMENT],
        "description": f"About {name}",
        "rationale": "Because",
        "remediation": "Do not",
    }
    options.update(extra)
    group = PolicyGroup(field_name=field, values=[PolicyValue(value=value)])
    return Policy(
        id=f"p-{name}",
        name=name,
        policy_version="1.1",
        policy_sections=[PolicySection(policy_groups=[group])],
        **options,
    )


def on_request(name: str, *, enforced: bool = True, **extra: Any) -> Policy:
    """A policy on exec requests."""
    actions = [policy_pb2.FAIL_KUBE_REQUEST_ENFORCEMENT] if enforced else []
    return policy(
        name,
        "Kubernetes Resource",
        "PODS_EXEC",
        lifecycle_stages=[policy_pb2.RUNTIME],
        event_source=policy_pb2.DEPLOYMENT_EVENT,
        enforcement_actions=actions,
        **extra,
    )


PRIVILEGED = policy("privileged", "Privileged Container", "true")
LATEST = policy("latest", "Image Tag", "latest")
UNSCANNED = policy("unscanned", "Unscanned Image", "true")
OLD_OS = policy("old-os", "Image OS", "debian:8")


def settings(*policies: Policy, runtime: tuple[Policy, ...] = (), **config: Any) -> AdmissionControlSettings:
    """Settings that enforce everything, changed by `config`."""
    made = AdmissionControlSettings(cluster_id="cluster-1", cache_version="1")
    made.timestamp.FromSeconds(1_800_000_000)
    options = {"enabled": True, "enforce_on_updates": True, "scan_inline": True, "timeout_seconds": 10}
    options.update(config)
    for name, value in options.items():
        setattr(made.cluster_config.admission_controller_config, name, value)
    made.enforced_deploy_time_policies.policies.extend(policies)
    made.runtime_policies.policies.extend(runtime)
    return made


def ruling(*policies: Policy, runtime: tuple[Policy, ...] = (), **config: Any) -> Ruling:
    return ruling_of(settings(*policies, runtime=runtime, **config))


def workload(
    *, image: str = "nginx:1.25", privileged: bool = False, annotations: dict[str, str] | None = None
) -> dict[str, Any]:
    """A Deployment named `web`."""
    container = {"name": "main", "image": image, "securityContext": {"privileged": privileged}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "uid": "uid-web", "annotations": annotations or {}},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}},
        },
    }


def review(value: dict[str, Any] | None = None, **changes: Any) -> Review:
    """A request to create a workload."""
    fields: dict[str, Any] = {
        "api_version": "admission.k8s.io/v1",
        "uid": "u1",
        "operation": "CREATE",
        "kind": "Deployment",
        "resource": "deployments",
        "subresource": "",
        "name": "web",
        "namespace": "shop",
        "username": "bob",
        "groups": ("system:authenticated",),
        "object": workload() if value is None else value,
    }
    fields.update(changes)
    return Review(**fields)


def exec_review(**changes: Any) -> Review:
    """A request to run `id` in pod `web-1`."""
    return review(
        {"kind": "PodExecOptions", "container": "main", "command": ["id"]},
        kind="PodExecOptions",
        operation="CONNECT",
        resource="pods",
        subresource="exec",
        name="web-1",
        **changes,
    )


class Source:
    """Answers with images that a test prepared; an unknown one is an error."""

    def __init__(self) -> None:
        self.images: dict[str, Image] = {}
        self.asked: list[tuple[str, str, bool]] = []
        self.gate: asyncio.Event | None = None

    def scanned(self, full_name: str, *, os: str = "debian:12", digest: str = "sha256:1") -> Image:
        image = Image(id=digest)
        image.name.full_name = full_name
        image.scan.operating_system = os
        image.metadata.v1.SetInParent()
        self.images[full_name] = image
        return image

    async def fetch(self, image: ContainerImage, namespace: str, *, scan_inline: bool) -> Image:
        self.asked.append((image.name.full_name, namespace, scan_inline))
        if self.gate is not None:
            await self.gate.wait()
        found = self.images.get(image.name.full_name)
        if found is None:
            raise Unavailable(f"image {image.name.full_name}: nobody knows it")
        return found


class Site:
    """All parts that decide, without a network."""

    def __init__(self) -> None:
        self.clock = FixedClock()
        self.source = Source()
        self.resources = Resources()
        self.sent: list[AdmissionControlAlerts] = []
        self.images = images(self.source, self.clock)
        self.detector = Detector(images=self.images)
        self.alerts = Alerts(
            send=self._send, pauses=Pauses(clock=self.clock, random=lambda: 0.5), metrics=Metrics("test")
        )

    async def _send(self, alerts: AdmissionControlAlerts) -> None:
        self.sent.append(alerts)

    async def delivered(self) -> list[Any]:
        """What the sender of alerts sends, after one turn."""
        task = asyncio.create_task(self.alerts.run(lambda: None))
        for _ in range(5):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return [alert for part in self.sent for results in part.alert_results for alert in results.alerts]


def images(source: Source, clock: FixedClock, *, budget: int = 1 << 20) -> Images:
    return Images(source=source, clock=clock, ttl=timedelta(hours=4), budget=budget)
