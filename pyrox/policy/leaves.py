"""Where each search label lives in the subject, and how its value is read.

Read by `pyrox.policy.plan`, `pyrox.policy.explain` and `pyrox.policy.messages`. It must
not know criteria: several of them may ask about one label, and linking goes by label.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from operator import attrgetter
from typing import Any

from pyrox.pb.storage import cve_pb2, deployment_pb2, file_access_pb2, image_pb2, kube_event_pb2, rbac_pb2
from pyrox.pb.storage.network_flow_pb2 import NetworkEntityInfo
from pyrox.policy.subject import NetworkFlow
from pyrox.policy.views import ContainerView, RootView


class Node(Enum):
    """The objects a policy can tell apart; each but ROOT repeats below its parent."""

    ROOT = "root"
    CONTAINER = "container"
    VOLUME = "volume"
    ENV = "env"
    COMPONENT = "component"
    VULN = "vuln"
    LAYER = "layer"
    PORT = "port"
    EXPOSURE = "exposure"
    ANCESTOR = "ancestor"
    FILE_ANCESTOR = "file ancestor"


PARENT: dict[Node, Node] = {
    Node.CONTAINER: Node.ROOT,
    Node.VOLUME: Node.CONTAINER,
    Node.ENV: Node.CONTAINER,
    Node.COMPONENT: Node.CONTAINER,
    Node.VULN: Node.COMPONENT,
    Node.LAYER: Node.CONTAINER,
    Node.PORT: Node.ROOT,
    Node.EXPOSURE: Node.PORT,
    Node.ANCESTOR: Node.CONTAINER,
    Node.FILE_ANCESTOR: Node.ROOT,
}


class _Absent(Enum):
    ABSENT = 0


# The way to the leaf passes an unset message: nothing matches there, negated or not.
ABSENT = _Absent.ABSENT


@dataclass(frozen=True, slots=True)
class Leaf:
    """One label: its node, its path below the node, and how to read it there.

    A `many` leaf yields a list of texts and is matched element by element. `plain` is the
    attribute that holds the value, for a quicker way to it; `zero` is what it reads as where
    the value is absent, and None where it never is. `parts` read the texts that the value is
    joined from by a tab. `words` names what a container tells of all its values at once.
    """

    label: str
    node: Node
    path: str
    get: Callable[[Any], Any]
    many: bool = False
    show: Callable[[Any], str] = str
    plain: str = ""
    zero: Any = None
    parts: tuple[Callable[[Any], str], ...] = ()
    words: str = ""


def show_number(value: float) -> str:
    """At most three decimals, without trailing zeros."""
    if isinstance(value, int):
        return str(value)
    return f"{value:.3f}".rstrip("0").rstrip(".")


def show_time(stamp: Any) -> str:
    """`YYYY-MM-DD HH:MM:SS` in UTC."""
    return str(stamp.ToDatetime().replace(microsecond=0).isoformat(sep=" "))


def enum_numbers(items: Iterable[tuple[str, int]]) -> dict[str, int]:
    """The numbers of an enum's items by lower-case name."""
    return {name.lower(): number for name, number in items}


SEVERITIES = enum_numbers(cve_pb2.VulnerabilitySeverity.items())
STATES = enum_numbers(cve_pb2.VulnerabilityState.items())
PERMISSIONS = enum_numbers(rbac_pb2.PermissionLevel.items())
EXPOSURES = enum_numbers(deployment_pb2.PortConfig.ExposureLevel.items())
PROPAGATIONS = enum_numbers(deployment_pb2.Volume.MountPropagation.items())
SECCOMP = enum_numbers(deployment_pb2.SecurityContext.SeccompProfile.ProfileType.items())
RESOURCES = enum_numbers(kube_event_pb2.KubernetesEvent.Object.Resource.items())
VERBS = enum_numbers(kube_event_pb2.KubernetesEvent.APIVerb.items())


def namer(numbers: dict[str, int]) -> Callable[[int], str]:
    """The lower-case name of a number; the number itself when it has none."""
    names = {number: name for name, number in numbers.items()}
    return lambda number: names.get(number, str(number))


