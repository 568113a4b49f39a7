"""`roxctl cluster delete`."""

from __future__ import annotations

import click

from roxctl.app import App
from roxctl.cli import command as declare
from roxctl.cli import pass_app, required, retry_timeout, timeout
from roxctl.errors import CliError, quoted


@declare("delete", "Remove a secured cluster from Central.")
@click.option("--name", default="", help="Name of the cluster.")
@timeout("1m")
@retry_timeout()
@pass_app
def command(app: App, *, name: str, seconds: float, try_seconds: float) -> None:
    """Remove it."""
    required(name, "name")
    from pyrox.pb.api.v1 import cluster_service_pb2, common_pb2, empty_pb2  # noqa: PLC0415 - slow to import

    limits = {"seconds": seconds, "try_seconds": try_seconds}
    with app.central() as central:
        known = central.call(
            "/v1.ClustersService/GetClusters",
            cluster_service_pb2.GetClustersRequest(),
            cluster_service_pb2.ClustersList,
            **limits,
        ).clusters
        found = next((cluster for cluster in known if cluster.name.lower() == name.lower()), None)
        if found is None:
            valid = " ".join(cluster.name for cluster in known)
            app.console.error(f"Cluster with name {quoted(name)} not found. Valid clusters are [ {valid} ]")
            raise CliError("not found")
        central.call(
            "/v1.ClustersService/DeleteCluster",
            common_pb2.ResourceByID(id=found.id),
            empty_pb2.Empty,
            **limits,
        )
    app.console.result(f"Cluster with name {quoted(found.name)} deleted")
