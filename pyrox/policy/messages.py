"""The sentences of violations, word for word.

Called by `pyrox.policy.evaluate` with the objects that survived the matching. It must not
know how they were found. The texts are upstream's (pkg/booleanpolicy/violationmessages).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pyrox.pb.storage import deployment_pb2, rbac_pb2
from pyrox.policy import leaves, mapquery, quoting
from pyrox.policy.leaves import Node, show_number
from pyrox.policy.queries import Query
from pyrox.policy.views import ContainerView, RootView

Objects = dict[Node, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the section asked, for printers whose text depends on it."""

    queries: dict[str, tuple[Query, ...]]
    build_time: bool

    def has(self, label: str) -> bool:
        """Whether the section asks about the label."""
        return label in self.queries


Printer = Callable[[Objects, Asked], str]


class PrinterError(Exception):
    """An object has nothing to say; upstream then reports the error and no verdict."""


def sentence(words: Sequence[str]) -> str:
    """`a`, `a and b`, or `a, b, and c`."""
    if len(words) <= 2:
        return " and ".join(words)
    return f"{', '.join(words[:-1])}, and {words[-1]}"


def _in_container(objects: Objects) -> str:
    name = objects[Node.CONTAINER].name
    return f" in container '{name}'" if name else ""


def _cve(objects: Objects, asked: Asked) -> str:
    vuln, component = objects[Node.VULN], objects[Node.COMPONENT]
    fix = vuln.fixed_by if asked.has("Fixed By") else ""
    scores = [f"CVSS {show_number(vuln.cvss)}"]
    if asked.has("NVD CVSS"):
        scores.append(f"NVD CVSS {show_number(vuln.nvd_cvss)}")
    severity = leaves.SEVERITY_NAMES.get(vuln.severity, "Unknown")
    # Without a name there is no component to speak of; an empty version is told all the same.
    where = f" in component '{component.name}' (version {component.version})" if component.name else ""
    return (
        f"{'Fixable ' if fix else ''}{vuln.cve} ({', '.join(scores)}) (severity {severity}) found"
        f"{where}{_in_container(objects)}"
        f"{f', resolved by version {fix}' if fix else ''}"
    )


def _subject_of_image(objects: Objects, verb: str, alone: str) -> str:
    name = objects[Node.CONTAINER].name
    return f"Container '{name}' {verb}" if name else f"Image {alone}"


def _component(objects: Objects, _asked: Asked) -> str:
    component = objects[Node.COMPONENT]
    version = f" (version {component.version})" if component.version else ""
    return f"{_subject_of_image(objects, 'includes', 'includes')} component '{component.name}'{version}"


_LINE_BYTES = 32


def _line(objects: Objects, _asked: Asked) -> str:
    layer = objects[Node.LAYER]
    return f"Dockerfile line '{layer.instruction} {_cut(layer.value)}' found{_in_container(objects)}"


def _cut(line: str) -> str:
    start = quoting.first_bytes(line, _LINE_BYTES)
    return line if start == line else f"{start}..."


_SOURCES = {
    "SECRET_KEY": "Secret",
    "CONFIG_MAP_KEY": "ConfigMap",
    "FIELD": "field",
    "RESOURCE_FIELD": "resource field",
}


def _env(objects: Objects, _asked: Asked) -> str:
    env = objects[Node.ENV]
    source = _SOURCES.get(leaves.ENV_SOURCES.get(env.env_var_source, ""), "")
    reference = f" and references a {source}" if source else ""
    return f"Environment variable '{env.key}' is present{_in_container(objects)}{reference}"


def _image_details(objects: Objects, asked: Asked) -> str:
    view: ContainerView = objects[Node.CONTAINER]
    image = view.view.image if view.view is not None else None
    details = []
    if image is not None and asked.has("Image Tag"):
        digest = f", digest {image.id}" if view.container is not None and image.id else ""
        details.append(f"tag '{image.name.tag}'" if image.name.tag else f"an empty tag{digest}")
    if image is not None and asked.has("Image Remote"):
        details.append(f"remote '{image.name.remote}'")
    if image is not None and asked.has("Image Registry"):
        details.append(f"registry '{image.name.registry}'")
    return f"{_subject_of_image(objects, 'has image with', 'has')} {sentence(sorted(details))}"


