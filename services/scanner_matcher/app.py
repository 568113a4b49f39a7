"""The composition root of the Matcher: every object is made here, in order, once.

Called by `main`. Nothing is opened before the components run.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.resources import files
from random import Random

import httpx

from pyrox.clock import Clock
from pyrox.errors import RoxError
from pyrox.metrics import Metrics
from pyrox.mtls.ca import ServiceTrust, load_certificates
from pyrox.mtls.identity import SCANNER_V4_INDEXER
from pyrox.mtls.reload import CertificateWatch, ClientTls, ServerTls, service_tls
from pyrox.pg.migrate import Migrator
from pyrox.pg.pool import Pool
from pyrox.registry.proxied import ProxiedTransport
from pyrox.rpc import health
from pyrox.rpc.authn import AnyService, Authenticator, ServiceAuthenticator
from pyrox.rpc.client import Channels, Target, http_client
from pyrox.rpc.front import Endpoint, Front
from pyrox.rpc.methods import Method, table
from pyrox.rpc.monitoring import metrics_fronts
from pyrox.rpc.peers import Peers
from pyrox.rpc.server import RpcServer
from pyrox.scan import catalogue
from pyrox.service import Background, Component
from pyrox.version import WIRE_VERSION
from pyrox.workers import Workers
from services.scanner_matcher.api import MatcherService
from services.scanner_matcher.bills import Bills
from services.scanner_matcher.config import Config
from services.scanner_matcher.documents import Documents
from services.scanner_matcher.feed import Feed
from services.scanner_matcher.images import Images
from services.scanner_matcher.indexer import RemoteIndexer
from services.scanner_matcher.insight import Insight, Parts
from services.scanner_matcher.loader import Loader
from services.scanner_matcher.query import Query
from services.scanner_matcher.reports import Reports
from services.scanner_matcher.store import VulnStore
from services.scanner_matcher.updates import Pace, Updates

VERSIONS_TABLE = "matcher_migrations"
# Parsing is one process's work at a time, so that queries keep a core.
_WORKERS = 1
_LOAD_SECONDS = 3600.0
_FEED_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class App:
    """The parts of the process that `main` starts."""

    pool: Pool
    migrator: Migrator
    store: VulnStore
    updates: Updates
    components: tuple[Component, ...]
    front: Front
    probes: Front


def build(config: Config, *, clock: Clock, random: Random) -> App:
    """Make everything; open nothing."""
    metrics = Metrics("scanner_v4_matcher")
    pool = Pool(settings=config.database, clock=clock)
    store = VulnStore(pool=pool)
    workers = Workers(count=_WORKERS, seconds=_LOAD_SECONDS)
    server_tls, client_tls = service_tls(config.certs)
    updates = Updates(
        feed=Feed(urls=config.vulnerabilities_urls, client=_feed_client(config, client_tls)),
        loader=Loader(pool=pool, clock=clock, random=random),
        store=store,
        workers=workers,
        pace=Pace(clock=clock, random=random),
        metrics=metrics,
        allowed=config.allowed_bundles,
    )
    indexer = _indexer(config, client_tls)
    parts = _parts(pool, store, indexer)
    service = MatcherService(
        reports=parts.reports,
        bills=Bills(repositories=indexer, clock=clock, version=WIRE_VERSION),
        store=store,
        metrics=metrics,
        version=WIRE_VERSION,
    )
    peers = Peers()
    authenticator = _authenticator(config, clock)
    rpc = RpcServer(methods=methods(service), authenticator=authenticator, peers=peers, clock=clock)
    front = Front(
        endpoints=[Endpoint.parse(config.grpc_listen_addr, server_tls)],
        app=Insight(parts=parts, authenticator=authenticator).app(),
        peers=peers,
        clock=clock,
    )
    probes = _probes(config, server_tls, store, metrics, clock=clock)
    return App(
        pool=pool,
        migrator=Migrator(
            pool=pool, directory=files("services.scanner_matcher.migrations"), versions_table=VERSIONS_TABLE
        ),
        store=store,
        updates=updates,
        components=(
            pool,
            CertificateWatch(watched=[server_tls, client_tls], clock=clock),
            *([indexer] if indexer else []),
            parts.images,
            rpc,
            front,
            probes,
            *metrics_fronts(config.metrics, metrics, clock),
            Background("updates", _with_workers(updates, workers)),
        ),
        front=front,
        probes=probes,
    )


def _parts(pool: Pool, store: VulnStore, indexer: RemoteIndexer | None) -> Parts:
    """What answers questions, for gRPC and JSON alike."""
    schemes, documents = catalogue.schemes(), Documents(pool=pool)
    query = Query(store=store, statements=documents, matchers=catalogue.matchers(), schemes=schemes)
    images = Images(pool=pool, schemes=schemes)
    reports = Reports(query=query, store=store, indexer=indexer, images=images)
    return Parts(reports, query, images, documents)


def methods(service: MatcherService) -> dict[str, Method]:
    """The method table of the process."""
    return dict(table([service]))


def _with_workers(updates: Updates, workers: Workers) -> Callable[[], Awaitable[None]]:
    async def work() -> None:
        try:
            await updates.work()
        finally:
            workers.close()

    return work


def _authenticator(config: Config, clock: Clock) -> Authenticator:
    authorities = load_certificates((config.certs / "ca.pem").read_bytes())
    known = ServiceAuthenticator(trust=ServiceTrust(authorities, clock))
    return AnyService(known) if config.allow_anonymous else known


def _indexer(config: Config, tls: ClientTls) -> RemoteIndexer | None:
    if not config.indexer_addr:
        return None
    return RemoteIndexer(Channels(Target(config.indexer_addr, SCANNER_V4_INDEXER.hostname), tls=tls))


def _feed_client(config: Config, tls: ClientTls) -> Callable[[], httpx.AsyncClient]:
    """Central is asked with our certificate, a public server without, through the proxy that is for it."""
    if config.stackrox_services:
        target = Target(config.vulnerabilities_urls[-1], "central.stackrox")
        return lambda: http_client(target, tls=tls, timeout=_FEED_SECONDS)
    context = ssl.create_default_context()
    return lambda: httpx.AsyncClient(
        transport=ProxiedTransport(context, config.proxies.for_url),
        timeout=_FEED_SECONDS,
        trust_env=False,
        follow_redirects=True,
    )


def _probes(config: Config, tls: ServerTls, store: VulnStore, metrics: Metrics, *, clock: Clock) -> Front:
    async def ready() -> bool:
        try:
            await store.ping()
            return config.readiness == "database" or await store.last_update() is not None
        except RoxError:
            return False

    app = health.probe_app(
        {
            "/health/liveness": health.liveness,
            "/health/readiness": health.readiness(ready),
            "/metrics": health.metrics_probe(metrics),
        }
    )
    endpoint = Endpoint.parse(config.http_listen_addr, tls)
    return Front(endpoints=[endpoint], app=app, peers=None, clock=clock, name="probes")
