"""Collector's composition root: every object of the process is built here, once.

`build` constructs and opens nothing; the components are started by `main.py` in the
order given here.
"""

from __future__ import annotations

import platform
import random
import sys
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from google.protobuf import json_format

from pyrox.clock import Clock
from pyrox.env import Address
from pyrox.metrics import Metrics
from pyrox.mtls.choice import CertificateChoice
from pyrox.mtls.reload import CertFiles, CertificateWatch, ClientTls
from pyrox.pb.storage.process_indicator_pb2 import ProcessSignal
from pyrox.rpc.client import Channels, Target
from pyrox.rpc.front import Endpoint, Front
from pyrox.rpc.health import Answer, probe_app
from pyrox.rpc.monitoring import metrics_front
from pyrox.service import BoundedQueue, Component
from services.collector import events, existing, loader
from services.collector.config import Config
from services.collector.events import Execution
from services.collector.network.scrape import scrape
from services.collector.network.stream import NetworkStream, Options
from services.collector.ratelimit import RateLimit
from services.collector.signals import Signals
from services.collector.stats import Stats, expose, status_page
from services.collector.stream import Printer, SensorStream, Source
from services.collector.watch import Kernel, Watch

_DISABLED = "COLLECTION_METHOD is NO_COLLECTION"


@dataclass(frozen=True, slots=True)
class App:
    """The built process."""

    components: tuple[Component, ...]
    stats: Stats
    watch: Watch
    status: Front
    metrics: Front
    channels: tuple[Channels, ...]

    async def close(self) -> None:
        """Close the connections to Sensor."""
        for channels in self.channels:
            await channels.close()


def build(config: Config, clock: Clock, open_probe: loader.Opener = loader.open_probe) -> App:
    """Build everything."""
    metrics, stats = Metrics("collector"), Stats()
    queue: BoundedQueue[Execution] = BoundedQueue(name="signals", limit=config.queue_limit, metrics=metrics)
    signals = Signals(queue=queue, limit=RateLimit(), stats=stats, clock=clock)
    watch = Watch(
        kernel=Kernel(open_probe, loader.boot_nanoseconds, config.buffer_bytes),
        sink=signals.offer,
        stats=stats,
        clock=clock,
    )
    expose(stats, metrics, watch.refresh)
    ready, live = status_page(stats, config.node_name, watch.refresh)
    status = _front("status", config.listen, {"/ready": ready, "/live": live}, clock)
    scraped = metrics_front(config.metrics, metrics, clock)
    channels, way_out = _way_out(config, _source(config, signals), stats, clock)
    if not config.watch_kernel:
        stats.problem = _DISABLED
    watching = (watch,) if config.watch_kernel else ()
    return App(
        components=(scraped, status, *watching, *way_out),
        stats=stats,
        watch=watch,
        status=status,
        metrics=scraped,
        channels=channels,
    )


def _source(config: Config, signals: Signals) -> Source:
    proc = proc_of(config.host)
    identify = _time_ids()
    return Source(
        signals=signals,
        existing=lambda: existing.running(proc, loader.boot_nanoseconds()) if config.watch_kernel else (),
        to_signal=lambda execution: events.signal(execution, identify, arguments=config.arguments),
    )


def _way_out(
    config: Config, source: Source, stats: Stats, clock: Clock
) -> tuple[tuple[Channels, ...], tuple[Component, ...]]:
    if not config.server:
        return (), (Printer(source=source, stats=stats, write=_print),)
    tls = ClientTls(authorities=[config.tls.ca], certificate=CertFiles(config.tls.cert, config.tls.key))
    target = Target(config.server, config.sni, by_service_name=True)
    # Each stream has a connection of its own, so that one that hangs does not end the other.
    signals, connections = Channels(target, tls=tls), Channels(target, tls=tls)
    stream = SensorStream(channels=signals, source=source, stats=stats, clock=clock, random=random.random)
    choice = CertificateChoice(places=config.certs, clock=clock)
    network = _network(config, connections, stats, clock)
    return (signals, connections), (choice, CertificateWatch(watched=[tls], clock=clock), stream, *network)


def _network(config: Config, channels: Channels, stats: Stats, clock: Clock) -> tuple[NetworkStream, ...]:
    if config.network is None:
        return ()
    options = Options(
        node=config.node_name or platform.node(),
        interval=config.network.interval,
        afterglow=config.network.afterglow,
    )
    proc = proc_of(config.host)
    look = partial(scrape, proc)
    return (NetworkStream(channels=channels, scrape=look, options=options, stats=stats, clock=clock),)


def proc_of(host: Path) -> Path:
    """The node's /proc: below `host` in a pod, the own one elsewhere."""
    mounted = host / "proc"
    return mounted if mounted.is_dir() else Path("/proc")


def _time_ids() -> Callable[[], str]:
    """Time-based ids as upstream's, with a random node number instead of the machine's address."""
    node = random.SystemRandom().getrandbits(48) | 1 << 40
    return lambda: str(uuid.uuid1(node))


def _print(signal: ProcessSignal) -> None:
    sys.stdout.write(json_format.MessageToJson(signal, indent=None) + "\n")
    sys.stdout.flush()


def _front(name: str, address: Address, pages: dict[str, Callable[[], Answer]], clock: Clock) -> Front:
    return Front(
        endpoints=[Endpoint(address.host, address.port)],
        app=probe_app({path: _asynchronous(page) for path, page in pages.items()}),
        peers=None,
        clock=clock,
        name=name,
    )


def _asynchronous(page: Callable[[], Answer]) -> Callable[[], Awaitable[Answer]]:
    async def probe() -> Answer:
        return page()

    return probe