def _of_container(label: str) -> Callable[[Objects], Any]:
    get = leaves.LEAVES[label].get
    return lambda objects: get(objects[Node.CONTAINER])


_os, _user = _of_container("Image OS"), _of_container("Image User")
_created, _scanned, _unscanned = (
    _of_container("Image Created Time"),
    _of_container("Image Scan Time"),
    _of_container("Image Unscanned"),
)


def _image_os(objects: Objects, _asked: Asked) -> str:
    return f"{_subject_of_image(objects, 'has image with', 'has')} base OS '{_os(objects)}'"


def _image_user(objects: Objects, _asked: Asked) -> str:
    return f"{_subject_of_image(objects, 'has image with', 'has')} user '{_user(objects)}'"


def _image_age(objects: Objects, _asked: Asked) -> str:
    start = _subject_of_image(objects, "has image", "was")
    return f"{start} created at {leaves.show_time(_created(objects))} (UTC)"


def _image_scan_age(objects: Objects, _asked: Asked) -> str:
    start = _subject_of_image(objects, "has image", "was")
    return f"{start} last scanned at {leaves.show_time(_scanned(objects))} (UTC)"


def _image_scan(objects: Objects, _asked: Asked) -> str:
    name = objects[Node.CONTAINER].name
    start = f"Image in container '{name}'" if name else "Image"
    return f"{start} has {'not ' if _unscanned(objects) else ''}been scanned"


def _signature(objects: Objects, _asked: Asked) -> str:
    name = objects[Node.CONTAINER].name
    start = f"Container '{name}' image" if name else "Image"
    others = sorted(set(leaves.verifiers(objects[Node.CONTAINER])))
    by = f" (it is verified by other integration(s): {sentence(others)})" if others else ""
    return f"{start} signature is not verified by the specified signature integration(s){by}."


def _named(objects: Objects) -> str:
    name = objects[Node.CONTAINER].name
    return f" '{name}'" if name else ""


def _security(objects: Objects) -> Any:
    return objects[Node.CONTAINER].container.security_context


def _privileged(objects: Objects, _asked: Asked) -> str:
    return f"Container{_named(objects)} is {'' if _security(objects).privileged else 'not '}privileged"


def _read_only(objects: Objects, _asked: Asked) -> str:
    mode = "read-only" if _security(objects).read_only_root_filesystem else "read-write"
    # Of a container without a name upstream's template leaves the space before the name.
    return f"Container{_named(objects) or ' '} uses a {mode} root filesystem"


def _escalation(objects: Objects, _asked: Asked) -> str:
    verb = "allows" if _security(objects).allow_privilege_escalation else "does not allow"
    return f"Container{_named(objects)} {verb} privilege escalation"


def _seccomp(objects: Objects, _asked: Asked) -> str:
    leaf = leaves.LEAVES["Seccomp Profile Type"]
    profile = leaf.show(_security(objects).seccomp_profile.type)
    return f"Container{_named(objects)} has Seccomp profile type '{profile}'"


def _app_armor(objects: Objects, _asked: Asked) -> str:
    profile = objects[Node.CONTAINER].container.config.app_armor_profile
    return f"Container{_named(objects)} has AppArmor profile type '{profile}'"


def _hits(asked: Asked, label: str, found: Sequence[str], now: int = 0) -> list[str]:
    hits: dict[str, None] = {}
    for query in asked.queries[label]:
        if query.fits(list(found), now):
            hits.update(dict.fromkeys(query.hits(found)))
    return sorted(hits)


def _adds(objects: Objects, asked: Asked) -> str:
    added = _hits(asked, "Add Capabilities", _security(objects).add_capabilities)
    noun = "capability" if len(added) == 1 else "capabilities"
    return f"Container{_named(objects)} adds {noun} {sentence(added)}"


def _drops(objects: Objects, asked: Asked) -> str:
    dropped = _hits(asked, "Drop Capabilities", _security(objects).drop_capabilities)
    what = f"drops {sentence(dropped)}" if dropped else "drops no capabilities"
    return f"Container{_named(objects)} does not drop expected capabilities ({what})"


