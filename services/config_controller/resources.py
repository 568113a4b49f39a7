"""SecurityPolicy resources at the API server: read one, write its status and its finalizer.

The reconciler calls it. It must not know Central.
"""

from __future__ import annotations

from pyrox.errors import NotFound
from pyrox.k8s.client import Json, KubeClient
from pyrox.k8s.kinds import SECURITY_POLICY

FINALIZER = "securitypolicies.config.stackrox.io/finalizer"


class Resources:
    """The resources of one namespace."""

    def __init__(self, *, client: KubeClient, namespace: str) -> None:
        self._client = client
        self._namespace = namespace

    async def get(self, name: str) -> Json | None:
        """The resource as it is now; None when it is gone."""
        try:
            return await self._client.get(self._path(name))
        except NotFound:
            return None

    async def write_status(self, resource: Json, status: Json) -> None:
        """Write the status, if it says anything new. A resource that is gone needs none."""
        if _says(resource.get("status"), status):
            return
        path = f"{self._path(resource['metadata']['name'])}/status"
        # With the version that was read: a status never lands on a resource of the same name that
        # is another one by now.
        body = {"metadata": _version(resource), "status": status}
        try:
            answer = await self._client.patch(path, body)
        except NotFound:
            return
        resource["metadata"], resource["status"] = answer["metadata"], status

    async def hold(self, resource: Json) -> None:
        """See to it that the resource's deletion waits for us."""
        held = finalizers(resource)
        if FINALIZER not in held:
            await self._write_finalizers(resource, [*held, FINALIZER])

    async def release(self, resource: Json) -> None:
        """Let the resource be deleted."""
        try:
            await self._write_finalizers(resource, [one for one in finalizers(resource) if one != FINALIZER])
        except NotFound:
            return

    async def _write_finalizers(self, resource: Json, wanted: list[str]) -> None:
        body = {"metadata": {**_version(resource), "finalizers": wanted}}
        answer = await self._client.patch(self._path(resource["metadata"]["name"]), body)
        resource["metadata"] = answer["metadata"]

    def _path(self, name: str) -> str:
        return SECURITY_POLICY.in_namespace(self._namespace, name)


def finalizers(resource: Json) -> list[str]:
    """Who wants to be asked before the resource goes."""
    return [str(one) for one in resource["metadata"].get("finalizers") or ()]


def _version(resource: Json) -> Json:
    """What makes the API server refuse a patch of anything but the object that was read."""
    metadata = resource["metadata"]
    return {key: metadata[key] for key in ("uid", "resourceVersion") if key in metadata}


def _says(known: object, status: Json) -> bool:
    return isinstance(known, dict) and all(known.get(key) == value for key, value in status.items())
