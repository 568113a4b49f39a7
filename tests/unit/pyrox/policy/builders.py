"""Small subjects with one of everything, and policies of one line."""

from __future__ import annotations

from datetime import UTC, datetime

from pyrox.pb.storage import cve_pb2, deployment_pb2, image_pb2, rbac_pb2
from pyrox.pb.storage.deployment_pb2 import ContainerConfig, Deployment, PortConfig, SecurityContext, Volume
from pyrox.pb.storage.file_access_pb2 import FileAccess
from pyrox.pb.storage.image_pb2 import Image, ImageLayer
from pyrox.pb.storage.kube_event_pb2 import KubernetesEvent
from pyrox.pb.storage.network_flow_pb2 import L4Protocol, NetworkEntityInfo
from pyrox.pb.storage.node_pb2 import Node
from pyrox.pb.storage.policy_pb2 import AND, OR, EventSource, LifecycleStage, Policy, Severity
from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator
from pyrox.pb.storage.vulnerability_pb2 import EmbeddedVulnerability
from pyrox.policy.subject import DeploymentSubject, FlowEnd, NetworkFlow, NetworkPoliciesApplied

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
OLD = datetime(2026, 8, 1, tzinfo=UTC)
SIGNER = "io.stackrox.signatureintegration.11111111-1111-4111-8111-111111111111"
OTHER_SIGNER = "io.stackrox.signatureintegration.22222222-2222-4222-8222-222222222222"

Group = tuple[str, list[str]] | tuple[str, list[str], str]


def group(policy: Policy, section: int, name: str, values: list[str], mode: str = "") -> None:
    """Add a criterion; the mode holds `!` for negation and `&` for AND."""
    while len(policy.policy_sections) <= section:
        policy.policy_sections.add(section_name=f"section {len(policy.policy_sections)}")
    made = policy.policy_sections[section].policy_groups.add(field_name=name, negate="!" in mode)
    made.boolean_operator = AND if "&" in mode else OR
    for value in values:
        made.values.add(value=value)


def policy(*sections: list[Group], stage: int = 0, source: int = 0, name: str = "test policy") -> Policy:
    """A policy of version 1.1."""
    made = Policy(
        id=f"id-{name}",
        name=name,
        policy_version="1.1",
        severity=Severity.ValueType(2),
        categories=["Tests"],
        lifecycle_stages=[LifecycleStage.ValueType(stage)],
        event_source=EventSource.ValueType(source),
    )
    for at, section in enumerate(sections):
        for one in section:
            group(made, at, *one)
    return made


def vuln(
    cve: str = "CVE-2022-1", *, cvss: float = 7.5, fixed_by: str | None = "7.65"
) -> EmbeddedVulnerability:
    """An observed vulnerability with dates."""
    made = EmbeddedVulnerability(
        cve=cve, cvss=cvss, nvd_cvss=9.75, severity=cve_pb2.IMPORTANT_VULNERABILITY_SEVERITY
    )
    if fixed_by is not None:
        made.fixed_by = fixed_by
    for stamp in (
        made.published_on,
        made.first_image_occurrence,
        made.first_system_occurrence,
        made.fix_available_timestamp,
    ):
        stamp.FromDatetime(OLD)
    return made


def image() -> Image:
    """A scanned image with one component, one vulnerability, one label, one line."""
    made = Image(id="sha256:aa")
    made.name.registry, made.name.remote, made.name.tag = "quay.io", "acme/web", "latest"
    made.name.full_name = "quay.io/acme/web:latest"
    made.metadata.v1.user = "root"
    made.metadata.v1.created.FromDatetime(OLD)
    made.metadata.v1.labels["tier"] = "front"
    made.metadata.v1.layers.append(
        ImageLayer(instruction="RUN", value="apt-get update && apt-get install -y curl")
    )
    made.scan.scan_time.FromDatetime(OLD)
    made.scan.operating_system = "debian:12"
    made.scan.components.add(name="curl", version="7.64").vulns.append(vuln())
    made.signature_verification_data.results.add(
        verifier_id=OTHER_SIGNER,
        status=image_pb2.ImageSignatureVerificationResult.VERIFIED,
        verified_image_references=["quay.io/acme/web:latest"],
    )
    return made


