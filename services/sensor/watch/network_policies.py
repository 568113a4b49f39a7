"""Network policies; detection looks at those that select a deployment."""

from __future__ import annotations

from dataclasses import dataclass

from pyrox.k8s import kinds
from pyrox.k8s.client import Json
from pyrox.k8s.watch import Change
from pyrox.workload import selectors
from pyrox.workload.network_policies import to_network_policy
from services.sensor.watch.handlers import Desk, Plain, Sinks


@dataclass(frozen=True, slots=True)
class NetworkPolicies:
    """Publishes the policy and lets the deployments that it selects be judged again."""

    desk: Desk
    plain: Plain

    async def __call__(self, change: Change, value: Json) -> None:
        """Handle one change."""
        await self.plain(change, value)
        policy = to_network_policy(value)
        for deployment in self.desk.messages.deployments():
            same = deployment.namespace == policy.namespace
            if same and selectors.matches(policy.spec.pod_selector, deployment.pod_labels):
                self.desk.resolver.judge_again(deployment.id)


def sinks(desk: Desk) -> Sinks:
    """The kind handled here."""
    plain = Plain(desk, "network_policy", "NetworkPolicy", to_network_policy)
    return {kinds.NETWORK_POLICY: NetworkPolicies(desk, plain)}
