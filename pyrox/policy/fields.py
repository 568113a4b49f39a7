"""The catalogue of the 79 criteria, as data.

Read by `pyrox.policy.compile`, `pyrox.policy.validate` and Central's conversion of
searches to policies. It must not know subjects. The names and rules are upstream's
(pkg/booleanpolicy/fieldnames/list.go, field_metadata.go).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from pyrox.pb.storage import policy_pb2
from pyrox.policy import grammars, leaves, queries, values
from pyrox.policy.queries import Builder, age, simple, vuln


class Kind(Enum):
    """What kind of event a criterion is about."""

    STATIC = auto()  # the deployment or its images; also an extra condition at run time
    IMAGE = auto()  # the image alone; may stand in a BUILD policy too
    PROCESS = auto()
    FILE = auto()
    FLOW = auto()
    KUBE = auto()
    AUDIT = auto()
    KUBE_OR_AUDIT = auto()


_DEPLOYMENT = policy_pb2.DEPLOYMENT_EVENT
_AUDIT = policy_pb2.AUDIT_LOG_EVENT
_NODE = policy_pb2.NODE_EVENT

_SOURCES: dict[Kind, frozenset[int]] = {
    Kind.PROCESS: frozenset({_DEPLOYMENT, _NODE}),
    Kind.FILE: frozenset({_DEPLOYMENT, _NODE}),
    Kind.FLOW: frozenset({_DEPLOYMENT}),
    Kind.KUBE: frozenset({_DEPLOYMENT}),
    Kind.AUDIT: frozenset({_AUDIT}),
    Kind.KUBE_OR_AUDIT: frozenset({_DEPLOYMENT, _AUDIT}),
}


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion: how its values are checked and what they ask."""

    name: str
    kind: Kind
    grammar: str
    build: Builder
    negatable: bool = False
    single: bool = False
    or_only: bool = False
    enriched: bool = False
    flag: str = ""
    needs: tuple[str, ...] = ()
    deployment_only: bool = False

    @property
    def at_run_time(self) -> bool:
        """Whether the criterion is about an event."""
        return self.kind not in {Kind.STATIC, Kind.IMAGE}

    def allowed_for(self, event_source: int) -> bool:
        """Whether a policy with that storage.EventSource may use the criterion.

        Criteria on the workload are extra conditions and fit every source.
        """
        if not self.at_run_time:
            return True
        if self.deployment_only and event_source == _NODE:
            return False
        return event_source in _SOURCES[self.kind]

    def grammar_for(self, event_source: int, *, strict_environment: bool, allow_from: bool) -> str:
        """The expression that values must match."""
        if self.grammar == grammars.KUBERNETES_RESOURCE and event_source == _AUDIT:
            return grammars.AUDIT_RESOURCE
        if self.grammar == grammars.ENVIRONMENT and strict_environment:
            return grammars.ENVIRONMENT_STRICT
        if self.grammar == grammars.DOCKERFILE and not allow_from:
            return grammars.DOCKERFILE_WITHOUT_FROM
        return self.grammar


def _static(
    name: str, grammar: str, build: Builder, *, negatable: bool = False, single: bool = False
) -> Criterion:
    return Criterion(name, Kind.STATIC, grammar, build, negatable=negatable, single=single)


def _bool(name: str, label: str = "", *, negatable: bool = False) -> Criterion:
    build = simple(label or name, values.boolean)
    return _static(name, grammars.BOOLEAN, build, negatable=negatable, single=True)


def _regex(name: str, label: str = "") -> Criterion:
    return _static(name, grammars.STRING, simple(label or name, values.pattern), negatable=True)


def _number(name: str, label: str) -> Criterion:
    return _static(name, grammars.COMPARISON, simple(label, values.number))


def _whole_number(name: str, label: str = "") -> Criterion:
    return _static(name, grammars.COMPARISON, simple(label or name, queries.integer), negatable=True)


def _image(
    name: str,
    grammar: str,
    build: Builder,
    *,
    negatable: bool = False,
    single: bool = False,
    enriched: bool = True,
) -> Criterion:
    return Criterion(name, Kind.IMAGE, grammar, build, negatable, single, enriched=enriched)


def _days(name: str, label: str) -> Criterion:
    return _image(name, grammars.INTEGER, age(label), single=True)


