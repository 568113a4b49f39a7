"""Secret fields of integrations: hidden in answers, kept when a change does not name them.

The fields are upstream's `scrub` tags. A request that keeps the stored secret must not
move it to another endpoint or user.
"""

from __future__ import annotations

from google.protobuf.message import Message

from pyrox.errors import Invalid
from pyrox.pb.storage.image_integration_pb2 import ImageIntegration

HIDDEN = "******"
# Dotted paths from ImageIntegration, tagged `always` and `dependent`.
SECRETS = (
    "docker.password",
    "quay.oauthToken",
    "quay.registry_robot_credentials.password",
    "ecr.access_key_id",
    "ecr.secret_access_key",
    "ecr.authorization_data.password",
    "google.service_account",
    "ibm.api_key",
    "azure.password",
)
DEPENDENT = (
    "docker.endpoint",
    "docker.username",
    "quay.endpoint",
    "ecr.endpoint",
    "ecr.use_iam",
    "google.endpoint",
    "ibm.endpoint",
    "azure.endpoint",
    "azure.username",
    "azure.wif_enabled",
)


def hidden(integration: ImageIntegration) -> ImageIntegration:
    """A copy whose secrets are not readable."""
    shown = ImageIntegration()
    shown.CopyFrom(integration)
    for path in SECRETS:
        if _get(shown, path):
            _set(shown, path, HIDDEN)
    return shown


def keep_stored(changed: ImageIntegration, stored: ImageIntegration) -> None:
    """Put the stored secrets into a change that hides them. Raises `Invalid` when it moves them."""
    for path in DEPENDENT:
        if _get(changed, path) != _get(stored, path):
            field = path.rpartition(".")[2]
            raise Invalid.because(
                f"credentials required to update field '{field}' of integration {stored.name!r}: "
                "send them again with updatePassword"
            )
    for path in SECRETS:
        if secret := _get(stored, path):
            _set(changed, path, secret)


def _owner(integration: ImageIntegration, path: str) -> Message | None:
    owner: Message = integration
    for name in path.split(".")[:-1]:
        if not owner.HasField(name):
            return None
        owner = getattr(owner, name)
    return owner


def _get(integration: ImageIntegration, path: str) -> object:
    owner = _owner(integration, path)
    return None if owner is None else getattr(owner, path.rpartition(".")[2])


def _set(integration: ImageIntegration, path: str, value: object) -> None:
    owner = _owner(integration, path)
    if owner is not None:
        setattr(owner, path.rpartition(".")[2], value)
