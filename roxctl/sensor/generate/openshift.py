"""`roxctl sensor generate openshift`."""

from __future__ import annotations

from typing import Any

import click

from roxctl.app import App
from roxctl.cli import GoInteger, pass_app
from roxctl.cli import command as declare
from roxctl.errors import BadOption, quoted
from roxctl.sensor.generate import cluster

_KINDS = {3: "OPENSHIFT_CLUSTER", 4: "OPENSHIFT4_CLUSTER"}
_NEWEST = 4


@declare("openshift", "Register an OpenShift cluster and download its files.")
@cluster.flags
@click.option(
    "--openshift-version", type=GoInteger(), default=_NEWEST, show_default=True, help="Major version, 3 or 4."
)
@click.option(
    "--disable-audit-logs",
    default="auto",
    show_default=True,
    help="Leave the audit log alone: true, false or auto (true before version 4).",
)
@pass_app
def command(app: App, *, openshift_version: int, disable_audit_logs: str, **options: Any) -> None:
    """Register and download."""
    kind = _KINDS.get(openshift_version)
    if kind is None:
        raise BadOption(f"invalid OpenShift version {openshift_version}, supported values are '3' and '4'")
    if disable_audit_logs not in {"auto", "true", "false"}:
        raise BadOption(f"--disable-audit-logs {quoted(disable_audit_logs)}: choose true, false or auto")
    disable = openshift_version < _NEWEST if disable_audit_logs == "auto" else disable_audit_logs == "true"
    cluster.run(app, cluster.Wanted(**options), kind, disable_audit_logs=disable)
