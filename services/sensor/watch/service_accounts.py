"""Service accounts."""

from __future__ import annotations

from pyrox.k8s import kinds
from pyrox.workload.rbac import to_service_account
from services.sensor.watch.handlers import Desk, Plain, Sinks


def sinks(desk: Desk) -> Sinks:
    """The kind handled here."""
    return {kinds.SERVICE_ACCOUNT: Plain(desk, "service_account", "ServiceAccount", to_service_account)}
