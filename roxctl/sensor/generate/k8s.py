"""`roxctl sensor generate k8s`."""

from __future__ import annotations

from typing import Any

from roxctl.app import App
from roxctl.cli import command as declare
from roxctl.cli import pass_app
from roxctl.sensor.generate import cluster


@declare("k8s", "Register a Kubernetes cluster and download its files.")
@cluster.flags
@pass_app
def command(app: App, **options: Any) -> None:
    """Register and download."""
    # Only OpenShift offers its audit log to the cluster's own services.
    cluster.run(app, cluster.Wanted(**options), "KUBERNETES_CLUSTER", disable_audit_logs=True)
