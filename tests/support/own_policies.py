"""Forty policies of our own: every operator, negation, sections, scopes, exclusions, MITRE, stages.

Between them they use every criterion of the catalogue. Tests of import and export send
them around; tests of verdicts match them against generated workloads.
"""

from __future__ import annotations

from pyrox.pb.storage.deployment_pb2 import ContainerType
from pyrox.pb.storage.policy_pb2 import (
    AND,
    OR,
    EnforcementAction,
    EventSource,
    LifecycleStage,
    Policy,
    Severity,
)

CLUSTER = "6c7a0a4e-3d0c-4e22-9f0f-5a8a2f6b1d11"
"""The cluster that two of the policies are restricted to."""
SIGNER = "io.stackrox.signatureintegration.11111111-1111-4111-8111-111111111111"

B, D, R = LifecycleStage.BUILD, LifecycleStage.DEPLOY, LifecycleStage.RUNTIME
_DEPLOYMENT, _AUDIT, _NODE = (
    EventSource.DEPLOYMENT_EVENT,
    EventSource.AUDIT_LOG_EVENT,
    EventSource.NODE_EVENT,
)
Criterion = str
"""`Name = a | b` or `Name = a & b`; a leading `!` negates it."""


def _add(policy: Policy, section: list[Criterion]) -> None:
    made = policy.policy_sections.add(section_name=f"Section {len(policy.policy_sections)}")
    for text in section:
        name, _, values = text.partition(" = ")
        every = " & " in values
        group = made.policy_groups.add(
            field_name=name.removeprefix("!"),
            negate=name.startswith("!"),
            boolean_operator=AND if every else OR,
        )
        for value in values.split(" & " if every else " | "):
            group.values.add(value=value)


def _policy(
    number: int,
    name: str,
    *sections: list[Criterion],
    stages: tuple[LifecycleStage.ValueType, ...] = (D,),
    source: EventSource.ValueType = EventSource.NOT_APPLICABLE,
    actions: tuple[str, ...] = (),
) -> Policy:
    policy = Policy(
        id=f"00000000-0000-4000-9000-{number:012d}",
        name=f"Own {number:02d}: {name}",
        description=f"Number {number} of our own, about {name}.",
        rationale="Tests need it.\nIn two lines.",
        remediation='Mend "it", with ünïcode and <tags>.',
        policy_version="1.1",
        severity=Severity.ValueType(number % 4 + 1),
        categories=sorted({"Anomalous Activity", f"Own Category {number % 3}"}),
        lifecycle_stages=sorted(stages, key=LifecycleStage.Name),
        event_source=source,
        disabled=number % 10 == 9,
        enforcement_actions=[EnforcementAction.Value(f"{action}_ENFORCEMENT") for action in actions],
    )
    for section in sections:
        _add(policy, section)
    return policy


_SCALE, _CONSTRAINT = "SCALE_TO_ZERO", "UNSATISFIABLE_NODE_CONSTRAINT"


def _first() -> list[Policy]:
    return [
        _policy(
            1,
            "capabilities",
            ["Add Capabilities = NET_ADMIN | SYS_TIME"],
            ["Drop Capabilities = NET_RAW & CHOWN"],
        ),
        _policy(2, "privileges", ["Allow Privilege Escalation = true", "Privileged Container = false"]),
        _policy(
            3,
            "profiles",
            ["!AppArmor Profile = runtime/default"],
            ["!Seccomp Profile Type = RUNTIME_DEFAULT"],
        ),
        _policy(
            4, "tokens", ["Automount Service Account Token = true", "!Service Account = default | ci-.*"]
        ),
        _policy(5, "CVEs by name", ["CVE = CVE-2024-1.*"], ["!CVE = CVE-20.*"], stages=(B, D)),
        _policy(
            6,
            "scores",
            ["CVSS = >= 7", "NVD CVSS = > 8.5", "Severity = >= IMPORTANT"],
            stages=(B, D),
            actions=("FAIL_BUILD", _SCALE),
        ),
        _policy(7, "limits", ["Container CPU Limit = > 1 | 0", "Container Memory Limit = >= 512"]),
        _policy(8, "requests", ["Container CPU Request = < 0.25", "Container Memory Request = <= 64"]),
        _policy(9, "container names", ["!Container Name = web|db-.*"], actions=(_CONSTRAINT,)),
        _policy(
            10,
            "old CVEs",
            ["Days Since CVE Was Published = 180", "Days Since CVE Fix Was Available = 90"],
            stages=(B, D),
        ),
    ]


