"""Process baselines for Sensors: all that users locked at the start of a stream, then every change.

The greeting and the notices call it. A Sensor takes a baseline without a user's lock as
the word that there is none any more. It must not know SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Protocol

from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgToSensor
from pyrox.pb.storage.process_baseline_pb2 import ProcessBaseline

# Well below the size that Sensors accept (upstream ROX_GRPC_MAX_MESSAGE_SIZE, 24 MiB).
MESSAGE_BYTES = 4 << 20
Push = Callable[[str, MsgToSensor], object]
"""Sends a message to the Sensor of a cluster, if it is connected here."""


class Source(Protocol):
    """Where baselines are stored."""

    async def user_locked(self, cluster_id: str) -> list[ProcessBaseline]:
        """The cluster's baselines that a user locked."""

    async def by_ids(self, ids: Sequence[str]) -> list[ProcessBaseline]:
        """These baselines."""


class BaselineSync:
    """Makes and sends the messages."""

    def __init__(self, *, source: Source) -> None:
        self._source = source

    async def all_of(self, cluster_id: str) -> list[MsgToSensor]:
        """What a new stream begins with: at least one message, be it empty."""
        return list(messages(await self._source.user_locked(cluster_id))) or [_empty()]

    async def changed(self, ids: Sequence[str], push: Push) -> None:
        """Tell the Sensors of the clusters whose baselines these are."""
        found = sorted(await self._source.by_ids(ids), key=lambda one: (one.key.cluster_id, one.id))
        for cluster_id, group in groupby(found, key=lambda one: one.key.cluster_id):
            for message in messages(group):
                push(cluster_id, message)


def messages(baselines: Iterable[ProcessBaseline]) -> Iterator[MsgToSensor]:
    """The baselines in as many messages as their size asks for; none for none."""
    message, size = _empty(), 0
    for baseline in baselines:
        length = baseline.ByteSize()
        if size and size + length > MESSAGE_BYTES:
            yield message
            message, size = _empty(), 0
        message.baseline_sync.baselines.append(baseline)
        size += length
    if size:
        yield message


def _empty() -> MsgToSensor:
    message = MsgToSensor()
    message.baseline_sync.SetInParent()
    return message
