"""The whole chain, everything real: API server, Central on PostgreSQL, Sensor and Admission as processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import shared_folder
from tests.support import kube
from tests.support.chain import Chain, running_chain
from tests.support.kube import Cluster
from tests.support.pg import TestServer
from tests.support.secured import becomes, eventually

pytestmark = [pytest.mark.needs("kube", "postgres"), pytest.mark.timeout(600)]

# Beside the ports of other tests' control planes.
_PORT = 17543
# A bound for a machine that does much else at the same time; none of it takes a tenth of this alone.
_SECONDS = 120.0
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

NO_STREAMS: dict[str, Any] = {
    **POLICIES[1],
    "name": "Chain: no exec, no port-forward, no attach",
    "policySections": [
        {
            "policyGroups": [
                {
                    "fieldName": "Kubernetes Resource",
                    "values": [
                        {"value": "PODS_EXEC"},
                        {"value": "PODS_PORTFORWARD"},
                        {"value": "PODS_ATTACH"},
                    ],
                }
            ]
        }
    ],
}


class Judged(Chain):
    """A chain whose Admission is asked, and whose objects are compared."""

    def refusal(self, body: dict[str, Any], *words: str) -> str:
        """What `kubectl apply` says when it is refused; empty when it is not."""
        done = self.cluster.kubectl("apply", "-f", "-", *words, body=body)
        return done.stderr if done.returncode else ""

    def stream_refusal(self, owner: str, subresource: str) -> str:
        """What the API server says of a stream to a pod of this owner when a webhook refuses it."""
        for pod in self.cluster.objects("pods"):
            metadata = pod["metadata"]
            if metadata["name"].startswith(f"{owner}-"):
                path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/{subresource}"
                words = self.cluster.kubectl("create", "--raw", path, "-f", "-", body={"kind": "None"}).stderr
                return words if "k8sevents.stackrox.io" in words else ""
        return ""

    def create_policy(self, policy: dict[str, Any]) -> str:
        """The id of the policy, once Central has it."""
        with self.central.client() as client:
            answer = client.post("/v1/policies", json=policy)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def edit_policy(self, identifier: str, policy: dict[str, Any]) -> None:
        """Replace a policy."""
        with self.central.client() as client:
            answer = client.put(f"/v1/policies/{identifier}", json={**policy, "id": identifier})
        assert answer.status_code == 200, answer.text

    def told_of(self, name: str, label: str) -> bool:
        """Whether Central knows the deployment with that label."""
        query = f"Cluster ID:{self.cluster_id}+Deployment:{name}+Deployment Label:{label}"
        return bool(self.get("/v1/deployments", query=query)["deployments"])

    def active_on(self, policy: str, *names: str) -> Counter[str]:
        """How many active alerts of the policy these deployments have."""
        found = self.alerts(policy, Violation_State="ACTIVE")
        return Counter({name: found[name] for name in names if found[name]})

    def replicas(self, namespace: str, name: str) -> int:
        words = ("get", "deployment", name, "-n", namespace, "-o", "jsonpath={.spec.replicas}")
        return int(self.cluster.must(*words))

    def counts(self) -> dict[str, Counter[str]]:
        """Ids of the objects in Central, with how often each is there."""
        shown: dict[str, Counter[str]] = {}
        for kind, (path, field, key) in LISTS.items():
            objects = self.get(path, **({"clusterId": self.cluster_id} if kind == "networkpolicies" else {}))
            shown[kind] = Counter(_id(o, key) for o in objects[field])
        return shown

    def expected(self) -> dict[str, Counter[str]]:
        """The same of the API server."""
        objects = self.cluster.objects(",".join(sorted({name for names in KINDS.values() for name in names})))
        return {
            kind: Counter(o["metadata"]["uid"] for o in objects if o["kind"] in names)
            for kind, names in KINDS.items()
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
    "deployments": {"Deployment", "StatefulSet", "DaemonSet", "CronJob"},
    "pods": {"Pod"},
    "namespaces": {"Namespace"},
    "secrets": {"Secret"},
    "serviceaccounts": {"ServiceAccount"},
    "roles": {"Role", "ClusterRole"},
    "bindings": {"RoleBinding", "ClusterRoleBinding"},
    "networkpolicies": {"NetworkPolicy"},
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
    return kube.deployment(name, namespace=namespace, privileged=privileged, annotations=annotations)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    directory = tmp_path_factory.mktemp("kube")
    with kube.control_plane(shared_folder() / "kube", directory, port=_PORT) as path:
        yield Cluster(path)


@pytest.fixture
def chain(cluster: Cluster, pg_server: TestServer, tmp_path: Path) -> Iterator[Judged]:
    with running_chain(Judged, cluster, pg_server.database(), tmp_path) as made:
        secured = made.secured
        for name in ("stackrox", _SHOP, _MESH):
            cluster.apply(kube.namespace(name))
        cluster.apply(secured.webhooks())
        secured.sensor.start()
        secured.admission.start()
        yield made
        assert secured.sensor.alive()
        assert secured.admission.alive()


def test_cluster_is_judged_guarded_and_agrees_with_central_after_every_loss(chain: Judged) -> None:
    becomes(chain.counts, chain.expected, seconds=_SECONDS, what="the first sync")
    eventually(chain.secured.admission_ready, seconds=_SECONDS, what="Admission is ready")
    _detected(chain)
    assert chain.alerts(DETECTED, Violation_State="RESOLVED") == Counter(loud=1)
    _refused(chain)
    assert chain.alerts(NO_STREAM, Violation_State="ATTEMPTED")["plain"] >= 1
    _central_is_lost(chain)
    assert chain.alerts(REFUSED, Violation_State="ACTIVE") == Counter(stays=1, glass=1, late=1)
    _sensor_is_lost_too(chain)
    assert chain.alerts(REFUSED, Violation_State="ACTIVE") == Counter(stays=1, late=1, unseen=1)
    assert chain.counts() == chain.expected()


def test_each_request_is_raised_or_blocked_as_the_policies_say(chain: Judged) -> None:
    ticket = {"admission.stackrox.io/bypass-kube-event-enforcement": "ticket-7"}
    chain.cluster.apply(deployment("tall"))
    chain.cluster.apply(deployment("free", annotations=ticket))
    chain.cluster.apply(deployment("open", namespace=_MESH))
    eventually(chain.secured.admission_ready, seconds=_SECONDS, what="Admission is ready")
    becomes(chain.counts, chain.expected, seconds=_SECONDS, what="the first sync")
    eventually(lambda: chain.alerts(DETECTED)["tall"], seconds=_SECONDS, what="the workloads are known")
    refused, streams = map(chain.create_policy, (POLICIES[0], NO_STREAMS))
    eventually(
        lambda: chain.refusal(deployment("probe"), "--dry-run=server"), seconds=_SECONDS, what="a refusal"
    )
    _scaling_is_judged(chain)
    _streams_are_judged(chain)
    _scaled_to_zero_once(chain)
    # An edit takes effect where requests are refused and where alerts are made.
    chain.edit_policy(streams, {**NO_STREAMS, "disabled": True})
    becomes(
        lambda: chain.stream_refusal("tall", "attach?container=main"),
        lambda: "",
        seconds=_SECONDS,
        what="attach is let through",
    )
    groups = [{"fieldName": "Container Name", "values": [{"value": "none"}]}]
    chain.edit_policy(refused, {**POLICIES[0], "policySections": [{"policyGroups": groups}]})
    becomes(
        lambda: chain.refusal(deployment("probe"), "--dry-run=server"),
        lambda: "",
        seconds=_SECONDS,
        what="a privileged container is let through",
    )
    becomes(
        lambda: chain.alerts(REFUSED, Violation_State="ACTIVE"), Counter, seconds=_SECONDS, what="no alerts"
    )
    assert chain.active_on(DETECTED, "tall", "free") == Counter(tall=1, free=1)


def _scaling_is_judged(chain: Judged) -> None:
    """A workload that was there before its policy is not scaled up any more; the annotation lets it pass."""
    scale = ("scale", "deployment", "tall", "-n", _SHOP)
    before = chain.replicas(_SHOP, "tall")

    def denied() -> str:
        done = chain.cluster.kubectl(*scale, "--replicas=3")
        return done.stderr if done.returncode else ""

    words = eventually(denied, seconds=_SECONDS, what="scaling is refused")
    assert 'admission webhook "policyeval.stackrox.io" denied the request' in words
    assert REFUSED in words
    assert chain.replicas(_SHOP, "tall") == before


def _streams_are_judged(chain: Judged) -> None:
    """Blocked where a policy in force says so, else raised."""
    for subresource in ("exec?command=id&container=main", "portforward?ports=80", "attach?container=main"):
        asked = partial(chain.stream_refusal, "tall", subresource)
        words = eventually(asked, seconds=_SECONDS, what=f"a refused {subresource}")
        assert NO_STREAMS["name"] in words
        assert chain.stream_refusal("open", subresource) == ""
        # Until Admission is told of the pod it cannot know of its deployment's annotation.
        passes = partial(chain.stream_refusal, "free", subresource)
        becomes(passes, lambda: "", seconds=_SECONDS, what=f"{subresource} is let through")
    for kind in ("Exec into Pod", "Port Forward to Pod", "Attach to Pod"):
        raised = partial(chain.active_on, f"Kubernetes Actions: {kind}", "free", "open")
        becomes(raised, lambda: Counter(free=1, open=1), seconds=_SECONDS, what=f"alerts on {kind}")
    # What the annotation lets through is told without enforcement.
    becomes(
        lambda: chain.alerts(NO_STREAMS["name"], Violation_State="ACTIVE"),
        lambda: Counter(free=1),
        seconds=_SECONDS,
        what="the request that passed is raised",
    )


def _scaled_to_zero_once(chain: Judged) -> None:
    """Sensor acts on the creation; who scales the workload up again is left alone."""
    chain.cluster.apply(deployment("twice", namespace=_MESH))
    eventually(lambda: chain.replicas(_MESH, "twice") == 0, seconds=_SECONDS, what="Sensor's enforcement")
    chain.cluster.must("scale", "deployment", "twice", "-n", _MESH, "--replicas=1")
    for mark in ("first", "second"):
        # Each change is judged before Central is told of the next.
        chain.cluster.must("label", "deployment", "twice", "-n", _MESH, "--overwrite", f"mark={mark}")
        known = partial(chain.told_of, "twice", f"mark={mark}")
        eventually(known, seconds=_SECONDS, what=f"the {mark} change is known")
    assert chain.alerts(REFUSED, Violation_State="ACTIVE")["twice"] == 1
    assert chain.replicas(_MESH, "twice") == 1


def _detected(chain: Judged) -> None:
    """An alert soon after the apply, resolved by the deletion."""
    chain.cluster.apply(deployment("loud"))
    eventually(lambda: chain.alerts(DETECTED)["loud"], seconds=_ALERT_SECONDS, what="the alert")
    assert chain.cluster.kubectl("delete", "deployment", "loud", "-n", _SHOP).returncode == 0
    eventually(lambda: not chain.alerts(DETECTED)["loud"], seconds=_SECONDS, what="the alert is resolved")
    chain.cluster.apply(deployment("stays"))
    chain.cluster.apply(deployment("goes"))
    chain.cluster.apply(deployment("plain", privileged=False))
    chain.cluster.apply(isolation(_SHOP))


def _refused(chain: Judged) -> None:
    """Refused by name and message, let through by the annotation."""
    for policy in POLICIES:
        chain.create_policy(policy)
    probe = deployment("probe")
    eventually(lambda: chain.refusal(probe, "--dry-run=server"), seconds=_SECONDS, what="enforcement")
    words = chain.refusal(deployment("bad"))
    assert 'admission webhook "policyeval.stackrox.io" denied the request' in words
    assert REFUSED in words
    assert "Container 'main' is privileged" in words
    assert "bad" not in {o["metadata"]["name"] for o in chain.cluster.objects("deployments")}
    eventually(
        lambda: chain.alerts(REFUSED, Violation_State="ATTEMPTED"), seconds=_SECONDS, what="the attempt"
    )
    chain.cluster.apply(deployment("glass", annotations={"admission.stackrox.io/break-glass": "ticket-42"}))
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


def _central_is_lost(chain: Judged) -> None:
    """Sensor detects and acts, Admission refuses, and Central learns all of it later."""
    chain.central.kill()
    chain.cluster.apply(deployment("late", namespace=_MESH))
    eventually(lambda: chain.replicas(_MESH, "late") == 0, seconds=_SECONDS, what="Sensor's enforcement")
    assert REFUSED in chain.refusal(deployment("bad"))
    chain.cluster.apply(deployment("between", privileged=False))
    assert chain.cluster.kubectl("delete", "deployment", "goes", "-n", _SHOP).returncode == 0
    chain.central.start()
    _agreed(chain, Counter(stays=1, glass=1, late=1))


def _sensor_is_lost_too(chain: Judged) -> None:
    """Admission refuses, also when it starts anew with what it kept."""
    chain.central.kill()
    chain.secured.sensor.kill()
    assert REFUSED in chain.refusal(deployment("bad"))
    chain.secured.admission.kill()
    chain.secured.admission.start()
    eventually(chain.secured.admission_ready, seconds=_SECONDS, what="Admission is ready again")
    assert REFUSED in chain.refusal(deployment("bad"))
    chain.cluster.apply(deployment("unseen", namespace=_MESH))
    chain.cluster.apply(isolation(_MESH))
    assert chain.cluster.kubectl("delete", "networkpolicy", "isolated", "-n", _SHOP).returncode == 0
    assert chain.cluster.kubectl("delete", "deployment", "plain", "glass", "-n", _SHOP).returncode == 0
    chain.central.start()
    chain.secured.sensor.start()
    _agreed(chain, Counter(stays=1, late=1, unseen=1))


def _agreed(chain: Judged, privileged: Counter[str]) -> None:
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
