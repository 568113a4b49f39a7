"""The state machine of an image: order, what is fetched, leases, failures."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from pyrox.errors import DeadlinePassed, Exhausted, Invalid, NotFound, RoxError, Unavailable
from pyrox.metrics import Metrics
from pyrox.pb.internalapi.scanner.v4.index_report_pb2 import IndexReport as IndexReportMessage
from pyrox.registry.client import BlobDiffers, BlobTooLarge, RegistryClient
from pyrox.registry.manifest import Descriptor, Manifest
from pyrox.registry.names import Digest, Reference
from pyrox.scan.model import Finds, Note, NoteKind, Package
from pyrox.scan.notes import from_text
from pyrox.scan.repositories import Mappings, repoid_repository
from services.scanner_indexer.fetch import Arena
from services.scanner_indexer.states import LAYERS_AT_ONCE, LAYERS_OF_ONE_REGISTRY, Indexing, Job, State
from services.scanner_indexer.store import IndexStore
from tests.support.pki import FixedClock

HASH = "/v4/containerimage/sha256:1"
IMAGE = Reference("quay.io", "a/b", "1")
VERSIONS = {"dpkg": "1", "rpm": "2"}


def layer(name: str) -> Descriptor:
    return Descriptor(Digest(f"sha256:{name}"), 10)


class Store:
    """The Indexer's tables as dictionaries."""

    def __init__(self) -> None:
        self.states: list[tuple[str, str]] = []
        self.layers: list[str] = []
        self.saved: dict[str, dict[str, Finds]] = {}
        self.leases: dict[str, str] = {}
        self.taken: list[str] = []
        self.reports: dict[str, tuple[str, bytes]] = {}
        self.lives: list[timedelta | None] = []
        self.failing: dict[str, RoxError] = {}
        self.losses = 0
        """How often the finds of the first layer are deleted just before they are used."""

    def _fail(self, name: str) -> None:
        if name in self.failing:
            raise self.failing[name]

    async def set_state(self, hash_id: str, state: str, error: str = "") -> None:
        self.states.append((str(state), error))

    async def set_layers(self, hash_id: str, digests: Sequence[str]) -> None:
        self.layers = list(digests)

    async def known(self, digests: Iterable[str], versions: Mapping[str, str]) -> dict[str, frozenset[str]]:
        self._fail("known")
        return {digest: frozenset(self.saved[digest]) for digest in digests if digest in self.saved}

    async def finds(self, digests: Iterable[str], versions: Mapping[str, str]) -> dict[str, dict[str, Finds]]:
        self._fail("finds")
        if self.losses:
            self.losses -= 1
            del self.saved[next(iter(self.saved))]
        return {digest: self.saved[digest] for digest in digests if digest in self.saved}

    async def save_finds(self, digest: str, versions: Mapping[str, str], packed: Mapping[str, Any]) -> None:
        self.saved.setdefault(digest, {}).update(packed)

    async def take_lease(self, digest: str, owner: str, life: timedelta) -> bool:
        self._fail("take_lease")
        assert life == timedelta(seconds=15)
        if self.leases.setdefault(digest, owner) != owner:
            return False
        self.taken.append(digest)
        return True

    async def drop_lease(self, digest: str, owner: str) -> None:
        if self.leases.get(digest) == owner:
            del self.leases[digest]

    async def save_report(
        self, hash_id: str, detectors: str, report: bytes, notes: object, *, life: timedelta | None
    ) -> None:
        self.reports[hash_id] = (detectors, report)
        self.lives.append(life)

    async def report(self, hash_id: str, detectors: str) -> bytes | None:
        found = self.reports.get(hash_id)
        return found[1] if found is not None and found[0] == detectors else None


class Registry:
    """Knows one manifest, or refuses."""

    def __init__(self, *layers: str, error: RoxError | None = None) -> None:
        config = layer("config")
        self._manifest = Manifest(Digest("sha256:m"), "x", config, tuple(layer(name) for name in layers))
        self._error = error
        self.resolved = 0

    async def resolve(self, reference: Reference) -> Manifest:
        assert (reference.repository, reference.tag) == (IMAGE.repository, IMAGE.tag)
        self.resolved += 1
        if self._error is not None:
            raise self._error
        return self._manifest


