"""What Collector calls: process signals over its old stream and its new one.

It must not know what becomes of a signal.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from pyrox.pb.api.v1.empty_pb2 import Empty
from pyrox.pb.internalapi.sensor import collector_iservice_pb2, signal_iservice_pb2
from pyrox.pb.internalapi.sensor.collector_pb2 import ProcessSignal as CollectorSignal
from pyrox.pb.storage.process_indicator_pb2 import ProcessSignal
from pyrox.rpc.authz import Rule, Services
from pyrox.rpc.call import Call
from services.sensor.network.service import Collectors
from services.sensor.runtime.processes import Processes

_COLLECTOR = Services.of("COLLECTOR_SERVICE")
# The streams answer nothing; iterating over these makes the methods generators.
_NO_ANSWERS: tuple[Empty, ...] = ()


class SignalService:
    """`sensor.SignalService`: the stream that upstream's Collector opens today."""

    SERVICE: ClassVar[str] = "sensor.SignalService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {"PushSignals": _COLLECTOR}

    def __init__(self, *, processes: Processes) -> None:
        self._processes = processes

    async def PushSignals(
        self, requests: AsyncIterator[signal_iservice_pb2.SignalStreamMessage], call: Call
    ) -> AsyncIterator[Empty]:
        """Take signals until Collector ends the stream; nothing is ever answered."""
        # Collector waits for the headers before it sends anything.
        await call.send_headers({})
        async for message in requests:
            if message.HasField("signal") and message.signal.HasField("process_signal"):
                self._processes.offer(message.signal.process_signal)
        for nothing in _NO_ANSWERS:
            yield nothing


class CollectorService:
    """`sensor.CollectorService`: processes and connections on one stream."""

    SERVICE: ClassVar[str] = "sensor.CollectorService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {"Communicate": _COLLECTOR}

    def __init__(self, *, processes: Processes, collectors: Collectors) -> None:
        self._processes = processes
        self._collectors = collectors

    async def Communicate(
        self, requests: AsyncIterator[collector_iservice_pb2.MsgFromCollector], call: Call
    ) -> AsyncIterator[collector_iservice_pb2.MsgToCollector]:
        """Take messages until Collector ends the stream; tell it which addresses to look for."""
        await call.send_headers({})
        told = _Told()
        reader = asyncio.create_task(self._read(requests, told))
        try:
            async for control in self._collectors.control(reader):
                yield collector_iservice_pb2.MsgToCollector.FromString(control.SerializeToString())
            await reader
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
            if told.host:
                self._collectors.closed(told.host)

    async def _read(
        self, requests: AsyncIterator[collector_iservice_pb2.MsgFromCollector], told: _Told
    ) -> None:
        async for message in requests:
            if message.HasField("process_signal"):
                self._processes.offer(to_storage(message.process_signal))
            elif message.HasField("register") and not told.host:
                self._collectors.opened(message.register.hostname)
                told.host = message.register.hostname
            elif message.HasField("info"):
                self._collectors.take(told.host, message.info)


@dataclass(slots=True)
class _Told:
    """What a Collector said of itself."""

    host: str = ""


def to_storage(signal: CollectorSignal) -> ProcessSignal:
    """The new stream's signal in the form that is stored; the two are numbered differently."""
    return ProcessSignal(
        id=signal.id,
        container_id=signal.container_id,
        time=signal.creation_time if signal.HasField("creation_time") else None,
        name=signal.name,
        args=signal.args,
        exec_file_path=signal.exec_file_path,
        pid=signal.pid,
        uid=signal.uid,
        gid=signal.gid,
        scraped=signal.scraped,
        lineage_info=[
            ProcessSignal.LineageInfo(
                parent_uid=parent.parent_uid, parent_exec_file_path=parent.parent_exec_file_path
            )
            for parent in signal.lineage_info
        ],
    )
