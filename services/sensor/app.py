"""Sensor's composition root: every object of the process is built here, once.

`build` constructs and opens nothing but the Kubernetes configuration; `prepare` asks the
API server who we are; the components are started by `main.py` in the order given here.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pyrox.clock import Clock
from pyrox.env import Address
from pyrox.errors import Invalid
from pyrox.k8s.client import KubeClient, KubeSource
from pyrox.metrics import Metrics
from pyrox.mtls.ca import ServiceTrust, load_certificates
from pyrox.mtls.choice import CertificateChoice
from pyrox.mtls.identity import CENTRAL, EPHEMERAL_WILDCARD_ID, WILDCARD_ID, subject_of
from pyrox.mtls.reload import CertFiles, CertificateWatch, ClientTls, ServerTls
from pyrox.pb.internalapi.central.hello_pb2 import CentralHello, HelmManagedConfigInit
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgToSensor
from pyrox.pb.internalapi.sensor import sfa_iservice_pb2  # noqa: F401 - its descriptor is looked up by name
from pyrox.pb.storage.cluster_pb2 import (
    MANAGER_TYPE_HELM_CHART,
    MANAGER_TYPE_KUBERNETES_OPERATOR,
    SensorDeploymentIdentification,
)
from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator
from pyrox.rpc import methods
from pyrox.rpc.authn import ServiceAuthenticator
from pyrox.rpc.client import Target, http_client
from pyrox.rpc.front import Endpoint, Front
from pyrox.rpc.health import probe_app, readiness
from pyrox.rpc.monitoring import metrics_fronts
from pyrox.rpc.peers import Peers
from pyrox.rpc.server import RpcServer
from pyrox.service import BoundedQueue, Component
from services.sensor.certificates.refresh import CertificateRefresh
from services.sensor.certificates.store import CertificateStore
from services.sensor.compliance.service import ComplianceService
from services.sensor.config import Config
from services.sensor.detect.deploytime import DeployDetector
from services.sensor.detect.expiries import Expiries
from services.sensor.detect.images import Images
from services.sensor.detect.policies import Policies
from services.sensor.detect.reprocess import Reprocessing
from services.sensor.detect.runtime import RuntimeDetector
from services.sensor.detect.scanner import CentralScanner
from services.sensor.enforce.enforcer import Enforcer, Order
from services.sensor.health.losses import Losses
from services.sensor.health.probes import probes
from services.sensor.health.reports import Reports
from services.sensor.health.services import ServicesHealth
from services.sensor.link.checks import CentralChecks
from services.sensor.link.dial import CentralDialer
from services.sensor.link.events import Events
from services.sensor.link.greeting import (
    CAPABILITIES,
    CERTIFICATES_REFRESH,
    FLATTEN_IMAGE_DATA,
    INIT_CONTAINERS,
)
from services.sensor.link.helm import ClusterIdFile, load_config
from services.sensor.link.identify import identify
from services.sensor.link.link import CentralLink, Handler, LinkOptions, Listeners
from services.sensor.link.outbox import Outbox
from services.sensor.link.session import USER_AGENT
from services.sensor.network.connections import Connections
from services.sensor.network.enrich import Enricher
from services.sensor.network.flows import Flows
from services.sensor.network.places import Places
from services.sensor.network.ranges import Ranges
from services.sensor.network.service import Collectors, NetworkConnectionInfoService
from services.sensor.runtime.baselines import Baselines
from services.sensor.runtime.processes import Processes
from services.sensor.runtime.processfilter import ProcessFilter
from services.sensor.runtime.service import CollectorService, SignalService
from services.sensor.settings.admission import AdmissionSettings
from services.sensor.settings.configmap import AdmissionConfigMap
from services.sensor.settings.service import AdmissionService, DeploymentService, ImageService
from services.sensor.store.enhance import Enhancement
from services.sensor.store.entities import Entities
from services.sensor.store.messages import Messages
from services.sensor.store.publish import Publisher
from services.sensor.store.rbac import Rbac
from services.sensor.store.replay import Replay
from services.sensor.store.resolver import Resolver
from services.sensor.store.workloads import Workloads
from services.sensor.watch.cluster import ClusterWatch, all_sinks
from services.sensor.watch.handlers import Desk
from services.sensor.watch.pods import publish_all

_UNSERVED = ("sensor.FileActivityService",)
_ENFORCEMENTS = 1000
_MANAGED = (MANAGER_TYPE_HELM_CHART, MANAGER_TYPE_KUBERNETES_OPERATOR)


@dataclass(frozen=True, slots=True)
class App:
    """The built process."""

    components: tuple[Component, ...]
    front: Front
    link: CentralLink
    processes: Processes
    publisher: Publisher
    kube: KubeClient
    dialer: CentralDialer
    reports: Reports
    identification: SensorDeploymentIdentification
    """Shared with the link; `prepare` fills it in."""
    losses: Losses
    losses_file: Path
    namespace: str
    node_name: str

    async def prepare(self) -> None:
        """Read what earlier lives lost; ask the API server what is said in the first message to Central."""
        self.losses.open(self.losses_file)
        self.identification.CopyFrom(await identify(self.kube, self.namespace))
        self.identification.k8s_node_name = self.node_name
        await self.reports.ask_version()

    async def close(self) -> None:
        """Close the clients."""
        await self.dialer.close()
        await self.kube.close()


@dataclass(frozen=True, slots=True)
class _Base:
    """What nearly everything is made from."""

    config: Config
    clock: Clock
    metrics: Metrics
    kube: KubeClient
    outbox: Outbox
    events: Events
    messages: Messages
    publisher: Publisher
    cluster_id: _ClusterId
    losses: Losses
    helm: HelmManagedConfigInit | None
    refresh: CertificateRefresh | None
    """None for a cluster that was added by hand, whose secrets are not Sensor's."""