def _second() -> list[Policy]:
    return [
        _policy(
            11,
            "CVEs found long ago",
            ["Days Since CVE Was First Discovered In Image = 30"],
            ["Days Since CVE Was First Discovered In System = 60"],
            stages=(B, D),
        ),
        _policy(
            12,
            "annotations",
            ["Disallowed Annotation = team=r.* | contact="],
            ["Required Annotation = email=.+@.+"],
        ),
        _policy(13, "labels", ["Required Label = app=.* & tier=.*"]),
        _policy(
            14,
            "image labels",
            ["Disallowed Image Label = stage=(dev|test)"],
            ["Required Image Label = maintainer=.+ | vendor=.+"],
            stages=(B, D),
        ),
        _policy(15, "Dockerfile", ["Dockerfile Line = RUN=.*curl.* | ADD=http.* | =.*sudo.*"], stages=(B, D)),
        _policy(16, "variables", ["Environment Variable = RAW=.*TOKEN.*= | SECRET_KEY=.*=.* | ==changeme"]),
        _policy(17, "node ports", ["Exposed Node Port = > 30000 & < 30500"], actions=(_SCALE, _CONSTRAINT)),
        _policy(18, "ports", ["!Exposed Port = 80 | 443 | 8443", "Exposed Port Protocol = tcp"]),
        _policy(19, "fixes", ["Fixable = true", "Fixed By = .*"], ["Fixable = false"], stages=(B, D)),
        _policy(20, "host namespaces", ["Host IPC = true"], ["Host Network = true", "Host PID = true"]),
        _policy(21, "image age", ["Image Age = 100", "Image Scan Age = 20"], stages=(B, D)),
        _policy(
            22,
            "components",
            ["Image Component = openssl=1\\..* | log4j.*=", "!Image OS = alpine:.*"],
            stages=(B, D),
        ),
        _policy(
            23,
            "image names",
            ["!Image Registry = quay.io|docker.io", "Image Remote = .*/.*"],
            ["Image Tag = latest | ^$"],
            stages=(B, D),
        ),
    ]


def _third() -> list[Policy]:
    return [
        _policy(24, "signatures", [f"Image Signature Verified By = {SIGNER}"], stages=(B, D)),
        _policy(25, "users", ["Image User = root | 0 | ^$"], stages=(B, D)),
        _policy(26, "probes", ["Liveness Probe Defined = false", "Readiness Probe Defined = false"]),
        _policy(
            27,
            "permissions",
            ["!Minimum RBAC Permissions = ELEVATED_CLUSTER_WIDE"],
            ["Minimum RBAC Permissions = CLUSTER_ADMIN"],
        ),
        _policy(
            28,
            "volumes",
            ["Mount Propagation = BIDIRECTIONAL | HOSTTOCONTAINER"],
            ["Volume Destination = /etc/.*", "Volume Name = .*", "!Volume Type = ConfigMap|Secret"],
        ),
        _policy(29, "namespaces", ["!Namespace = shop|data", "Replicas = > 2", "!Runtime Class = gvisor"]),
        _policy(
            30, "exposure", ["Port Exposure Method = EXTERNAL | NODE"], ["!Port Exposure Method = INTERNAL"]
        ),
        _policy(
            31,
            "host mounts",
            ["Writable Host Mount = true", "Volume Source = /var/.*|/etc"],
            ["Writable Mounted Volume = false", "Read-Only Root Filesystem = false"],
        ),
        _policy(32, "unscanned", ["Unscanned Image = true", "Namespace = shop | prod"]),
        _policy(
            33,
            "network policies",
            ["Has Ingress Network Policy = false"],
            ["!Has Egress Network Policy = true", "Has Ingress Network Policy = true"],
        ),
    ]


