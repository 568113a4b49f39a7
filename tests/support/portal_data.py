"""A small fleet in Central DB for the portal's flows.

Clusters, workloads, scanned images, violations, processes and their baselines; Central itself
then computes the risk.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from pyrox.clock import Clock
from pyrox.pb.storage.alert_pb2 import Alert, ViolationState
from pyrox.pb.storage.cluster_pb2 import Cluster, ClusterHealthStatus, ClusterType
from pyrox.pb.storage.cve_pb2 import VulnerabilitySeverity
from pyrox.pb.storage.deployment_pb2 import Deployment, ListDeployment, Pod
from pyrox.pb.storage.image_pb2 import EmbeddedImageScanComponent, Image, SourceType
from pyrox.pb.storage.namespace_metadata_pb2 import NamespaceMetadata
from pyrox.pb.storage.policy_pb2 import LifecycleStage, Policy
from pyrox.pb.storage.process_baseline_pb2 import ProcessBaseline, ProcessBaselineKey
from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator
from pyrox.pb.storage.vulnerability_pb2 import EmbeddedVulnerability
from pyrox.pg.pool import Pool
from pyrox.policy.defaults import load as default_policies
from services.central import marks
from services.central.alerts.store import AlertStore
from services.central.baselines import rules
from services.central.clusters.store import ClusterStore
from services.central.db import tables
from services.central.db.store import ListedStore, ListForm, ProtoStore
from services.central.deployments.digest import digest
from services.central.images.flatten import flatten
from services.central.images.store import ImageStore

DEPLOYMENTS, IMAGES, ALERTS = 24, 8, 40
# What the baseline of each container knows, and what some containers ran beside it.
EXPECTED, ABNORMAL = ("/usr/bin/java", "/bin/grep"), "/usr/bin/wget"
# One whose container breaks it, so that its violation can be explained.
EXPLAINED = "Privileged Container"
# Distribution, and the CVEs that its image of this fleet has: name, CVSS, fixed version.
FINDINGS = (
    ("CVE-2021-44228", "log4j-core", 10.0, "2.15.0"),
    ("CVE-2022-22965", "spring-beans", 9.8, "5.3.18"),
    ("CVE-2023-38545", "curl", 9.8, "7.88.1-10+deb12u4"),
    ("CVE-2023-4911", "glibc", 7.8, "2.36-9+deb12u3"),
    ("CVE-2022-3602", "openssl", 7.5, ""),
    ("CVE-2023-45853", "zlib", 5.3, ""),
    ("CVE-2011-3374", "apt", 3.7, ""),
)
SEVERITIES = (
    (9.0, VulnerabilitySeverity.CRITICAL_VULNERABILITY_SEVERITY),
    (7.0, VulnerabilitySeverity.IMPORTANT_VULNERABILITY_SEVERITY),
    (4.0, VulnerabilitySeverity.MODERATE_VULNERABILITY_SEVERITY),
    (0.0, VulnerabilitySeverity.LOW_VULNERABILITY_SEVERITY),
)


def identity(kind: str, number: int) -> str:
    """The same UUID each time."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{kind} {number}"))


async def fill(pool: Pool, clock: Clock) -> None:
    """Write the fleet."""
    clusters = [await _cluster(pool, number, name) for number, name in enumerate(("production", "staging"))]
    images = [_image(number, clock) for number in range(IMAGES)]
    store = ImageStore(pool=pool, clock=clock)
    for image in images:
        await store.put(image)
    deployments = [_deployment(number, clusters[number % 2], images, clock) for number in range(DEPLOYMENTS)]
    form = ListForm(ListDeployment, digest)
    await ListedStore(pool=pool, table=tables.DEPLOYMENTS, list_form=form).upsert_many(deployments)
    policies = [policy for policy in default_policies() if not policy.disabled]
    alerts = [
        _alert(number, policies[number % len(policies)], deployments, clock) for number in range(ALERTS)
    ]
    privileged = next(policy for policy in default_policies() if policy.name == EXPLAINED)
    alerts.append(_alert(ALERTS, privileged, deployments, clock, message="Container 'main' is privileged"))
    await AlertStore(pool=pool).put(alerts)
    await _activity(pool, deployments, clock)