class Reader:
    """Finds one package in each layer, named by it; `gate` holds reads up."""

    def __init__(self) -> None:
        self.versions = VERSIONS
        self.fingerprint = "today"
        self.reads: list[tuple[str, frozenset[str]]] = []
        self.errors: dict[str, RoxError] = {}
        self.found: dict[str, Finds] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.now = 0
        self.most = 0

    async def read(self, path: Path, digest: str, detectors: frozenset[str]) -> dict[str, Any]:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await self.gate.wait()
        finally:
            self.now -= 1
        self.reads.append((digest, detectors))
        if digest in self.errors:
            raise self.errors[digest]
        return {name: self.found.get(name, Finds(packages=(package(digest, name),))) for name in detectors}


def package(digest: str, detector: str) -> Package:
    return Package(name=f"{digest.removeprefix('sha256:')}-{detector}", version="1", ecosystem="dpkg")


class Files:
    """The arena: counts what is fetched."""

    def __init__(self) -> None:
        self.fetched_layers: list[str] = []
        self.errors: dict[str, RoxError] = {}
        self.open = 0

    @asynccontextmanager
    async def fetched(self, registry: object, repository: str, one: Descriptor) -> AsyncIterator[Path]:
        assert repository == "a/b"
        self.fetched_layers.append(one.digest)
        if one.digest in self.errors:
            raise self.errors[one.digest]
        self.open += 1
        try:
            yield Path("/layer")
        finally:
            self.open -= 1


class Bench:
    def __init__(self) -> None:
        self.store, self.reader, self.files = Store(), Reader(), Files()
        self.clock, self.metrics = FixedClock(), Metrics("scanner_v4_indexer")
        self.mappings_asked = 0
        self.indexing = Indexing(
            store=cast("IndexStore", self.store),
            reader=self.reader,
            arena=cast("Arena", self.files),
            clock=self.clock,
            random=Random(1),
            metrics=self.metrics,
        )

    async def run(
        self, registry: Registry, *, fresh: bool = False, hash_id: str = HASH, image: Reference = IMAGE
    ) -> IndexReportMessage:
        return await self.indexing.run(
            Job(hash_id, image, cast("RegistryClient", registry), self.current, fresh=fresh)
        )

    async def current(self) -> Mappings:
        self.mappings_asked += 1
        return Mappings(cpes={"base": ["cpe:/o:redhat:enterprise_linux:9::baseos"]}, names={})

    def counted(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"rox_scanner_v4_indexer_{name}_total", labels) or 0.0


async def test_image_passes_all_states_in_order() -> None:
    bench = Bench()
    report = await bench.run(Registry("1", "2"))
    assert (report.hash_id, report.state, report.success, report.err) == (HASH, "IndexFinished", True, "")
    seen = [state for state, _ in bench.store.states]
    assert list(dict.fromkeys(seen)) == [
        "FetchLayers", "ScanLayers", "Coalesce", "IndexManifest", "IndexFinished",
    ]  # fmt: skip
    assert bench.store.reports[HASH] == ("today", report.SerializeToString(deterministic=True))
    assert bench.counted("images", state="IndexFinished") == 1


async def test_stored_report_ends_at_once_without_the_registry() -> None:
    bench, registry = Bench(), Registry("1")
    first = await bench.run(registry)
    bench.store.states.clear()
    assert await bench.run(registry) == first
    assert (registry.resolved, bench.store.states) == (1, [])
    assert bench.counted("images", state="Terminal") == 1


async def test_report_of_other_detectors_is_made_anew() -> None:
    bench, registry = Bench(), Registry("1")
    await bench.run(registry)
    bench.reader.fingerprint = "tomorrow"
    assert await bench.indexing.stored(HASH) is None
    await bench.run(registry)
    assert registry.resolved == 2
    assert bench.store.reports[HASH][0] == "tomorrow"


