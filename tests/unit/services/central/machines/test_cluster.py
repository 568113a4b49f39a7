from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import KeySet, RSAKey

from pyrox.errors import Invalid, Unavailable
from services.central.machines.cluster import ClusterIssuer, cluster_of

KEYS = KeySet([RSAKey.generate_key(2048, {"kid": "k"})])


class Api:
    """An API server that answers as the test says."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {"issuer": "https://k", "keys": KEYS.as_dict(private=False)["keys"], **answers}
        self.asked: list[str] = []
        self.closed = False

    async def get(self, path: str) -> dict[str, Any]:
        self.asked.append(path)
        return self.answers

    async def close(self) -> None:
        self.closed = True


async def test_issuer_is_asked_for_once_and_keys_each_time() -> None:
    api = Api()
    cluster = ClusterIssuer(api=api)
    assert [await cluster.issuer(), await cluster.issuer()] == ["https://k", "https://k"]
    assert [key.kid for key in (await cluster.keys()).keys] == ["k"]
    await cluster.keys()
    assert api.asked == ["/.well-known/openid-configuration", "/openid/v1/jwks", "/openid/v1/jwks"]
    await cluster.close()
    assert api.closed


@pytest.mark.parametrize("issuer", ["", None, 7])
async def test_answer_without_an_issuer_is_none(issuer: Any) -> None:
    with pytest.raises(Unavailable, match="openid-configuration: no issuer"):
        await ClusterIssuer(api=Api(issuer=issuer)).issuer()


@pytest.mark.parametrize("keys", [None, "x", [{}], [{"kty": "RSA"}]])
async def test_keys_that_cannot_be_read_are_none(keys: Any) -> None:
    with pytest.raises(Unavailable, match="/openid/v1/jwks"):
        await ClusterIssuer(api=Api(keys=keys)).keys()


async def test_no_account_is_no_cluster_but_a_kubeconfig_must_be_there(tmp_path: Path) -> None:
    assert await cluster_of(None) is None
    with pytest.raises(Invalid, match="Kubernetes configuration"):
        await cluster_of(tmp_path / "none")
