"""Keeps the advisories fresh: fetch, load what is newer, forget what is gone.

A component of the Matcher. A source that fails does not hold up the others; several
Matchers share the work by a lock for each source.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import RoxError
from pyrox.metrics import Metrics
from pyrox.scratch import Scratch
from pyrox.workers import Workers
from services.scanner_matcher import feed
from services.scanner_matcher.bundle import made_by, prepare
from services.scanner_matcher.compact import OtherMaker
from services.scanner_matcher.feed import Entry, Feed
from services.scanner_matcher.loader import Loader, SourceState
from services.scanner_matcher.store import EPOCH, VulnStore

_LOG = log.get(__name__)
# Upstream's loop: every five minutes plus one of these, none of them before the first load.
_INTERVAL_MINUTES = 5
_JITTER_MINUTES = (5, 10, 15, 20)
# One source is read by the worker while the database copies another.
_AT_ONCE = 2
# While nothing was loaded a scan cannot be answered, so a failed first load is tried sooner;
# the pause doubles up to the interval, since the whole bundle is fetched each time.
_FIRST_RETRY_SECONDS = 10.0
_TURN_SECONDS = 1.0


@dataclass
class Round:
    """What one round did."""

    loaded: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)


class Updates:
    """The loop."""

    def __init__(
        self,
        *,
        feed: Feed,
        loader: Loader,
        store: VulnStore,
        workers: Workers,
        pace: Pace,
        metrics: Metrics,
        allowed: Collection[str] = (),
    ) -> None:
        """`allowed` limits the bundles to these names; empty means all."""
        self._feed = feed
        self._loader = loader
        self._store = store
        self._workers = workers
        self._pace = pace
        self._allowed = frozenset(allowed)
        # One bundle at a time, so that queries keep a core.
        self._reading = asyncio.Lock()
        self._loads = metrics.counter("loads", "loads of a source by result", ["source", "result"])
        self._ranges = metrics.gauge("source_ranges", "rows of a source", ["source"])
        self._seconds = metrics.counter("load_seconds", "time of loads by phase", ["phase"])

    async def work(self) -> None:
        """Rounds for ever; a failed one is logged and tried again."""
        while True:
            try:
                await self.round()
            except (RoxError, OSError) as error:
                # An OSError is a full disk: what is loaded goes on answering.
                _LOG.warning("vulnerability update failed", error=str(error))
            await self._pace.wait(initialised=await self._initialised())

    async def _initialised(self) -> bool:
        try:
            return await self._store.last_update() is not None
        except RoxError:
            return False

    async def round(self) -> Round:
        """One fetch and all loads that it asks for.

        Raises what fetching raises; failures of single sources stand in the result.
        """
        done = Round()
        with Scratch("scanner-updates-") as directory:
            archive = directory / "vulnerabilities.zip"
            if not await self._feed.fetch(archive, await self._since()):
                return done
            entries = [e for e in feed.entries(archive) if not self._allowed or e.name in self._allowed]
            sources = await self._loader.register(sorted({entry.name for entry in entries}))
            await self._update_all(archive, entries, done)
            if entries:
                await self._forget(sources, {entry.name for entry in entries}, done)
        return done

    async def _since(self) -> datetime | None:
        """The age of what is loaded; None when it must be loaded again whatever its age is."""
        states = await self._loader.register([])
        await self._settle(states)
        if any(state.made_by != made_by() for state in states.values()):
            return None
        return await self._store.last_update()

    async def _settle(self, states: Mapping[str, SourceState]) -> None:
        """Write down the history of loads that a killed Matcher did not finish."""
        for name, state in states.items():
            try:
                async with self._loader.exclusive(name) as ours:
                    if ours:
                        await self._loader.settle(state)
            except RoxError as error:
                _LOG.warning("history not written", source=name, error=error.message)

    async def _update_all(self, archive: Path, entries: Sequence[Entry], done: Round) -> None:
        """All sources, a few at a time; the forms of one source one after the other."""
        forms: dict[str, list[Entry]] = {}
        for entry in entries:
            forms.setdefault(entry.name, []).append(entry)
        free = asyncio.Semaphore(_AT_ONCE)

        async def source(named: Sequence[Entry]) -> None:
            async with free:
                for entry in named:
                    await self._update(archive, entry, done)

        async with asyncio.TaskGroup() as group:
            for named in forms.values():
                group.create_task(source(named))
        order = list(forms)
        done.loaded.sort(key=order.index)

    async def _update(self, archive: Path, entry: Entry, done: Round) -> None:
        try:
            while not await self._settled(archive, entry, done):
                # Another Matcher loads it, or one that was killed is not quite gone yet.
                await self._pace.turn()
        except (RoxError, OSError) as error:
            _LOG.warning("advisories not loaded", source=entry.name, error=str(error))
            done.failed[entry.name] = str(error)
            self._loads.labels(entry.name, "failed").inc()

    async def _settled(self, archive: Path, entry: Entry, done: Round) -> bool:
        """Load the source unless somebody did; False while it is another's turn."""
        async with self._loader.exclusive(entry.name) as ours:
            state = (await self._loader.register([])).get(entry.name)
            if state is None or self._fresh(state, entry):
                return True
            if ours:
                try:
                    await self._load(archive, entry, state)
                except OtherMaker as other:
                    if not self._has_lines(archive, entry):
                        raise
                    _LOG.debug("compact bundle passed over", source=entry.name, reason=other.message)
                    return True
                done.loaded.append(entry.name)
                self._loads.labels(entry.name, "loaded").inc()
            return ours

    def _has_lines(self, archive: Path, entry: Entry) -> bool:
        """Whether the zip has the source in upstream's form too; its turn comes next."""
        return any(e.name == entry.name and e.suffix == feed.SUFFIX for e in feed.entries(archive))

    def _fresh(self, state: SourceState, entry: Entry) -> bool:
        loaded = state.made_by == made_by() and state.updated > EPOCH
        return loaded and state.updated >= entry.made

    async def _load(self, archive: Path, entry: Entry, state: SourceState) -> None:
        with tempfile.TemporaryDirectory(prefix="scanner-load-", dir=archive.parent) as directory:
            file = Path(directory) / f"{entry.name}{entry.suffix}"
            await asyncio.to_thread(feed.extract, archive, entry, file)
            what = f"bundle {entry.name}"
            async with self._reading:
                began = self._pace.elapsed()
                prepared = await self._workers.run(what, prepare, str(file), directory)
                read = self._pace.elapsed() - began
            spent = await self._loader.load(state, entry.made, made_by(), prepared)
            for phase, seconds in (("parse", read), *asdict(spent).items()):
                self._seconds.labels(phase).inc(seconds)
            self._ranges.labels(entry.name).set(prepared.ranges)

    async def _forget(self, sources: dict[str, SourceState], names: Collection[str], done: Round) -> None:
        for name, state in sources.items():
            if name in names:
                continue
            try:
                async with self._loader.exclusive(name) as ours:
                    if ours:
                        await self._loader.remove(state)
                        done.removed.append(name)
            except RoxError as error:
                _LOG.warning("source not removed", source=name, error=error.message)


class Pace:
    """How long to wait between rounds."""

    def __init__(self, *, clock: Clock, random: Random) -> None:
        self._clock = clock
        self._random = random
        self._retry = _FIRST_RETRY_SECONDS

    def elapsed(self) -> float:
        """Seconds since an unnamed moment."""
        return self._clock.monotonic()

    async def turn(self) -> None:
        """Wait a little for another Matcher to finish a source."""
        await self._clock.sleep(_TURN_SECONDS)

    async def wait(self, *, initialised: bool) -> None:
        """Wait until the next round is due; before the first load longer each time."""
        if initialised:
            minutes = _INTERVAL_MINUTES + self._random.choice(_JITTER_MINUTES)
            await self._clock.sleep(minutes * 60.0)
            return
        await self._clock.sleep(self._retry)
        self._retry = min(self._retry * 2, _INTERVAL_MINUTES * 60.0)
