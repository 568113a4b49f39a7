"""The answers on Sensor's second port: whether it serves, and whether Central hears it.

Made for `app.py`; asked by the kubelet and by the chart's tests. Everybody in the cluster
reaches the port, so it must not answer anything else.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyrox.rpc.health import Probe, readiness
from services.sensor.link.outbox import Outbox


def probes(outbox: Outbox) -> Mapping[str, Probe]:
    """`/ready` as soon as Sensor listens; `/connected` while there is a stream to Central."""

    async def serves() -> bool:
        return True

    async def connected() -> bool:
        return outbox.live

    return {"/ready": readiness(serves), "/connected": readiness(connected)}
