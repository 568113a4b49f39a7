"""The seven secrets with the certificates of this cluster's services.

`registration.py` writes them first, `refresh.py` anew. Each belongs to Sensor's
Deployment, so that it goes with it. Names, keys and labels are upstream's
(`sensor/kubernetes/certrefresh`).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

from pyrox.errors import AlreadyExists, NotFound
from pyrox.k8s import kinds
from pyrox.k8s.client import Json, KubeClient
from services.sensor.certificates.bundle import SERVICES, Bundle

_LABELS = {"app.stackrox.io/managed-by": "sensor", "rhacs.redhat.com/tls": "true"}
_ANNOTATIONS = {"owner": "stackrox", "email": "support@stackrox.com"}


def secret_name(service: str) -> str:
    """The secret of a service, by its slug."""
    return f"tls-cert-{service}"


@dataclass(frozen=True, slots=True)
class Stored:
    """One of the secrets as it is."""

    certificate: bytes
    owners: tuple[str, ...]
    """Ids of the objects that own it."""


class CertificateStore:
    """The secrets of Sensor's namespace."""

    def __init__(self, *, client: KubeClient, namespace: str) -> None:
        self._client = client
        self._namespace = namespace

    async def owner(self) -> Json | None:
        """A reference to Sensor's Deployment; None where it runs without one."""
        try:
            found = await self._client.get(kinds.DEPLOYMENT.in_namespace(self._namespace, "sensor"))
        except NotFound:
            return None
        uid = str((found.get("metadata") or {}).get("uid", ""))
        return {"apiVersion": "apps/v1", "kind": "Deployment", "name": "sensor", "uid": uid}

    async def read(self) -> Mapping[str, Stored | None]:
        """What is stored, by service; None for a secret that is missing."""
        return {service: await self._one(service) for service in SERVICES}

    async def write(self, bundle: Bundle, owner: Json | None) -> None:
        """Store the whole bundle, Sensor's own certificate last."""
        for service in bundle.pairs:
            await self._put(secret_name(service), bundle.data(service), owner)

    async def _one(self, service: str) -> Stored | None:
        try:
            found = await self._client.get(kinds.SECRET.in_namespace(self._namespace, secret_name(service)))
        except NotFound:
            return None
        metadata = found.get("metadata") or {}
        owners = tuple(str(one.get("uid", "")) for one in metadata.get("ownerReferences") or [])
        return Stored(_decoded((found.get("data") or {}).get("cert.pem")), owners)

    async def _put(self, name: str, data: Mapping[str, bytes], owner: Json | None) -> None:
        encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
        path = kinds.SECRET.in_namespace(self._namespace, name)
        change = {"metadata": {"labels": _LABELS}, "data": encoded}
        try:
            await self._client.patch(path, change)
        except NotFound:
            try:
                await self._client.create(
                    kinds.SECRET.in_namespace(self._namespace), self._new(name, encoded, owner)
                )
            except AlreadyExists:
                await self._client.patch(path, change)

    def _new(self, name: str, data: Mapping[str, str], owner: Json | None) -> Json:
        metadata: Json = {
            "name": name,
            "namespace": self._namespace,
            "labels": _LABELS,
            "annotations": _ANNOTATIONS,
        }
        if owner is not None:
            metadata["ownerReferences"] = [owner]
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata,
            "type": "Opaque",
            "data": dict(data),
        }


def _decoded(value: object) -> bytes:
    """The stored bytes; what is no base64 counts as nothing, and is then written anew."""
    try:
        return base64.b64decode(str(value or ""), validate=True)
    except (binascii.Error, ValueError):
        return b""