@dataclass(slots=True)
class _ClusterId:
    """The id that Central confirmed, or the certificate's until then."""

    value: str

    def __call__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class _Detection:
    policies: Policies
    baselines: Baselines
    images: Images
    scanner: CentralScanner
    detector: DeployDetector
    runtime: RuntimeDetector
    enforcer: Enforcer
    reprocessing: Reprocessing
    expiries: Expiries

    def components(self) -> Sequence[Component]:
        return (self.images, self.enforcer, self.detector, self.runtime, self.expiries)


@dataclass(frozen=True, slots=True)
class _Cluster:
    resolver: Resolver
    watch: ClusterWatch
    desk: Desk


@dataclass(frozen=True, slots=True)
class _Network:
    collectors: Collectors
    ranges: Ranges
    flows: Flows


async def build(config: Config, clock: Clock) -> App:
    """Build everything. Raises `Invalid` when certificates or kubeconfig cannot be read."""
    metrics = Metrics("sensor")
    kube = await KubeClient.open(KubeSource(kubeconfig=config.kubeconfig))
    losses = Losses()
    losses.expose(metrics)
    outbox = Outbox(limit=config.outbox_limit, kept_limit=config.kept_limit, metrics=metrics, losses=losses)
    events = Events(outbox=outbox, clock=clock)
    messages = Messages()
    helm = load_config(config.helm_config, config.helm_name)
    base = _Base(
        config=config,
        clock=clock,
        metrics=metrics,
        kube=kube,
        outbox=outbox,
        events=events,
        messages=messages,
        publisher=Publisher(messages=messages, events=events),
        cluster_id=_ClusterId(_own_cluster_id(config)),
        losses=losses,
        helm=helm,
        refresh=_refresh(config, kube, outbox, clock) if helm and helm.managed_by in _MANAGED else None,
    )
    return _assemble(base)


def _refresh(config: Config, kube: KubeClient, outbox: Outbox, clock: Clock) -> CertificateRefresh:
    store = CertificateStore(client=kube, namespace=config.namespace)
    return CertificateRefresh(store=store, outbox=outbox, surroundings=(clock, random.random))


