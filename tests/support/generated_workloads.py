"""Workloads as a cluster has them, from a seed: broad, valid, and different each time.

A scene is one workload with what is around it: images with scans, services, permissions,
network policies, labels of its namespace. Tests give the same scene to several processes.
"""

from __future__ import annotations

import hashlib
import random
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pyrox.pb.storage.cve_pb2 import VulnerabilitySeverity, VulnerabilityState
from pyrox.pb.storage.image_pb2 import Image, ImageLayer, ImageSignatureVerificationResult
from pyrox.pb.storage.vulnerability_pb2 import EmbeddedVulnerability
from pyrox.workload.images import parse_image
from tests.support.own_policies import SIGNER

Json = dict[str, Any]
T = TypeVar("T")
NAMESPACES = {
    "shop": {"team": "red"},
    "prod": {"team": "blue", "stage": "prod"},
    "data": {},
    "ops": {"team": ""},
}
"""Namespaces with their labels."""
KINDS = (
    "Deployment",
    "DaemonSet",
    "StatefulSet",
    "ReplicaSet",
    "ReplicationController",
    "Job",
    "CronJob",
    "Pod",
)
_API = {"ReplicationController": "v1", "Pod": "v1", "Job": "batch/v1", "CronJob": "batch/v1"}
_REPOSITORIES = (
    "nginx", "busybox", "quay.io/acme/web", "quay.io/acme/db", "gcr.io/team/app", "localhost:5000/own/tool",
    "registry.example.com:5000/a/b/c", "kubernetesui/dashboard", "registry.redhat.io/ubi9/ubi",
)  # fmt: skip
_TAGS = ("", ":latest", ":1.25", ":v2.0.1-alpine", "@sha256:" + "ab" * 32, ":1.0@sha256:" + "cd" * 32)
_CAPABILITIES = ("SYS_ADMIN", "NET_ADMIN", "NET_RAW", "CHOWN", "ALL", "SYS_TIME", "KILL")
_SOURCES = ("/var/run/docker.sock", "/etc/kubernetes", "/data", "/proc", "/var/log", "/")
_COMPONENTS = ("openssl", "curl", "bash", "log4j-core", "apt", "dnf", "zlib", "wget", "apk-tools", "musl")
_LINES = (
    ("RUN", "/bin/sh -c apt-get update && apt-get install -y curl"),
    ("RUN", "apk update"),
    ("ADD", "http://example.com/a.tgz /"),
    ("CMD", '["serve" "--insecure"]'),
    ("VOLUME", "[/run/secrets]"),
    ("EXPOSE", "22/tcp"),
    ("USER", "root"),
    ("copy", "dir:aaaa in /srv"),
    ("ENTRYPOINT", "line one\nline two"),
)