ENV_SOURCES = {
    number: name for name, number in deployment_pb2.ContainerConfig.EnvironmentConfig.EnvVarSource.items()
}
SEVERITY_NAMES: dict[int, str] = {
    number: name.removesuffix("_vulnerability_severity").title() for name, number in SEVERITIES.items()
}
# What an event's operation is called in policies (upstream pkg/booleanpolicy/augmentedobjs).
_OPERATIONS = {
    number: {
        "ACL_CHANGE": "PERMISSION_CHANGE",
        "XATTR_SET": "XATTR_CHANGE",
        "XATTR_REMOVE": "XATTR_CHANGE",
    }.get(name, name)
    for name, number in file_access_pb2.FileAccess.Operation.items()
}
_VERIFIED = image_pb2.ImageSignatureVerificationResult.VERIFIED


def _deployment(name: str) -> Callable[[RootView], Any]:
    return lambda root: ABSENT if root.deployment is None else getattr(root.deployment, name)


def _below(part: str, name: str) -> Callable[[ContainerView], Any]:
    def get(view: ContainerView) -> Any:
        container = view.container
        if container is None or not container.HasField(part):  # type: ignore[arg-type]  # names come from the table
            return ABSENT
        return getattr(getattr(container, part), name)

    return get


def _name_part(name: str) -> Callable[[ContainerView], Any]:
    def get(view: ContainerView) -> Any:
        if view.view is None or not view.view.image.HasField("name"):
            return ABSENT
        return getattr(view.view.image.name, name)

    return get


def _v1(view: ContainerView) -> Any:
    if view.view is None:
        return None
    image = view.view.image
    return image.metadata.v1 if image.HasField("metadata") and image.metadata.HasField("v1") else None


def _image_user(view: ContainerView) -> Any:
    v1 = _v1(view)
    return ABSENT if v1 is None else v1.user


def _image_created(view: ContainerView) -> Any:
    v1 = _v1(view)
    return v1.created if v1 is not None and v1.HasField("created") else ABSENT


def _image_labels(view: ContainerView) -> Any:
    return ABSENT if view.view is None or _v1(view) is None else view.view.labels


def _scan_field(name: str) -> Callable[[ContainerView], Any]:
    def get(view: ContainerView) -> Any:
        if view.view is None or not view.view.image.HasField("scan"):
            return ABSENT
        return getattr(view.view.image.scan, name)

    return get


def _scan_time(view: ContainerView) -> Any:
    if view.view is None or not view.view.image.HasField("scan"):
        return ABSENT
    scan = view.view.image.scan
    return scan.scan_time if scan.HasField("scan_time") else ABSENT


def _unscanned(view: ContainerView) -> Any:
    return ABSENT if view.view is None else not view.view.image.HasField("scan")


def verifiers(view: ContainerView) -> Any:
    """The signature integrations that vouch for the image under the name it is used by."""
    if view.view is None:
        return ABSENT
    image = view.view.image
    named = view.container.image if view.container is not None else image
    full_name = named.name.full_name
    return [
        result.verifier_id
        for result in image.signature_verification_data.results
        if result.status == _VERIFIED and full_name in result.verified_image_references
    ]


def _seccomp(view: ContainerView) -> Any:
    container = view.container
    if container is None or not container.HasField("security_context"):
        return ABSENT
    context = container.security_context
    return context.seccomp_profile.type if context.HasField("seccomp_profile") else ABSENT


def _stamp(name: str) -> Callable[[Any], Any]:
    return lambda vuln: getattr(vuln, name) if vuln.HasField(name) else ABSENT


