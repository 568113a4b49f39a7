"""How fast Collector is: `python -m tests.bench.collector` prints figures and ratios.

Called by `make bench`. Records are replayed, so the figures need no rights; the last ones
start processes in a real container where root, BTF and runc are there.
"""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import uvloop

from pyrox.clock import SystemClock
from pyrox.metrics import Metrics
from pyrox.service import BoundedQueue
from services.collector import events, loader
from services.collector.events import Execution
from services.collector.ratelimit import RateLimit
from services.collector.signals import Signals
from services.collector.stats import Stats
from tests.support.collector import config, running_collector
from tests.support.fake_probe import FakeProbe, record
from tests.support.fake_sensor import SignalSink
from tests.support.pki import Pki
from tests.support.runc import running_container
from tests.support.waiting import until

COUNT = 100_000
STREAMED = 20_000
STARTED = 5_000
LOOP = f"i=0; while [ $i -lt {STARTED} ]; do /bin/true $i; i=$((i+1)); done"
# The rate at which a node's busiest moment is to be followed without a loss.
DECODE_LIMIT = 50_000.0
STREAM_LIMIT = 5_000.0
# What upstream's chart asks for one Collector.
MEMORY_LIMIT = 320.0


def records(count: int) -> list[bytes]:
    """Records of different processes, each with two ancestors."""
    above = [(7, 0, "/usr/sbin/nginx"), (6, 0, "/sbin/init")]
    return [
        record(pid=at, arguments=b"sh\0--request\0%d\0" % at, ancestors=above) for at in range(1, count + 1)
    ]


def tell(name: str, rate: float, limit: float, unit: str = "/s") -> None:
    """One line of the answer."""
    sys.stdout.write(f"{name}: {rate:,.0f}{unit}, limit {limit:,.0f}{unit}, ratio {rate / limit:.2f}\n")


def decode_and_queue(raw: Sequence[bytes]) -> float:
    """Records a second through decoding, rate limit and queue."""
    queue: BoundedQueue[Execution] = BoundedQueue(name="signals", limit=COUNT, metrics=Metrics("collector"))
    signals = Signals(queue=queue, limit=RateLimit(), stats=Stats(), clock=SystemClock())
    begin = time.perf_counter()
    for one in raw:
        execution = events.decode(one, 0)
        if execution is not None:
            signals.offer(execution)
    taken = time.perf_counter() - begin
    assert len(signals) == len(raw)
    return len(raw) / taken


def to_messages(raw: Sequence[bytes]) -> float:
    """Records a second to the bytes of the message."""
    numbers = itertools.count()
    begin = time.perf_counter()
    for one in raw:
        execution = events.decode(one, 0)
        if execution is not None:
            events.signal(execution, lambda: str(next(numbers))).SerializeToString()
    return len(raw) / (time.perf_counter() - begin)


async def streamed(pki: Pki) -> None:
    """Replayed records through the whole process to a Sensor over mutual TLS, in one process."""
    probe, raw = FakeProbe(), records(STREAMED)
    async with (
        SignalSink(pki).running() as sensor,
        running_collector(config(pki, sensor.port, queue=STREAMED), probe.open) as app,
    ):
        await until(lambda: app.stats.connected)
        begin = time.perf_counter()
        for at in range(0, STREAMED, 1000):
            probe.put(*raw[at : at + 1000])
            await asyncio.sleep(0)
        await until(lambda: app.stats.sent + app.stats.send_failures >= STREAMED, seconds=120)
        taken = time.perf_counter() - begin
        tell("replayed records to Sensor", app.stats.sent / taken, STREAM_LIMIT)
        told = f"offered {STREAMED}, sent {app.stats.sent}, dropped {app.stats.send_failures}"
        sys.stdout.write(f"  {told}\n")
    probe.end()


async def started(pki: Pki, directory: Path) -> None:
    """Processes that a real container starts as fast as it can."""
    with running_container(directory) as container:
        async with (
            SignalSink(pki).running() as sensor,
            running_collector(config(pki, sensor.port)) as app,
        ):
            await until(lambda: app.stats.connected)
            begin = time.perf_counter()
            await asyncio.to_thread(container.run, "/bin/sh", "-c", LOOP)
            taken = time.perf_counter() - begin
            # The shell that runs the loop is one more.
            await until(lambda: app.stats.received >= STARTED + 1, seconds=60)
            await until(lambda: app.stats.sent + app.stats.send_failures >= STARTED + 1, seconds=60)
            app.watch.refresh()
            stats = app.stats
            lost = stats.kernel.lost + stats.kernel.missed + stats.send_failures + stats.rate_limited
            sys.stdout.write(
                f"processes of a container: {STARTED / taken:,.0f}/s, offered {STARTED + 1},"
                f" sent {stats.sent}, dropped {lost}\n"
            )


def memory() -> None:
    """Resident and proportional memory of a Collector of its own that has nothing to do."""
    flags = ["--host", "/", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]
    command = [sys.executable, "-m", "services", "collector", *flags]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if "component=printer" in line:
                break
        rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    finally:
        process.terminate()
        process.communicate(timeout=30)
    kib = {row.split(":")[0]: int(row.split()[1]) for row in rollup.splitlines()[1:]}
    tell("resident memory", kib["Rss"] / 1024, MEMORY_LIMIT, " MiB")
    sys.stdout.write(f"  of it proportional: {kib['Pss'] / 1024:,.0f} MiB\n")


def main() -> None:
    """Print a line per figure."""
    memory()
    raw = records(COUNT)
    tell("decode, limit, queue", decode_and_queue(raw), DECODE_LIMIT)
    tell("decode to message bytes", to_messages(raw), DECODE_LIMIT)
    del raw
    with tempfile.TemporaryDirectory() as name:
        pki = Pki(Path(name) / "pki")
        uvloop.run(streamed(pki))
        try:
            loader.open_probe(1 << 20).close()
        except loader.ProbeUnavailable as err:
            sys.stdout.write(f"processes of a container: not measured: {err.message}\n")
        else:
            bundle = Path(name) / "bundle"
            bundle.mkdir()
            uvloop.run(started(pki, bundle))


if __name__ == "__main__":
    main()