def _assemble(base: _Base) -> App:
    config, clock = base.config, base.clock
    tls = ClientTls(authorities=[config.ca_file], certificate=CertFiles(config.cert_file, config.key_file))
    trust = ServiceTrust(load_certificates(config.ca_file.read_bytes()), clock)
    target = Target(config.central, CENTRAL.hostname)
    dialer = CentralDialer(target=target, tls=tls, clock=clock, receive_limit=config.max_message_bytes)
    cluster = _cluster(base)
    detection = _detection(base, dialer)
    network = _network(base, cluster.desk)
    processes = Processes(
        entities=cluster.desk.entities,
        process_filter=ProcessFilter(config.process_filter),
        events=base.events,
        sink=detection.runtime.offer,
        clock=clock,
        counts=(base.metrics, base.losses),
    )
    settings = AdmissionSettings(policies=detection.policies, clock=clock, central_endpoint=config.central)
    reports = Reports(
        client=base.kube,
        outbox=base.outbox,
        messages=base.messages,
        publisher=base.publisher,
        services=ServicesHealth(client=base.kube, namespace=config.namespace, losses=base.losses),
        clock=clock,
    )
    identification = SensorDeploymentIdentification(app_namespace=config.namespace)
    checks = CentralChecks(
        make_client=lambda: http_client(target, tls=tls, timeout=10.0, headers={"User-Agent": USER_AGENT}),
        trust=trust,
        fallback_limit=config.max_message_bytes,
    )
    link = _link(base, checks, dialer, identification)
    link.listen(_listeners(base, cluster, detection, settings, reports, link, network))
    cluster.resolver.listen(detection.detector.on_change)
    cluster.resolver.listen(processes.on_change)
    cluster.resolver.listen(detection.baselines.on_change)
    server_tls = ServerTls(
        certificates=[CertFiles(config.cert_file, config.key_file)], client_authorities=[config.ca_file]
    )
    rpc, front = _server(base, trust, server_tls, detection, settings, processes, network)
    watch_files = CertificateWatch(watched=[tls, server_tls], clock=clock)
    config_map = AdmissionConfigMap(
        client=base.kube, settings=settings, namespace=config.namespace, clock=clock
    )
    return App(
        components=(
            *metrics_fronts(config.metrics, base.metrics, clock),
            CertificateChoice(places=config.certs, clock=clock),
            watch_files,
            cluster.resolver,
            *detection.components(),
            processes,
            network.flows,
            config_map,
            rpc,
            front,
            *_webhook_front(config.webhook, server_tls, clock, base.outbox),
            reports,
            cluster.watch,
            link,
            *([base.refresh] if base.refresh is not None else []),
        ),
        front=front,
        link=link,
        processes=processes,
        publisher=base.publisher,
        kube=base.kube,
        dialer=dialer,
        reports=reports,
        identification=identification,
        losses=base.losses,
        losses_file=config.losses_file,
        namespace=config.namespace,
        node_name=config.node_name,
    )


def _link(
    base: _Base, checks: CentralChecks, dialer: CentralDialer, identification: SensorDeploymentIdentification
) -> CentralLink:
    return CentralLink(
        checks=checks,
        dialer=dialer,
        outbox=base.outbox,
        events=base.events,
        options=LinkOptions(
            cluster_id=base.cluster_id.value,
            retry_initial=base.config.retry_initial,
            retry_longest=base.config.retry_longest,
            greeting_timeout=base.config.greeting_timeout,
            identification=identification,
            helm=base.helm,
            capabilities=(*CAPABILITIES, CERTIFICATES_REFRESH) if base.refresh else CAPABILITIES,
        ),
        surroundings=(base.clock, random.random),
    )


def _own_cluster_id(config: Config) -> str:
    """The cluster id in Sensor's certificate, else the one that Central gave before, if any."""
    try:
        subject = subject_of(load_certificates(config.cert_file.read_bytes())[0])
    except OSError as err:
        raise Invalid(
            f"{config.cert_file}: {err.strerror}; set ROX_MTLS_CERT_FILE or mount the secret"
        ) from err
    wildcard = subject.id in {WILDCARD_ID, EPHEMERAL_WILDCARD_ID}
    return ClusterIdFile(config.cluster_id_file).read() if wildcard else subject.id