async def test_fresh_job_asks_the_registry_but_reads_no_known_layer_again() -> None:
    bench, registry = Bench(), Registry("1")
    await bench.run(registry)
    await bench.run(registry, fresh=True)
    assert (registry.resolved, bench.files.fetched_layers) == (2, ["sha256:1"])


async def test_layer_is_read_once_however_often_the_manifest_names_it() -> None:
    bench = Bench()
    await bench.run(Registry("1", "2", "1"))
    assert sorted(bench.files.fetched_layers) == ["sha256:1", "sha256:2"]
    assert bench.store.layers == ["sha256:1", "sha256:2", "sha256:1"]
    assert bench.counted("layers", done="read") == 2
    assert bench.counted("layers", done="known") == 0
    assert bench.counted("layer_bytes") == 20


async def test_layer_is_read_by_the_detectors_that_have_not_seen_it() -> None:
    bench = Bench()
    bench.store.saved = {"sha256:1": {"dpkg": Finds()}, "sha256:2": {"dpkg": Finds(), "rpm": Finds()}}
    await bench.run(Registry("1", "2", "3"))
    assert sorted(bench.reader.reads, key=lambda read: read[0]) == [
        ("sha256:1", frozenset({"rpm"})),
        ("sha256:3", frozenset({"dpkg", "rpm"})),
    ]
    assert bench.counted("layers", done="known") == 1


async def test_image_without_layers_is_indexed_as_empty() -> None:
    bench = Bench()
    report = await bench.run(Registry())
    assert report.success
    assert not report.contents.packages


async def test_lease_is_held_while_the_layer_is_read_and_given_back() -> None:
    bench = Bench()
    bench.reader.gate.clear()
    job = asyncio.create_task(bench.run(Registry("1")))
    async with asyncio.timeout(5):
        while not bench.reader.now:  # noqa: ASYNC110 - another task's work
            await asyncio.sleep(0)
    assert list(bench.store.leases) == ["sha256:1"]
    bench.reader.gate.set()
    await job
    assert bench.store.leases == {}


async def test_lease_is_prolonged_every_five_seconds_while_reading_goes_on() -> None:
    bench = Bench()
    bench.reader.gate.clear()
    job = asyncio.create_task(bench.run(Registry("1")))
    async with asyncio.timeout(5):
        while len(bench.store.taken) < 4:  # noqa: ASYNC110 - another task's work
            await asyncio.sleep(0)
    bench.reader.gate.set()
    await job
    assert set(bench.clock.slept) == {5.0}


async def test_layer_of_another_holder_is_waited_for_and_not_read_again() -> None:
    bench = Bench()
    bench.store.leases["sha256:1"] = "another"

    class Waiting(FixedClock):
        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds)
            if len(self.slept) == 3:
                bench.store.saved["sha256:1"] = {"dpkg": Finds(), "rpm": Finds()}
                del bench.store.leases["sha256:1"]

    bench.indexing._clock = clock = Waiting()
    await bench.run(Registry("1"))
    assert clock.slept[:3] == [1.0, 1.0, 1.0]
    assert (bench.files.fetched_layers, bench.reader.reads, bench.store.leases) == ([], [], {})


async def test_layers_of_all_images_together_are_bounded() -> None:
    bench = Bench()
    bench.reader.gate.clear()
    jobs = [
        asyncio.create_task(
            bench.run(
                Registry(*(f"{number}-{n}" for n in range(8))),
                hash_id=f"/v4/containerimage/{number}",
                image=Reference(f"r{number}.example", "a/b", "1"),
            )
        )
        for number in range(3)
    ]
    async with asyncio.timeout(5):
        while bench.reader.now < LAYERS_AT_ONCE:  # noqa: ASYNC110 - another task's work
            await asyncio.sleep(0)
    bench.reader.gate.set()
    await asyncio.gather(*jobs)
    assert bench.reader.most == LAYERS_AT_ONCE == 10
    assert Counter(digest for digest, _ in bench.reader.reads).most_common(1)[0][1] == 1
    assert len(bench.reader.reads) == 24