def _at_run_time() -> list[Policy]:
    kill, fail = ("KILL_POD",), ("FAIL_KUBE_REQUEST",)
    return [
        _policy(
            34,
            "processes",
            [
                "Process Name = nc|ncat",
                "Process Arguments = -e|-l",
                "!Process UID = 0",
                "Process Ancestor = .*/java",
            ],
            ["Unexpected Process Executed = true", "Privileged Container = true"],
            stages=(R,),
            source=_DEPLOYMENT,
            actions=kill,
        ),
        _policy(
            35,
            "files",
            ["File Path = /etc/*.conf | /root/**", "File Operation = CREATE | UNLINK"],
            stages=(R,),
            source=_DEPLOYMENT,
        ),
        _policy(
            36,
            "requests on pods",
            [
                "Kubernetes Resource = PODS_EXEC | PODS_ATTACH",
                "!Kubernetes User Name = admin | system:serviceaccount:ops",
                "Kubernetes User Groups = system:authenticated",
            ],
            stages=(R,),
            source=_DEPLOYMENT,
            actions=fail,
        ),
        _policy(
            37,
            "flows",
            ["Unexpected Network Flow Detected = true", "Namespace = prod"],
            stages=(R,),
            source=_DEPLOYMENT,
        ),
        _policy(
            38,
            "audit",
            [
                "Kubernetes Resource = SECRETS | CONFIGMAPS",
                "Kubernetes API Verb = GET | DELETE",
                "Is Impersonated User = true",
                "!User Agent = kubectl",
                "!Source IP Address = 10.0.0.1",
                "Kubernetes Resource Name = admin",
            ],
            stages=(R,),
            source=_AUDIT,
        ),
        _policy(
            39,
            "files of nodes",
            ["File Path = /etc/shadow", "!File Operation = OPEN"],
            stages=(R,),
            source=_NODE,
        ),
        _policy(40, "everything restricted", ["Privileged Container = true"], actions=("SCALE_TO_ZERO",)),
    ]


def own_policies() -> list[Policy]:
    """All forty, in the order of their ids."""
    made = [*_first(), *_second(), *_third(), *_at_run_time()]
    by_number = {int(policy.id[-12:]): policy for policy in made}
    _restrict(by_number)
    _exclude(by_number)
    for number, policy in by_number.items():
        if number % 5 == 0 and policy.event_source != _NODE:
            policy.mitre_attack_vectors.add(tactic="TA0004", techniques=["T1611", "T1548"])
            policy.mitre_attack_vectors.add(tactic="TA0005", techniques=["T1610"])
    by_number[2].evaluation_filter.skip_container_types.append(ContainerType.INIT)
    return made


def _restrict(policies: dict[int, Policy]) -> None:
    policies[7].scope.add(namespace="shop|prod")
    label = policies[8].scope.add().label
    label.key, label.value = "tier", "back.*"
    by_cluster = policies[12].scope.add().cluster_label
    by_cluster.key, by_cluster.value = "env", "prod|stage"
    policies[13].scope.add().namespace_label.key = "team"
    policies[26].scope.add(namespace="data")
    both = policies[26].scope.add(namespace="prod")
    both.label.key = "app"
    policies[40].scope.add(cluster=CLUSTER, namespace="p.*")
    policies[40].scope.add().cluster_label.key = "nosuch"


def _exclude(policies: dict[int, Policy]) -> None:
    named = policies[4].exclusions.add(name="not the web")
    named.deployment.name = "web-.*"
    policies[5].exclusions.add(name="images of ours").image.name = "quay.io/acme/"
    place = policies[20].exclusions.add(name="operations")
    place.deployment.scope.namespace = "ops"
    place.expiration.seconds = 4_102_444_800  # 2100: still valid in all tests
    over = policies[29].exclusions.add(name="it was once")
    over.deployment.name = ".*"
    over.expiration.seconds = 1_500_000_000
    labelled = policies[31].exclusions.add(name="by label").deployment
    labelled.scope.label.key, labelled.scope.label.value = "tier", "front"
    elsewhere = policies[40].exclusions.add(name="one there").deployment
    elsewhere.name, elsewhere.scope.cluster = "web-1", CLUSTER