@dataclass(frozen=True, slots=True)
class Scene:
    """A workload and its world."""

    workload: Json
    images: dict[str, Image] = field(default_factory=dict)
    """What a scanner says, by the full name of the image; a name that is missing cannot be scanned."""
    network_policies: tuple[Json, ...] = ()
    services: tuple[Json, ...] = ()
    permissions: tuple[Json, ...] = ()

    @property
    def name(self) -> str:
        """The workload's name."""
        return str(self.workload["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """The workload's namespace."""
        return str(self.workload["metadata"]["namespace"])


class Scenes:
    """An endless line of scenes."""

    def __init__(self, seed: int, *, now: datetime) -> None:
        self._chance = random.Random(seed)
        self._now = now
        self._number = 0

    def __iter__(self) -> Iterator[Scene]:
        while True:
            self._number += 1
            yield self._scene()

    # --- chance ------------------------------------------------------------------------

    def _if(self, share: float) -> bool:
        return self._chance.random() < share

    def _one(self, choices: Sequence[T]) -> T:
        return self._chance.choice(choices)

    def _some(self, choices: Sequence[T], most: int) -> list[T]:
        return self._chance.sample(choices, self._chance.randint(0, min(most, len(choices))))

    def _word(self) -> str:
        return "".join(self._chance.choices(string.ascii_lowercase, k=self._chance.randint(1, 8)))

    # --- the workload ------------------------------------------------------------------

    def _scene(self) -> Scene:
        kind, namespace = self._one(KINDS), self._one(list(NAMESPACES))
        labels = self._labels()
        spec = self._pod_spec()
        workload = {
            "apiVersion": _API.get(kind, "apps/v1"),
            "kind": kind,
            "metadata": self._metadata(namespace, labels),
            "spec": self._spec(kind, labels, spec),
        }
        account = spec.get("serviceAccountName", "default")
        names = [one["image"] for part in ("initContainers", "containers") for one in spec.get(part, ())]
        return Scene(
            workload,
            {parse_image(name).name.full_name: self._image(name) for name in names if self._if(0.85)},
            tuple(self._network_policy(namespace, labels) for _ in range(self._chance.randint(0, 3))),
            tuple(self._service(namespace, labels) for _ in range(self._chance.randint(0, 2))),
            tuple(self._permissions(namespace, account)) if self._if(0.5) else (),
        )

    def _labels(self) -> dict[str, str]:
        labels = {"app": self._one(("web", "db", "cart"))} if self._if(0.9) else {}
        if self._if(0.5):
            labels["tier"] = self._one(("front", "back", "backend"))
        return labels | {self._word(): self._word() for _ in range(self._chance.randint(0, 2))}

    def _metadata(self, namespace: str, labels: Json) -> Json:
        annotations = {
            "email": "team@example.com",
            "team": self._one(("red", "blue")),
            "contact": "",
            "admission.stackrox.io/break-glass": "ticket-1",
            "container.apparmor.security.beta.kubernetes.io/init": self._one(
                ("unconfined", "runtime/default")
            ),
        }
        owner = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "name": "owner",
            "uid": "u",
            "controller": True,
        }
        return {
            "ownerReferences": [owner] if self._if(0.02) else [],
            "name": f"{self._one(('web', 'db', 'job'))}-{self._number}",
            "namespace": namespace,
            "uid": f"00000000-0000-4000-8000-{self._number:012d}",
            "labels": labels,
            "annotations": {key: annotations[key] for key in self._some(sorted(annotations), 3)},
        }

    def _spec(self, kind: str, labels: Json, pod: Json) -> Json:
        template = {"metadata": {"labels": labels}, "spec": pod}
        selector: Json = labels if kind == "ReplicationController" else {"matchLabels": labels}
        match kind:
            case "Pod":
                return pod
            case "CronJob":
                return {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": template}}}
            case "Job" | "DaemonSet":
                return {"selector": selector, "template": template}
        return {"replicas": self._one((0, 1, 3, 5)), "selector": selector, "template": template}

    def _pod_spec(self) -> Json:
        spec: Json = {"containers": [self._container(at) for at in range(self._chance.randint(1, 3))]}
        if self._if(0.25):
            spec["initContainers"] = [{**self._container(9), "name": "init"}]
        for name in ("hostNetwork", "hostPID", "hostIPC"):
            if self._if(0.15):
                spec[name] = True
        if self._if(0.5):
            spec["serviceAccountName"] = self._one(("default", "ci-bot", "deployer"))
        if self._if(0.5):
            spec["automountServiceAccountToken"] = self._if(0.5)
        if self._if(0.15):
            spec["runtimeClassName"] = self._one(("gvisor", "kata"))
        volumes = [volume for one in spec["containers"] for volume in one.pop("_volumes")]
        for one in spec.get("initContainers", ()):
            volumes += one.pop("_volumes")
        if volumes:
            spec["volumes"] = list({volume["name"]: volume for volume in volumes}.values())
        if self._if(0.1):
            spec["securityContext"] = {
                "seccompProfile": {"type": self._one(("Unconfined", "RuntimeDefault"))}
            }
        return spec

    def _container(self, number: int) -> Json:
        mounts, volumes = self._mounts()
        made: Json = {
            "name": f"{self._one(('web', 'db-main', 'side'))}-{number}",
            "image": self._one(_REPOSITORIES) + self._one(_TAGS),
            "volumeMounts": mounts,
            "_volumes": volumes,
        }
        if self._if(0.7):
            made["securityContext"] = self._security()
        if self._if(0.5):
            made["env"] = [self._variable() for _ in range(self._chance.randint(1, 3))]
        if self._if(0.6):
            made["resources"] = self._resources()
        if self._if(0.6):
            made["ports"] = [self._port() for _ in range(self._chance.randint(1, 2))]
        for probe in ("livenessProbe", "readinessProbe"):
            if self._if(0.4):
                made[probe] = {"tcpSocket": {"port": 80}}
        return made

    def _security(self) -> Json:
        context: Json = {}
        for name in ("privileged", "allowPrivilegeEscalation", "readOnlyRootFilesystem"):
            if self._if(0.4):
                context[name] = self._if(0.5)
        if self._if(0.5):
            context["capabilities"] = {
                "add": self._some(_CAPABILITIES, 2),
                "drop": self._some(_CAPABILITIES, 3),
            }
        if self._if(0.3):
            kind = self._one(("Unconfined", "RuntimeDefault", "Localhost"))
            context["seccompProfile"] = {"type": kind, "localhostProfile": "a.json"}
        if self._if(0.2):
            context["appArmorProfile"] = {"type": self._one(("Unconfined", "RuntimeDefault"))}
        return context

    def _variable(self) -> Json:
        name = self._one(("DB_PASSWORD", "API_TOKEN", "MODE", "AWS_SECRET_ACCESS_KEY"))
        source: Json = self._one(
            (
                {"secretKeyRef": {"name": "s", "key": "k"}},
                {"configMapKeyRef": {"name": "c", "key": "k"}},
                {"fieldRef": {"fieldPath": "metadata.name"}},
                {"resourceFieldRef": {"resource": "limits.cpu"}},
            )
        )
        return {"name": name, "valueFrom": source} if self._if(0.4) else {"name": name, "value": "changeme"}

    def _resources(self) -> Json:
        cpu, memory = ("100m", "0.5", "2", "1500m"), ("64Mi", "512M", "1Gi", "100000Ki")
        return {
            part: {"cpu": self._one(cpu), "memory": self._one(memory)}
            for part in self._some(("limits", "requests"), 2)
        }

    def _port(self) -> Json:
        port: Json = {
            "containerPort": self._one((22, 80, 443, 8080, 9090)),
            "protocol": self._one(("TCP", "UDP")),
        }
        if self._if(0.15):
            port["hostPort"] = self._one((80, 31000))
        if self._if(0.4):
            port["name"] = self._one(("http", "metrics"))
        return port

    def _mounts(self) -> tuple[list[Json], list[Json]]:
        mounts, volumes = [], []
        for at in range(self._chance.randint(0, 2)):
            name = f"{self._one(('data', 'sock', 'conf'))}{self._number}{at}"
            mount: Json = {"name": name, "mountPath": self._one(("/etc/app", "/data", "/sock"))}
            if self._if(0.4):
                mount["readOnly"] = self._if(0.7)
            if self._if(0.2):
                mount["mountPropagation"] = self._one(("Bidirectional", "HostToContainer", "None"))
            mounts.append(mount)
            volumes.append({"name": name, **self._volume()})
        return mounts, volumes

    def _volume(self) -> Json:
        choices: tuple[Json, ...] = (
            {"hostPath": {"path": self._one(_SOURCES)}},
            {"emptyDir": {}},
            {"secret": {"secretName": "tls"}},
            {"configMap": {"name": "conf"}},
            {"persistentVolumeClaim": {"claimName": "claim"}},
            {"nfs": {"server": "nfs", "path": "/export"}},
        )
        return self._one(choices)

    # --- what is around it -------------------------------------------------------------

    def _network_policy(self, namespace: str, labels: Json) -> Json:
        kinds = self._one((["Ingress"], ["Egress"], ["Ingress", "Egress"]))
        matching: Json = self._one(({}, {"matchLabels": labels}, {"matchLabels": {"app": "other"}}))
        number = self._chance.randrange(10**9)
        return {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": f"np-{number}", "namespace": namespace, "uid": f"np-{number}"},
            "spec": {"podSelector": matching, "policyTypes": kinds},
        }

    def _service(self, namespace: str, labels: Json) -> Json:
        kind = self._one(("ClusterIP", "NodePort", "LoadBalancer"))
        port: Json = {"port": 80, "targetPort": self._one((80, 8080, "http")), "protocol": "TCP"}
        if kind != "ClusterIP":
            port["nodePort"] = self._one((30080, 30700))
        number = self._chance.randrange(10**9)
        return {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": f"svc-{number}", "namespace": namespace, "uid": f"svc-{number}"},
            "spec": {"type": kind, "selector": labels, "ports": [port]},
        }

    def _permissions(self, namespace: str, account: str) -> Iterator[Json]:
        rule = self._one(
            (
                {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
                {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},
                {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create", "get"]},
            )
        )
        wide = self._if(0.5)
        prefix = "Cluster" if wide else ""
        place = {} if wide else {"namespace": namespace}
        number = self._chance.randrange(10**9)
        for kind in (f"{prefix}Role", f"{prefix}RoleBinding"):
            made: Json = {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": kind,
                "metadata": {"name": f"r-{number}", "uid": f"{kind}-{number}", **place},
            }
            if kind.endswith("Binding"):
                made["roleRef"] = {"kind": f"{prefix}Role", "name": f"r-{number}"}
                made["subjects"] = [{"kind": "ServiceAccount", "name": account, "namespace": namespace}]
            else:
                made["rules"] = [rule]
            yield made

    # --- images ------------------------------------------------------------------------

    def _image(self, name: str) -> Image:
        named = parse_image(name)
        # Whoever scans an image learns its digest.
        digest = named.id or f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"
        image = Image(id=digest, name=named.name, names=[named.name])
        if self._if(0.85):
            self._add_metadata(image)
        if self._if(0.85):
            self._add_scan(image)
        if self._if(0.3):
            image.signature_verification_data.results.add(
                verifier_id=self._one((SIGNER, SIGNER.replace("1", "2"))),
                status=self._one(
                    (
                        ImageSignatureVerificationResult.VERIFIED,
                        ImageSignatureVerificationResult.FAILED_VERIFICATION,
                    )
                ),
                verified_image_references=[named.name.full_name],
            )
        return image

    def _ago(self, days: int) -> datetime:
        return self._now - timedelta(
            days=self._chance.randint(0, days), seconds=self._chance.randint(0, 86_000)
        )

    def _add_metadata(self, image: Image) -> None:
        config = image.metadata.v1
        config.user = self._one(("", "root", "0", "1000"))
        config.created.FromDatetime(self._ago(200))
        for key in self._some(("maintainer", "stage", "vendor", "required-label"), 3):
            config.labels[key] = self._one(("dev", "prod", "", "me"))
        config.layers.extend(
            ImageLayer(instruction=word, value=value) for word, value in self._some(_LINES, 5)
        )

    def _add_scan(self, image: Image) -> None:
        image.scan.scan_time.FromDatetime(self._ago(60))
        image.scan.operating_system = self._one(("debian:12", "alpine:v3.19", "rhel:9", ""))
        for name in self._some(_COMPONENTS, 6):
            component = image.scan.components.add(name=name, version=self._one(("1.1.1", "3.0", "")))
            component.vulns.extend(self._vuln() for _ in range(self._chance.randint(0, 3)))

    def _vuln(self) -> EmbeddedVulnerability:
        cve = self._one(
            (
                "CVE-2024-1086",
                "CVE-2024-9",
                "CVE-2021-44228",
                "CVE-2017-5638",
                "CVE-2022-22965",
                "CVE-2023-44487",
                "RHSA-2024:1",
            )
        )
        vuln = EmbeddedVulnerability(
            cve=cve,
            cvss=self._one((0.0, 4.3, 7.0, 7.1, 9.8)),
            nvd_cvss=self._one((0.0, 8.5, 8.6, 10.0)),
            severity=VulnerabilitySeverity.ValueType(self._chance.randint(0, 4)),
            suppressed=self._if(0.05),
            state=VulnerabilityState.DEFERRED if self._if(0.05) else VulnerabilityState.OBSERVED,
        )
        if self._if(0.8):
            vuln.fixed_by = self._one(("", "2.0", "3.1-r0"))
        for stamp in (
            "published_on",
            "fix_available_timestamp",
            "first_image_occurrence",
            "first_system_occurrence",
        ):
            if self._if(0.7):
                getattr(vuln, stamp).FromDatetime(self._ago(400))
        return vuln
