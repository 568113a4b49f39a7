"""The list form of secrets."""

from __future__ import annotations

import pytest

from pyrox.pb.storage.secret_pb2 import ListSecret, Secret, SecretType
from services.central.secrets.digest import digest


@pytest.mark.parametrize(
    ("files", "kinds"),
    [
        ([], [SecretType.UNDETERMINED]),
        (
            [SecretType.PUBLIC_CERTIFICATE, SecretType.RSA_PRIVATE_KEY, SecretType.PUBLIC_CERTIFICATE],
            [SecretType.PUBLIC_CERTIFICATE, SecretType.RSA_PRIVATE_KEY],
        ),
        ([SecretType.IMAGE_PULL_SECRET], [SecretType.IMAGE_PULL_SECRET]),
    ],
)
def test_digest_names_each_type_once_in_order(
    files: list[SecretType.ValueType], kinds: list[SecretType.ValueType]
) -> None:
    secret = Secret(id="s")
    for kind in files:
        secret.files.add(type=kind)
    assert list(digest(secret).types) == kinds


def test_digest_shows_place_time_and_relations() -> None:
    secret = Secret(id="s", name="tls", cluster_id="c", cluster_name="prod", namespace="shop", type="Opaque")
    secret.created_at.seconds = 7
    secret.relationship.id = "s"
    secret.annotations["kubectl"] = "s3cret"
    expected = ListSecret(
        id="s",
        name="tls",
        cluster_id="c",
        cluster_name="prod",
        namespace="shop",
        types=[SecretType.UNDETERMINED],
    )
    expected.created_at.seconds, expected.relationship.id = 7, "s"
    assert digest(secret) == expected
