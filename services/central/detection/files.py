"""Deployment files to deployments: workloads, the network policies beside them, the rest.

Pure. Used by `roxctl deployment check`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from pyrox.errors import Invalid
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.network_policy_pb2 import NetworkPolicy, NetworkPolicyType
from pyrox.policy.subject import NetworkPoliciesApplied
from pyrox.workload import objects, yamldocs
from pyrox.workload.deployments import Scene, to_deployment
from pyrox.workload.network_policies import selecting, to_network_policy


@dataclass(slots=True)
class Files:
    """What the files held."""

    deployments: list[Deployment] = field(default_factory=list)
    network_policies: list[NetworkPolicy] = field(default_factory=list)
    ignored: tuple[str, ...] = ()


def read(text: str, *, namespace: str, now: datetime) -> Files:
    """Read YAML of any number of documents.

    Objects without a namespace get the given one; each gets a random id, as files hold none.
    Raises `Invalid` for text that cannot be read.
    """
    if not text.strip():
        raise Invalid.because("yaml field must be specified in detection request")
    parsed = yamldocs.parse(text)
    files = Files(ignored=parsed.ignored)
    scene = Scene(now=now)
    for value in parsed.known:
        found: Deployment | NetworkPolicy | None
        if objects.text(value, "kind") == "NetworkPolicy":
            found = to_network_policy(value)
            files.network_policies.append(found)
        else:
            found = to_deployment(value, scene)
            if found is None:
                continue
            files.deployments.append(found)
        found.id = str(uuid4())
        if namespace and not objects.text(objects.metadata(value), "namespace"):
            found.namespace = namespace
    return files


def applied(
    deployment: Deployment, policies: Sequence[NetworkPolicy] | None
) -> NetworkPoliciesApplied | None:
    """Which of the policies select the deployment; None when nobody knows the policies."""
    if policies is None:
        return None
    chosen = list(selecting(policies, deployment.namespace, deployment.pod_labels))
    kinds = {kind for policy in chosen for kind in policy.spec.policy_types}
    return NetworkPoliciesApplied(
        has_ingress=NetworkPolicyType.INGRESS_NETWORK_POLICY_TYPE in kinds,
        has_egress=NetworkPolicyType.EGRESS_NETWORK_POLICY_TYPE in kinds,
        policies={policy.id: policy.name for policy in chosen},
    )
