"""The component that watches the kernel: opens the probe, reads it, hands executions on.

Where the program cannot be loaded it says so in the statistics and tries again now and
then; the process stays up. It must not know where executions go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import Invalid
from services.collector.events import Execution, decode
from services.collector.loader import Opener, Probe, ProbeUnavailable
from services.collector.stats import Stats

_LOG = log.get(__name__)
# So many are decoded in one turn of the event loop: some milliseconds.
_BATCH = 256
_RETRY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Kernel:
    """How to open the probe and read its clock."""

    open_probe: Opener
    boot_nanoseconds: Callable[[], int]
    ring_bytes: int


class Watch:
    """Reads executions from the kernel until cancelled."""

    name = "watch"

    def __init__(
        self, *, kernel: Kernel, sink: Callable[[Execution], None], stats: Stats, clock: Clock
    ) -> None:
        self._kernel = kernel
        self._sink = sink
        self._stats = stats
        self._clock = clock
        self._probe: Probe | None = None

    async def run(self, ready: Callable[[], None]) -> None:
        """Open and read; ready also when it cannot be opened, since the state is then known."""
        while True:
            try:
                probe = await asyncio.to_thread(self._kernel.open_probe, self._kernel.ring_bytes)
            except ProbeUnavailable as err:
                self._failed(err)
            else:
                try:
                    await self._read(probe, ready)
                except ProbeUnavailable as err:
                    self._failed(err)
            ready()
            await self._clock.sleep(_RETRY_SECONDS)

    def refresh(self) -> None:
        """Bring the kernel's counts in the statistics up to date."""
        if self._probe is None:
            return
        try:
            self._stats.kernel = self._probe.counters()
        except ProbeUnavailable as err:
            self._failed(err)

    async def _read(self, probe: Probe, ready: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        failed: asyncio.Future[None] = loop.create_future()
        self._probe = probe
        self._stats.problem = ""
        _LOG.info("kernel is watched")
        loop.add_reader(probe.fd, self._turn, probe, failed)
        try:
            ready()
            await failed
        finally:
            loop.remove_reader(probe.fd)
            self.refresh()
            self._probe = None
            probe.close()

    def _turn(self, probe: Probe, failed: asyncio.Future[None]) -> None:
        """Take what waits; the descriptor stays readable while more does."""
        if failed.done():
            return
        try:
            records = probe.read(_BATCH)
        except ProbeUnavailable as err:
            failed.set_exception(err)
            return
        boot = self._kernel.boot_nanoseconds()
        for record in records:
            self._stats.received += 1
            try:
                execution = decode(record, boot)
            except Invalid as err:
                self._malformed(err)
                continue
            if execution is not None:
                self._sink(execution)

    def _malformed(self, err: Invalid) -> None:
        if not self._stats.malformed:
            _LOG.error("kernel record not understood; later ones are only counted", error=err.message)
        self._stats.malformed += 1

    def _failed(self, err: ProbeUnavailable) -> None:
        if self._stats.problem != err.message:
            _LOG.error("kernel is not watched; trying again now and then", reason=err.message)
        self._stats.problem = err.message
