"""Secrets of one namespace, over the Kubernetes API.

`app.py` reads what exists and creates what is missing. Nothing here replaces a secret;
`renew` changes the keys that it is given, and only while nobody else changed them.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from pyrox.errors import Invalid, NotAuthorized, NotFound
from pyrox.k8s import kinds
from pyrox.k8s.client import Json, KubeClient
from services.bootstrap.plan import Found


class SecretStore:
    """The secrets of one namespace."""

    def __init__(self, *, client: KubeClient, namespace: str) -> None:
        self._client = client
        self._namespace = namespace

    async def read(self, name: str) -> Found | None:
        """The secret, or None when there is none."""
        try:
            return found(name, await self._client.get(self._path(name)))
        except NotFound:
            return None
        except NotAuthorized as err:
            raise _without_right("read", err) from err

    async def create(
        self,
        name: str,
        data: Mapping[str, bytes],
        *,
        labels: Mapping[str, str],
        annotations: Mapping[str, str],
    ) -> None:
        """Create the secret. Raises `AlreadyExists` when somebody was first."""
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "labels": dict(labels), "annotations": dict(annotations)},
            "type": "Opaque",
            "data": _encoded(data),
        }
        try:
            await self._client.create(kinds.SECRET.in_namespace(self._namespace), body)
        except NotAuthorized as err:
            raise _without_right("create", err) from err

    async def renew(self, name: str, data: Mapping[str, bytes], *, version: str) -> None:
        """Set these keys, leaving the others. Raises `Conflict` when the secret is another by now."""
        body = {"metadata": {"resourceVersion": version}, "data": _encoded(data)}
        try:
            await self._client.patch(self._path(name), body)
        except NotAuthorized as err:
            raise _without_right("patch", err) from err

    def _path(self, name: str) -> str:
        return kinds.SECRET.in_namespace(self._namespace, name)


def found(name: str, secret: Json) -> Found:
    """A secret of the API as ours. Raises `Invalid` when its data cannot be decoded."""
    metadata = secret.get("metadata") or {}
    try:
        data = {
            str(key): base64.b64decode(value or "", validate=True)
            for key, value in (secret.get("data") or {}).items()
        }
    except (binascii.Error, ValueError, TypeError) as err:
        raise Invalid(f"secret {name}: its data cannot be decoded: {err}") from err
    return Found(data, metadata.get("labels") or {}, str(metadata.get("resourceVersion", "")))


def _encoded(data: Mapping[str, bytes]) -> Mapping[str, str]:
    return {key: base64.b64encode(value).decode() for key, value in data.items()}


def _without_right(verb: str, err: NotAuthorized) -> NotAuthorized:
    return NotAuthorized(
        f"{err.message}; let the account of the Job {verb} secrets of its namespace (Role stackrox-bootstrap)"
    )
