"""The configuration of a new installation; values equal the reference system's answer."""

from __future__ import annotations

from datetime import datetime
from importlib import resources

from google.protobuf import json_format

from pyrox.pb.storage.config_pb2 import Config


def load(now: datetime) -> Config:
    """The default configuration, as of now."""
    text = resources.files(__package__).joinpath("defaults.json").read_text()
    config = json_format.Parse(text, Config())
    retention = config.private_config.decommissioned_cluster_retention
    retention.last_updated.FromDatetime(now)
    retention.created_at.FromDatetime(now)
    return config
