"""Admission's settings as a ConfigMap."""

from __future__ import annotations

import base64
import gzip

from pyrox.pb.internalapi.sensor.admission_control_pb2 import AdmissionControlSettings
from pyrox.pb.storage.cluster_pb2 import DynamicClusterConfig
from pyrox.pb.storage.policy_pb2 import Policy, PolicyList
from services.sensor.settings.configmap import to_config_map

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