async def test_layers_of_one_registry_leave_slots_for_others() -> None:
    bench = Bench()
    bench.reader.gate.clear()
    slow = asyncio.create_task(bench.run(Registry(*(f"slow-{n}" for n in range(20)))))
    other = asyncio.create_task(
        bench.run(Registry("fast"), hash_id=f"{HASH}2", image=Reference("r.example", "a/b", "1"))
    )
    async with asyncio.timeout(5):
        while "sha256:fast" not in bench.files.fetched_layers:  # noqa: ASYNC110 - another task's work
            await asyncio.sleep(0)
    assert len(bench.files.fetched_layers) <= LAYERS_OF_ONE_REGISTRY + 1
    bench.reader.gate.set()
    await asyncio.gather(slow, other)
    assert bench.reader.most == LAYERS_OF_ONE_REGISTRY + 1 == 6


async def test_registrys_error_ends_the_image_and_is_stored() -> None:
    bench = Bench()
    with pytest.raises(NotFound, match="no such image"):
        await bench.run(Registry(error=NotFound("no such image")))
    assert bench.store.states == [("FetchLayers", ""), ("IndexError", "no such image")]
    assert bench.counted("images", state="IndexError") == 1
    assert HASH not in bench.store.reports


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (NoteKind.TOO_LARGE, Exhausted("layer sha256:2: needs more than 2 GiB of memory")),
        (NoteKind.TOO_LARGE, DeadlinePassed("layer sha256:2: not finished after 600 s of work")),
    ],
)
async def test_layer_that_takes_too_much_is_left_out_with_a_note(kind: NoteKind, error: RoxError) -> None:
    bench = Bench()
    bench.reader.errors["sha256:2"] = error
    report = await bench.run(Registry("1", "2"))
    assert {found.name for found in report.contents.packages.values()} == {"1-dpkg", "1-rpm"}
    assert from_text(report.err) == (Note(kind, "", f"layer sha256:2: {error.message}", ends=True),)
    assert "sha256:2" not in bench.store.saved
    assert bench.store.lives == [timedelta(hours=2)]
    assert bench.counted("layers", done="left out") == 1


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (NoteKind.MALFORMED, BlobDiffers("blob a/b@sha256:2: got 3 bytes with the digest sha256:4")),
        (NoteKind.TOO_LARGE, BlobTooLarge("layer sha256:2 has 7 bytes; at most 6 are read")),
    ],
)
async def test_layer_that_lies_is_left_out_with_a_note(kind: NoteKind, error: RoxError) -> None:
    bench = Bench()
    bench.files.errors["sha256:2"] = error
    report = await bench.run(Registry("1", "2"))
    assert {found.name for found in report.contents.packages.values()} == {"1-dpkg", "1-rpm"}
    assert from_text(report.err) == (Note(kind, "", f"layer sha256:2: {error.message}", ends=True),)
    bench.files.errors.clear()
    again = await bench.run(Registry("1", "2"), fresh=True)
    # The newest layer with the database counts.
    assert {found.name for found in again.contents.packages.values()} == {"2-dpkg", "2-rpm"}
    assert again.err == ""
    assert bench.store.lives == [timedelta(hours=2), None]


@pytest.mark.parametrize("error", [Exhausted("disk full"), Invalid("401 Unauthorized"), Unavailable("away")])
async def test_error_of_the_machine_or_the_registry_is_not_the_images_fault(error: RoxError) -> None:
    bench = Bench()
    bench.files.errors["sha256:2"] = error
    with pytest.raises(type(error), match=error.message):
        await bench.run(Registry("1", "2"))
    assert bench.store.states[-1] == ("IndexError", error.message)


