"""The cluster that Central runs in, as an issuer of the tokens of its service accounts.

The API server gives issuer and keys to every service account of the cluster (ClusterRole
`system:service-account-issuer-discovery`), so no right is needed beyond the pod's own token,
and the issuer's address need not be reachable. It must not know roles.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from joserfc import errors as jose_errors
from joserfc.jwk import KeySet

from pyrox.errors import Invalid, Unavailable
from pyrox.k8s.client import Json, KubeClient, KubeSource

_DISCOVERY, _KEYS = "/.well-known/openid-configuration", "/openid/v1/jwks"


async def cluster_of(kubeconfig: Path | None) -> ClusterIssuer | None:
    """The cluster of the kubeconfig or of the pod; None where there is no account in one."""
    try:
        return ClusterIssuer(api=await KubeClient.open(KubeSource(kubeconfig=kubeconfig)))
    except Invalid:
        if kubeconfig is not None:
            raise
        return None


class ApiServer(Protocol):
    """What is asked of `KubeClient`."""

    async def get(self, path: str) -> Json:
        """The JSON object at the path."""

    async def close(self) -> None:
        """Close all connections."""


class ClusterIssuer:
    """The API server's issuer and keys."""

    def __init__(self, *, api: ApiServer) -> None:
        self._api = api
        self._issuer = ""

    async def issuer(self) -> str:
        """What the tokens of the cluster's accounts name; asked for once. Raises `RoxError`."""
        if not self._issuer:
            found = (await self._api.get(_DISCOVERY)).get("issuer")
            if not isinstance(found, str) or not found:
                raise Unavailable(f"Kubernetes API {_DISCOVERY}: no issuer")
            self._issuer = found
        return self._issuer

    async def close(self) -> None:
        """Close the connections to the API server."""
        await self._api.close()

    async def keys(self) -> KeySet:
        """The keys of today. Raises `RoxError`."""
        found = await self._api.get(_KEYS)
        try:
            return KeySet.import_key_set(found)  # type: ignore[arg-type]  # checked inside
        except (jose_errors.JoseError, ValueError, KeyError, TypeError) as error:
            raise Unavailable(f"Kubernetes API {_KEYS}: {error}") from error
