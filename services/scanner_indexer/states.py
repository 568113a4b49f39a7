"""Indexing of one image as a visible state machine.

    CheckManifest ──► Terminal           (a stored report by the same detectors)
         │
         ▼
    FetchLayers ──► ScanLayers ──► Coalesce ──► IndexManifest ──► IndexFinished
         └──────────────┴──────────────┴──────────────┴─────────► IndexError

The names are claircore's. FetchLayers reads the manifest and finds out which layers lack
results of which detectors; ScanLayers fetches and reads those, several at a time; each
layer is read once ever, by whichever Indexer holds its lease. When finds are gone by the time
that they are laid over each other, ScanLayers follows once more. A layer that lies or takes too
much is left out with a note, and the image is reported without it. Used by `api`; it must
not know gRPC.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Protocol

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import DeadlinePassed, Exhausted, RoxError, Unavailable
from pyrox.metrics import Metrics
from pyrox.pb.internalapi.scanner.v4.common_pb2 import Contents
from pyrox.pb.internalapi.scanner.v4.index_report_pb2 import IndexReport as IndexReportMessage
from pyrox.registry.client import BlobDiffers, BlobTooLarge, RegistryClient
from pyrox.registry.manifest import Descriptor, Manifest
from pyrox.registry.names import Reference
from pyrox.scan.coalesce import coalesce
from pyrox.scan.codec import to_contents
from pyrox.scan.layer import WALK
from pyrox.scan.model import Finds, IndexReport, LayerFinds, Note, NoteKind
from pyrox.scan.notes import to_text
from pyrox.scan.repositories import Mappings, resolve, wanted
from services.scanner_indexer.fetch import Arena
from services.scanner_indexer.slots import Slots
from services.scanner_indexer.store import IndexStore, Versions

_LOG = log.get(__name__)
# claircore's LayerScanConcurrency; here for all images together.
LAYERS_AT_ONCE = 10
# Half of them, so that one registry that drips cannot hold up the images of others.
LAYERS_OF_ONE_REGISTRY = 5
# After a kill its holder is missed for so long.
_LEASE = timedelta(seconds=15)
_RENEW_SECONDS = 5.0
_RETRY_SECONDS = 1.0
_ROUNDS = 3
# A report without a layer that may be readable next time: the registry may be mended, or the
# machine less busy. Longer than an hour, or `set_state` would drop it while it is made anew.
_LIFE_WITHOUT_A_LAYER = timedelta(hours=2)
_LOST: Mapping[type[RoxError], NoteKind] = {
    BlobDiffers: NoteKind.MALFORMED,
    BlobTooLarge: NoteKind.TOO_LARGE,
    DeadlinePassed: NoteKind.TOO_LARGE,
    Exhausted: NoteKind.TOO_LARGE,
}
"""Why a layer is left out, by the error: the image's fault, not the machine's or the network's."""


class State(StrEnum):
    """Where the indexing of an image stands."""

    CHECK_MANIFEST = "CheckManifest"
    FETCH_LAYERS = "FetchLayers"
    SCAN_LAYERS = "ScanLayers"
    COALESCE = "Coalesce"
    INDEX_MANIFEST = "IndexManifest"
    INDEX_FINISHED = "IndexFinished"
    INDEX_ERROR = "IndexError"
    TERMINAL = "Terminal"


_ENDS = frozenset({State.INDEX_FINISHED, State.INDEX_ERROR, State.TERMINAL})


class LayerReader(Protocol):
    """Reads one layer's file with some of the detectors, in another process."""

    @property
    def versions(self) -> Versions:
        """All detectors and their versions."""

    @property
    def fingerprint(self) -> str:
        """One text that changes whenever a detector or its version does."""

    async def read(self, path: Path, digest: str, detectors: frozenset[str]) -> Mapping[str, bytes]:
        """The packed finds of each of the detectors."""


@dataclass
class Job:
    """One image on its way through the states."""

    hash_id: str
    reference: Reference
    registry: RegistryClient
    mappings: Callable[[], Awaitable[Mappings]]
    """Red Hat's files, asked for only when the image has content that needs them."""
    fresh: bool = False
    """Index even though a report is stored."""
    manifest: Manifest | None = None
    missing: dict[str, frozenset[str]] = field(default_factory=dict)
    lost: dict[str, Note] = field(default_factory=dict)
    """Layers that are left out, each with the reason."""
    report: IndexReport = field(default_factory=IndexReport)
    message: IndexReportMessage | None = None
    rounds: int = 0
    """How often layers had to be read once more."""


