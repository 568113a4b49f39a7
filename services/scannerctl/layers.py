"""Layers of a registry's image, read while they arrive, on two cores.

`index` uses it. The layers are divided between this process and one that it forks, so that
they are read side by side; each is fetched by one thread's loop and read by another thread that
follows the file as it grows. A layer's finds count only when its digest was right to the end.
"""

from __future__ import annotations

import asyncio
import io
import multiprocessing
import os
import tempfile
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from threading import Condition
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from pyrox.clock import SystemClock
from pyrox.errors import Exhausted, RoxError, Unavailable
from pyrox.registry.client import Endpoint, RegistryClient
from pyrox.registry.manifest import Descriptor
from pyrox.scan.catalogue import detectors
from pyrox.scan.formats.bounded import StreamDamage
from pyrox.scan.layerfile import read_layer_file
from pyrox.scan.model import LayerFinds, NoteKind

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# Smaller images are read before a second process could help.
_SIDE_BY_SIDE_BYTES: Final = 8 * 1024 * 1024
Found = dict[str, LayerFinds]


class _Arriving:
    """A file that grows; its end is known when the last byte came."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._changed = Condition()
        self._size = 0
        self._ended = False
        self._failed = False

    def write(self, data: bytes) -> None:
        os.write(self._descriptor, data)
        with self._changed:
            self._size += len(data)
            self._changed.notify_all()

    def end(self, *, failed: bool) -> None:
        with self._changed:
            self._ended, self._failed = True, failed
            self._changed.notify_all()

    def read_at(self, position: int, count: int) -> bytes:
        """What is there, at least one byte; nothing at the end. Waits for what has not come yet."""
        with self._changed:
            self._changed.wait_for(lambda: self._size > position or self._ended)
            if self._failed:
                raise StreamDamage(NoteKind.TRUNCATED, "it did not arrive whole")
        return os.pread(self._descriptor, min(count, self._size - position), position)

    def open(self) -> BinaryIO:
        """A reader from the beginning."""
        return cast("BinaryIO", _Reader(self))


class _Reader(io.RawIOBase):
    def __init__(self, arriving: _Arriving) -> None:
        super().__init__()
        self._arriving = arriving
        self._position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, target: WriteableBuffer, /) -> int:
        view = memoryview(target).cast("B")
        data = self._arriving.read_at(self._position, len(view))
        view[: len(data)] = data
        self._position += len(data)
        return len(data)


@dataclass(frozen=True, slots=True)
class Place:
    """Where layers come from."""

    endpoint: Endpoint
    repository: str


def read_all(place: Place, layers: Sequence[Descriptor]) -> Found:
    """The finds of each distinct layer, by digest. Raises what the registry's client raises."""
    distinct = list({layer.digest: layer for layer in layers}.values())
    ours, theirs = _divided(distinct)
    if not theirs:
        return asyncio.run(_read(place, ours))
    # No thread runs here yet, so that a fork is safe.
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    helper = context.Process(target=_help, args=(sender, place, theirs), daemon=True)
    helper.start()
    sender.close()
    try:
        found = asyncio.run(_read(place, ours))
        return found | _received(receiver)
    finally:
        helper.kill()
        helper.join()


def _divided(layers: Sequence[Descriptor]) -> tuple[list[Descriptor], list[Descriptor]]:
    """Two parts of about the same size."""
    parts: tuple[list[Descriptor], list[Descriptor]] = ([], [])
    if sum(layer.size for layer in layers) < _SIDE_BY_SIDE_BYTES:
        return list(layers), []
    for layer in sorted(layers, key=lambda layer: -layer.size):
        min(parts, key=lambda part: sum(other.size for other in part)).append(layer)
    return parts


def _help(sender: Connection, place: Place, layers: Sequence[Descriptor]) -> None:
    """What the forked process does: its part, sent back."""
    try:
        sender.send(asyncio.run(_read(place, layers)))
    except RoxError as error:
        sender.send(error)


def _received(receiver: Connection) -> Found:
    try:
        answer: Found | RoxError = receiver.recv()
    except EOFError as ended:
        raise Unavailable("the process that read a part of the layers ended too early") from ended
    if isinstance(answer, RoxError):
        raise answer
    return answer


async def _read(place: Place, layers: Sequence[Descriptor]) -> Found:
    async with RegistryClient(place.endpoint, clock=SystemClock()) as registry:
        return {layer.digest: await _layer(registry, place.repository, layer) for layer in layers}


async def _layer(registry: RegistryClient, repository: str, layer: Descriptor) -> LayerFinds:
    if layer.size > registry.limits.blob_bytes:
        raise Exhausted(f"layer {layer.digest} has {layer.size} bytes")
    with tempfile.TemporaryFile(prefix="scannerctl-", buffering=0) as file:
        arriving = _Arriving(file.fileno())
        reading = asyncio.create_task(
            asyncio.to_thread(read_layer_file, arriving.open, layer.size, layer.digest, detectors())
        )
        try:
            async with aclosing(registry.blob(repository, layer)) as chunks:  # type: ignore[type-var]
                async for chunk in chunks:
                    arriving.write(chunk)
        except BaseException:
            arriving.end(failed=True)
            # What ended the fetch is what counts.
            with suppress(StreamDamage):
                await reading
            raise
        arriving.end(failed=False)
        return await reading
