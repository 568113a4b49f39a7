"""The objects that the simulated cluster starts with, from `world.toml`.

Every object carries the label `simulated`, so that nobody takes one for real. Pure: it
makes objects and stores nothing.
"""

from __future__ import annotations

import base64
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pyrox.k8s import kinds
from pyrox.k8s.kinds import Kind
from services.local.simulated import patches
from services.local.simulated.resources import WEBHOOKS
from services.local.simulated.store import Json

SOURCE = Path(__file__).parent / "world.toml"
LABEL = {"pyrox.local/simulated": "true"}
# Everything is a little older than the first look at it.
CREATED = "2026-09-01T08:00:00Z"
_KINDS = {
    kind.name: kind
    for kind in (
        kinds.DEPLOYMENT,
        kinds.STATEFUL_SET,
        kinds.DAEMON_SET,
        kinds.REPLICA_SET,
        kinds.REPLICATION_CONTROLLER,
        kinds.CRON_JOB,
        kinds.JOB,
        kinds.POD,
    )
}
_SYSTEM_NAMESPACES = ["kube-system", "kube-public", "istio-system", "stackrox"]
_EVERYTHING = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
_READ = {"apiGroups": ["", "apps", "batch"], "resources": ["*"], "verbs": ["get", "list", "watch"]}
_WRITE = {**_READ, "verbs": ["get", "list", "watch", "create", "update", "patch", "delete"]}
_CLUSTER_ROLES = {"cluster-admin": _EVERYTHING, "edit": _WRITE, "view": _READ}
# Images that the load generator hands out in turn.
_LOAD_IMAGES = (
    "shop/frontend:1.4.2",
    "shop/cart:latest",
    "shop/checkout:2.0.1",
    "edge/nginx:1.21",
    "data/redis:6.2",
)
LOAD_NAMESPACE = "load"


class World:
    """Makes the objects for one registry address."""

    def __init__(self, *, registry: str, source: Path = SOURCE) -> None:
        self._registry = registry
        self._data: dict[str, Any] = tomllib.loads(source.read_text(encoding="utf-8"))

    def objects(self, *, deployments: int = 0) -> Iterator[tuple[Kind, Json]]:
        """Everything, namespaces and nodes first; workloads last, since their controllers act at once."""
        yield from self._basics()
        yield from self._accounts()
        yield from self._secrets()
        for row in self._data["workload"]:
            if "service" in row:
                yield kinds.SERVICE, _service(row)
        for row in self._data["network_policy"]:
            yield kinds.NETWORK_POLICY, _network_policy(row)
        for row in self._data["workload"]:
            yield _KINDS[row["kind"]], self._workload(row)
        yield from self._load(deployments)

    def _basics(self) -> Iterator[tuple[Kind, Json]]:
        for index, name in enumerate(self._data["nodes"]):
            yield kinds.NODE, _node(name, index)
        for name, labels in self._data["namespaces"].items():
            made = {"kubernetes.io/metadata.name": name, **labels}
            yield kinds.NAMESPACE, {"metadata": _metadata(name, "", made), "status": {"phase": "Active"}}
        for name, rule in _CLUSTER_ROLES.items():
            yield kinds.CLUSTER_ROLE, {"metadata": _metadata(name), "rules": [rule]}

    def _accounts(self) -> Iterator[tuple[Kind, Json]]:
        wanted = {(name, "default") for name in self._data["namespaces"]}
        wanted |= {(row["namespace"], row["account"]) for row in self._data["workload"] if "account" in row}
        for namespace, name in sorted(wanted):
            yield kinds.SERVICE_ACCOUNT, {"metadata": _metadata(name, namespace)}
        for row in self._data["grant"]:
            yield _binding(row)

    def _secrets(self) -> Iterator[tuple[Kind, Json]]:
        for row in self._data["workload"]:
            if "secret" in row:
                content = base64.b64encode(b"not a real secret").decode()
                yield (
                    kinds.SECRET,
                    {
                        "metadata": _metadata(row["secret"], row["namespace"]),
                        "type": "Opaque",
                        "data": {"value": content},
                    },
                )

    def _workload(self, row: Mapping[str, Any]) -> Json:
        app = {"app": row["name"]}
        labels = {**LABEL, **app, **row.get("labels", {})}
        metadata = _metadata(row["name"], row["namespace"], labels)
        metadata["annotations"] = dict(row.get("annotations", {}))
        spec = self._pod_spec(row)
        template = {"metadata": {"labels": {**app, **row.get("labels", {})}}, "spec": spec}
        match row["kind"]:
            case "Pod":
                return {"metadata": metadata, "spec": spec}
            case "Job":
                return {"metadata": metadata, "spec": {"template": template}}
            case "CronJob":
                job = {"metadata": {"labels": app}, "spec": {"template": template}}
                return {"metadata": metadata, "spec": {"schedule": "0 3 * * *", "jobTemplate": job}}
            case "ReplicationController":
                selector: Json = app
            case _:
                selector = {"matchLabels": app}
        body: Json = {"selector": selector, "template": template}
        if row["kind"] != "DaemonSet":
            body["replicas"] = row.get("replicas", 1)
        return {"metadata": metadata, "spec": body}

    def _pod_spec(self, row: Mapping[str, Any]) -> Json:
        container: Json = {
            "name": row["name"],
            "image": f"{self._registry}/{row['image']}",
            "ports": [{"containerPort": port, "protocol": "TCP"} for port in row.get("ports", [])],
            "env": [{"name": name, "value": value} for name, value in row.get("env", {}).items()],
        }
        if "host_port" in row:
            container["ports"][0]["hostPort"] = row["host_port"]
        volumes: list[Json] = []
        mounts: list[Json] = []
        if "host_path" in row:
            volumes.append({"name": "host", "hostPath": {"path": row["host_path"]}})
            mounts.append({"name": "host", "mountPath": f"/host{row['host_path']}".rstrip("/")})
        if "secret" in row:
            volumes.append({"name": "secret", "secret": {"secretName": row["secret"]}})
            mounts.append({"name": "secret", "mountPath": "/run/secrets/app", "readOnly": True})
        container["volumeMounts"] = mounts
        spec: Json = {
            "containers": [patches.merge(container, row.get("container", {}))],
            "volumes": volumes,
            "serviceAccountName": row.get("account", "default"),
        }
        return patches.merge(spec, row.get("pod", {}))  # type: ignore[no-any-return]  # both are objects

    def _load(self, count: int) -> Iterator[tuple[Kind, Json]]:
        """So many more deployments of one pod each, for tests of scale."""
        if count:
            yield kinds.NAMESPACE, {"metadata": _metadata(LOAD_NAMESPACE), "status": {"phase": "Active"}}
        for index in range(count):
            row = {
                "kind": "Deployment",
                "namespace": LOAD_NAMESPACE,
                "name": f"load-{index:05d}",
                "image": _LOAD_IMAGES[index % len(_LOAD_IMAGES)],
            }
            yield kinds.DEPLOYMENT, self._workload(row)


