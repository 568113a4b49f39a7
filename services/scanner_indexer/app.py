"""The composition root of the Indexer: every object is made here, in order, once.

Called by `main`. Nothing is opened before the components run.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.resources import files
from random import Random

import httpx

from pyrox.clock import Clock
from pyrox.errors import RoxError
from pyrox.metrics import Metrics
from pyrox.mtls.ca import ServiceTrust, load_certificates
from pyrox.mtls.choice import CertificateChoice
from pyrox.mtls.reload import CertificateWatch, ClientTls, ServerTls, service_tls
from pyrox.pg.migrate import Migrator
from pyrox.pg.pool import Pool
from pyrox.registry.client import Endpoint as RegistryEndpoint
from pyrox.registry.client import RegistryClient
from pyrox.registry.proxied import ProxiedTransport
from pyrox.registry.transport import Limits as RegistryLimits
from pyrox.rpc import health
from pyrox.rpc.authn import AnyService, Authenticator, ServiceAuthenticator
from pyrox.rpc.client import Target, http_client
from pyrox.rpc.front import Endpoint, Front
from pyrox.rpc.methods import Method, table
from pyrox.rpc.monitoring import metrics_fronts
from pyrox.rpc.peers import Peers
from pyrox.rpc.server import RpcServer
from pyrox.scan.catalogue import detectors
from pyrox.service import Background, Component
from pyrox.version import WIRE_VERSION
from pyrox.workers import Workers
from services.scanner_indexer.api import IndexerService, Registries
from services.scanner_indexer.config import Config
from services.scanner_indexer.fetch import Arena
from services.scanner_indexer.layer import ProcessLayerReader
from services.scanner_indexer.mapping import (
    Lists,
    RemoteFile,
    RepositoryMapping,
    parse_names,
    parse_repositories,
)
from services.scanner_indexer.redhat import RedHatFiles
from services.scanner_indexer.scratch import Scratch
from services.scanner_indexer.states import Indexing
from services.scanner_indexer.store import IndexStore
from services.scanner_indexer.upkeep import Upkeep

VERSIONS_TABLE = "indexer_migrations"
# Each worker reads one layer; more than the cores would only cost memory.
_WORKERS = 2


@dataclass(frozen=True, slots=True)
class App:
    """The parts of the process that `main` starts."""

    pool: Pool
    migrator: Migrator
    components: tuple[Component, ...]
    front: Front
    probes: Front
    scraped: tuple[Front, ...]


def build(config: Config, *, clock: Clock, random: Random) -> App:
    """Make everything; open nothing."""
    metrics = Metrics("scanner_v4_indexer")
    pool = Pool(settings=config.database, clock=clock)
    store = IndexStore(pool=pool, expiry=config.expiry, random=random)
    workers, arena = Workers(count=_WORKERS), Arena()
    reader = ProcessLayerReader(workers=workers, detectors=detectors())
    indexing = Indexing(store=store, reader=reader, arena=arena, clock=clock, random=random, metrics=metrics)
    server_tls, client_tls = service_tls(config.certs.used)
    repositories, names = _remote_files(config, client_tls)
    service = IndexerService(
        indexing=indexing,
        store=store,
        registries=_registries(config, clock),
        mapping=RepositoryMapping(repositories),
        redhat=RedHatFiles(repositories=repositories, names=names, clock=clock),
        version=WIRE_VERSION,
    )
    peers = Peers()
    rpc = RpcServer(
        methods=methods(service), authenticator=_authenticator(config, clock), peers=peers, clock=clock
    )
    front = Front(
        endpoints=[Endpoint.parse(config.grpc_listen_addr, server_tls)], app=None, peers=peers, clock=clock
    )
    probes = _probes(config, server_tls, store, metrics, clock=clock)
    scraped = metrics_fronts(config.metrics, metrics, clock)
    upkeep = Upkeep(store=store, pool=pool, clock=clock, random=random, interval=config.expiry.interval)
    return App(
        pool=pool,
        migrator=Migrator(
            pool=pool, directory=files("services.scanner_indexer.migrations"), versions_table=VERSIONS_TABLE
        ),
        components=(
            pool,
            Scratch(arena=arena, workers=workers),
            CertificateChoice(places=config.certs, clock=clock),
            CertificateWatch(watched=[server_tls, client_tls], clock=clock),
            rpc,
            front,
            probes,
            *scraped,
            Background("upkeep", upkeep.work),
        ),
        front=front,
        probes=probes,
        scraped=scraped,
    )


def methods(service: IndexerService) -> dict[str, Method]:
    """The method table of the process."""
    return dict(table([service]))


def _authenticator(config: Config, clock: Clock) -> Authenticator:
    authorities = load_certificates((config.certs.used / "ca.pem").read_bytes())
    known = ServiceAuthenticator(trust=ServiceTrust(authorities, clock))
    return AnyService(known) if config.allow_anonymous else known


def _registries(config: Config, clock: Clock) -> Registries:
    limits = RegistryLimits(read_seconds=config.layer_timeout.total_seconds())

    def make(endpoint: RegistryEndpoint) -> RegistryClient:
        tls = replace(endpoint.tls, ca_pem=config.additional_cas)
        endpoint = replace(endpoint, tls=tls)
        # Upstream's words, which registries' logs and rules may know.
        return RegistryClient(
            endpoint,
            clock=clock,
            user_agent=f"StackRox Scanner/{WIRE_VERSION}",
            limits=limits,
            proxies=config.proxies.for_url,
        )

    return make


def _remote_files(config: Config, tls: ClientTls) -> tuple[RemoteFile[Lists], RemoteFile[Lists]]:
    """Red Hat's files: CPEs by repository, places in the catalogue by name of a container."""
    repositories = RemoteFile(
        url=config.repository_to_cpe_url,
        seed=config.repository_to_cpe_file,
        client=_mapping_client(config.repository_to_cpe_url, config, tls),
        parse=parse_repositories,
    )
    names = RemoteFile(
        url=config.name_to_repos_url,
        seed=config.name_to_repos_file,
        client=_mapping_client(config.name_to_repos_url, config, tls),
        parse=parse_names,
    )
    return repositories, names


def _mapping_client(url: str, config: Config, tls: ClientTls) -> Callable[[], httpx.AsyncClient]:
    """Central and Sensor are asked with our certificate, the public server without."""
    if config.stackrox_services:
        target = Target(url, "central.stackrox")
        return lambda: http_client(target, tls=tls)
    context = ssl.create_default_context()
    return lambda: httpx.AsyncClient(
        transport=ProxiedTransport(context, config.proxies.for_url),
        timeout=10.0,
        trust_env=False,
        follow_redirects=True,
    )


def _probes(config: Config, tls: ServerTls, store: IndexStore, metrics: Metrics, *, clock: Clock) -> Front:
    async def ready() -> bool:
        try:
            await store.ping()
        except RoxError:
            return False
        return True

    app = health.probe_app(
        {
            "/health/liveness": health.liveness,
            "/health/readiness": health.readiness(ready),
            "/metrics": health.metrics_probe(metrics),
        }
    )
    endpoint = Endpoint.parse(config.http_listen_addr, tls)
    return Front(endpoints=[endpoint], app=app, peers=None, clock=clock, name="probes")
