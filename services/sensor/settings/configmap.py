"""The ConfigMap that carries Admission's settings to replicas that cannot reach Sensor.

A component that writes it after each change. It must not know what the settings mean.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
from collections.abc import Callable

from google.protobuf.message import Message

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import NotFound, RoxError
from pyrox.k8s import kinds
from pyrox.k8s.client import Json, KubeClient
from pyrox.pb.internalapi.sensor.admission_control_pb2 import AdmissionControlSettings
from services.sensor.settings.admission import AdmissionSettings

_LOG = log.get(__name__)
NAME = "admission-control"
_RETRY_SECONDS = 30.0


class AdmissionConfigMap:
    """The component that writes the ConfigMap."""

    name = "admission-configmap"

    def __init__(
        self, *, client: KubeClient, settings: AdmissionSettings, namespace: str, clock: Clock
    ) -> None:
        self._client = client
        self._settings = settings
        self._namespace = namespace
        self._clock = clock
        self._changed = asyncio.Event()
        settings.listen(self._changed.set)

    async def run(self, ready: Callable[[], None]) -> None:
        """Write whenever the settings change; a failure is tried again."""
        ready()
        failing = False
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._write()
                failing = False
            except RoxError as error:
                if not failing:
                    _LOG.warning("admission settings not written to ConfigMap", error=error.message)
                failing = True
                await self._clock.sleep(_RETRY_SECONDS)
                self._changed.set()

    async def _write(self) -> None:
        settings = self._settings.current
        if settings is None:
            return
        body = to_config_map(settings, self._namespace)
        path = kinds.CONFIG_MAP.in_namespace(self._namespace, NAME)
        try:
            await self._client.patch(path, {"data": body["data"], "binaryData": body["binaryData"]})
        except NotFound:
            await self._client.create(kinds.CONFIG_MAP.in_namespace(self._namespace), body)


def to_config_map(settings: AdmissionControlSettings, namespace: str) -> Json:
    """The ConfigMap with upstream's keys."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": NAME,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/name": "stackrox", "auto-upgrade.stackrox.io/component": "sensor"},
        },
        "data": {
            "last-update-time": settings.timestamp.ToJsonString(),
            "cache-version": settings.cache_version,
            "central-endpoint": settings.central_endpoint,
            "cluster-id": settings.cluster_id,
        },
        "binaryData": {
            "config.pb.gz": _packed(settings.cluster_config),
            "policies.pb.gz": _packed(settings.enforced_deploy_time_policies),
            "runtime-policies.pb.gz": _packed(settings.runtime_policies),
        },
    }


def _packed(message: Message) -> str:
    """Gzip without a time, so that equal settings give equal bytes."""
    return base64.b64encode(gzip.compress(message.SerializeToString(), mtime=0)).decode()