def _cluster(base: _Base) -> _Cluster:
    workloads, rbac, entities, places = Workloads(), Rbac(), Entities(), Places()
    base.messages.watch(places.on_message)
    resolver = Resolver(
        workloads=workloads,
        rbac=rbac,
        messages=base.messages,
        publisher=base.publisher,
        clock=base.clock,
        cluster_id=base.cluster_id,
    )
    desk = Desk(
        messages=base.messages,
        publisher=base.publisher,
        resolver=resolver,
        workloads=workloads,
        rbac=rbac,
        entities=entities,
        places=places,
        clock=base.clock,
        cluster_id=base.cluster_id,
    )
    watch = ClusterWatch(
        client=base.kube,
        sinks=all_sinks(desk),
        resolver=resolver,
        publisher=base.publisher,
        surroundings=(base.clock, random.random),
    )
    return _Cluster(resolver, watch, desk)


def _network(base: _Base, desk: Desk) -> _Network:
    connections, ranges = Connections(), Ranges()
    flows = Flows(
        enricher=Enricher(
            connections=connections, containers=desk.entities, places=desk.places, ranges=ranges
        ),
        sources=(connections, desk.places, ranges),
        outbox=base.outbox,
        synced=base.publisher.synced.is_set,
        clock=base.clock,
        interval=base.config.flow_interval,
    )
    collectors = Collectors(connections=connections, ranges=ranges, clock=base.clock)
    return _Network(collectors, ranges, flows)


def _detection(base: _Base, dialer: CentralDialer) -> _Detection:
    config, clock = base.config, base.clock
    policies, baselines = Policies(), Baselines()
    scanner = CentralScanner(
        channel=dialer.current, cluster_id=base.cluster_id.value, timeout=config.scan_timeout
    )
    images = Images(scanner=scanner, clock=clock, ttl=config.image_ttl, metrics=base.metrics)
    orders: BoundedQueue[Order] = BoundedQueue(name="enforcement", limit=_ENFORCEMENTS, metrics=base.metrics)
    enforcer = Enforcer(client=base.kube, queue=orders, clock=clock)
    detector = DeployDetector(
        policies=policies,
        images=images,
        messages=base.messages,
        events=base.events,
        clock=clock,
        enforce=enforcer.enforce,
    )
    if base.helm is not None:
        detector.cluster_labels = dict(base.helm.cluster_config.cluster_labels)
    images.listen(detector.judge_images)
    indicators: BoundedQueue[ProcessIndicator] = BoundedQueue(
        name="detector_process_indicator", limit=config.detector_queue, metrics=base.metrics
    )
    runtime = RuntimeDetector(
        detector=detector,
        measures=(policies, baselines.outside),
        images=images,
        messages=base.messages,
        way_out=(base.events, enforcer.enforce),
        surroundings=(clock, indicators, base.losses),
    )
    reprocessing = Reprocessing(images=images, detector=detector)
    expiries = Expiries(policies=policies, judge=detector.judge_by, clock=clock)
    return _Detection(
        policies, baselines, images, scanner, detector, runtime, enforcer, reprocessing, expiries
    )