def _container_name(objects: Objects, _asked: Asked) -> str:
    return f"Container has name '{objects[Node.CONTAINER].name}'"


def _resource(label: str, what: str, unit: str) -> Printer:
    get = _of_container(label)

    def show(objects: Objects, _asked: Asked) -> str:
        name = objects[Node.CONTAINER].name
        where = f" for container '{name}'" if name else ""
        return f"{what} set to {show_number(get(objects))} {unit}{where}"

    return show


def _probe(label: str, word: str) -> Printer:
    get = _of_container(label)

    def show(objects: Objects, _asked: Asked) -> str:
        name = objects[Node.CONTAINER].name
        return f"{word} probe is {'' if get(objects) else 'not '}defined for container '{name}'"

    return show


def _volume(objects: Objects, asked: Asked) -> str:
    volume = objects[Node.VOLUME]
    propagation = leaves.LEAVES["Mount Propagation"].show(volume.mount_propagation)
    parts = (
        ("source", volume.source),
        ("destination", volume.destination),
        ("type", volume.type),
        ("mount propagation", propagation if asked.has("Mount Propagation") else ""),
    )
    details = sentence([f"{word} '{value}'" for word, value in parts if value])
    if not details:
        raise PrinterError("missing volume details")
    start = "Read-only" if volume.read_only else "Writable"
    return f"{start} volume '{volume.name}' has {details}"


def _port(objects: Objects, _asked: Asked) -> str:
    port = objects[Node.PORT]
    return f"Exposed port {port.container_port}{f'/{port.protocol}' if port.protocol else ''} is present"


def _node_port(objects: Objects, asked: Asked) -> str:
    # The protocol is known only when another criterion on ports brings it along.
    others = ("Exposed Port", "Port Protocol", "Exposure Level")
    protocol = objects[Node.PORT].protocol if any(map(asked.has, others)) else ""
    return (
        f"Exposed node port {objects[Node.EXPOSURE].node_port}{f'/{protocol}' if protocol else ''} is present"
    )


_LEVEL = deployment_pb2.PortConfig
_EXPOSED: dict[int, str] = {
    _LEVEL.EXTERNAL: "exposed with load balancer",
    _LEVEL.ROUTE: "exposed with a route",
    _LEVEL.NODE: "exposed on node port",
    _LEVEL.HOST: "exposed on host port",
    _LEVEL.INTERNAL: "using internal cluster IP",
}


def _exposure(objects: Objects, _asked: Asked) -> str:
    return f"Deployment port(s) {_EXPOSED.get(objects[Node.EXPOSURE].level, 'in an unknown exposure')}"


def _of_root(label: str) -> Callable[[Objects], Any]:
    get = leaves.LEAVES[label].get
    return lambda objects: get(objects[Node.ROOT])


def _either(label: str, yes: str, no: str) -> Printer:
    get = _of_root(label)
    return lambda objects, _asked: yes if get(objects) else no


def _set_to(label: str, text: str) -> Printer:
    get = _of_root(label)
    return lambda objects, _asked: text.format(get(objects))


_ACCESS: dict[int, str] = {
    rbac_pb2.NONE: "no specified access",
    rbac_pb2.DEFAULT: "default access",
    rbac_pb2.ELEVATED_IN_NAMESPACE: "elevated access in namespace",
    rbac_pb2.ELEVATED_CLUSTER_WIDE: "elevated access cluster wide",
    rbac_pb2.CLUSTER_ADMIN: "cluster admin access",
}


def _rbac(objects: Objects, _asked: Asked) -> str:
    root: RootView = objects[Node.ROOT]
    level = root.deployment.service_account_permission_level if root.deployment is not None else 0
    return f"Service account permission level with {_ACCESS.get(level, 'unknown access')}"


def _map(label: str, text: str) -> Printer:
    leaf = leaves.LEAVES[label]

    def show(objects: Objects, asked: Asked) -> str:
        found = leaf.get(objects[leaf.node])
        return text.format("; ".join(_map_hits(asked.queries[label], found)))

    return show


