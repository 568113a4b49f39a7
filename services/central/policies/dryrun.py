"""What a policy would find on the deployments that run: an answer, nothing is stored.

`PolicyService` calls it, at once or as a job of `dryjobs.py`. It reads deployments in slices,
with the rights of whoever asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

from pyrox.clock import Clock
from pyrox.pb.api.v1.policy_service_pb2 import DryRunResponse
from pyrox.pb.storage.deployment_pb2 import ContainerImage, Deployment
from pyrox.pb.storage.image_pb2 import Image
from pyrox.pb.storage.network_policy_pb2 import NetworkPolicy, NetworkPolicyType
from pyrox.pb.storage.policy_pb2 import LifecycleStage, Policy
from pyrox.policy.evaluate import CompiledPolicy, compile_policy
from pyrox.policy.subject import DeploymentSubject, NetworkPoliciesApplied
from pyrox.rpc.call import Call
from pyrox.rpc.scope import EVERYTHING, Scope
from pyrox.workload.network_policies import selecting


class Deployments(Protocol):
    """Where deployments are read."""

    def walk(self, text: str, *, scope: Scope) -> AsyncIterator[list[Deployment]]:
        """Those that match, in slices."""


class Images(Protocol):
    """Where images are read."""

    async def get(self, sha: str, *, scope: Scope) -> Image | None:
        """One image by its digest."""


class NetworkPolicies(Protocol):
    """Where network policies are read."""

    async def of_place(self, cluster_id: str, namespace: str, *, scope: Scope) -> list[NetworkPolicy]:
        """Those of a cluster and a namespace."""


class DryRun:
    """Evaluates one policy on everything that the caller may see."""

    def __init__(
        self, *, deployments: Deployments, images: Images, network_policies: NetworkPolicies, clock: Clock
    ) -> None:
        self._deployments = deployments
        self._images = images
        self._network_policies = network_policies
        self._clock = clock

    async def run(self, policy: Policy, call: Call, found: DryRunResponse) -> None:
        """Add what the policy finds to `found`; raises `Invalid` for a policy that cannot be compiled.

        Policies on events find nothing, as upstream says: events are not stored.
        """
        compiled = await asyncio.to_thread(compile_policy, policy)
        if LifecycleStage.RUNTIME in policy.lifecycle_stages:
            return
        async for deployments in self._deployments.walk("", scope=call.scope("Deployment")):
            now = self._clock.now()
            subjects = [await self._subject(deployment, compiled) for deployment in deployments]
            found.alerts.extend(await asyncio.to_thread(_alerts, compiled, subjects, now))

    async def _subject(self, deployment: Deployment, compiled: CompiledPolicy) -> DeploymentSubject:
        images = [
            await self._image(container.image, compiled.needs_images) for container in deployment.containers
        ]
        selected = None
        if compiled.criteria & _ON_NETWORK_POLICIES:
            # What selects a deployment belongs to the deployment, which the caller may see.
            of_place = await self._network_policies.of_place(
                deployment.cluster_id, deployment.namespace, scope=EVERYTHING
            )
            selected = applied(deployment, of_place)
        return DeploymentSubject(deployment, images, selected)

    async def _image(self, named: ContainerImage, whole: bool) -> Image:
        found = await self._images.get(named.id, scope=EVERYTHING) if whole and named.id else None
        return found if found is not None else Image(id=named.id, name=named.name)


_ON_NETWORK_POLICIES = frozenset({"Has Ingress Network Policy", "Has Egress Network Policy"})


def applied(deployment: Deployment, of_place: Sequence[NetworkPolicy]) -> NetworkPoliciesApplied:
    """Which of a place's network policies select the deployment."""
    chosen = list(selecting(of_place, deployment.namespace, deployment.pod_labels))
    kinds = {kind for policy in chosen for kind in policy.spec.policy_types}
    return NetworkPoliciesApplied(
        has_ingress=NetworkPolicyType.INGRESS_NETWORK_POLICY_TYPE in kinds,
        has_egress=NetworkPolicyType.EGRESS_NETWORK_POLICY_TYPE in kinds,
        policies={policy.id: policy.name for policy in chosen},
    )


def _alerts(
    compiled: CompiledPolicy, subjects: Sequence[DeploymentSubject], now: datetime
) -> list[DryRunResponse.Alert]:
    alerts = []
    for subject in subjects:
        if not compiled.applies_to(subject, now):
            continue
        verdict = compiled.evaluate(subject, now)
        if verdict.matched:
            messages = [violation.message for violation in verdict.violations]
            alerts.append(DryRunResponse.Alert(deployment=subject.deployment.name, violations=messages))
    return alerts
