"""The deployment that an alert keeps, as far as scopes of policies look at it."""

from __future__ import annotations

from pyrox.pb.storage.alert_pb2 import Alert
from pyrox.pb.storage.deployment_pb2 import Deployment


def deployment_of(alert: Alert) -> Deployment:
    """Id, place, name and labels of the alert's deployment."""
    kept = alert.deployment
    return Deployment(
        id=kept.id,
        name=kept.name,
        type=kept.type,
        namespace=kept.namespace,
        namespace_id=kept.namespace_id,
        cluster_id=alert.cluster_id,
        cluster_name=alert.cluster_name,
        labels=kept.labels,
        annotations=kept.annotations,
    )
