"""One row per criterion: a value that fits, one that does not, one that is refused, and the words."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from pyrox.pb.storage import policy_pb2
from pyrox.policy.evaluate import compile_policy
from pyrox.policy.fields import CRITERIA, Kind
from pyrox.policy.subject import (
    AuditEventSubject,
    FileAccessSubject,
    ImageSubject,
    KubeEventSubject,
    NetworkFlowSubject,
    NodeEventSubject,
    ProcessSubject,
    Subject,
)
from pyrox.policy.validate import validate
from tests.unit.pyrox.policy import builders as b


@dataclass(frozen=True)
class Row:
    hit: str
    miss: str
    refused: str
    message: str


_CVE = (
    "CVE-2022-1 (CVSS 7.5) (severity Important) found in component 'curl' (version 7.64) in container 'web'"
)
_FIXED = f"Fixable {_CVE}, resolved by version 7.65"
_NVD = _CVE.replace("(CVSS 7.5)", "(CVSS 7.5, NVD CVSS 9.75)")
_VOLUME = (
    "Writable volume 'docker' has source '/var/run/docker.sock', destination '/sock', and type 'HostPath'"
)
_PROCESS = "Binary '/usr/bin/apt-get' executed with arguments 'install nginx' under user ID 0"
_SECRET = 'Access to secret "htpasswd" in namespace "prod"'
_EXEC = "Kubernetes API received exec 'ls -la' request into pod 'web-1' container 'web'"
_FILE = "'/etc/passwd' extended attribute set"

ROWS = {
    "Add Capabilities": Row("net_admin", "SYS_ADMIN", "NET", "Container 'web' adds capability NET_ADMIN"),
    "Allow Privilege Escalation": Row(
        "true", "false", "maybe", "Container 'web' allows privilege escalation"
    ),
    "AppArmor Profile": Row(
        "UNCONF.*", "runtime", " ", "Container 'web' has AppArmor profile type 'unconfined'"
    ),
    "Automount Service Account Token": Row(
        "true", "false", "x", "Deployment mounts the service account tokens."
    ),
    "CVE": Row("cve-2022-.", "CVE-2022", " ", _CVE),
    "CVSS": Row("7.5", "> 7.5", "high", _CVE),
    "Container CPU Limit": Row(">= 1.5", "< 1.5", "one", "CPU limit set to 1.5 cores for container 'web'"),
    "Container CPU Request": Row(".25", "0.5", "= 1", "CPU request set to 0.25 cores for container 'web'"),
    "Container Memory Limit": Row("> 511", "> 512", "a", "Memory limit set to 512 MB for container 'web'"),
    "Container Memory Request": Row("<=64", "<64", "a", "Memory request set to 64 MB for container 'web'"),
    "Container Name": Row("we.", "w", " ", "Container has name 'web'"),
    "Days Since CVE Was Published": Row("100", "200", "-1", _CVE),
    "Days Since CVE Fix Was Available": Row("100", "200", "1.5", _CVE),
    "Days Since CVE Was First Discovered In Image": Row("100", "200", "x", _CVE),
    "Days Since CVE Was First Discovered In System": Row("100", "200", "x", _CVE),
    "Disallowed Annotation": Row("email=", "mail", " ", "Disallowed annotations found: email=a@b"),
    "Disallowed Image Label": Row("tier=fr.*", "tier=back", "tier", "Disallowed labels found: tier=front"),
    "Dockerfile Line": Row(
        "run=.*CURL",
        "USER=root",
        "NOSUCH=x",
        "Dockerfile line 'RUN apt-get update && apt-get instal...' found in container 'web'",
    ),
    "Drop Capabilities": Row(
        "NET_RAW", "CHOWN", "RAW", "Container 'web' does not drop expected capabilities (drops CHOWN)"
    ),
    "Environment Variable": Row(
        "RAW=.*password=",
        "SECRET_KEY==",
        "x=y=z",
        "Environment variable 'DB_PASSWORD' is present in container 'web'",
    ),
    "Exposed Node Port": Row("> 30000", "<= 1024", "x", "Exposed node port 31000 is present"),
    "Exposed Port": Row("22", "80", "ssh", "Exposed port 22/TCP is present"),
    "Exposed Port Protocol": Row("tc", "udp", " ", "Exposed port 22/TCP is present"),
    "File Operation": Row("xattr_change", "OPEN", "READ", _FILE),
    "File Path": Row("/etc/*", "/etc/?", "etc/passwd", _FILE),
    "Fixable": Row("true", "false", "yes", _FIXED),
    "Fixed By": Row(".*", "8.*", " ", _FIXED),
    "Has Egress Network Policy": Row(
        "false", "true", "no", "The deployment is missing Egress Network Policy."
    ),
    "Has Ingress Network Policy": Row("true", "false", "no", "The deployment has Ingress Network Policy."),
    "Host IPC": Row("true", "false", "1", "Deployment uses the host's IPC namespace"),
    "Host Network": Row("TRUE", "FALSE", "1", "Deployment uses the host's network namespace"),
    "Host PID": Row("true", "false", "1", "Deployment uses the host's process ID namespace"),
    "Image Age": Row("100", "200", "x", "Container 'web' has image created at 2026-08-01 00:00:00 (UTC)"),
    "Image Component": Row(
        "curl|wget=", "curl=8", "curl", "Container 'web' includes component 'curl' (version 7.64)"
    ),
    "Image OS": Row("debian:.*", "alpine", " ", "Container 'web' has image with base OS 'debian:12'"),
    "Image Registry": Row("QUAY.io", "quay", " ", "Container 'web' has image with registry 'quay.io'"),
    "Image Remote": Row("r/acme/.*", "acme", " ", "Container 'web' has image with remote 'acme/web'"),
    "Image Scan Age": Row(
        "100", "200", "x", "Container 'web' has image last scanned at 2026-08-01 00:00:00 (UTC)"
    ),
    "Image Signature Verified By": Row(
        b.SIGNER,
        b.OTHER_SIGNER,
        "someone",
        "Container 'web' image signature is not verified by the specified signature integration(s) "
        f"(it is verified by other integration(s): {b.OTHER_SIGNER}).",
    ),
    "Image Tag": Row("latest", "late", " ", "Container 'web' has image with tag 'latest'"),
    "Image User": Row("0|root", "1001", " ", "Container 'web' has image with user 'root'"),
    "Is Impersonated User": Row("false", "true", "x", _SECRET),
    "Kubernetes API Verb": Row("get", "PATCH", "LIST", _SECRET),
    "Kubernetes Resource": Row("PODS_EXEC", "PODS_ATTACH", "PODS", _EXEC),
    "Kubernetes Resource Name": Row("htp", "passwd", " ", _SECRET),
    "Kubernetes User Groups": Row("DEV", "ops", "a/b", _EXEC),
    "Kubernetes User Name": Row("ali", "bob", "a b", _EXEC),
    "Liveness Probe Defined": Row("true", "false", "x", "Liveness probe is defined for container 'web'"),
    "Minimum RBAC Permissions": Row(
        "DEFAULT",
        "CLUSTER_ADMIN",
        "NONE",
        "Service account permission level with elevated access in namespace",
    ),
    "Mount Propagation": Row(
        "bidirectional",
        "NONE",
        "SHARED",
        _VOLUME.replace("and type 'HostPath'", "type 'HostPath', and mount propagation 'bidirectional'"),
    ),
    "NVD CVSS": Row(">= 9", "4", "x", _NVD),
    "Namespace": Row("prod", "pro", " ", "Namespace has name 'prod'"),
    "Port Exposure Method": Row("external", "NODE", "LB", "Deployment port(s) exposed with load balancer"),
    "Privileged Container": Row("true", "false", "x", "Container 'web' is privileged"),
    "Process Ancestor": Row(".*java", "java", " ", _PROCESS),
    "Process Arguments": Row("NGINX$", "^nginx", " ", _PROCESS),
    "Process Name": Row("apt.*|yum", "apt", " ", _PROCESS),
    "Process UID": Row("0", "> 0", " ", _PROCESS),
    "Read-Only Root Filesystem": Row(
        "false", "true", "x", "Container 'web' uses a read-write root filesystem"
    ),
    "Readiness Probe Defined": Row(
        "false", "true", "x", "Readiness probe is not defined for container 'web'"
    ),
    "Replicas": Row(">= 3", "> 3", "x", "Replicas is set to '3'"),
    "Required Annotation": Row(
        "owner=.*", "email=.*", "owner", "Required annotation not found (found annotations: email=a@b)"
    ),
    "Required Image Label": Row(
        "owner=.*", "tier=.*", "owner", "Required label not found (found labels: tier=front)"
    ),
    "Required Label": Row("owner=.*", "app=web", "owner", "Required label not found (found labels: app=web)"),
    "Runtime Class": Row("g.*", "runc", " ", "Runtime Class is set to 'gvisor'"),
    "Seccomp Profile Type": Row(
        "UNCONFINED", "LOCALHOST", "NONE", "Container 'web' has Seccomp profile type 'unconfined'"
    ),
    "Service Account": Row("default", "admin", " ", "Service Account is set to 'default'"),
    "Severity": Row(">= MODERATE", "CRITICAL", "HIGH", _CVE),
    "Source IP Address": Row("10.1.2.3", "10.1.2.4", "a.b", _SECRET),
    "Unexpected Network Flow Detected": Row(
        "true",
        "false",
        "x",
        "Unexpected network flow found in deployment. Source name: 'web'. Destination name: 'db'. "
        "Destination port: '5432'. Protocol: 'L4_PROTOCOL_TCP'.",
    ),
    "Unexpected Process Executed": Row("true", "false", "x", _PROCESS),
    "Unscanned Image": Row("false", "true", "x", "Image in container 'web' has been scanned"),
    "User Agent": Row("oc/", "kubectl", " ", _SECRET),
    "Volume Destination": Row("/sock", "/so", " ", _VOLUME),
    "Volume Name": Row("d.*", "d", " ", _VOLUME),
    "Volume Source": Row("/var/.*", "/var", " ", _VOLUME),
    "Volume Type": Row("hostpath", "host", " ", _VOLUME),
    "Writable Host Mount": Row("true", "false", "x", _VOLUME),
    "Writable Mounted Volume": Row("true", "false", "x", _VOLUME),
}

_RUNTIME, _DEPLOY = policy_pb2.RUNTIME, policy_pb2.DEPLOY
_ON_DEPLOYMENT, _AUDIT = policy_pb2.DEPLOYMENT_EVENT, policy_pb2.AUDIT_LOG_EVENT

# What each kind needs beside the criterion so that the policy is complete.
_PARTNERS: dict[Kind, b.Group] = {
    Kind.FILE: ("File Path", ["/etc/**"]),
    Kind.AUDIT: ("Kubernetes Resource", ["SECRETS"]),
    Kind.KUBE_OR_AUDIT: ("Kubernetes Resource", ["PODS_EXEC"]),
}


def _subject(kind: Kind) -> Subject:
    on = b.on_deployment()
    subjects: dict[Kind, Subject] = {
        Kind.PROCESS: ProcessSubject(on, b.process(), not_in_baseline=True),
        Kind.FILE: FileAccessSubject(on, b.file_access()),
        Kind.FLOW: NetworkFlowSubject(on, b.flow()),
        Kind.AUDIT: AuditEventSubject(b.audit_event()),
        Kind.KUBE_OR_AUDIT: KubeEventSubject(b.exec_event(), on),
    }
    return subjects.get(kind, on)


def _policy(name: str, value: str, mode: str = "", *more: b.Group) -> policy_pb2.Policy:
    kind = CRITERIA[name].kind
    groups: list[b.Group] = [(name, [value], mode)]
    partner = _PARTNERS.get(kind)
    if partner is not None and partner[0] != name:
        groups.append(partner)
    if kind is Kind.AUDIT and name != "Kubernetes API Verb":
        groups.append(("Kubernetes API Verb", ["GET"]))
    if CRITERIA[name].at_run_time:
        source = _AUDIT if kind is Kind.AUDIT else _ON_DEPLOYMENT
        return b.policy([*groups, *more], stage=_RUNTIME, source=source)
    return b.policy([*groups, *more], stage=_DEPLOY)


def _messages(policy: policy_pb2.Policy, subject: Subject) -> list[str] | None:
    verdict = compile_policy(policy).evaluate(subject, b.NOW)
    assert verdict.error == ""
    if not verdict.matched:
        return None
    own = [violation.message for violation in verdict.violations]
    return [*own, verdict.process_violation.message] if verdict.process_violation else own


def test_catalogue_has_a_row_per_criterion() -> None:
    assert sorted(ROWS) == sorted(CRITERIA)
    assert len(CRITERIA) == 79


@pytest.mark.parametrize("name", sorted(ROWS))
def test_criterion_with_fitting_value_says_its_sentence(name: str) -> None:
    row = ROWS[name]
    assert _messages(_policy(name, row.hit), _subject(CRITERIA[name].kind)) == [row.message]


@pytest.mark.parametrize("name", sorted(ROWS))
def test_criterion_with_other_value_does_not_match(name: str) -> None:
    assert _messages(_policy(name, ROWS[name].miss), _subject(CRITERIA[name].kind)) is None


@pytest.mark.parametrize("name", sorted(name for name in ROWS if CRITERIA[name].negatable))
def test_criterion_negated_turns_both_outcomes(name: str) -> None:
    subject = _subject(CRITERIA[name].kind)
    assert _messages(_policy(name, ROWS[name].hit, "!"), subject) is None
    assert _messages(_policy(name, ROWS[name].miss, "!"), subject) is not None


@pytest.mark.parametrize("name", sorted(name for name in ROWS if not CRITERIA[name].negatable))
def test_criterion_that_cannot_be_negated_is_refused(name: str) -> None:
    assert f'policy criteria "{name}" cannot be negated' in validate(_policy(name, ROWS[name].hit, "!"))


@pytest.mark.parametrize(
    "name", sorted(name for name in ROWS if CRITERIA[name].kind is not Kind.AUDIT and name != "Namespace")
)
def test_criterion_linked_with_the_namespace_needs_both(name: str) -> None:
    subject = _subject(CRITERIA[name].kind)
    assert _messages(_policy(name, ROWS[name].hit, "", ("Namespace", ["prod"])), subject) is not None
    assert _messages(_policy(name, ROWS[name].hit, "", ("Namespace", ["other"])), subject) is None


@pytest.mark.parametrize("name", sorted(ROWS))
def test_criterion_with_bad_value_is_refused_by_validation(name: str) -> None:
    row = ROWS[name]
    assert validate(_policy(name, row.hit)) == ""
    assert f'policy criteria "{name}" has invalid value[0]=' in validate(_policy(name, row.refused))


_SINGLE = {
    "Allow Privilege Escalation",
    "Automount Service Account Token",
    "Days Since CVE Fix Was Available",
    "Days Since CVE Was First Discovered In Image",
    "Days Since CVE Was First Discovered In System",
    "Days Since CVE Was Published",
    "Fixable",
    "Has Egress Network Policy",
    "Has Ingress Network Policy",
    "Host IPC",
    "Host Network",
    "Host PID",
    "Image Age",
    "Image Scan Age",
    "Is Impersonated User",
    "Liveness Probe Defined",
    "Minimum RBAC Permissions",
    "Privileged Container",
    "Read-Only Root Filesystem",
    "Readiness Probe Defined",
    "Seccomp Profile Type",
    "Unexpected Network Flow Detected",
    "Unexpected Process Executed",
    "Unscanned Image",
    "Writable Host Mount",
    "Writable Mounted Volume",
}
_NEGATABLE = {
    "AppArmor Profile",
    "CVE",
    "Container Name",
    "Exposed Node Port",
    "Exposed Port",
    "Exposed Port Protocol",
    "File Operation",
    "Fixed By",
    "Has Egress Network Policy",
    "Has Ingress Network Policy",
    "Image OS",
    "Image Registry",
    "Image Remote",
    "Image Tag",
    "Image User",
    "Kubernetes Resource Name",
    "Kubernetes User Groups",
    "Kubernetes User Name",
    "Minimum RBAC Permissions",
    "Mount Propagation",
    "Namespace",
    "Port Exposure Method",
    "Process Ancestor",
    "Process Arguments",
    "Process Name",
    "Process UID",
    "Readiness Probe Defined",
    "Replicas",
    "Runtime Class",
    "Seccomp Profile Type",
    "Service Account",
    "Source IP Address",
    "User Agent",
    "Volume Destination",
    "Volume Name",
    "Volume Source",
    "Volume Type",
}


def test_catalogue_allows_several_values_and_negation_as_the_reference_does() -> None:
    assert {name for name, criterion in CRITERIA.items() if criterion.single} == _SINGLE
    assert {name for name, criterion in CRITERIA.items() if criterion.negatable} == _NEGATABLE


@pytest.mark.parametrize("name", sorted(name for name in ROWS if CRITERIA[name].kind is Kind.IMAGE))
def test_image_criterion_at_build_time_names_no_container(name: str) -> None:
    made = b.policy([(name, [ROWS[name].hit])], stage=policy_pb2.BUILD)
    (message,) = _messages(made, ImageSubject(b.image())) or [""]
    assert message
    assert "container" not in message.lower()


@pytest.mark.parametrize(
    "name",
    sorted(
        name
        for name in ROWS
        if CRITERIA[name].at_run_time and CRITERIA[name].allowed_for(policy_pb2.NODE_EVENT)
    ),
)
def test_node_criterion_fits_a_node_event(name: str) -> None:
    made = b.policy(
        [(name, [ROWS[name].hit]), ("File Path", ["/etc/**"])]
        if name != "File Path"
        else [(name, ["/etc/**"])],
        stage=_RUNTIME,
        source=policy_pb2.NODE_EVENT,
    )
    assert _messages(made, NodeEventSubject(b.node(), b.file_access())) == [_FILE]
    assert validate(made) == ""


@pytest.mark.parametrize("name", sorted(name for name in ROWS if CRITERIA[name].enriched))
def test_enriched_criterion_on_an_unknown_image_never_matches(name: str) -> None:
    on = b.on_deployment()
    subject = type(on)(on.deployment, [None])
    for mode in ("", "!") if CRITERIA[name].negatable else ("",):
        assert _messages(_policy(name, ROWS[name].hit, mode), subject) is None