def _set_unless_zero(get: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def read(element: Any) -> Any:
        value = get(element)
        return ABSENT if value is ABSENT or value == 0 else value

    return read


def _signal(name: str) -> Callable[[ContainerView], Any]:
    def get(view: ContainerView) -> Any:
        process = view.process
        return ABSENT if process is None or not process.HasField("signal") else getattr(process.signal, name)

    return get


def _file_signal(name: str) -> Callable[[RootView], Any]:
    def get(root: RootView) -> Any:
        access = root.file_access
        if access is None or not access.HasField("process") or not access.process.HasField("signal"):
            return ABSENT
        return getattr(access.process.signal, name)

    return get


def _file_paths(root: RootView) -> Any:
    access = root.file_access
    if access is None:
        return ABSENT
    paths = [
        path
        for part, present in (
            (access.file, access.HasField("file")),
            (access.moved, access.HasField("moved")),
        )
        if present
        for path in (part.actual_path, part.effective_path)
    ]
    return paths or ABSENT


def _operation(root: RootView) -> Any:
    access = root.file_access
    return ABSENT if access is None else _OPERATIONS.get(access.operation, "")


def _policies(name: str) -> Callable[[RootView], Any]:
    return lambda root: ABSENT if root.network_policies is None else getattr(root.network_policies, name)


# Flows to and from other kinds of entities have no baseline.
_BASELINED = frozenset(
    {
        NetworkEntityInfo.DEPLOYMENT,
        NetworkEntityInfo.EXTERNAL_SOURCE,
        NetworkEntityInfo.INTERNET,
        NetworkEntityInfo.INTERNAL_ENTITIES,
    }
)


def has_baseline(flow: NetworkFlow | None) -> bool:
    """Whether policies look at the flow at all; no flow is no obstacle."""
    return flow is None or {flow.source.entity_type, flow.destination.entity_type} <= _BASELINED


def _not_in_baseline(root: RootView) -> Any:
    flow = root.flow
    return flow.not_in_baseline if flow is not None and has_baseline(flow) else ABSENT


def _event_part(part: str, name: str) -> Callable[[RootView], Any]:
    def get(root: RootView) -> Any:
        event = root.kube_event
        if event is None or not event.HasField(part):  # type: ignore[arg-type]  # names come from the table
            return ABSENT
        return getattr(getattr(event, part), name)

    return get


def _event_field(name: str) -> Callable[[RootView], Any]:
    return lambda root: ABSENT if root.kube_event is None else getattr(root.kube_event, name)


def _impersonated(root: RootView) -> Any:
    return ABSENT if root.kube_event is None else root.kube_event.HasField("impersonated_user")


def _env_source(env: Any) -> str:
    return ENV_SOURCES.get(env.env_var_source, "")


def _env_text(env: Any) -> str:
    return f"{_env_source(env)}\t{env.key}\t{env.value}"


def _joined(component: Any) -> str:
    return f"{component.name}\t{component.version}"


def _plain(name: str) -> Callable[[Any], Any]:
    return attrgetter(name)


def _container(
    label: str,
    part: str,
    name: str,
    *,
    zero: Any = None,
    many: bool = False,
    show: Callable[[Any], str] = str,
) -> Leaf:
    plain = "" if zero is None else f"container.{part}.{name}"
    return Leaf(label, Node.CONTAINER, f"{part}.{name}", _below(part, name), many, show, plain, zero)


def _vuln(label: str, name: str, show: Callable[[Any], str] = str) -> Leaf:
    return Leaf(label, Node.VULN, name, _plain(name), show=show, plain=name)


def _volume(label: str, name: str, show: Callable[[Any], str] = str) -> Leaf:
    return Leaf(label, Node.VOLUME, name, _plain(name), show=show, plain=name)


def _fixed_by(vuln: Any) -> Any:
    return vuln.fixed_by if vuln.HasField("fixed_by") else ABSENT


def _root(label: str, name: str, show: Callable[[Any], str] = str) -> Leaf:
    return Leaf(label, Node.ROOT, name, _deployment(name), show=show)


_LEAVES = (
    _root("Namespace", "namespace"),
    _root("Service Account", "service_account"),
    _root("Runtime Class", "runtime_class"),
    _root("Replicas", "replicas", show_number),
    _root("Host IPC", "host_ipc"),
    _root("Host Network", "host_network"),
    _root("Host PID", "host_pid"),
    _root("Automount Service Account Token", "automount_service_account_token"),
    Leaf(
        "Service Account Permission Level",
        Node.ROOT,
        "service_account_permission_level",
        _set_unless_zero(_deployment("service_account_permission_level")),
        show=namer(PERMISSIONS),
    ),
    Leaf(
        "Deployment Label",
        Node.ROOT,
        "labels",
        lambda root: ABSENT if root.deployment is None else root.labels,
    ),
    Leaf(
        "Deployment Annotation",
        Node.ROOT,
        "annotations",
        lambda root: ABSENT if root.deployment is None else root.annotations,
    ),
    Leaf("Has Ingress Network Policy", Node.ROOT, "networkPolicies.hasIngress", _policies("has_ingress")),
    Leaf("Has Egress Network Policy", Node.ROOT, "networkPolicies.hasEgress", _policies("has_egress")),
    Leaf(
        "Not In Network Baseline",
        Node.ROOT,
        "networkFlow.notInBaseline",
        _not_in_baseline,
    ),
    Leaf("File Path", Node.ROOT, "fileAccess.paths", _file_paths, many=True),
    Leaf("File Operation", Node.ROOT, "fileAccess.operation", _operation),
    Leaf(
        "Kubernetes Resource",
        Node.ROOT,
        "event.object.resource",
        _event_part("object", "resource"),
        show=namer(RESOURCES),
    ),
    Leaf("Kubernetes Resource Name", Node.ROOT, "event.object.name", _event_part("object", "name")),
    Leaf("Kubernetes API Verb", Node.ROOT, "event.api_verb", _event_field("api_verb"), show=namer(VERBS)),
    Leaf("Kubernetes User Name", Node.ROOT, "event.user.username", _event_part("user", "username")),
    Leaf("Kubernetes User Groups", Node.ROOT, "event.user.groups", _event_part("user", "groups"), many=True),
    Leaf("User Agent", Node.ROOT, "event.user_agent", _event_field("user_agent")),
    Leaf("Source IP Address", Node.ROOT, "event.source_ips", _event_field("source_ips"), many=True),
    Leaf("Is Impersonated User", Node.ROOT, "event.impersonated_user", _impersonated),
    Leaf(
        "Container Name", Node.CONTAINER, "name", lambda view: ABSENT if view.container is None else view.name
    ),
    _container("Privileged", "security_context", "privileged", zero=False),
    _container("Add Capabilities", "security_context", "add_capabilities", many=True),
    _container("Drop Capabilities", "security_context", "drop_capabilities", many=True),
    _container("Read Only Root Filesystem", "security_context", "read_only_root_filesystem", zero=False),
    _container("Allow Privilege Escalation", "security_context", "allow_privilege_escalation", zero=False),
    Leaf(
        "Seccomp Profile Type",
        Node.CONTAINER,
        "security_context.seccomp_profile.type",
        _seccomp,
        show=namer(SECCOMP),
    ),
    _container("AppArmor Profile", "config", "app_armor_profile", zero=""),
    _container("CPU Cores Limit", "resources", "cpu_cores_limit", zero=0.0, show=show_number),
    _container("CPU Cores Request", "resources", "cpu_cores_request", zero=0.0, show=show_number),
    _container("Memory Limit (MB)", "resources", "memory_mb_limit", zero=0.0, show=show_number),
    _container("Memory Request (MB)", "resources", "memory_mb_request", zero=0.0, show=show_number),
    _container("Liveness Probe Defined", "liveness_probe", "defined", zero=False),
    _container("Readiness Probe Defined", "readiness_probe", "defined", zero=False),
    Leaf("Image Registry", Node.CONTAINER, "image.name.registry", _name_part("registry")),
    Leaf("Image Remote", Node.CONTAINER, "image.name.remote", _name_part("remote")),
    Leaf("Image Tag", Node.CONTAINER, "image.name.tag", _name_part("tag")),
    Leaf("Image User", Node.CONTAINER, "image.metadata.v1.user", _image_user),
    Leaf("Image Created Time", Node.CONTAINER, "image.metadata.v1.created", _image_created, show=show_time),
    Leaf("Image Label", Node.CONTAINER, "image.metadata.v1.labels", _image_labels),
    Leaf("Image OS", Node.CONTAINER, "image.scan.operating_system", _scan_field("operating_system")),
    Leaf("Image Scan Time", Node.CONTAINER, "image.scan.scan_time", _scan_time, show=show_time),
    Leaf("Image Unscanned", Node.CONTAINER, "image.scan", _unscanned),
    Leaf(
        "Image Signature Verified By",
        Node.CONTAINER,
        "image.signature_verification_data",
        verifiers,
        many=True,
    ),
    Leaf(
        "Unexpected Process Executed",
        Node.CONTAINER,
        "process.notInBaseline",
        lambda view: ABSENT if view.process is None else view.not_in_baseline,
    ),
    Leaf("Process Name", Node.CONTAINER, "process.signal.name", _signal("name")),
    Leaf("Process Arguments", Node.CONTAINER, "process.signal.args", _signal("args")),
    Leaf("Process UID", Node.CONTAINER, "process.signal.uid", _signal("uid"), show=show_number),
    Leaf("Process Ancestor", Node.ANCESTOR, "parent_exec_file_path", _plain("parent_exec_file_path")),
    _volume("Volume Name", "name"),
    _volume("Volume Source", "source"),
    _volume("Volume Destination", "destination"),
    _volume("Volume Type", "type"),
    _volume("Volume ReadOnly", "read_only"),
    _volume("Mount Propagation", "mount_propagation", namer(PROPAGATIONS)),
    Leaf(
        "Environment Variable",
        Node.ENV,
        "",
        _env_text,
        parts=(_env_source, attrgetter("key"), attrgetter("value")),
    ),
    Leaf(
        "Component And Version",
        Node.COMPONENT,
        "",
        _joined,
        parts=(attrgetter("name"), attrgetter("version")),
        words="packages",
    ),
    Leaf(
        "Dockerfile Line",
        Node.LAYER,
        "",
        lambda layer: f"{layer.instruction}\t{layer.value}",
        parts=(attrgetter("instruction"), attrgetter("value")),
    ),
    Leaf("CVE", Node.VULN, "cve", attrgetter("cve"), plain="cve", words="cves"),
    _vuln("CVSS", "cvss", show_number),
    _vuln("NVD CVSS", "nvd_cvss", show_number),
    _vuln("Severity", "severity", namer(SEVERITIES)),
    Leaf("Fixed By", Node.VULN, "fixed_by", _fixed_by, plain="fixed_by", zero=""),
    _vuln("CVE Suppressed", "suppressed"),
    _vuln("Vulnerability State", "state", namer(STATES)),
    Leaf("CVE Published On", Node.VULN, "published_on", _stamp("published_on"), show=show_time),
    Leaf(
        "CVE Fix Available Timestamp",
        Node.VULN,
        "fix_available_timestamp",
        _stamp("fix_available_timestamp"),
        show=show_time,
    ),
    Leaf(
        "First Image Occurrence Timestamp",
        Node.VULN,
        "first_image_occurrence",
        _stamp("first_image_occurrence"),
        show=show_time,
    ),
    Leaf(
        "First System Occurrence Timestamp",
        Node.VULN,
        "first_system_occurrence",
        _stamp("first_system_occurrence"),
        show=show_time,
    ),
    Leaf("Exposed Port", Node.PORT, "container_port", _plain("container_port"), show=show_number),
    Leaf("Port Protocol", Node.PORT, "protocol", _plain("protocol")),
    Leaf("Exposed Node Port", Node.EXPOSURE, "node_port", _plain("node_port"), show=show_number),
    Leaf(
        "Exposure Level",
        Node.EXPOSURE,
        "level",
        _set_unless_zero(_plain("level")),
        show=namer(EXPOSURES),
    ),
)

LEAVES: dict[str, Leaf] = {leaf.label: leaf for leaf in _LEAVES}

# In a file event the process is the one that touched the file, wherever it runs.
FILE_LEAVES: dict[str, Leaf] = LEAVES | {
    leaf.label: leaf
    for leaf in (
        Leaf("Process Name", Node.ROOT, "fileAccess.process.signal.name", _file_signal("name")),
        Leaf("Process Arguments", Node.ROOT, "fileAccess.process.signal.args", _file_signal("args")),
        Leaf(
            "Process UID", Node.ROOT, "fileAccess.process.signal.uid", _file_signal("uid"), show=show_number
        ),
        Leaf(
            "Process Ancestor", Node.FILE_ANCESTOR, "parent_exec_file_path", _plain("parent_exec_file_path")
        ),
    )
}


def _ancestors(view: ContainerView) -> Any:
    return () if view.process is None else view.process.signal.lineage_info


def _file_ancestors(root: RootView) -> Any:
    return () if root.file_access is None else root.file_access.process.signal.lineage_info


def _volumes(view: ContainerView) -> Any:
    return () if view.container is None else view.container.volumes


def _envs(view: ContainerView) -> Any:
    return () if view.container is None else view.container.config.env


# How to step from a node's parent to the node's elements, and what the step is called.
STEPS: dict[Node, tuple[str, Callable[[Any], Any]]] = {
    Node.CONTAINER: ("containers", attrgetter("containers")),
    Node.VOLUME: ("volumes", _volumes),
    Node.ENV: ("config.env", _envs),
    Node.COMPONENT: ("image.scan.components", attrgetter("components")),
    Node.VULN: ("vulns", attrgetter("vulns")),
    Node.LAYER: ("image.metadata.v1.layers", attrgetter("layers")),
    Node.PORT: ("ports", attrgetter("ports")),
    Node.EXPOSURE: ("exposure_infos", attrgetter("exposure_infos")),
    Node.ANCESTOR: ("process.signal.lineage_info", _ancestors),
    Node.FILE_ANCESTOR: ("fileAccess.process.signal.lineage_info", _file_ancestors),
}
