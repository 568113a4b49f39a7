"""Which cluster a word on the command line means: an id, or a name that Central knows."""

from __future__ import annotations

import uuid

from roxctl.app import App
from roxctl.errors import CliError, quoted


def cluster_id(app: App, name: str, seconds: float, try_seconds: float) -> str:
    """The cluster's id; Central is asked only for a name. Raises `CliError`."""
    try:
        return str(uuid.UUID(name))
    except ValueError:
        pass
    from pyrox.pb.api.v1 import cluster_service_pb2 as pb  # noqa: PLC0415 - protobuf is slow to import

    try:
        with app.central() as central:
            found = central.call(
                "/v1.ClustersService/GetClusters",
                pb.GetClustersRequest(query=f"Cluster:{name}"),
                pb.ClustersList,
                seconds=seconds,
                try_seconds=try_seconds,
            )
    except CliError as error:
        raise error.wrap(f"could not get cluster: {quoted(name)}") from error
    for cluster in found.clusters:
        if cluster.name == name:
            return str(cluster.id)
    raise CliError(f"no cluster with name {quoted(name)} found")