def _image_regex(name: str, *, enriched: bool = True) -> Criterion:
    return _image(name, grammars.STRING, simple(name, values.pattern), negatable=True, enriched=enriched)


def _event(
    name: str, kind: Kind, grammar: str, *, negatable: bool = True, needs: tuple[str, ...] = ()
) -> Criterion:
    return Criterion(name, kind, grammar, simple(name, values.text), negatable, needs=needs)


def _process(name: str, build: Builder) -> Criterion:
    return Criterion(name, Kind.PROCESS, grammars.STRING, build, negatable=True)


CVE_FIX_TIMESTAMP = "ROX_CVE_FIX_TIMESTAMP"
SENSITIVE_FILE_ACTIVITY = "ROX_SENSITIVE_FILE_ACTIVITY"

_STATIC = (
    _static("Add Capabilities", grammars.ADD_CAPABILITIES, simple("Add Capabilities", values.exact)),
    _bool("Allow Privilege Escalation"),
    _regex("AppArmor Profile"),
    _bool("Automount Service Account Token"),
    _number("Container CPU Limit", "CPU Cores Limit"),
    _number("Container CPU Request", "CPU Cores Request"),
    _number("Container Memory Limit", "Memory Limit (MB)"),
    _number("Container Memory Request", "Memory Request (MB)"),
    _regex("Container Name"),
    _static("Disallowed Annotation", grammars.STRING, queries.disallowed("Deployment Annotation")),
    _static("Drop Capabilities", grammars.DROP_CAPABILITIES, queries.drop_capabilities),
    _static(
        "Environment Variable", grammars.ENVIRONMENT, simple("Environment Variable", queries.environment)
    ),
    _whole_number("Exposed Node Port"),
    _whole_number("Exposed Port"),
    _static(
        "Exposed Port Protocol", grammars.STRING, simple("Port Protocol", queries.upper_text), negatable=True
    ),
    _bool("Has Egress Network Policy", negatable=True),
    _bool("Has Ingress Network Policy", negatable=True),
    _bool("Host IPC"),
    _bool("Host Network"),
    _bool("Host PID"),
    _bool("Liveness Probe Defined"),
    _static(
        "Minimum RBAC Permissions",
        grammars.RBAC,
        simple("Service Account Permission Level", queries.enum(leaves.PERMISSIONS, ">=")),
        negatable=True,
        single=True,
    ),
    _static(
        "Mount Propagation",
        grammars.MOUNT_PROPAGATION,
        simple("Mount Propagation", queries.enum(leaves.PROPAGATIONS)),
        negatable=True,
    ),
    _regex("Namespace"),
    _static(
        "Port Exposure Method",
        grammars.PORT_EXPOSURE,
        simple("Exposure Level", queries.enum(leaves.EXPOSURES)),
        negatable=True,
    ),
    _bool("Privileged Container", "Privileged"),
    _bool("Read-Only Root Filesystem", "Read Only Root Filesystem"),
    _bool("Readiness Probe Defined", negatable=True),
    _whole_number("Replicas"),
    _static("Required Annotation", grammars.KEY_VALUE, queries.required("Deployment Annotation")),
    _static("Required Label", grammars.KEY_VALUE, queries.required("Deployment Label")),
    _regex("Runtime Class"),
    _static(
        "Seccomp Profile Type",
        grammars.SECCOMP,
        simple("Seccomp Profile Type", queries.enum(leaves.SECCOMP)),
        negatable=True,
        single=True,
    ),
    _regex("Service Account"),
    _regex("Volume Destination"),
    _regex("Volume Name"),
    _regex("Volume Source"),
    _regex("Volume Type"),
    _static("Writable Host Mount", grammars.BOOLEAN, queries.writable(queries.HOST_PATH), single=True),
    _static("Writable Mounted Volume", grammars.BOOLEAN, queries.writable(), single=True),
)

