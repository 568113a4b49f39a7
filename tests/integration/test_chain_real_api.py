"""The whole chain, everything real: API server, Central on PostgreSQL, Sensor and Admission as processes."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pyrox.pg.settings import Settings
from tests.conftest import shared_folder
from tests.support import kube
from tests.support.central import RunningCentral, running_central
from tests.support.secured import SecuredCluster, becomes, eventually

pytestmark = [pytest.mark.needs("kube", "postgres"), pytest.mark.timeout(240)]

# Beside the ports of other tests' control planes.
_PORT = 17543
_SECONDS = 40.0
_ALERT_SECONDS = 5.0
_SHOP, _MESH = "shop", "istio-system"
"""Admission is asked about the first; the webhook's selector leaves the second out."""

REFUSED = "Chain: no privileged containers"
NO_STREAM = "Chain: no exec and no port-forward"
DETECTED = "Privileged Container"
POLICIES = [
    {
        "name": REFUSED,
        "description": "Privileged containers are refused.",
        "rationale": "They own the node.",
        "remediation": "Drop the privilege.",
        "categories": ["Privileges"],
        "lifecycleStages": ["DEPLOY"],
        "severity": "HIGH_SEVERITY",
        "scope": [{"namespace": _SHOP}, {"namespace": _MESH}],
        "enforcementActions": ["SCALE_TO_ZERO_ENFORCEMENT"],
        "policyVersion": "1.1",
        "policySections": [
            {"policyGroups": [{"fieldName": "Privileged Container", "values": [{"value": "true"}]}]}
        ],
    },
    {
        "name": NO_STREAM,
        "description": "Nobody reaches into pods.",
        "categories": ["Kubernetes Events"],
        "lifecycleStages": ["RUNTIME"],
        "eventSource": "DEPLOYMENT_EVENT",
        "severity": "HIGH_SEVERITY",
        "scope": [{"namespace": _SHOP}],
        "enforcementActions": ["FAIL_KUBE_REQUEST_ENFORCEMENT"],
        "policyVersion": "1.1",
        "policySections": [
            {
                "policyGroups": [
                    {
                        "fieldName": "Kubernetes Resource",
                        "booleanOperator": "OR",
                        "values": [{"value": "PODS_EXEC"}, {"value": "PODS_PORTFORWARD"}],
                    }
                ]
            }
        ],
    },
]


class Chain:
    """The running installation and its user."""

    def __init__(
        self, *, central: RunningCentral, secured: SecuredCluster, kubeconfig: Path, cluster_id: str
    ) -> None:
        self.central = central
        self.secured = secured
        self.cluster_id = cluster_id
        self._kubeconfig = kubeconfig

    def kubectl(self, *words: str, body: dict[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [kube.kubectl(), "--kubeconfig", self._kubeconfig, *words],
            input=json.dumps(body) if body else None,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def apply(self, body: dict[str, Any], *words: str) -> None:
        """`kubectl apply` that must succeed."""
        done = self.kubectl("apply", "-f", "-", *words, body=body)
        assert done.returncode == 0, done.stderr

    def refusal(self, body: dict[str, Any], *words: str) -> str:
        """What `kubectl apply` says when it is refused; empty when it is not."""
        done = self.kubectl("apply", "-f", "-", *words, body=body)
        return done.stderr if done.returncode else ""

    def stream_refusal(self, owner: str, subresource: str) -> str:
        """What the API server says of a stream to a pod of this owner when a webhook refuses it."""
        for pod in self.objects("pods"):
            metadata = pod["metadata"]
            if metadata["name"].startswith(f"{owner}-"):
                path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/{subresource}"
                words = self.kubectl("create", "--raw", path, "-f", "-", body={"kind": "None"}).stderr
                return words if "k8sevents.stackrox.io" in words else ""
        return ""

    def objects(self, kinds: str) -> list[dict[str, Any]]:
        """What the API server has."""
        done = self.kubectl("get", kinds, "-A", "-o", "json")
        assert done.returncode == 0, done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout)["items"]
        return found

    def get(self, path: str, **query: str) -> Any:
        """Central's answer."""
        with self.central.client() as client:
            answer = client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def alerts(self, policy: str, **state: str) -> Counter[str]:
        """How many unresolved alerts of the policy each deployment has."""
        query = f"Cluster ID:{self.cluster_id}+Policy:{policy}" + "".join(
            f"+{key.replace('_', ' ')}:{value}" for key, value in state.items()
        )
        return Counter(a["deployment"]["name"] for a in self.get("/v1/alerts", query=query)["alerts"])

    def replicas(self, namespace: str, name: str) -> int:
        done = self.kubectl("get", "deployment", name, "-n", namespace, "-o", "jsonpath={.spec.replicas}")
        return int(done.stdout)

    def counts(self) -> dict[str, Counter[str]]:
        """Ids of the objects in Central, with how often each is there."""
        shown: dict[str, Counter[str]] = {}
        for kind, (path, field, key) in LISTS.items():
            objects = self.get(path, **({"clusterId": self.cluster_id} if kind == "networkpolicies" else {}))
            shown[kind] = Counter(_id(o, key) for o in objects[field])
        return shown

    def expected(self) -> dict[str, Counter[str]]:
        """The same of the API server."""
        return {
            kind: Counter(o["metadata"]["uid"] for o in self.objects(KINDS.get(kind, kind))) for kind in LISTS
        }


LISTS = {
    "deployments": ("/v1/deployments", "deployments", "id"),
    "pods": ("/v1/pods", "pods", "id"),
    "namespaces": ("/v1/namespaces", "namespaces", "metadata.id"),
    "secrets": ("/v1/secrets", "secrets", "id"),
    "serviceaccounts": ("/v1/serviceaccounts", "saAndRoles", "serviceAccount.id"),
    "roles": ("/v1/rbac/roles", "roles", "id"),
    "bindings": ("/v1/rbac/bindings", "bindings", "id"),
    "networkpolicies": ("/v1/networkpolicies", "networkPolicies", "id"),
}
"""What Central lists: the path, the field of the answer, where an object has its id."""
KINDS = {
    # Replica sets and pods here all belong to deployments.
    "deployments": "deployments,statefulsets,daemonsets,cronjobs",
    "roles": "roles,clusterroles",
    "bindings": "rolebindings,clusterrolebindings",
}


def _id(value: Any, key: str) -> str:
    for part in key.split("."):
        value = value[part]
    return str(value)


def isolation(namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "isolated", "namespace": namespace},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
    }