def webhook_configuration(ca_pem: bytes) -> tuple[Kind, Json]:
    """What upstream's chart registers for Admission, with the service CA."""
    workloads = (
        "pods", "deployments", "deployments/scale", "replicasets", "replicationcontrollers",
        "statefulsets", "daemonsets", "cronjobs", "jobs",
    )  # fmt: skip
    events = ("pods", "pods/exec", "pods/portforward", "pods/attach")
    selector = {
        "matchExpressions": [
            {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": _SYSTEM_NAMESPACES}
        ]
    }
    policies = {
        **_hook("policyeval.stackrox.io", "/validate", ("CREATE", "UPDATE"), workloads, ca_pem),
        "namespaceSelector": selector,
    }
    return WEBHOOKS, {
        "metadata": _metadata("stackrox"),
        "webhooks": [policies, _hook("k8sevents.stackrox.io", "/events", ("CONNECT",), events, ca_pem)],
    }


def _hook(
    name: str, path: str, operations: tuple[str, ...], resources: tuple[str, ...], ca_pem: bytes
) -> Json:
    return {
        "name": name,
        "sideEffects": "NoneOnDryRun",
        "admissionReviewVersions": ["v1", "v1beta1"],
        "failurePolicy": "Ignore",
        "timeoutSeconds": 12,
        "rules": [
            {
                "operations": list(operations),
                "apiGroups": ["*"],
                "apiVersions": ["*"],
                "resources": list(resources),
            }
        ],
        "clientConfig": {
            "caBundle": base64.b64encode(ca_pem).decode(),
            "service": {"namespace": "stackrox", "name": "admission-control", "path": path},
        },
    }


def _metadata(name: str, namespace: str = "", labels: Mapping[str, str] = LABEL) -> Json:
    metadata: Json = {"name": name, "labels": {**LABEL, **labels}, "creationTimestamp": CREATED}
    return {**metadata, "namespace": namespace} if namespace else metadata


def _node(name: str, index: int) -> Json:
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}
    return {
        "metadata": _metadata(name, "", labels),
        "spec": {"podCIDR": f"10.244.{index}.0/24"},
        "status": {
            "addresses": [{"type": "InternalIP", "address": f"10.0.0.{index + 10}"}],
            "nodeInfo": {
                "osImage": "Simulated Linux",
                "kernelVersion": "6.0.0-simulated",
                "containerRuntimeVersion": "containerd://2.1.0",
                "kubeletVersion": "v1.33.0",
                "kubeProxyVersion": "v1.33.0",
                "operatingSystem": "linux",
                "architecture": "amd64",
            },
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def _service(row: Mapping[str, Any]) -> Json:
    kind = row["service"]
    ports = [
        {"name": f"p{port}", "port": port, "targetPort": port, "protocol": "TCP"} for port in row["ports"]
    ]
    status: Json = {}
    if kind in {"LoadBalancer", "NodePort"}:
        for port in ports:
            port["nodePort"] = 30000 + port["port"] % 2768
    if kind == "LoadBalancer":
        # An address of the block for documentation (RFC 5737).
        status = {"loadBalancer": {"ingress": [{"ip": f"203.0.113.{len(row['name'])}"}]}}
    return {
        "metadata": _metadata(row["name"], row["namespace"]),
        "spec": {
            "type": kind,
            "selector": {"app": row["name"]},
            "ports": ports,
            "clusterIP": f"10.96.{len(row['namespace'])}.{sum(row['name'].encode()) % 250 + 2}",
        },
        "status": status,
    }


def _binding(row: Mapping[str, Any]) -> tuple[Kind, Json]:
    namespace, _, name = row["account"].partition("/")
    scope = row.get("namespace", "")
    return (kinds.ROLE_BINDING if scope else kinds.CLUSTER_ROLE_BINDING), {
        "metadata": _metadata(f"{name}-{row['cluster_role']}", scope),
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": row["cluster_role"],
        },
    }


def _network_policy(row: Mapping[str, Any]) -> Json:
    spec: Json = {
        "podSelector": {"matchLabels": {"app": row["app"]}} if "app" in row else {},
        "policyTypes": ["Ingress"],
    }
    if "from_namespace" in row:
        peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": row["from_namespace"]}}}
        spec["ingress"] = [{"from": [peer]}]
    return {"metadata": _metadata(row["name"], row["namespace"]), "spec": spec}
