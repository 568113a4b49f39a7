"""Secrets: metadata only. A secret's content never leaves this function."""

from __future__ import annotations

from pyrox.k8s import kinds
from pyrox.workload.secrets import to_secret
from services.sensor.watch.handlers import Desk, Plain, Sinks


def sinks(desk: Desk) -> Sinks:
    """The kind handled here."""
    return {kinds.SECRET: Plain(desk, "secret", "Secret", to_secret)}