async def _cluster(pool: Pool, number: int, name: str) -> Cluster:
    cluster = Cluster(
        id=identity("cluster", number),
        name=name,
        type=ClusterType.KUBERNETES_CLUSTER,
        main_image="registry.local/main",
        central_api_endpoint="central.stackrox.svc:443",
    )
    store = ClusterStore(pool=pool, on_change=lambda: None)
    await store.put(cluster)
    healthy = ClusterHealthStatus.HEALTHY
    await store.put_health(
        ClusterHealthStatus(id=cluster.id, sensor_health_status=healthy, overall_health_status=healthy)
    )
    names = ("shop", "kube-system")
    await ProtoStore(pool=pool, table=tables.NAMESPACES).upsert_many(
        NamespaceMetadata(
            id=identity(namespace, number), name=namespace, cluster_id=cluster.id, cluster_name=name
        )
        for namespace in names
    )
    return cluster


def _image(number: int, clock: Clock) -> Image:
    image = Image(id="sha256:" + f"{number:x}" * 64)
    image.name.registry, image.name.remote, image.name.tag = "registry.local", f"shop/app-{number}", "1.0"
    image.name.full_name = f"registry.local/shop/app-{number}:1.0"
    image.metadata.v1.created.FromDatetime(clock.now() - timedelta(days=20 + 60 * number))
    image.metadata.v1.layers.add(instruction="RUN", value="apt-get install everything")
    image.scan.scan_time.FromDatetime(clock.now() - timedelta(hours=number))
    image.scan.operating_system = "debian:12" if number % 2 else "alpine:v3.19"
    image.scan.scanner_version = "4.11.0"
    image.scan.components.extend(_component(*finding) for finding in FINDINGS[: 2 + number])
    return image


def _component(cve: str, package: str, cvss: float, fixed_by: str) -> EmbeddedImageScanComponent:
    severity = next(named for least, named in SEVERITIES if cvss >= least)
    component = EmbeddedImageScanComponent(
        name=package, version="1.0", source=SourceType.OS, location="var/lib/dpkg/status", layer_index=0
    )
    vulnerability = EmbeddedVulnerability(
        cve=cve,
        cvss=cvss,
        severity=severity,
        fixed_by=fixed_by,
        summary=f"A flaw in {package}.",
        link=f"https://nvd.nist.gov/vuln/detail/{cve}",
        vulnerability_type=EmbeddedVulnerability.VulnerabilityType.IMAGE_VULNERABILITY,
    )
    vulnerability.published_on.FromDatetime(datetime(2023, 1, 1, tzinfo=UTC))
    component.vulns.append(vulnerability)
    return component


def _deployment(number: int, cluster: Cluster, images: list[Image], clock: Clock) -> Deployment:
    platform = number % 6 == 0
    namespace = "kube-system" if platform else "shop"
    image = images[number % len(images)]
    deployment = Deployment(
        id=identity("deployment", number),
        name=f"app-{number}",
        type="Deployment",
        namespace=namespace,
        namespace_id=identity(namespace, number % 2),
        cluster_id=cluster.id,
        cluster_name=cluster.name,
        replicas=1,
        platform_component=platform,
        service_account="default",
        labels={"app": f"app-{number}"},
    )
    deployment.created.FromDatetime(clock.now() - timedelta(days=number))
    container = deployment.containers.add(name="main")
    container.image.id, container.image.id_v2 = image.id, flatten(image).image.id
    container.image.name.CopyFrom(image.name)
    container.security_context.privileged = number == ALERTS % DEPLOYMENTS
    return deployment


