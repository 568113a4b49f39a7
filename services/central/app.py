"""Central's composition root: every object of the process is made here, in order, once.

`build` opens nothing; `prepare` brings the database up to date; the components then run
under one supervisor.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import resources

import httpx
from fastapi import APIRouter
from joserfc.jwk import RSAKey

from pyrox.clock import Clock
from pyrox.errors import Invalid
from pyrox.metrics import Metrics
from pyrox.mtls.identity import SCANNER_V4_INDEXER, SCANNER_V4_MATCHER, Subject
from pyrox.mtls.reload import CertFiles, CertificateWatch, ClientTls
from pyrox.pb.storage.deployment_pb2 import ListDeployment
from pyrox.pb.storage.secret_pb2 import ListSecret
from pyrox.pg.migrate import Migrator
from pyrox.pg.notify import Callback, Listener
from pyrox.pg.pool import Pool
from pyrox.pg.settings import Settings
from pyrox.policy.defaults import load as default_policies
from pyrox.policy.defaults import load_categories as default_categories
from pyrox.policy.eventmessages import process_message
from pyrox.registry.client import Endpoint as RegistryEndpoint
from pyrox.registry.client import RegistryClient
from pyrox.registry.proxied import ProxiedTransport
from pyrox.rpc.authn import ServiceAuthenticator
from pyrox.rpc.client import Channels, Target
from pyrox.rpc.gateway import Gateway
from pyrox.rpc.grpcweb import GrpcWeb
from pyrox.rpc.methods import Method, Servicer, table
from pyrox.rpc.monitoring import metrics_fronts
from pyrox.rpc.peers import Peers
from pyrox.rpc.server import RpcOptions, RpcServer
from pyrox.service import Component
from pyrox.version import WIRE_VERSION
from services.central import unserved
from services.central.about.service import (
    CentralHealthService,
    CredentialExpiryService,
    FeatureFlagService,
    GRPCPreferencesService,
    MetadataService,
    PingService,
)
from services.central.about.store import DatabaseVersion, Installation
from services.central.access import defaults as default_roles
from services.central.access.authenticator import CentralAuthenticator
from services.central.access.basic import BasicAuth
from services.central.access.jwt import TokenIssuer, key_pem, load_key
from services.central.access.rolebook import RoleBook
from services.central.alerts.lifecycle import AlertLifecycle
from services.central.alerts.service import AlertService
from services.central.alerts.store import AlertStore
from services.central.assessment import assessment
from services.central.backups.restart import Restart
from services.central.backups.service import DBService
from services.central.baselines import store as baselines_store
from services.central.baselines.learning import Learning
from services.central.baselines.sync import BaselineSync
from services.central.charts import Charts
from services.central.cluster_init.service import ClusterInitService
from services.central.cluster_init.store import BundleStore
from services.central.clusters.registration import Registration
from services.central.clusters.service import ClustersService
from services.central.clusters.store import ClusterStore
from services.central.config import Config
from services.central.db import check, tables
from services.central.db.catalog import AnyTable
from services.central.db.store import ListedStore, ListForm, ProtoStore
from services.central.declarative.parts import declarative
from services.central.definitions.bundle import Release
from services.central.definitions.files import Definitions
from services.central.definitions.store import DefinitionStore
from services.central.deployments.digest import digest as deployment_digest
from services.central.detection.service import DetectionService
from services.central.detection.surroundings import Surroundings
from services.central.images.bills import ImageBills
from services.central.images.enrich import Enricher
from services.central.images.reprocess import Reprocessor
from services.central.images.scanner import ScannerV4
from services.central.images.service import ImageService
from services.central.images.store import ImageStore
from services.central.integrations import scanner_v4
from services.central.integrations.service import ImageIntegrationService
from services.central.integrations.store import IntegrationStore
from services.central.jobs.pruning import Pruner
from services.central.jobs.store import PruneStore
from services.central.link.connections import Connections
from services.central.link.fragments import Fragment
from services.central.link.fragments.alert_results import AlertResultsFragment
from services.central.link.fragments.deployment import DeploymentFragment
from services.central.link.fragments.inventory import Inventory
from services.central.link.fragments.pod import PodFragment
from services.central.link.fragments.process_indicator import ProcessIndicatorFragment
from services.central.link.greeting import Greeter
from services.central.link.hashes import HashStore
from services.central.link.inbox import EventCounters, Inbox
from services.central.link.messages import Messages
from services.central.link.service import SensorService
from services.central.listening import Listening
from services.central.login.service import AuthProviderService, AuthService
from services.central.machines.cluster import ClusterIssuer, cluster_of
from services.central.machines.controller import controller_logins
from services.central.machines.exchange import Exchange
from services.central.machines.issuers import Issuers
from services.central.machines.store import MachineStore
from services.central.namespaces.store import NamespaceStore
from services.central.network_graph import settings as network_settings
from services.central.network_graph.announce import Announcer
from services.central.network_graph.flows import FlowStore
from services.central.network_graph.updates import FlowUpdates
from services.central.network_policies.store import NetworkPolicyStore
from services.central.networking import networking
from services.central.policies import store as policies_store
from services.central.policies.dryrun import DryRun
from services.central.policies.effects import PolicyEffects
from services.central.policies.engine import PolicyEngine
from services.central.policies.exchange import Importer
from services.central.policies.from_search import FromSearch
from services.central.policies.service import PolicyService
from services.central.policies.store import PolicyStore
from services.central.policy_categories.service import PolicyCategoryService
from services.central.policy_categories.store import CategoryStore
from services.central.readers import dry_run, explainer, read_servicers
from services.central.risk.timeline import TimelineReader
from services.central.roles.service import RoleService
from services.central.roles.store import RoleStore
from services.central.routes.app import custom_routes
from services.central.routes.backups import backups_router
from services.central.routes.certgen import Renewal, certgen_router
from services.central.routes.clusters import clusters_router
from services.central.routes.definitions import definitions_router
from services.central.routes.docs import docs_router
from services.central.routes.downloads import downloads_router
from services.central.routes.explanations import explanations_router
from services.central.routes.graphql import graphql_router
from services.central.routes.guard import Guard
from services.central.routes.helm_charts import helm_charts_router
from services.central.routes.policy_resources import policy_resources_router
from services.central.routes.portal import portal_router
from services.central.routes.sbom_scans import sbom_scans_router
from services.central.routes.sboms import Limits, sboms_router
from services.central.routes.sso import sso_router
from services.central.routes.timeline import timeline_router
from services.central.safekeeping import Safekeeping, safekeeping
from services.central.secrets.digest import digest as secret_digest
from services.central.system_config.service import ConfigService
from services.central.system_config.store import ConfigStore
from services.central.tokens.service import APITokenService
from services.central.tokens.store import TokenStore
from services.central.trust.material import Material
from services.central.trust.times import InstallationTimes
from services.central.ui.dashboard import DashboardStore
from services.central.ui.router import ui_router
from services.central.ui.store import VulnerabilityStore
from services.central.upgrades.service import SensorUpgradeControlService

# Upstream's migrator waits for the server so often, five seconds each.
_DATABASE_ATTEMPTS = 60
COMMUNICATE = "/central.SensorService/Communicate"


@dataclass(frozen=True, slots=True)
class App:
    """A built Central."""

    components: Sequence[Component]
    prepare: Callable[[], Awaitable[None]]
    restart: Restart
    """Whether Central is to start again once it has stopped."""


class Revocations:
    """What was valid once: tokens and bundles, each asked of its own store."""

    def __init__(self, *, tokens: TokenStore, bundles: BundleStore) -> None:
        self.token_revoked = tokens.token_revoked
        self.bundle_revoked = bundles.bundle_revoked


@dataclass(frozen=True, slots=True)
class Stores:
    """Everything that reads or writes Central DB."""

    alerts: AlertStore
    bundles: BundleStore
    categories: CategoryStore
    clusters: ClusterStore
    dashboard: DashboardStore
    definitions: DefinitionStore
    hashes: HashStore
    images: ImageStore
    machines: MachineStore
    integrations: IntegrationStore
    namespaces: NamespaceStore
    network_policies: NetworkPolicyStore
    policies: PolicyStore
    roles: RoleStore
    system: ConfigStore
    tokens: TokenStore
    vulnerabilities: VulnerabilityStore


@dataclass(frozen=True, slots=True)
class Access:
    """Everything that says who calls."""

    authenticator: CentralAuthenticator
    basic: BasicAuth
    exchange: Exchange
    issuer: TokenIssuer
    roles: RoleBook


async def build(config: Config, clock: Clock) -> App:
    """Construct Central. Raises `Invalid` when a secret or setting cannot be used."""
    metrics = Metrics("central")
    material = Material.load(config.certs, clock)
    settings = Settings.from_source(config.database_source, password=config.database_password)
    pool = Pool(settings=settings, clock=clock)
    peers = Peers()
    stores, roles = _stores(pool, clock)
    safe = safekeeping(config, pool, clock)
    cluster = await cluster_of(config.kubeconfig)
    access = _access(config, clock, material, stores, roles, cluster)
    installation = Installation(pool=pool, clock=clock)
    assessed = assessment(config, pool, clock)
    network = networking(pool, clock, metrics, stores.clusters)
    told = (assessed.sync, network.announcer)
    greeter = Greeter(material.ca, stores.policies, stores.hashes, lambda: installation.id, *told)
    connections = Connections(metrics=metrics, policy_sync=greeter.policy_sync)
    lifecycle = _lifecycle(stores, clock)
    engine = PolicyEngine(policies=stores.policies)
    files = CertFiles.in_directory(config.certs)
    client_tls = ClientTls(authorities=[config.certs / "ca.pem"], certificate=files)
    scanner = _scanner(config, clock, client_tls)
    enricher = _enricher(config, clock, stores, scanner)
    effects = PolicyEffects(alerts=lifecycle, sensors=connections, engine=engine, clock=clock)
    declared = declarative(config.declarative, clock, stores, effects)
    servicers = [
        *_own_servicers(config, material, pool, safe),
        *_access_servicers(clock, material, stores, access),
        *_cluster_servicers(clock, stores, connections),
        *_image_servicers(config, clock, stores, connections, scanner, enricher),
        AlertService(store=stores.alerts, baselines=assessed.baselines),
        *_policy_servicers(clock, stores, connections, lifecycle, engine, enricher, dry_run(pool, clock)),
        *read_servicers(pool, clock, assessed.baselines),
        network.service,
        PolicyCategoryService(store=stores.categories, policies=stores.policies),
        DBService(restores=safe.restores),
        declared.servicer,
        _sensor_service(
            pool,
            clock,
            metrics,
            material,
            stores,
            greeter,
            connections,
            lifecycle,
            assessed.learning,
            network.updates,
        ),
    ]
    served = {servicer.SERVICE for servicer in servicers}
    methods = table(servicers, unserved.services_without(served))
    options = RpcOptions(max_receive_bytes=config.max_message_bytes, gzip_methods=frozenset({COMMUNICATE}))
    server = RpcServer(
        methods=methods, authenticator=access.authenticator, peers=peers, clock=clock, options=options
    )
    bills = ImageBills(enricher=enricher, scanner=scanner, clock=clock) if scanner is not None else None
    explanations = explanations_router(explainer(pool, clock), Guard(authenticator=access.authenticator))
    web = _web(config, clock, methods, access, stores, material, safe, bills, explanations, assessed.timeline)
    listening = Listening(config.endpoints, certs=config.certs, default_tls=config.default_tls)

    notices = _notices(stores, engine, connections, assessed.sync, network.announcer)
    components: tuple[Component, ...] = (
        pool,
        CertificateWatch(watched=[*listening.tls, client_tls, material], clock=clock),
        Listener(pool=pool, clock=clock, callbacks=notices),
        *declared.components,
        *controller_logins(cluster, stores.machines, config.namespace, clock),
        safe.restores,
        server,
        *listening.fronts(web, peers, clock),
        *metrics_fronts(config.metrics, metrics, clock),
        _reprocessor(config, pool, clock, stores, enricher, connections),
        assessed.worker,
        _pruner(pool, clock, stores, network.flows),
    )
    return App(components, partial(_prepare, pool, stores, installation, safe), safe.restart)


def _pruner(pool: Pool, clock: Clock, stores: Stores, flows: FlowStore) -> Pruner:
    store = PruneStore(pool=pool, images=stores.images, flows=flows)
    return Pruner(store=store, config=stores.system, pool=pool, clock=clock)


def _notices(
    stores: Stores,
    engine: PolicyEngine,
    connections: Connections,
    baselines: BaselineSync,
    ranges: Announcer,
) -> Mapping[str, Callback]:
    """What this replica does when another one, or itself, changed something that Sensors know."""

    async def policies_changed(_: Sequence[str]) -> None:
        stores.policies.forget()
        engine.forget()
        await connections.policies_changed()

    async def baselines_changed(ids: Sequence[str]) -> None:
        await baselines.changed(ids, connections.push)

    async def ranges_changed(ids: Sequence[str]) -> None:
        await ranges.changed(ids, connections)

    return {
        policies_store.CHANNEL: policies_changed,
        baselines_store.CHANNEL: baselines_changed,
        network_settings.CHANNEL: ranges_changed,
    }


def _reprocessor(
    config: Config, pool: Pool, clock: Clock, stores: Stores, enricher: Enricher, sensors: Connections
) -> Reprocessor:
    return Reprocessor(
        store=stores.images,
        enricher=enricher,
        sensors=sensors,
        pool=pool,
        clock=clock,
        interval=config.reprocessing,
    )


async def _prepare(pool: Pool, stores: Stores, installation: Installation, safe: Safekeeping) -> None:
    """Bring the database up to date and write what every installation has."""
    # On a user's own server the database is the user's to make.
    await pool.connect(attempts=_DATABASE_ATTEMPTS, create=not safe.external)
    await safe.adopt_restored(pool)
    await Migrator(pool=pool, directory=resources.files("services.central.migrations")).run()
    await check.run(tables.CATALOG, pool)
    await installation.load()
    await stores.roles.ensure_defaults()
    await stores.system.load()
    await stores.categories.ensure_defaults(default_categories())
    await stores.policies.ensure_defaults(default_policies())


def _stores(pool: Pool, clock: Clock) -> tuple[Stores, RoleBook]:
    changed: list[Callable[[], None]] = []

    def on_change() -> None:
        for callback in changed:
            callback()

    roles = RoleStore(pool=pool, defaults=default_roles.load(), on_change=on_change)
    book = RoleBook(source=roles, clock=clock)
    changed.append(book.invalidate)
    stores = Stores(
        alerts=AlertStore(pool=pool),
        bundles=BundleStore(pool=pool, clock=clock),
        categories=CategoryStore(pool=pool),
        clusters=ClusterStore(pool=pool, on_change=on_change),
        dashboard=DashboardStore(pool=pool),
        definitions=DefinitionStore(pool=pool, clock=clock),
        hashes=HashStore(pool=pool),
        images=ImageStore(pool=pool, clock=clock),
        machines=MachineStore(pool=pool, clock=clock),
        integrations=IntegrationStore(pool=pool),
        namespaces=NamespaceStore(pool=pool),
        network_policies=NetworkPolicyStore(pool=pool),
        policies=PolicyStore(pool=pool),
        roles=roles,
        system=ConfigStore(pool=pool, clock=clock),
        tokens=TokenStore(pool=pool, clock=clock),
        vulnerabilities=VulnerabilityStore(pool=pool),
    )
    return stores, book


def _access(
    config: Config,
    clock: Clock,
    material: Material,
    stores: Stores,
    roles: RoleBook,
    cluster: ClusterIssuer | None,
) -> Access:
    issuer = TokenIssuer(key=_signing_key(config), clock=clock)
    basic = BasicAuth(path=config.htpasswd)
    issuers = Issuers(client=partial(_issuer_client, config), clock=clock, cluster=cluster)
    exchange = Exchange(store=stores.machines, issuers=issuers, tokens=issuer, clock=clock)
    authenticator = CentralAuthenticator(
        services=ServiceAuthenticator(trust=material.trust),
        tokens=issuer,
        basic=basic,
        roles=roles,
        revocations=Revocations(tokens=stores.tokens, bundles=stores.bundles),
        machines=exchange,
    )
    return Access(authenticator, basic, exchange, issuer, roles)


def _issuer_client(config: Config) -> httpx.AsyncClient:
    """A client for identity providers, which trusts what an administrator added."""
    trusted = ssl.create_default_context()
    trusted.verify_flags &= ~ssl.VERIFY_X509_STRICT  # as for registries (pyrox.registry.transport)
    if config.additional_ca:
        trusted.load_verify_locations(cadata=config.additional_ca)
    transport = ProxiedTransport(trusted, config.proxies.for_url)
    return httpx.AsyncClient(transport=transport, trust_env=False)


def _signing_key(config: Config) -> RSAKey:
    try:
        return load_key(config.jwt)
    except OSError as err:
        raise Invalid(f"{err.filename}: {err.strerror}; mount the secret central-tls") from err
    except ValueError as err:
        raise Invalid(f"{config.jwt}: no RSA key can be read from jwt-key.der or jwt-key.pem") from err


def _own_servicers(config: Config, material: Material, pool: Pool, safe: Safekeeping) -> list[Servicer]:
    """What Central says about itself."""
    scanners = (config.indexer, config.matcher) if config.scanner_v4 else ()
    times = InstallationTimes(material=material, scanner_endpoints=scanners)
    return [
        PingService(),
        FeatureFlagService(flags=config.flags),
        GRPCPreferencesService(max_receive_bytes=config.max_message_bytes),
        CentralHealthService(),
        MetadataService(
            database=DatabaseVersion(pool=pool),
            external_database=config.database_external,
            backups=safe.store,
            challenge=material.challenge,
        ),
        CredentialExpiryService(times=times),
    ]


def _access_servicers(clock: Clock, material: Material, stores: Stores, access: Access) -> list[Servicer]:
    """Who may do what, and how clusters join."""
    return [
        RoleService(store=stores.roles),
        APITokenService(store=stores.tokens, roles=access.roles, issuer=access.issuer, clock=clock),
        AuthService(machines=stores.machines, roles=access.roles, exchange=access.exchange),
        AuthProviderService(
            basic=access.basic, authenticator=access.authenticator, issuer=access.issuer, clock=clock
        ),
        ClusterInitService(store=stores.bundles, clusters=stores.clusters, ca=material.ca, clock=clock),
        ConfigService(store=stores.system, clock=clock),
    ]


def _cluster_servicers(clock: Clock, stores: Stores, connections: Connections) -> list[Servicer]:
    """Secured clusters and what runs in them."""
    return [
        ClustersService(store=stores.clusters, link=connections, clock=clock),
        SensorUpgradeControlService(),
    ]


def _image_servicers(
    config: Config,
    clock: Clock,
    stores: Stores,
    connections: Connections,
    scanner: ScannerV4 | None,
    enricher: Enricher,
) -> list[Servicer]:
    """Images, and the registries and scanner they come from."""
    built_in = scanner_v4.integration(config.indexer, config.matcher) if scanner is not None else None
    return [
        ImageService(store=stores.images, enricher=enricher, scanner=scanner, sensors=connections),
        ImageIntegrationService(
            store=stores.integrations,
            sensors=connections,
            client=partial(_registry_client, config, clock=clock),
            scanner=built_in,
            ca_pem=config.additional_ca,
            allow_local=config.allow_local_registries,
        ),
    ]


def _policy_servicers(
    clock: Clock,
    stores: Stores,
    connections: Connections,
    lifecycle: AlertLifecycle,
    engine: PolicyEngine,
    enricher: Enricher,
    dry_runs: DryRun,
) -> list[Servicer]:
    """Policies, what they find, and checks before anything runs."""
    effects = PolicyEffects(alerts=lifecycle, sensors=connections, engine=engine, clock=clock)
    importer = Importer(store=stores.policies, clusters=stores.clusters, clock=clock)
    surroundings = Surroundings(
        clusters=stores.clusters, namespaces=stores.namespaces, network_policies=stores.network_policies
    )
    return [
        PolicyService(
            store=stores.policies,
            importer=importer,
            effects=effects,
            dry_run=dry_runs,
            search=FromSearch(clusters=stores.clusters),
            clock=clock,
        ),
        DetectionService(
            images=enricher, engine=engine, places=surroundings, sensors=connections, clock=clock
        ),
    ]


def _lifecycle(stores: Stores, clock: Clock) -> AlertLifecycle:
    return AlertLifecycle(
        store=stores.alerts,
        policies=stores.policies,
        platform=stores.system,
        namespaces=stores.namespaces,
        process_message=process_message,
        clock=clock,
    )


def _registry_client(config: Config, endpoint: RegistryEndpoint, *, clock: Clock) -> RegistryClient:
    return RegistryClient(endpoint, clock=clock, proxies=config.proxies.for_url)


def _scanner(config: Config, clock: Clock, tls: ClientTls) -> ScannerV4 | None:
    """Scanner V4, or None where none is installed."""
    if not config.scanner_v4:
        return None

    def channels(endpoint: str, subject: Subject) -> Channels:
        return Channels(Target(endpoint, subject.hostname, by_service_name=True), tls=tls)

    return ScannerV4(
        indexer=channels(config.indexer, SCANNER_V4_INDEXER),
        matcher=channels(config.matcher, SCANNER_V4_MATCHER),
        clock=clock,
        seconds=config.scan_timeout.total_seconds(),
    )


def _enricher(config: Config, clock: Clock, stores: Stores, scanner: ScannerV4 | None) -> Enricher:
    return Enricher(
        store=stores.images,
        integrations=stores.integrations.all_integrations,
        client=partial(_registry_client, config, clock=clock),
        scanner=scanner,
        clock=clock,
        fresh_for=config.reprocessing,
        ca_pem=config.additional_ca,
    )


def _sensor_service(
    pool: Pool,
    clock: Clock,
    metrics: Metrics,
    material: Material,
    stores: Stores,
    greeter: Greeter,
    connections: Connections,
    lifecycle: AlertLifecycle,
    learning: Learning,
    flows: FlowUpdates,
) -> SensorService:
    counters = EventCounters(metrics=metrics)
    inbox = partial(
        Inbox,
        fragments=_fragments(pool, stores, lifecycle, learning),
        pool=pool,
        hashes=stores.hashes,
        counters=counters,
    )
    return SensorService(
        registration=Registration(store=stores.clusters, secrets=stores.bundles, clock=clock),
        greeter=greeter,
        connections=connections,
        inbox=inbox,
        messages=Messages(
            clusters=stores.clusters, ca=material.ca, flows=flows, clock=clock, counters=counters
        ),
        clock=clock,
    )


def _fragments(pool: Pool, stores: Stores, lifecycle: AlertLifecycle, learning: Learning) -> list[Fragment]:
    deployments = ListedStore(
        pool=pool, table=tables.DEPLOYMENTS, list_form=ListForm(ListDeployment, deployment_digest)
    )
    secrets = ListedStore(pool=pool, table=tables.SECRETS, list_form=ListForm(ListSecret, secret_digest))
    plain: dict[str, AnyTable] = {
        "namespace": tables.NAMESPACES,
        "node": tables.NODES,
        "service_account": tables.SERVICE_ACCOUNTS,
        "role": tables.K8S_ROLES,
        "binding": tables.ROLE_BINDINGS,
        "network_policy": tables.NETWORK_POLICIES,
    }
    return [
        DeploymentFragment(store=deployments, alerts=lifecycle, platform=stores.system),
        AlertResultsFragment(keeper=lifecycle),
        ProcessIndicatorFragment(
            store=ProtoStore(pool=pool, table=tables.PROCESS_INDICATORS), baselines=learning
        ),
        PodFragment(store=ProtoStore(pool=pool, table=tables.PODS)),
        Inventory("secret", secrets),
        *(Inventory(kind, ProtoStore(pool=pool, table=stored)) for kind, stored in plain.items()),
    ]


def _web(
    config: Config,
    clock: Clock,
    methods: Mapping[str, Method],
    access: Access,
    stores: Stores,
    material: Material,
    safe: Safekeeping,
    bills: ImageBills | None,
    explanations: APIRouter,
    timeline: TimelineReader,
) -> GrpcWeb:
    """HTTP/1.1: gRPC-Web, then REST, then custom routes, then the portal."""
    guard = Guard(authenticator=access.authenticator)
    charts = Charts.installed()
    definitions = Definitions(
        blobs=stores.definitions,
        directory=config.definitions / "uploads",
        bundled=config.definitions,
        release=Release(WIRE_VERSION, scanner_v4=config.scanner_v4),
    )
    custom = custom_routes(
        [
            docs_router(methods, guard),
            graphql_router(guard),
            explanations,
            ui_router(stores.vulnerabilities, stores.dashboard, guard),
            timeline_router(timeline, guard),
            definitions_router(definitions, guard),
            clusters_router(stores.clusters, material.ca, charts, guard),
            helm_charts_router(charts, guard),
            policy_resources_router(stores.policies.get, clock, guard),
            certgen_router(
                Renewal(material.ca, partial(key_pem, config.jwt), config.database_external),
                stores.clusters,
                guard,
            ),
            sboms_router(
                bills, Limits(config.sbom_request_bytes, config.scan_timeout.total_seconds()), guard
            ),
            sbom_scans_router(
                bills, Limits(config.sbom_scan_bytes, config.scan_timeout.total_seconds()), guard
            ),
            backups_router(safe.backups, safe.restores, guard),
            sso_router(access.issuer, clock, guard),
            downloads_router(config.cli, guard),
            portal_router(config.ui),
        ]
    )
    gateway = Gateway(methods=methods, authenticator=access.authenticator, clock=clock, fallback=custom)
    return GrpcWeb(methods=methods, authenticator=access.authenticator, clock=clock, fallback=gateway)