@pytest.mark.parametrize("error", [Invalid("layer sha256:2 is damaged"), Unavailable("the worker ended")])
async def test_layers_error_is_raised_as_itself_and_frees_all(error: RoxError) -> None:
    bench = Bench()
    bench.reader.errors["sha256:2"] = error
    with pytest.raises(type(error), match=error.message):
        await bench.run(Registry("1", "2", "3"))
    assert bench.store.states[-1] == ("IndexError", error.message)
    assert (bench.store.leases, bench.files.open, bench.reader.now) == ({}, 0, 0)
    bench.reader.errors.clear()
    assert (await bench.run(Registry("1", "2", "3"))).success


@pytest.mark.parametrize(
    ("step", "state"), [("known", "FetchLayers"), ("take_lease", "ScanLayers"), ("finds", "Coalesce")]
)
async def test_error_of_the_database_ends_the_image_in_its_state(step: str, state: str) -> None:
    bench = Bench()
    bench.store.failing[step] = Unavailable("the database is away")
    with pytest.raises(Unavailable, match="the database is away"):
        await bench.run(Registry("1"))
    assert [name for name, error in bench.store.states if not error][-1] == state
    assert bench.store.states[-1] == (State.INDEX_ERROR, "the database is away")


async def test_lost_database_while_reading_stops_the_read() -> None:
    bench = Bench()
    bench.reader.gate.clear()
    job = asyncio.create_task(bench.run(Registry("1")))
    async with asyncio.timeout(5):
        while not bench.reader.now:  # noqa: ASYNC110 - another task's work
            await asyncio.sleep(0)
        bench.store.failing["take_lease"] = Unavailable("the database is away")
        with pytest.raises(Unavailable, match="the database is away"):
            await job
    assert (bench.reader.now, bench.files.open, bench.store.leases) == (0, 0, {})


async def test_cancelled_job_gives_lease_and_file_back() -> None:
    bench = Bench()
    bench.reader.gate.clear()
    job = asyncio.create_task(bench.run(Registry("1")))
    async with asyncio.timeout(5):
        while not bench.reader.now:  # noqa: ASYNC110 - another task's work
            await asyncio.sleep(0)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert (bench.reader.now, bench.files.open, bench.store.leases) == (0, 0, {})
    bench.reader.gate.set()
    assert (await bench.run(Registry("1"))).success


async def test_repositories_of_red_hat_get_their_cpes_and_others_ask_for_no_file() -> None:
    bench = Bench()
    await bench.run(Registry("1"))
    assert bench.mappings_asked == 0
    package = Package(name="bash", version="1-1", ecosystem="rpm", package_db="sqlite:var/lib/rpm")
    bench.reader.found = {"rpm": Finds(packages=(package,), repositories=(repoid_repository("base"),))}
    report = await bench.run(Registry("2"), hash_id=HASH + "2")
    assert bench.mappings_asked == 1
    (repository,) = report.contents.repositories.values()
    assert (repository.key, repository.uri) == ("rhel-cpe-repository", "repoid=base")
    assert repository.cpe == "cpe:2.3:o:redhat:enterprise_linux:9:*:baseos:*:*:*:*:*"


async def test_finds_that_are_gone_are_made_again_and_none_is_left_out() -> None:
    bench = Bench()
    bench.store.losses = 2
    report = await bench.run(Registry("1", "2"))
    # Both layers have the same database: the newer one's packages count.
    assert {p.name for p in report.contents.packages.values()} == {"2-dpkg", "2-rpm"}
    assert [digest for digest, _ in bench.reader.reads] == [f"sha256:{name}" for name in "1212"]
    names = [name for name, _ in bench.store.states]
    assert names.count("ScanLayers") == 3
    assert names[-1] == "IndexFinished"


async def test_finds_that_are_gone_every_time_are_an_error() -> None:
    bench = Bench()
    bench.store.losses = 99
    with pytest.raises(Unavailable, match=r"finds of layers sha256:1 of .* were deleted again and again"):
        await bench.run(Registry("1"))
    assert bench.store.reports == {}