def _listeners(
    base: _Base,
    cluster: _Cluster,
    detection: _Detection,
    settings: AdmissionSettings,
    reports: Reports,
    link: CentralLink,
    network: _Network,
) -> Listeners:
    resolver, reprocessing = cluster.resolver, detection.reprocessing

    def on_config(message: MsgToSensor) -> None:
        settings.cluster_id = link.cluster_id
        settings.on_cluster_config(message)
        override = message.cluster_config.config.registry_override
        if override != resolver.registry_override:
            resolver.registry_override = override
            resolver.mark_all()

    def on_policies(message: MsgToSensor) -> None:
        detection.policies.on_policy_sync(message)
        # During the greeting the replay asks for everything anyway.
        if base.outbox.live:
            detection.detector.judge_policies()

    def on_invalidate(message: MsgToSensor) -> None:
        settings.forget_images(list(message.invalidate_image_cache.image_keys))
        reprocessing.on_invalidate(message)

    def on_online(hello: CentralHello) -> None:
        detection.detector.hold()
        if base.cluster_id.value != link.cluster_id:
            base.cluster_id.value = link.cluster_id
            ClusterIdFile(base.config.cluster_id_file).write(link.cluster_id)
            detection.scanner.cluster_id = link.cluster_id
            resolver.mark_all()
            publish_all(cluster.desk)
        features = (FLATTEN_IMAGE_DATA in hello.capabilities, INIT_CONTAINERS in hello.capabilities)
        if features != (resolver.image_ids, resolver.init_containers):
            resolver.image_ids, resolver.init_containers = features
            settings.image_ids = resolver.image_ids
            settings.renew()
            resolver.mark_all()
        detection.images.online = True
        network.flows.on_online(hello)
        reports.on_online()
        detection.runtime.on_online()

    def on_offline() -> None:
        detection.images.online = False
        base.publisher.close()
        detection.detector.release()
        reports.on_offline()
        detection.runtime.on_offline()
        network.ranges.forget_number()

    replay = Replay(
        messages=base.messages,
        publisher=base.publisher,
        events=base.events,
        outbox=base.outbox,
        settled=resolver.settled,
        detect=(detection.detector.on_offer, detection.detector.release),
    )
    handlers: Mapping[str, Handler] = {
        "cluster_config": on_config,
        "policy_sync": on_policies,
        "baseline_sync": _on_baselines(base, detection),
        "push_network_entities_request": network.ranges.on_push,
        "updated_image": reprocessing.on_updated_image,
        "invalidate_image_cache": on_invalidate,
        "refresh_image_cache_ttl": reprocessing.on_refresh,
        "reprocess_deployments": reprocessing.on_reprocess_deployments,
        "reprocess_deployment": reprocessing.on_reprocess_deployment,
        "enforcement": detection.enforcer.on_enforcement,
        "deployment_enhancement_request": Enhancement(resolver=resolver, outbox=base.outbox).on_request,
    }
    made = Listeners(messages=handlers, online=(on_online,), offline=(on_offline,), replay=replay.run)
    return _with_refresh(made, base.refresh)


def _on_baselines(base: _Base, detection: _Detection) -> Handler:
    def handler(message: MsgToSensor) -> None:
        # The greeting has all of them, each later message what changed.
        detection.baselines.on_baseline_sync(message, whole=not base.outbox.live)

    return handler


def _with_refresh(listeners: Listeners, refresh: CertificateRefresh | None) -> Listeners:
    if refresh is None:
        return listeners
    answers = {"issue_secured_cluster_certs_response": refresh.on_response}
    return replace(
        listeners,
        messages={**listeners.messages, **answers},
        online=(*listeners.online, refresh.on_online),
        offline=(*listeners.offline, refresh.on_offline),
    )


def _server(
    base: _Base,
    trust: ServiceTrust,
    tls: ServerTls,
    detection: _Detection,
    settings: AdmissionSettings,
    processes: Processes,
    network: _Network,
) -> tuple[RpcServer, Front]:
    servicers = (
        SignalService(processes=processes),
        NetworkConnectionInfoService(collectors=network.collectors),
        CollectorService(processes=processes, collectors=network.collectors),
        ComplianceService(messages=base.messages, metrics=base.metrics),
        AdmissionService(
            settings=settings,
            messages=base.messages,
            events=base.events,
            cluster_labels=detection.detector.cluster_labels,
        ),
        ImageService(images=detection.images, scanner=detection.scanner),
        DeploymentService(messages=base.messages),
    )
    peers = Peers()
    rpc = RpcServer(
        methods=methods.table(servicers, _UNSERVED),
        authenticator=ServiceAuthenticator(trust=trust),
        peers=peers,
        clock=base.clock,
    )
    front = Front(
        endpoints=[Endpoint(base.config.listen.host, base.config.listen.port, tls)],
        app=probe_app({"/ready": readiness(_always)}),
        peers=peers,
        clock=base.clock,
    )
    return rpc, front


async def _always() -> bool:
    """Sensor serves Collector and Admission as soon as it listens, with or without Central."""
    return True


def _webhook_front(address: Address | None, tls: ServerTls, clock: Clock, outbox: Outbox) -> Sequence[Front]:
    """Upstream's second port: open to everybody in the cluster, so nothing but probes is behind it."""
    if address is None:
        return ()
    endpoint = Endpoint(address.host, address.port, tls)
    app = probe_app(probes(outbox))
    return (Front(endpoints=[endpoint], app=app, peers=None, clock=clock, name="webhook"),)