def deployment(
    name: str, *, namespace: str = _SHOP, privileged: bool = True, annotations: dict[str, str] | None = None
) -> dict[str, Any]:
    labels = {"app": name}
    container = {
        "name": "main",
        "image": "registry.test/app:1",
        "securityContext": {"privileged": privileged},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "annotations": annotations or {}},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


@pytest.fixture(scope="module")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    directory = tmp_path_factory.mktemp("kube")
    with kube.control_plane(shared_folder() / "kube", directory, port=_PORT) as path:
        yield path


@pytest.fixture
def chain(kubeconfig: Path, database: Settings, tmp_path: Path) -> Iterator[Chain]:
    with running_central(tmp_path / "central", database) as central:
        with central.client() as client:
            answer = client.post(
                "/v1/clusters", json={"name": "real", "type": "KUBERNETES_CLUSTER", "mainImage": "main"}
            )
            assert answer.status_code == 200, answer.text
            cluster_id = answer.json()["cluster"]["id"]
        secured = SecuredCluster(
            central=central, kubeconfig=kubeconfig, directory=tmp_path, cluster_id=cluster_id
        )
        made = Chain(central=central, secured=secured, kubeconfig=kubeconfig, cluster_id=cluster_id)
        for name in ("stackrox", _SHOP, _MESH):
            made.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        made.apply(secured.webhooks())
        secured.sensor.start()
        secured.admission.start()
        try:
            yield made
            assert secured.sensor.alive()
            assert secured.admission.alive()
        finally:
            secured.stop()


def test_cluster_is_judged_guarded_and_agrees_with_central_after_every_loss(chain: Chain) -> None:
    becomes(chain.counts, chain.expected, seconds=_SECONDS, what="the first sync")
    eventually(chain.secured.admission_ready, seconds=_SECONDS, what="Admission is ready")
    _detected(chain)
    _refused(chain)
    _central_is_lost(chain)
    _sensor_is_lost_too(chain)


def _detected(chain: Chain) -> None:
    """An alert soon after the apply, resolved by the deletion."""
    chain.apply(deployment("loud"))
    eventually(lambda: chain.alerts(DETECTED)["loud"], seconds=_ALERT_SECONDS, what="the alert")
    assert chain.kubectl("delete", "deployment", "loud", "-n", _SHOP).returncode == 0
    eventually(lambda: not chain.alerts(DETECTED)["loud"], seconds=_SECONDS, what="the alert is resolved")
    assert chain.alerts(DETECTED, Violation_State="RESOLVED") == Counter(loud=1)
    chain.apply(deployment("stays"))
    chain.apply(deployment("goes"))
    chain.apply(deployment("plain", privileged=False))
    chain.apply(isolation(_SHOP))


