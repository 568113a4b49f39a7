"""`storage.Deployment` to `storage.ListDeployment`, the form that lists show."""

from __future__ import annotations

from pyrox.pb.storage.deployment_pb2 import Deployment, ListDeployment


def digest(deployment: Deployment) -> ListDeployment:
    """The list form of a deployment."""
    listed = ListDeployment(
        id=deployment.id,
        hash=deployment.hash,
        name=deployment.name,
        cluster=deployment.cluster_name,
        cluster_id=deployment.cluster_id,
        namespace=deployment.namespace,
        priority=deployment.priority,
    )
    if deployment.HasField("created"):
        listed.created.CopyFrom(deployment.created)
    return listed
