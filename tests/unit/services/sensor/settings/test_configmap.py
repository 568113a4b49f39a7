"""Admission's settings as a ConfigMap."""

from __future__ import annotations

import asyncio
import base64
import gzip
from collections.abc import Callable
from typing import Any, cast

import pytest

from pyrox.errors import NotAuthorized, NotFound, RoxError, Unavailable
from pyrox.k8s.client import KubeClient
from pyrox.pb.internalapi.sensor.admission_control_pb2 import AdmissionControlSettings
from pyrox.pb.storage.cluster_pb2 import DynamicClusterConfig
from pyrox.pb.storage.policy_pb2 import Policy, PolicyList
from services.sensor.settings.admission import AdmissionSettings
from services.sensor.settings.configmap import AdmissionConfigMap, to_config_map
from tests.support.pki import FixedClock

SETTINGS = AdmissionControlSettings(
    cluster_id="c",
    central_endpoint="central:443",
    cluster_config=DynamicClusterConfig(registry_override="mirror"),
    enforced_deploy_time_policies=PolicyList(policies=[Policy(id="p")]),
)


def test_to_config_map_keys_and_packed_messages() -> None:
    SETTINGS.timestamp.FromJsonString("2026-11-24T09:00:00.5Z")
    made = to_config_map(SETTINGS, "stackrox")
    assert made["metadata"]["name"] == "admission-control"
    assert made["data"] == {
        "last-update-time": "2026-11-24T09:00:00.500Z",
        "cache-version": "",
        "central-endpoint": "central:443",
        "cluster-id": "c",
    }
    raw = gzip.decompress(base64.b64decode(made["binaryData"]["policies.pb.gz"]))
    assert PolicyList.FromString(raw).policies[0].id == "p"


def test_to_config_map_equal_settings_give_equal_bytes() -> None:
    assert to_config_map(SETTINGS, "a") == to_config_map(SETTINGS, "a")


class Api:
    """A Kubernetes API that has the ConfigMap, or not, or fails as told."""

    def __init__(self, *failures: RoxError, exists: bool = True) -> None:
        self._failures = list(failures)
        self._exists = exists
        self.written: list[tuple[str, str, Any]] = []

    async def patch(self, path: str, body: Any) -> None:
        if self._failures:
            raise self._failures.pop(0)
        if not self._exists:
            raise NotFound("configmaps not found")
        self.written.append(("patch", path, body))

    async def create(self, path: str, body: Any) -> None:
        self._exists = True
        self.written.append(("create", path, body))


class Source:
    """Settings that a test changes."""

    def __init__(self) -> None:
        self.current: AdmissionControlSettings | None = None
        self._listeners: list[Callable[[], None]] = []

    def listen(self, on_change: Callable[[], None]) -> None:
        self._listeners.append(on_change)

    def change(self, version: str | None) -> None:
        self.current = AdmissionControlSettings(cache_version=version) if version is not None else None
        for listener in self._listeners:
            listener()


async def write(api: Api, *versions: str | None, clock: FixedClock | None = None) -> None:
    """Run the writer over these changes, one after the other."""
    source = Source()
    writer = AdmissionConfigMap(
        client=cast("KubeClient", api),
        settings=cast("AdmissionSettings", source),
        namespace="acs",
        clock=clock or FixedClock(),
    )
    task = asyncio.create_task(writer.run(lambda: None))
    for version in versions:
        source.change(version)
        for _ in range(10):
            await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


PATH = "/api/v1/namespaces/acs/configmaps"


async def test_every_change_is_written_over_the_last() -> None:
    api = Api()
    await write(api, "1", "2")
    assert [(verb, path, body["data"]["cache-version"]) for verb, path, body in api.written] == [
        ("patch", f"{PATH}/admission-control", "1"),
        ("patch", f"{PATH}/admission-control", "2"),
    ]
    # The labels of whoever made it stay.
    assert set(api.written[0][2]) == {"data", "binaryData"}


async def test_map_that_is_not_there_is_made_whole() -> None:
    api = Api(exists=False)
    await write(api, "1", "2")
    assert [(verb, path) for verb, path, _ in api.written] == [
        ("create", PATH),
        ("patch", f"{PATH}/admission-control"),
    ]
    assert api.written[0][2]["metadata"]["namespace"] == "acs"


async def test_nothing_is_written_before_there_are_settings() -> None:
    api = Api()
    await write(api, None)
    assert api.written == []


async def test_failed_write_is_tried_again_after_half_a_minute() -> None:
    api, clock = Api(Unavailable("away"), NotAuthorized("no")), FixedClock()
    await write(api, "1", clock=clock)
    assert clock.slept == [30.0, 30.0]
    assert [body["data"]["cache-version"] for _, _, body in api.written] == ["1"]