async def _activity(pool: Pool, deployments: list[Deployment], clock: Clock) -> None:
    """Processes, what is known of them, and the request to look at all deployments."""
    ran = [_process(deployment, path, clock) for deployment in deployments for path in EXPECTED]
    ran += [_process(deployment, ABNORMAL, clock) for deployment in deployments[::4]]
    await ProtoStore(pool=pool, table=tables.PODS).upsert_many(
        _pod(deployment, clock) for deployment in deployments
    )
    await ProtoStore(pool=pool, table=tables.PROCESS_INDICATORS).upsert_many(ran)
    await ProtoStore(pool=pool, table=tables.PROCESS_BASELINES).upsert_many(
        _baseline(deployment, clock) for deployment in deployments
    )
    async with pool.transaction() as tx:
        await marks.add(tx, [deployment.id for deployment in deployments])


def _process(deployment: Deployment, path: str, clock: Clock) -> ProcessIndicator:
    made = ProcessIndicator(
        id=identity(f"process {path}", int(deployment.name.rpartition("-")[2])),
        deployment_id=deployment.id,
        cluster_id=deployment.cluster_id,
        namespace=deployment.namespace,
        container_name=deployment.containers[0].name,
        pod_id=f"{deployment.name}-pod",
    )
    made.signal.name, made.signal.exec_file_path = path.rpartition("/")[2], path
    made.signal.args = "-v"
    made.container_start_time.FromDatetime(clock.now() - timedelta(hours=2))
    made.signal.time.FromDatetime(clock.now() - timedelta(minutes=len(path)))
    return made


def _pod(deployment: Deployment, clock: Clock) -> Pod:
    pod = Pod(
        id=identity("pod", int(deployment.name.rpartition("-")[2])),
        name=f"{deployment.name}-pod",
        deployment_id=deployment.id,
        namespace=deployment.namespace,
        cluster_id=deployment.cluster_id,
    )
    pod.started.FromDatetime(clock.now() - timedelta(hours=2))
    instance = pod.live_instances.add(container_name=deployment.containers[0].name)
    instance.instance_id.id = f"{deployment.name}-instance"
    instance.started.CopyFrom(pod.started)
    return pod


def _baseline(deployment: Deployment, clock: Clock) -> ProcessBaseline:
    key = ProcessBaselineKey(
        deployment_id=deployment.id,
        container_name=deployment.containers[0].name,
        cluster_id=deployment.cluster_id,
        namespace=deployment.namespace,
    )
    made = ProcessBaseline(id=rules.id_of(key), key=key)
    for path in EXPECTED:
        made.elements.add(auto=True).element.process_name = path
    made.created.FromDatetime(clock.now() - timedelta(hours=2))
    made.stack_rox_locked_timestamp.FromDatetime(clock.now() - timedelta(hours=1))
    return made


def _alert(
    number: int, policy: Policy, deployments: list[Deployment], clock: Clock, *, message: str = ""
) -> Alert:
    deployment = deployments[number % len(deployments)]
    runtime = LifecycleStage.RUNTIME in policy.lifecycle_stages
    resolved = number % 8 == 7
    alert = Alert(
        id=identity("alert", number),
        lifecycle_stage=LifecycleStage.RUNTIME if runtime else LifecycleStage.DEPLOY,
        cluster_id=deployment.cluster_id,
        cluster_name=deployment.cluster_name,
        namespace=deployment.namespace,
        namespace_id=deployment.namespace_id,
        state=ViolationState.RESOLVED if resolved else ViolationState.ACTIVE,
        platform_component=deployment.platform_component,
        entity_type=Alert.EntityType.DEPLOYMENT,
        deployment=Alert.Deployment(
            id=deployment.id,
            name=deployment.name,
            type=deployment.type,
            namespace=deployment.namespace,
            namespace_id=deployment.namespace_id,
            cluster_id=deployment.cluster_id,
            cluster_name=deployment.cluster_name,
        ),
    )
    alert.policy.CopyFrom(policy)
    text = f"Container 'main' in deployment '{deployment.name}' breaks the policy"
    alert.violations.add(message=message or text)
    alert.time.FromDatetime(clock.now() - timedelta(minutes=number))
    alert.first_occurred.CopyFrom(alert.time)
    if resolved:
        alert.resolved_at.CopyFrom(alert.time)
    return alert