def _map_hits(queries: Iterable[Query], found: dict[str, str]) -> list[str]:
    shown: dict[str, None] = {}
    for query in queries:
        if query.fits(found, 0):
            # Of several criteria on one map, upstream keeps what the last of them saw.
            shown = {
                matcher.show(found): None
                for matcher in query.matchers
                if isinstance(matcher, mapquery.MapQuery) and matcher(found)
            }
    return list(shown)


_REQUIRED_LABEL = "Required label not found (found labels: {})"

# Per printer: the node whose survivors it prints, and the function.
PRINTERS: dict[str, tuple[Node, Printer]] = {
    "cve": (Node.VULN, _cve),
    "component": (Node.COMPONENT, _component),
    "line": (Node.LAYER, _line),
    "env": (Node.ENV, _env),
    "imageDetails": (Node.CONTAINER, _image_details),
    "imageOS": (Node.CONTAINER, _image_os),
    "imageUser": (Node.CONTAINER, _image_user),
    "imageAge": (Node.CONTAINER, _image_age),
    "imageScanAge": (Node.CONTAINER, _image_scan_age),
    "imageScan": (Node.CONTAINER, _image_scan),
    "imageSignature": (Node.CONTAINER, _signature),
    "privileged": (Node.CONTAINER, _privileged),
    "readOnlyRootFS": (Node.CONTAINER, _read_only),
    "escalation": (Node.CONTAINER, _escalation),
    "seccomp": (Node.CONTAINER, _seccomp),
    "appArmor": (Node.CONTAINER, _app_armor),
    "addCapability": (Node.CONTAINER, _adds),
    "dropCapability": (Node.CONTAINER, _drops),
    "containerName": (Node.CONTAINER, _container_name),
    "cpuLimit": (Node.CONTAINER, _resource("CPU Cores Limit", "CPU limit", "cores")),
    "cpuRequest": (Node.CONTAINER, _resource("CPU Cores Request", "CPU request", "cores")),
    "memoryLimit": (Node.CONTAINER, _resource("Memory Limit (MB)", "Memory limit", "MB")),
    "memoryRequest": (Node.CONTAINER, _resource("Memory Request (MB)", "Memory request", "MB")),
    "liveness": (Node.CONTAINER, _probe("Liveness Probe Defined", "Liveness")),
    "readiness": (Node.CONTAINER, _probe("Readiness Probe Defined", "Readiness")),
    "volume": (Node.VOLUME, _volume),
    "port": (Node.PORT, _port),
    "nodePort": (Node.EXPOSURE, _node_port),
    "portExposure": (Node.EXPOSURE, _exposure),
    "hostIPC": (
        Node.ROOT,
        _either(
            "Host IPC",
            "Deployment uses the host's IPC namespace",
            "Deployment does not use the host's IPC namespace",
        ),
    ),
    "hostNetwork": (
        Node.ROOT,
        _either(
            "Host Network",
            "Deployment uses the host's network namespace",
            "Deployment does not use the host's network namespace",
        ),
    ),
    "hostPID": (
        Node.ROOT,
        _either(
            "Host PID",
            "Deployment uses the host's process ID namespace",
            "Deployment does not use the host's process ID namespace",
        ),
    ),
    "automount": (
        Node.ROOT,
        _either(
            "Automount Service Account Token",
            "Deployment mounts the service account tokens.",
            "Deployment does not mount the service account tokens.",
        ),
    ),
    "serviceAccount": (Node.ROOT, _set_to("Service Account", "Service Account is set to '{}'")),
    "runtimeClass": (Node.ROOT, _set_to("Runtime Class", "Runtime Class is set to '{}'")),
    "namespace": (Node.ROOT, _set_to("Namespace", "Namespace has name '{}'")),
    "replicas": (Node.ROOT, _set_to("Replicas", "Replicas is set to '{}'")),
    "rbac": (Node.ROOT, _rbac),
    "requiredLabel": (Node.ROOT, _map("Deployment Label", _REQUIRED_LABEL)),
    "requiredAnnotation": (
        Node.ROOT,
        _map("Deployment Annotation", "Required annotation not found (found annotations: {})"),
    ),
    "requiredImageLabel": (Node.CONTAINER, _map("Image Label", _REQUIRED_LABEL)),
    "disallowedAnnotation": (Node.ROOT, _map("Deployment Annotation", "Disallowed annotations found: {}")),
    "disallowedImageLabel": (Node.CONTAINER, _map("Image Label", "Disallowed labels found: {}")),
    "ingress": (
        Node.ROOT,
        _either(
            "Has Ingress Network Policy",
            "The deployment has Ingress Network Policy.",
            "The deployment is missing Ingress Network Policy.",
        ),
    ),
    "egress": (
        Node.ROOT,
        _either(
            "Has Egress Network Policy",
            "The deployment has Egress Network Policy.",
            "The deployment is missing Egress Network Policy.",
        ),
    ),
}