def _refused(chain: Chain) -> None:
    """Refused by name and message, let through by the annotation."""
    with chain.central.client() as client:
        for policy in POLICIES:
            answer = client.post("/v1/policies", json=policy)
            assert answer.status_code == 200, answer.text
    probe = deployment("probe")
    eventually(lambda: chain.refusal(probe, "--dry-run=server"), seconds=_SECONDS, what="enforcement")
    words = chain.refusal(deployment("bad"))
    assert 'admission webhook "policyeval.stackrox.io" denied the request' in words
    assert REFUSED in words
    assert "Container 'main' is privileged" in words
    assert "bad" not in {o["metadata"]["name"] for o in chain.objects("deployments")}
    eventually(
        lambda: chain.alerts(REFUSED, Violation_State="ATTEMPTED"), seconds=_SECONDS, what="the attempt"
    )
    chain.apply(deployment("glass", annotations={"admission.stackrox.io/break-glass": "ticket-42"}))
    eventually(lambda: chain.alerts(REFUSED)["glass"], seconds=_ALERT_SECONDS, what="the alert")
    assert chain.replicas(_SHOP, "glass") == 1
    # The API server asks about a stream before it looks for the pod's node.
    for subresource in ("exec?command=id&container=main", "portforward?ports=80"):
        asked = partial(chain.stream_refusal, "plain", subresource)
        words = eventually(asked, seconds=_SECONDS, what=f"a refused {subresource}")
        assert NO_STREAM in words
    eventually(
        lambda: chain.alerts(NO_STREAM, Violation_State="ATTEMPTED")["plain"],
        seconds=_SECONDS,
        what="the attempt",
    )


def _central_is_lost(chain: Chain) -> None:
    """Sensor detects and acts, Admission refuses, and Central learns all of it later."""
    chain.central.kill()
    chain.apply(deployment("late", namespace=_MESH))
    eventually(lambda: chain.replicas(_MESH, "late") == 0, seconds=_SECONDS, what="Sensor's enforcement")
    assert REFUSED in chain.refusal(deployment("bad"))
    chain.apply(deployment("between", privileged=False))
    assert chain.kubectl("delete", "deployment", "goes", "-n", _SHOP).returncode == 0
    chain.central.start()
    _agreed(chain, Counter(stays=1, glass=1, late=1))


def _sensor_is_lost_too(chain: Chain) -> None:
    """Admission refuses, also when it starts anew with what it kept."""
    chain.central.kill()
    chain.secured.sensor.kill()
    assert REFUSED in chain.refusal(deployment("bad"))
    chain.secured.admission.kill()
    chain.secured.admission.start()
    eventually(chain.secured.admission_ready, seconds=_SECONDS, what="Admission is ready again")
    assert REFUSED in chain.refusal(deployment("bad"))
    chain.apply(deployment("unseen", namespace=_MESH))
    chain.apply(isolation(_MESH))
    assert chain.kubectl("delete", "networkpolicy", "isolated", "-n", _SHOP).returncode == 0
    assert chain.kubectl("delete", "deployment", "plain", "glass", "-n", _SHOP).returncode == 0
    chain.central.start()
    chain.secured.sensor.start()
    _agreed(chain, Counter(stays=1, late=1, unseen=1))


def _agreed(chain: Chain, privileged: Counter[str]) -> None:
    """Central holds what the API server holds, and one alert for each violation; none is doubled."""
    becomes(chain.counts, chain.expected, seconds=_SECONDS, what="the same objects")
    becomes(
        lambda: chain.alerts(REFUSED, Violation_State="ACTIVE"),
        lambda: privileged,
        seconds=_SECONDS,
        what="the same alerts",
    )
    # The default policy leaves out the mesh's namespace.
    shop = Counter({name: count for name, count in privileged.items() if name in {"stays", "glass"}})
    assert chain.alerts(DETECTED, Violation_State="ACTIVE") == shop
    active = chain.get("/v1/alerts", query="Violation State:ACTIVE+Lifecycle Stage:DEPLOY")["alerts"]
    pairs = Counter((a["policy"]["name"], a["deployment"]["id"]) for a in active)
    assert set(pairs.values()) == {1}
