"""`storage.Secret` to `storage.ListSecret`, the form that lists show."""

from __future__ import annotations

from pyrox.pb.storage.secret_pb2 import ListSecret, Secret, SecretType


def digest(secret: Secret) -> ListSecret:
    """The list form of a secret; a secret without keys has the undetermined type."""
    kinds = list(dict.fromkeys(file.type for file in secret.files)) or [SecretType.UNDETERMINED]
    listed = ListSecret(
        id=secret.id,
        name=secret.name,
        cluster_id=secret.cluster_id,
        cluster_name=secret.cluster_name,
        namespace=secret.namespace,
        types=kinds,
    )
    if secret.HasField("created_at"):
        listed.created_at.CopyFrom(secret.created_at)
    if secret.HasField("relationship"):
        listed.relationship.CopyFrom(secret.relationship)
    return listed