def container(deployment: Deployment, name: str = "web") -> deployment_pb2.Container:
    """A container that does everything that policies dislike."""
    made = deployment.containers.add(name=name)
    made.image.CopyFrom(deployment_pb2.ContainerImage(id="sha256:aa", name=image().name))
    made.security_context.CopyFrom(
        SecurityContext(
            privileged=True,
            add_capabilities=["NET_ADMIN"],
            drop_capabilities=["CHOWN"],
            allow_privilege_escalation=True,
        )
    )
    made.security_context.seccomp_profile.type = SecurityContext.SeccompProfile.UNCONFINED
    made.config.app_armor_profile = "unconfined"
    made.config.env.add(
        key="DB_PASSWORD", value="x", env_var_source=ContainerConfig.EnvironmentConfig.EnvVarSource.RAW
    )
    made.resources.cpu_cores_request, made.resources.cpu_cores_limit = 0.25, 1.5
    made.resources.memory_mb_request, made.resources.memory_mb_limit = 64, 512
    made.liveness_probe.defined = True
    made.readiness_probe.defined = False
    made.volumes.add(
        name="docker",
        source="/var/run/docker.sock",
        destination="/sock",
        type="HostPath",
        mount_propagation=Volume.BIDIRECTIONAL,
    )
    return made


def deployment() -> Deployment:
    """A deployment with one container and one exposed port."""
    made = Deployment(
        id="d1",
        name="web",
        type="Deployment",
        namespace="prod",
        namespace_id="n1",
        cluster_id="c1",
        replicas=3,
        service_account="default",
        service_account_permission_level=rbac_pb2.ELEVATED_IN_NAMESPACE,
        automount_service_account_token=True,
        host_network=True,
        host_pid=True,
        host_ipc=True,
        runtime_class="gvisor",
        labels={"app": "web"},
        annotations={"email": "a@b"},
    )
    container(made)
    port = made.ports.add(container_port=22, protocol="TCP")
    port.exposure_infos.add(level=PortConfig.EXTERNAL, node_port=31000)
    return made


def on_deployment() -> DeploymentSubject:
    """The deployment with its image and network policies."""
    return DeploymentSubject(
        deployment(),
        [image()],
        NetworkPoliciesApplied(has_ingress=True, has_egress=False, policies={"np": "allow"}),
    )


def process(container_name: str = "web") -> ProcessIndicator:
    """A run of apt-get by root below java."""
    made = ProcessIndicator(id="p1", deployment_id="d1", container_name=container_name, pod_id="web-1")
    made.signal.name, made.signal.exec_file_path = "apt-get", "/usr/bin/apt-get"
    made.signal.args, made.signal.uid = "install nginx", 0
    made.signal.lineage_info.add(parent_exec_file_path="/usr/bin/java")
    return made


def exec_event() -> KubernetesEvent:
    """An exec into a pod by alice."""
    made = KubernetesEvent(id="e1")
    made.object.name, made.object.resource = "web-1", KubernetesEvent.Object.PODS_EXEC
    made.object.cluster_id, made.object.namespace = "c1", "prod"
    made.timestamp.FromDatetime(OLD)
    made.pod_exec_args.container = "web"
    made.pod_exec_args.commands.extend(["ls", "", "-la"])
    made.user.username = "alice"
    made.user.groups.extend(["system:authenticated", "dev"])
    return made


def audit_event() -> KubernetesEvent:
    """A read of a secret by alice, who is impersonated by nobody."""
    made = KubernetesEvent(
        id="a1", api_verb=KubernetesEvent.GET, user_agent="oc/4.7", source_ips=["10.1.2.3"]
    )
    made.object.name, made.object.resource = "htpasswd", KubernetesEvent.Object.SECRETS
    made.object.cluster_id, made.object.namespace = "c1", "prod"
    made.user.username = "alice"
    made.user.groups.append("dev")
    made.request_uri = "/api/v1/secrets/htpasswd?timeout=5s"
    return made


def flow(*, unexpected: bool = True) -> NetworkFlow:
    """A flow between two deployments."""
    kind = NetworkEntityInfo.DEPLOYMENT
    return NetworkFlow(
        FlowEnd("web", kind, "prod", "Deployment"),
        FlowEnd("db", kind, "data", "StatefulSet"),
        5432,
        L4Protocol.L4_PROTOCOL_TCP,
        unexpected,
    )


def file_access() -> FileAccess:
    """A change of /etc/passwd by apt-get."""
    made = FileAccess(operation=FileAccess.XATTR_SET, hostname="node-1")
    made.file.actual_path, made.file.effective_path = "/etc/passwd", "/host/etc/passwd"
    made.process.CopyFrom(process())
    return made


def node() -> Node:
    """A node of the cluster."""
    return Node(id="n1", name="node-1", cluster_id="c1", cluster_name="remote")
