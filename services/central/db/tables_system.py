"""Columns of what Central keeps about itself: integrations, configuration, bookkeeping.

Facts only: upstream's search labels and the proto paths they read. `tables.py` collects them.
"""

from __future__ import annotations

from pyrox.pb.storage import (
    blob_pb2,
    config_pb2,
    hash_pb2,
    image_integration_pb2,
    image_pb2,
    installation_pb2,
    integration_health_pb2,
    network_graph_config_pb2,
    notifier_pb2,
    system_info_pb2,
)
from services.central.db.fields import Column, Kind, Table

IMAGE_INTEGRATIONS: Table[image_integration_pb2.ImageIntegration] = Table(
    name="image_integrations",
    message=image_integration_pb2.ImageIntegration,
    columns=(
        Column("id", "id", Kind.UUID, key=True),
        Column("name", "name", Kind.TEXT, "Integration Name", hidden=True, unique=True),
        Column("clusterid", "cluster_id", Kind.UUID, "Cluster ID", hidden=True),
    ),
)
INTEGRATION_HEALTHS: Table[integration_health_pb2.IntegrationHealth] = Table(
    name="integration_healths",
    message=integration_health_pb2.IntegrationHealth,
    columns=(Column("id", "id", Kind.TEXT, key=True),),
)
HASHES: Table[hash_pb2.Hash] = Table(
    name="hashes",
    message=hash_pb2.Hash,
    columns=(Column("clusterid", "cluster_id", Kind.TEXT, key=True),),
)
CONFIGS: Table[config_pb2.Config] = Table(
    name="configs",
    message=config_pb2.Config,
    columns=(Column("id", "", Kind.TEXT, key=True),),
)
SYSTEM_INFOS: Table[system_info_pb2.SystemInfo] = Table(
    name="system_infos",
    message=system_info_pb2.SystemInfo,
    columns=(
        Column("id", "", Kind.TEXT, key=True),
        Column("backupinfo_requestor_name", "backup_info.requestor.name", Kind.TEXT, "User Name"),
    ),
)
INSTALLATION_INFOS: Table[installation_pb2.InstallationInfo] = Table(
    name="installation_infos",
    message=installation_pb2.InstallationInfo,
    columns=(Column("id", "", Kind.TEXT, key=True),),
)
BLOBS: Table[blob_pb2.Blob] = Table(
    name="blobs",
    message=blob_pb2.Blob,
    columns=(
        Column("name", "name", Kind.TEXT, "Blob Name", key=True),
        Column("length", "length", Kind.INT, "Blob Length"),
        Column("modifiedtime", "modified_time", Kind.TIME, "Blob Modified On"),
    ),
)
WATCHED_IMAGES: Table[image_pb2.WatchedImage] = Table(
    name="watched_images",
    message=image_pb2.WatchedImage,
    columns=(Column("name", "name", Kind.TEXT, key=True),),
)
NOTIFIERS: Table[notifier_pb2.Notifier] = Table(
    name="notifiers",
    message=notifier_pb2.Notifier,
    columns=(
        Column("id", "id", Kind.TEXT, key=True),
        Column("name", "name", Kind.TEXT, unique=True),
    ),
)
NETWORK_GRAPH_CONFIGS: Table[network_graph_config_pb2.NetworkGraphConfig] = Table(
    name="network_graph_configs",
    message=network_graph_config_pb2.NetworkGraphConfig,
    columns=(Column("id", "id", Kind.TEXT, key=True),),
)