class Indexing:
    """Runs jobs; one object for the process, so that its limits hold for all images."""

    def __init__(
        self,
        *,
        store: IndexStore,
        reader: LayerReader,
        arena: Arena,
        clock: Clock,
        random: Random,
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._reader = reader
        self._arena = arena
        self._clock = clock
        self._random = random
        self._slots = Slots(total=LAYERS_AT_ONCE, of_one_registry=LAYERS_OF_ONE_REGISTRY)
        self._images = metrics.counter("images", "images by the state in which they ended", ["state"])
        self._layers = metrics.counter("layers", "layers of images by what was done", ["done"])
        self._layer_bytes = metrics.counter("layer_bytes", "compressed bytes of layers that were read")
        self._steps: Mapping[State, Callable[[Job], Awaitable[State]]] = {
            State.CHECK_MANIFEST: self._check_manifest,
            State.FETCH_LAYERS: self._fetch_layers,
            State.SCAN_LAYERS: self._scan_layers,
            State.COALESCE: self._coalesce,
            State.INDEX_MANIFEST: self._index_manifest,
        }

    async def run(self, job: Job) -> IndexReportMessage:
        """Index the image; the report is stored when this returns.

        Raises the error of the state that failed; it is also stored with the image.
        """
        state = State.CHECK_MANIFEST
        while state not in _ENDS:
            try:
                state = await self._steps[state](job)
                if state is not State.TERMINAL:
                    await self._store.set_state(job.hash_id, state)
            except RoxError as error:
                _LOG.warning("image not indexed", image=str(job.reference), state=state, error=error.message)
                self._images.labels(State.INDEX_ERROR).inc()
                await self._store.set_state(job.hash_id, State.INDEX_ERROR, error.message)
                raise
        self._images.labels(state).inc()
        assert job.message is not None  # noqa: S101 - both good ends set it
        return job.message

    async def stored(self, hash_id: str) -> IndexReportMessage | None:
        """The stored report, made by today's detectors and not expired."""
        raw = await self._store.report(hash_id, self._reader.fingerprint)
        return IndexReportMessage.FromString(raw) if raw is not None else None

    async def _check_manifest(self, job: Job) -> State:
        if not job.fresh:
            job.message = await self.stored(job.hash_id)
        return State.FETCH_LAYERS if job.message is None else State.TERMINAL

    async def _fetch_layers(self, job: Job) -> State:
        job.manifest = await job.registry.resolve(job.reference)
        digests = [layer.digest for layer in job.manifest.layers]
        await self._store.set_state(job.hash_id, State.FETCH_LAYERS)
        await self._store.set_layers(job.hash_id, digests)
        job.missing = await self._missing(digests)
        self._layers.labels("known").inc(len(set(digests)) - len(job.missing))
        return State.SCAN_LAYERS

    async def _missing(self, digests: Sequence[str]) -> dict[str, frozenset[str]]:
        """For each layer that lacks results, the detectors that have not seen it."""
        return self._gaps(digests, await self._store.known(digests, self._reader.versions))

    def _gaps(self, digests: Sequence[str], known: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
        wanted = frozenset(self._reader.versions)
        gaps = {digest: wanted - known.get(digest, frozenset()) for digest in digests}
        return {digest: gap for digest, gap in gaps.items() if gap}

    async def _scan_layers(self, job: Job) -> State:
        assert job.manifest is not None  # noqa: S101 - set by the state before
        layers = {layer.digest: layer for layer in job.manifest.layers if layer.digest in job.missing}
        try:
            async with asyncio.TaskGroup() as group:
                for layer in layers.values():
                    group.create_task(self._scan_layer(job, layer))
        except* RoxError as errors:
            raise _first(errors) from errors
        return State.COALESCE

    async def _scan_layer(self, job: Job, layer: Descriptor) -> None:
        async with AsyncExitStack() as stack:
            # The slot comes first: whoever has a lease then also has a slot, and goes on.
            await stack.enter_async_context(self._slots.held(job.reference.registry))
            owner = f"{self._random.getrandbits(64):016x}"
            while not await self._store.take_lease(layer.digest, owner, _LEASE):
                await self._clock.sleep(_RETRY_SECONDS)
            await stack.enter_async_context(self._renewed(layer.digest, owner))
            missing = (await self._missing([layer.digest])).get(layer.digest)
            if not missing:
                return
            packed = await self._read(job, layer, missing)
            if packed is not None:
                await self._store.save_finds(layer.digest, self._reader.versions, packed)
                self._layers.labels("read").inc()
                self._layer_bytes.inc(layer.size)

    async def _read(self, job: Job, layer: Descriptor, missing: frozenset[str]) -> Mapping[str, bytes] | None:
        """What the detectors find in the layer; None when it is left out."""
        try:
            async with self._arena.fetched(job.registry, job.reference.repository, layer) as path:
                try:
                    return await self._reader.read(path, layer.digest, missing)
                except (Exhausted, DeadlinePassed) as error:
                    self._leave_out(job, layer, error)
        except (BlobDiffers, BlobTooLarge) as error:
            self._leave_out(job, layer, error)
        return None

    def _leave_out(self, job: Job, layer: Descriptor, error: RoxError) -> None:
        _LOG.warning("layer left out", image=str(job.reference), layer=layer.digest, error=error.message)
        self._layers.labels("left out").inc()
        job.lost[layer.digest] = Note(_LOST[type(error)], "", error.message, ends=True)

    @asynccontextmanager
    async def _renewed(self, digest: str, owner: str) -> AsyncIterator[None]:
        """Keep the lease while the block runs, then give it back."""

        async def renew() -> None:
            while True:
                await self._clock.sleep(_RENEW_SECONDS)
                await self._store.take_lease(digest, owner, _LEASE)

        async with asyncio.TaskGroup() as group:
            task = group.create_task(renew())
            try:
                yield
            finally:
                task.cancel()
                await self._store.drop_lease(digest, owner)

    async def _coalesce(self, job: Job) -> State:
        assert job.manifest is not None  # noqa: S101 - set by an earlier state
        digests = [layer.digest for layer in job.manifest.layers]
        finds = await self._store.finds(set(digests), self._reader.versions)
        found = {digest: frozenset(names) for digest, names in finds.items()}
        job.missing = self._gaps([digest for digest in digests if digest not in job.lost], found)
        if job.missing:
            return self._again(job)
        for digest, note in job.lost.items():
            finds.setdefault(digest, {})[WALK] = Finds(notes=(note,))
        layers = [LayerFinds(digest, finds.get(digest, {})) for digest in digests]
        if wanted(layers):
            layers = await asyncio.to_thread(resolve, layers, await job.mappings())
        job.report = await asyncio.to_thread(coalesce, layers)
        return State.INDEX_MANIFEST

    @staticmethod
    def _again(job: Job) -> State:
        """Read layers whose finds are gone; without them the report would look clean.

        Somebody emptied the tables: garbage collection leaves what an image names.
        """
        job.rounds += 1
        if job.rounds > _ROUNDS:
            layers = ", ".join(sorted(job.missing))
            raise Unavailable(f"finds of layers {layers} of {job.reference} were deleted again and again")
        return State.SCAN_LAYERS

    async def _index_manifest(self, job: Job) -> State:
        job.message = finished_report(job.hash_id, to_contents(job.report), job.report.notes)
        raw = job.message.SerializeToString(deterministic=True)
        life = _LIFE_WITHOUT_A_LAYER if job.lost else None
        await self._store.save_report(job.hash_id, self._reader.fingerprint, raw, job.report.notes, life=life)
        return State.INDEX_FINISHED


def finished_report(hash_id: str, contents: Contents, notes: Sequence[Note] = ()) -> IndexReportMessage:
    """The message of an image that was indexed; notes stand where failed reports have their error."""
    return IndexReportMessage(
        hash_id=hash_id,
        state=State.INDEX_FINISHED,
        success=True,
        err=to_text(notes),
        contents=contents,
    )


def _first(group: BaseExceptionGroup[RoxError]) -> RoxError:
    """The first error of a group, however deep."""
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
