from __future__ import annotations

import pytest

from pyrox.errors import Invalid
from services.bootstrap.store import found


def test_found_decodes_data_and_keeps_labels_and_version() -> None:
    secret = found(
        "s", {"metadata": {"labels": {"a": "b"}, "resourceVersion": "12"}, "data": {"password": "cGFzcw=="}}
    )
    assert secret.data == {"password": b"pass"}
    assert secret.labels == {"a": "b"}
    assert secret.version == "12"


@pytest.mark.parametrize("body", [{}, {"metadata": None, "data": None}, {"data": {"empty": None}}])
def test_found_of_a_bare_secret_is_empty(body: dict[str, object]) -> None:
    secret = found("s", body)
    assert not any(secret.data.values())
    assert (secret.labels, secret.version) == ({}, "")


@pytest.mark.parametrize("value", ["no base64!", 7, ["x"]])
def test_found_with_data_that_cannot_be_decoded_names_the_secret(value: object) -> None:
    with pytest.raises(Invalid, match="secret central-tls: its data cannot be decoded"):
        found("central-tls", {"data": {"ca.pem": value}})
