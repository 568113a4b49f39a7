"""Deployments that a caller may not see, as what they are shown; pure.

A flow to them is shown, since it is the visible deployment's; who they are is not.
"""

from __future__ import annotations

from collections.abc import Iterable

from pyrox.pb.storage.deployment_pb2 import ListDeployment
from pyrox.workload.images import uuid_of


def masked(deployments: Iterable[ListDeployment]) -> dict[str, ListDeployment]:
    """By real id, the deployment as others see it: the same at every request.

    Names and ids are upstream's (central/networkgraph/service/masker.go).
    """
    hidden = sorted(deployments, key=lambda deployment: deployment.id)
    namespaces = sorted({deployment.namespace for deployment in hidden})
    numbers = {name: number for number, name in enumerate(namespaces, 1)}
    return {
        deployment.id: ListDeployment(
            id=uuid_of(deployment.id, deployment.name),
            name=f"masked deployment #{number}",
            cluster=deployment.cluster,
            cluster_id=deployment.cluster_id,
            namespace=f"masked namespace #{numbers[deployment.namespace]}",
        )
        for number, deployment in enumerate(hidden, 1)
    }
