"""Process events at a steady rate, some of which violate policies, each to be found in an alert once.

An alert of run time keeps so many processes, so there are many policies of the same kind,
and each is given only a part of that per workload.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import uuid
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

from pyrox.errors import RoxError
from pyrox.pb.internalapi.sensor.signal_iservice_pb2 import SignalStreamMessage
from tests.support.installation import Clients, Json
from tests.support.kill_load import Load

RATE = 200
"""Events a second."""
_BATCH = 10
# One event of so many violates a policy.
_SHARE = 20
# Upstream keeps 40 processes in an alert.
_PER_ALERT = 30
_POLICIES = 60
# Sensor passes on so many different programs of a workload (5000); the load leaves room for others.
_DIFFERENT = 3500
NAME = "Kill nine events"


def _policy(number: int) -> Json:
    return {
        "name": f"{NAME} {number:02d}",
        "severity": "LOW_SEVERITY",
        "categories": ["Anomalous Activity"],
        "lifecycleStages": ["RUNTIME"],
        "eventSource": "DEPLOYMENT_EVENT",
        "policyVersion": "1.1",
        "policySections": [
            {"policyGroups": [{"fieldName": "Process Name", "values": [{"value": f"kn{number:02d}-.*"}]}]}
        ],
    }


class Events:
    """The load of one test."""

    def __init__(self, clients: Clients, load: Load, chance: random.Random) -> None:
        self.violating: defaultdict[str, list[str]] = defaultdict(list)
        """Ids of signals that violate a policy, by container, as the transport took them."""
        self.total = 0
        self.broken = 0
        """Streams that ended before their time."""
        self._clients, self._load, self._chance = clients, load, chance
        self._numbers = itertools.count(chance.randrange(10**9))
        self._policies: list[str] = []

    async def prepare(self) -> None:
        """Make the policies."""
        for number in range(_POLICIES):
            answer = await self._clients.central.post("/v1/policies", json=_policy(number))
            answer.raise_for_status()
            self._policies.append(answer.json()["id"])

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Events while the block runs; what the transport has taken by then is read to its end."""
        ended = asyncio.Event()
        task = asyncio.create_task(self._send_until(ended))
        try:
            yield
            ended.set()
            await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _send_until(self, ended: asyncio.Event) -> None:
        while not ended.is_set():
            try:
                await self._stream(ended)
            except (grpc.RpcError, grpc.aio.BaseError, asyncio.InvalidStateError, RoxError):
                self.broken += 1
                await asyncio.sleep(self._chance.uniform(0.05, 0.3))

    async def _stream(self, ended: asyncio.Event) -> None:
        containers = await self._load.containers()
        async with self._load.signals() as call:
            loop = asyncio.get_running_loop()
            due = loop.time()
            while not ended.is_set() and not call.done():
                for _ in range(_BATCH):
                    await self._send(call, self._chance.choice(containers))
                due = max(due + _BATCH / RATE, loop.time())
                await asyncio.sleep(due - loop.time())
            await call.done_writing()
            async for _ in call:
                pass

    async def _send(self, call: Any, container: str) -> None:
        self.total += 1
        known = self.violating[container]
        if self.total % _SHARE == 0 and len(known) < _PER_ALERT * _POLICIES:
            await self._violate(call, container)
            return
        # A program that ran before is told from others by its arguments, so often as Sensor passes on.
        number = (
            min(self.total, _DIFFERENT) if self.total < _DIFFERENT else self._chance.randrange(_DIFFERENT)
        )
        await call.write(self._signal(container, f"load-{number}"))

    async def _violate(self, call: Any, container: str) -> None:
        known = self.violating[container]
        message = self._signal(container, f"kn{len(known) // _PER_ALERT:02d}-{next(self._numbers)}")
        await call.write(message)
        known.append(message.signal.process_signal.id)

    def _signal(self, container: str, name: str) -> SignalStreamMessage:
        message = SignalStreamMessage()
        signal = message.signal.process_signal
        signal.id, signal.container_id = str(uuid.uuid4()), container
        signal.name, signal.exec_file_path = name, f"/opt/kill-nine/{name}"
        signal.pid = next(self._numbers) % 2**31
        signal.time.GetCurrentTime()
        return message

    async def mark(self) -> set[str]:
        """Send one more violating event of each container; their ids. All before them were sent earlier."""
        before = {key: len(found) for key, found in self.violating.items()}
        async with self._load.signals() as call:
            for container in await self._load.containers():
                await self._violate(call, container)
            await call.done_writing()
            async for _ in call:
                pass
        return {one for key, found in self.violating.items() for one in found[before.get(key, 0) :]}

    async def counted(self) -> Counter[str]:
        """How often each signal stands in an alert of one of the policies."""
        found: Counter[str] = Counter()
        for alert in await self.alerts():
            whole = await self._clients.get(f"/v1/alerts/{alert['id']}")
            found.update(one["signal"]["id"] for one in whole["processViolation"]["processes"])
        return found

    async def alerts(self) -> list[Json]:
        """The active alerts of the policies."""
        query = f"/v1/alerts?query=Policy:{NAME}%2BViolation State:ACTIVE&pagination.limit=20000"
        alerts: list[Json] = (await self._clients.get(query))["alerts"]
        return alerts

    async def missing(self, wanted: set[str]) -> list[str]:
        """Those of the signals that stand in no alert, in words."""
        counted = await self.counted()
        return [f"no alert has {one}" for one in sorted(wanted - counted.keys())]

    async def remove(self) -> None:
        """Remove the policies, which ends their alerts."""
        for key in self._policies:
            (await self._clients.central.delete(f"/v1/policies/{key}")).raise_for_status()