_CVE = ("cve",)
_IMAGE_DETAILS = ("imageDetails",)
_VOLUME = ("volume",)
_PORT = ("port",)

# Which printer speaks for a criterion. Criteria on events have sentences of their own.
PRINTER_OF: dict[str, tuple[str, ...]] = {
    "CVE": _CVE,
    "CVSS": _CVE,
    "NVD CVSS": _CVE,
    "Severity": _CVE,
    "Fixable": _CVE,
    "Fixed By": _CVE,
    "Days Since CVE Was Published": _CVE,
    "Days Since CVE Fix Was Available": _CVE,
    "Days Since CVE Was First Discovered In Image": _CVE,
    "Days Since CVE Was First Discovered In System": _CVE,
    "Image Component": ("component",),
    "Dockerfile Line": ("line",),
    "Environment Variable": ("env",),
    "Image Tag": _IMAGE_DETAILS,
    "Image Remote": _IMAGE_DETAILS,
    "Image Registry": _IMAGE_DETAILS,
    "Image OS": ("imageOS",),
    "Image User": ("imageUser",),
    "Image Age": ("imageAge",),
    "Image Scan Age": ("imageScanAge",),
    "Unscanned Image": ("imageScan",),
    "Image Signature Verified By": ("imageSignature",),
    "Privileged Container": ("privileged",),
    "Read-Only Root Filesystem": ("readOnlyRootFS",),
    "Allow Privilege Escalation": ("escalation",),
    "Seccomp Profile Type": ("seccomp",),
    "AppArmor Profile": ("appArmor",),
    "Add Capabilities": ("addCapability",),
    "Drop Capabilities": ("dropCapability",),
    "Container Name": ("containerName",),
    "Container CPU Limit": ("cpuLimit",),
    "Container CPU Request": ("cpuRequest",),
    "Container Memory Limit": ("memoryLimit",),
    "Container Memory Request": ("memoryRequest",),
    "Liveness Probe Defined": ("liveness",),
    "Readiness Probe Defined": ("readiness",),
    "Mount Propagation": _VOLUME,
    "Volume Destination": _VOLUME,
    "Volume Name": _VOLUME,
    "Volume Source": _VOLUME,
    "Volume Type": _VOLUME,
    "Writable Host Mount": _VOLUME,
    "Writable Mounted Volume": _VOLUME,
    "Exposed Port": _PORT,
    "Exposed Port Protocol": _PORT,
    "Exposed Node Port": ("nodePort",),
    "Port Exposure Method": ("portExposure",),
    "Host IPC": ("hostIPC",),
    "Host Network": ("hostNetwork",),
    "Host PID": ("hostPID",),
    "Automount Service Account Token": ("automount",),
    "Service Account": ("serviceAccount",),
    "Runtime Class": ("runtimeClass",),
    "Namespace": ("namespace",),
    "Replicas": ("replicas",),
    "Minimum RBAC Permissions": ("rbac",),
    "Required Label": ("requiredLabel",),
    "Required Annotation": ("requiredAnnotation",),
    "Required Image Label": ("requiredImageLabel",),
    "Disallowed Annotation": ("disallowedAnnotation",),
    "Disallowed Image Label": ("disallowedImageLabel",),
    "Has Ingress Network Policy": ("ingress",),
    "Has Egress Network Policy": ("egress",),
}