_IMAGE = (
    _image("CVE", grammars.STRING, vuln("CVE", values.pattern), negatable=True),
    _image("CVSS", grammars.COMPARISON, vuln("CVSS", values.number)),
    _days("Days Since CVE Was First Discovered In Image", "First Image Occurrence Timestamp"),
    _days("Days Since CVE Was First Discovered In System", "First System Occurrence Timestamp"),
    _days("Days Since CVE Was Published", "CVE Published On"),
    Criterion(
        "Days Since CVE Fix Was Available",
        Kind.IMAGE,
        grammars.INTEGER,
        age("CVE Fix Available Timestamp"),
        single=True,
        enriched=True,
        flag=CVE_FIX_TIMESTAMP,
    ),
    _image("Disallowed Image Label", grammars.KEY_VALUE, queries.disallowed("Image Label")),
    _image("Dockerfile Line", grammars.DOCKERFILE, simple("Dockerfile Line", queries.dockerfile)),
    _image("Fixable", grammars.BOOLEAN, queries.fixable, single=True),
    _image("Fixed By", grammars.STRING, vuln("Fixed By", queries.fixed_by), negatable=True),
    _days("Image Age", "Image Created Time"),
    _image("Image Component", grammars.KEY_VALUE, simple("Component And Version", queries.dockerfile)),
    _image_regex("Image OS"),
    _image_regex("Image Registry", enriched=False),
    _image_regex("Image Remote", enriched=False),
    _days("Image Scan Age", "Image Scan Time"),
    Criterion(
        "Image Signature Verified By",
        Kind.IMAGE,
        grammars.SIGNATURE_INTEGRATION,
        queries.not_verified,
        or_only=True,
        enriched=True,
    ),
    _image_regex("Image Tag", enriched=False),
    _image_regex("Image User"),
    _image("NVD CVSS", grammars.COMPARISON, vuln("NVD CVSS", values.number)),
    _image("Required Image Label", grammars.KEY_VALUE, queries.required("Image Label")),
    _image("Severity", grammars.SEVERITY, vuln("Severity", queries.severity)),
    _image("Unscanned Image", grammars.BOOLEAN, simple("Image Unscanned", values.boolean), single=True),
)

_EVENTS = (
    Criterion(
        "File Operation",
        Kind.FILE,
        grammars.FILE_OPERATION,
        simple("File Operation", values.text),
        negatable=True,
        flag=SENSITIVE_FILE_ACTIVITY,
        needs=("File Path",),
    ),
    Criterion(
        "File Path",
        Kind.FILE,
        grammars.FILE_PATH,
        simple("File Path", values.path),
        flag=SENSITIVE_FILE_ACTIVITY,
    ),
    Criterion(
        "Is Impersonated User",
        Kind.AUDIT,
        grammars.BOOLEAN,
        simple("Is Impersonated User", values.boolean),
        single=True,
    ),
    Criterion(
        "Kubernetes API Verb",
        Kind.AUDIT,
        grammars.AUDIT_VERB,
        simple("Kubernetes API Verb", queries.enum(leaves.VERBS)),
    ),
    Criterion(
        "Kubernetes Resource",
        Kind.KUBE_OR_AUDIT,
        grammars.KUBERNETES_RESOURCE,
        simple("Kubernetes Resource", queries.enum(leaves.RESOURCES)),
    ),
    _event("Kubernetes Resource Name", Kind.AUDIT, grammars.STRING),
    _event(
        "Kubernetes User Groups", Kind.KUBE_OR_AUDIT, grammars.KUBERNETES_NAME, needs=("Kubernetes Resource",)
    ),
    _event(
        "Kubernetes User Name", Kind.KUBE_OR_AUDIT, grammars.KUBERNETES_NAME, needs=("Kubernetes Resource",)
    ),
    _process("Process Ancestor", simple("Process Ancestor", values.pattern)),
    _process("Process Arguments", simple("Process Arguments", values.pattern_within)),
    _process("Process Name", simple("Process Name", values.pattern)),
    _process("Process UID", simple("Process UID", queries.unsigned)),
    _event("Source IP Address", Kind.AUDIT, grammars.IP_ADDRESS),
    Criterion(
        "Unexpected Network Flow Detected",
        Kind.FLOW,
        grammars.BOOLEAN,
        simple("Not In Network Baseline", values.boolean),
        single=True,
    ),
    Criterion(
        "Unexpected Process Executed",
        Kind.PROCESS,
        grammars.BOOLEAN,
        simple("Unexpected Process Executed", values.boolean),
        single=True,
        deployment_only=True,
    ),
    _event("User Agent", Kind.AUDIT, grammars.STRING),
)

CRITERIA: dict[str, Criterion] = {one.name: one for one in (*_STATIC, *_IMAGE, *_EVENTS)}
