"""Each default policy fires on an object made for it, and hardly any other does.

A quiet subject violates nothing; each row changes one thing about it. Where one thing
violates several policies, the row lists the others, and why is plain from their names.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from pyrox.pb.storage import cve_pb2, policy_pb2
from pyrox.pb.storage.deployment_pb2 import ContainerConfig, PortConfig, SecurityContext, Volume
from pyrox.pb.storage.image_pb2 import ImageLayer
from pyrox.pb.storage.kube_event_pb2 import KubernetesEvent
from pyrox.pb.storage.vulnerability_pb2 import EmbeddedVulnerability
from pyrox.policy import defaults
from pyrox.policy.sets import PolicySet
from pyrox.policy.subject import (
    AuditEventSubject,
    DeploymentSubject,
    ImageSubject,
    KubeEventSubject,
    NetworkFlowSubject,
    NetworkPoliciesApplied,
    ProcessSubject,
    Subject,
)
from tests.unit.pyrox.policy import builders as b


class Workload:
    """A quiet deployment, to be spoilt in one respect."""

    def __init__(self) -> None:
        self.deployment = b.deployment()
        self.image = b.image()
        self.container = self.deployment.containers[0]
        self.ingress = self.egress = True
        self._calm_deployment()
        self._calm_container()
        self._calm_image()

    def _calm_deployment(self) -> None:
        deployment = self.deployment
        deployment.host_ipc = deployment.host_pid = deployment.host_network = False
        deployment.automount_service_account_token = False
        deployment.service_account = "own"
        deployment.labels["owner"] = deployment.annotations["owner"] = "me"
        deployment.annotations["email"] = "me@example.com"
        del deployment.ports[:]

    def _calm_container(self) -> None:
        container = self.container
        security = container.security_context
        security.privileged = security.allow_privilege_escalation = False
        security.read_only_root_filesystem = True
        security.drop_capabilities[:] = ["ALL"]
        del security.add_capabilities[:]
        security.seccomp_profile.type = SecurityContext.SeccompProfile.RUNTIME_DEFAULT
        container.config.app_armor_profile = "runtime/default"
        del container.config.env[:]
        del container.volumes[:]

    def _calm_image(self) -> None:
        image = self.image
        image.name.tag, image.metadata.v1.user = "1.0", "1001"
        image.metadata.v1.labels["required-label"] = "required-value"
        del image.metadata.v1.layers[:]
        del image.scan.components[:]
        self.created(days=1)
        self.scanned(days=1)

    def created(self, *, days: int) -> None:
        self.image.metadata.v1.created.FromDatetime(_ago(days))

    def scanned(self, *, days: int) -> None:
        self.image.scan.scan_time.FromDatetime(_ago(days))

    def line(self, instruction: str, value: str) -> None:
        self.image.metadata.v1.layers.append(ImageLayer(instruction=instruction, value=value))

    def component(self, name: str) -> None:
        self.image.scan.components.add(name=name, version="1")

    def vuln(self, cve: str = "CVE-1", *, cvss: float = 1, fixed: str = "", severity: int = 1) -> None:
        self.image.scan.components.add(name="lib", version="1").vulns.append(
            EmbeddedVulnerability(
                cve=cve,
                cvss=cvss,
                fixed_by=fixed,
                severity=cve_pb2.VulnerabilitySeverity.ValueType(severity),
            )
        )

    def privileged(self) -> Workload:
        self.container.security_context.privileged = True
        return self

    def with_default_token(self) -> None:
        self.deployment.automount_service_account_token = True
        self.deployment.service_account = "default"

    def port(self, number: int = 80, *, level: int = PortConfig.INTERNAL, node_port: int = 0) -> None:
        port = self.deployment.ports.add(container_port=number, protocol="TCP")
        port.exposure_infos.add(level=PortConfig.ExposureLevel.ValueType(level), node_port=node_port)

    def volume(self, source: str) -> None:
        self.container.volumes.add(name="v", source=source, type="HostPath")

    def env(self, key: str, source: int) -> None:
        kind = ContainerConfig.EnvironmentConfig.EnvVarSource.ValueType(source)
        self.container.config.env.add(key=key, env_var_source=kind)

    def registry(self, registry: str, remote: str) -> None:
        self.image.name.registry, self.image.name.remote = registry, remote

    def on(self) -> DeploymentSubject:
        return DeploymentSubject(
            self.deployment, [self.image], NetworkPoliciesApplied(self.ingress, self.egress)
        )


def _ago(days: int) -> datetime:
    return b.NOW - timedelta(days=days)


def _set(work: Workload, part: str, name: str, value: object) -> None:
    setattr({"d": work.deployment, "c": work.container.security_context, "w": work}[part], name, value)


_ENV = ContainerConfig.EnvironmentConfig
_RED_HAT = "Red Hat images must be signed by a Red Hat release key"
_PRIVILEGED = "Privileged Container"

WORKLOADS: dict[str, tuple[Callable[[Workload], object], set[str]]] = {
    "30-Day Scan Age": (lambda w: w.scanned(days=31), set()),
    "90-Day Image Age": (lambda w: w.created(days=91), set()),
    "ADD Command used instead of COPY": (lambda w: w.line("ADD", "x /"), set()),
    "Alpine Linux Package Manager (apk) in Image": (lambda w: w.component("apk-tools"), set()),
    "Apache Struts: CVE-2017-5638": (lambda w: w.vuln("CVE-2017-5638"), set()),
    "CAP_SYS_ADMIN capability added": (
        lambda w: w.container.security_context.add_capabilities.append("SYS_ADMIN"),
        set(),
    ),
    "Container using read-write root filesystem": (
        lambda w: _set(w, "c", "read_only_root_filesystem", False),
        set(),
    ),
    "Container with privilege escalation allowed": (
        lambda w: _set(w, "c", "allow_privilege_escalation", True),
        set(),
    ),
    "Curl in Image": (lambda w: w.component("curl"), set()),
    "Deployments should have at least one egress Network Policy": (
        lambda w: _set(w, "w", "egress", False),
        set(),
    ),
    "Deployments should have at least one ingress Network Policy": (
        lambda w: _set(w, "w", "ingress", False),
        set(),
    ),
    "Deployments with externally exposed endpoints": (lambda w: w.port(level=PortConfig.ROUTE), set()),
    "Docker CIS 4.1: Ensure That a User for the Container Has Been Created": (
        lambda w: setattr(w.image.metadata.v1, "user", "root"),
        set(),
    ),
    "Docker CIS 4.7: Alert on Update Instruction": (
        lambda w: w.line("RUN", "/bin/sh -c apt-get update"),
        set(),
    ),
    "Docker CIS 5.1 Ensure that, if applicable, an AppArmor Profile is enabled": (
        lambda w: setattr(w.container.config, "app_armor_profile", "unconfined"),
        set(),
    ),
    "Docker CIS 5.15: Ensure that the host's process namespace is not shared": (
        lambda w: _set(w, "d", "host_pid", True),
        set(),
    ),
    "Docker CIS 5.16: Ensure that the host's IPC namespace is not shared": (
        lambda w: _set(w, "d", "host_ipc", True),
        set(),
    ),
    "Docker CIS 5.19: Ensure mount propagation mode is not enabled": (
        lambda w: w.container.volumes.add(name="v", mount_propagation=Volume.BIDIRECTIONAL),
        set(),
    ),
    "Docker CIS 5.21: Ensure the default seccomp profile is not disabled": (
        lambda w: setattr(
            w.container.security_context.seccomp_profile,
            "type",
            SecurityContext.SeccompProfile.UNCONFINED,
        ),
        set(),
    ),
    "Docker CIS 5.7: Ensure privileged ports are not mapped within containers": (
        lambda w: w.port(node_port=80),
        set(),
    ),
    "Docker CIS 5.9 and 5.20: Ensure that the host's network namespace is not shared": (
        lambda w: _set(w, "d", "host_network", True),
        set(),
    ),
    "Drop All Capabilities": (
        lambda w: w.container.security_context.ClearField("drop_capabilities"),
        set(),
    ),
    "Emergency Deployment Annotation": (
        lambda w: w.deployment.annotations.update({"admission.stackrox.io/break-glass": ""}),
        set(),
    ),
    "Environment Variable Contains Secret": (lambda w: w.env("MY_PASSWORD", _ENV.RAW), set()),
    "Fixable CVSS >= 6 and Privileged": (
        lambda w: w.privileged().vuln(cvss=6.5, fixed="2"),
        {_PRIVILEGED},
    ),
    "Fixable CVSS >= 7": (lambda w: w.vuln(cvss=7, fixed="2"), set()),
    "Fixable Severity at least Important": (lambda w: w.vuln(fixed="2", severity=3), set()),
    "Images with no scans": (lambda w: w.image.ClearField("scan"), set()),
    "Improper Usage of Orchestrator Secrets Volume": (lambda w: w.line("VOLUME", "/run/secrets"), set()),
    "Insecure specified in CMD": (lambda w: w.line("CMD", "run --insecure"), set()),
    "Kubernetes Dashboard Deployed": (lambda w: w.registry("quay.io", "kubernetesui/dashboard"), set()),
    "Latest tag": (lambda w: setattr(w.image.name, "tag", "latest"), set()),
    "Log4Shell: log4j Remote Code Execution vulnerability": (lambda w: w.vuln("CVE-2021-45046"), set()),
    "Mount Container Runtime Socket": (
        lambda w: w.volume("/run/crio/crio.sock"),
        set(),
    ),
    "Mounting Sensitive Host Directories": (lambda w: w.volume("/etc/ssl"), set()),
    "No CPU request or memory limit specified": (
        lambda w: setattr(w.container.resources, "memory_mb_limit", 0),
        set(),
    ),
    "Pod Service Account Token Automatically Mounted": (
        lambda w: w.with_default_token(),
        set(),
    ),
    _PRIVILEGED: (lambda w: _set(w, "c", "privileged", True), set()),
    "Privileged Containers with Important and Critical Fixable CVEs": (
        lambda w: w.privileged().vuln(fixed="2", severity=4),
        {_PRIVILEGED, "Fixable Severity at least Important"},
    ),
    "Rapid Reset: Denial of Service Vulnerability in HTTP/2 Protocol": (
        lambda w: w.vuln("CVE-2023-44487", severity=3),
        set(),
    ),
    _RED_HAT: (lambda w: w.registry("registry.redhat.io", "ubi9"), set()),
    "Red Hat Package Manager in Image": (lambda w: w.component("microdnf"), set()),
    "Required Annotation: Email": (lambda w: w.deployment.annotations.pop("email"), set()),
    "Required Annotation: Owner/Team": (lambda w: w.deployment.annotations.pop("owner"), set()),
    "Required Image Label": (lambda w: w.image.metadata.v1.labels.pop("required-label"), set()),
    "Required Label: Owner/Team": (lambda w: w.deployment.labels.pop("owner"), set()),
    "Secret Mounted as Environment Variable": (lambda w: w.env("KEY", _ENV.SECRET_KEY), set()),
    "Secure Shell (ssh) Port Exposed": (lambda w: w.port(22), set()),
    "Secure Shell (ssh) Port Exposed in Image": (lambda w: w.line("EXPOSE", "22/tcp"), set()),
    "Spring4Shell (Spring Framework Remote Code Execution) and Spring Cloud Function vulnerabilities": (
        lambda w: w.vuln("CVE-2022-22965"),
        set(),
    ),
    "Ubuntu Package Manager in Image": (lambda w: w.component("dpkg"), set()),
    "Wget in Image": (lambda w: w.component("wget"), set()),
}

_JAVA_SHELL = "Shell Spawned by Java Application"
_USERS = {"Linux User Add Execution", "Password Binaries", "Shadow File Modification"}
_GROUPS = {"Linux Group Add Execution", "Password Binaries", "Shadow File Modification"}
_SSH = {"Secure Shell Server (sshd) Execution", "SetUID Processes"}
_SYSTEMD = {"systemd Execution", "Login Binaries"}
_TOOLS = {"Iptables or nftables Executed in Privileged Container", "iptables Execution", "Process with UID 0"}

# Name, arguments, user, ancestor of a process, and all policies that it violates.
PROCESSES: dict[str, tuple[str, str, int, str, set[str]]] = {
    "Alpine Linux Package Manager Execution": ("apk", "", 1, "", set()),
    "chkconfig Execution": ("chkconfig", "", 1, "", set()),
    "Compiler Tool Execution": ("gcc", "", 1, "", set()),
    "crontab Execution": ("cron", "", 1, "", set()),
    "Cryptocurrency Mining Process Execution": ("xmrig", "", 1, "", set()),
    "iptables Execution": ("iptables", "", 1, "", set()),
    "Linux Group Add Execution": ("groupadd", "", 1, "", _GROUPS),
    "Linux User Add Execution": ("useradd", "", 1, "", _USERS),
    "Login Binaries": ("su", "", 1, "", set()),
    "Netcat Execution Detected": ("nc", "", 1, "", set()),
    "Network Management Execution": ("ip", "", 1, "", set()),
    "nmap Execution": ("nmap", "", 1, "", set()),
    "Password Binaries": ("passwd", "", 1, "", set()),
    "Process Targeting Cluster Kubelet Endpoint": ("x", "http://10.0.0.1:10250", 1, "", set()),
    "Process Targeting Cluster Kubernetes Docker Stats Endpoint": ("x", "10.0.0.1:4194/", 1, "", set()),
    "Process Targeting Kubernetes Service Endpoint": ("x", "https://10.0.0.1/api/v1/secrets", 1, "", set()),
    "Process with UID 0": ("x", "", 0, "", set()),
    "Red Hat Package Manager Execution": ("dnf", "", 1, "", set()),
    "Remote File Copy Binary Execution": ("scp", "", 1, "", set()),
    "Secure Shell Server (sshd) Execution": ("sshd", "", 1, "", _SSH),
    "SetUID Processes": ("ping", "", 1, "", set()),
    "Shadow File Modification": ("unix_chkpwd", "", 1, "", set()),
    "Shell Management": ("add-shell", "", 1, "", set()),
    _JAVA_SHELL: ("/bin/sh", "", 1, "/usr/bin/java", set()),
    "systemctl Execution": ("systemctl", "start x", 1, "", set()),
    "systemd Execution": ("systemd", "", 1, "", _SYSTEMD),
    "Ubuntu Package Manager Execution": ("apt-get", "", 1, "", set()),
}


def _everything() -> PolicySet:
    policies = defaults.load()
    for policy in policies:
        policy.disabled = False
    return PolicySet.of(policies)


_SET = _everything()


def _fired(subject: Subject) -> set[str]:
    detection = _SET.detect(subject, b.NOW)
    assert detection.problems == ()
    return {match.compiled.name for match in detection.matches}


def _quiet_process(work: Workload, name: str, args: str, uid: int, ancestor: str) -> ProcessSubject:
    process = b.process()
    process.signal.name, process.signal.args, process.signal.uid = name, args, uid
    process.signal.lineage_info[0].parent_exec_file_path = ancestor
    return ProcessSubject(work.on(), process)


def test_quiet_subjects_violate_nothing() -> None:
    work = Workload()
    assert _fired(work.on()) == set()
    assert _fired(ImageSubject(work.image)) == set()
    assert _fired(_quiet_process(work, "app", "--serve", 1000, "/bin/app")) == set()
    assert _fired(NetworkFlowSubject(work.on(), b.flow(unexpected=False))) == set()


@pytest.mark.parametrize("name", sorted(WORKLOADS))
def test_workload_made_for_a_policy_violates_it_alone(name: str) -> None:
    spoil, others = WORKLOADS[name]
    work = Workload()
    spoil(work)
    assert _fired(work.on()) == {name} | others


@pytest.mark.parametrize("name", sorted(PROCESSES))
def test_process_made_for_a_policy_violates_it_alone(name: str) -> None:
    process, args, uid, ancestor, others = PROCESSES[name]
    assert _fired(_quiet_process(Workload(), process, args, uid, ancestor)) == {name} | others


def test_iptables_by_root_in_a_privileged_container_violates_three_policies() -> None:
    work = Workload()
    work.container.security_context.privileged = True
    assert _fired(_quiet_process(work, "iptables", "", 0, "")) == _TOOLS


def test_process_outside_the_baseline_violates_its_policy() -> None:
    quiet = _quiet_process(Workload(), "app", "", 1000, "")
    assert _fired(ProcessSubject(quiet.on, quiet.process, not_in_baseline=True)) == {
        "Unauthorized Process Execution"
    }


def test_flow_outside_the_baseline_violates_its_policy() -> None:
    assert _fired(NetworkFlowSubject(Workload().on(), b.flow())) == {"Unauthorized Network Flow"}


def test_fixable_vulnerability_violates_the_build_policy() -> None:
    work = Workload()
    work.vuln(fixed="2")
    assert _fired(ImageSubject(work.image)) == {
        "Docker CIS 4.4: Ensure images are scanned and rebuilt to include security patches"
    }


@pytest.mark.parametrize(
    ("resource", "name"),
    [
        (KubernetesEvent.Object.PODS_EXEC, "Kubernetes Actions: Exec into Pod"),
        (KubernetesEvent.Object.PODS_ATTACH, "Kubernetes Actions: Attach to Pod"),
        (KubernetesEvent.Object.PODS_PORTFORWARD, "Kubernetes Actions: Port Forward to Pod"),
    ],
)
def test_request_on_a_pod_violates_its_policy(
    resource: KubernetesEvent.Object.Resource.ValueType, name: str
) -> None:
    event = b.exec_event()
    event.object.resource = resource
    assert _fired(KubeEventSubject(event, Workload().on())) == {name}


@pytest.mark.parametrize(
    ("secret", "impersonated", "name"),
    [
        ("central-htpasswd", False, "OpenShift: Central Admin Secret Accessed"),
        ("kubeadmin", False, "OpenShift: Kubeadmin Secret Accessed"),
        ("other", True, "OpenShift: Kubernetes Secret Accessed by an Impersonated User"),
    ],
)
def test_read_of_a_secret_violates_its_policy(secret: str, impersonated: bool, name: str) -> None:
    event = b.audit_event()
    event.object.name = secret
    if impersonated:
        event.impersonated_user.username = "bob"
    assert _fired(AuditEventSubject(event)) == {name}


def test_every_default_policy_has_an_object_here() -> None:
    covered = {
        *WORKLOADS,
        *PROCESSES,
        *_TOOLS,
        "Unauthorized Process Execution",
        "Unauthorized Network Flow",
        "Docker CIS 4.4: Ensure images are scanned and rebuilt to include security patches",
        "Kubernetes Actions: Exec into Pod",
        "Kubernetes Actions: Attach to Pod",
        "Kubernetes Actions: Port Forward to Pod",
        "OpenShift: Central Admin Secret Accessed",
        "OpenShift: Kubeadmin Secret Accessed",
        "OpenShift: Kubernetes Secret Accessed by an Impersonated User",
    }
    assert covered == {policy.policy.name for policy in _SET.policies}


def test_build_policies_fire_on_the_image_of_the_same_workload() -> None:
    for name, (spoil, _others) in WORKLOADS.items():
        compiled = next(one for one in _SET.policies if one.name == name)
        if compiled.has_stage(policy_pb2.BUILD):
            work = Workload()
            spoil(work)
            assert name in _fired(ImageSubject(work.image))
