"""What workloads bring about in the simulated cluster."""

from __future__ import annotations

from typing import Any

import pytest

from pyrox.k8s import kinds
from pyrox.k8s.kinds import Kind
from services.local.simulated.controllers import Controllers, container_id
from services.local.simulated.store import Json, Store, name_of
from tests.support.pki import FixedClock

DIGEST = "sha256:" + "d" * 64


class Cluster:
    """A store with two nodes and its controllers."""

    def __init__(self) -> None:
        self.store = Store(clock=FixedClock())
        self.controllers = Controllers(store=self.store, digest_of=lambda _: DIGEST)
        for index in range(2):
            address = [{"type": "InternalIP", "address": f"10.0.0.{index}"}]
            self.store.put(
                kinds.NODE, {"metadata": {"name": f"node-{index}"}, "status": {"addresses": address}}
            )

    def put(
        self, kind: Kind, name: str, *, image: str = "r/web:1", pod: Json | None = None, **spec: Any
    ) -> Json:
        containers = [{"name": "web", "image": image}]
        template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": containers, **(pod or {})}}
        value = {"metadata": {"name": name, "namespace": "n"}, "spec": {"template": template, **spec}}
        stored = self.store.put(kind, value)
        self.controllers.settle(kind, stored)
        return stored

    def remove(self, kind: Kind, name: str) -> None:
        gone = self.store.delete(kind, "n", name)
        assert gone is not None
        self.controllers.removed(gone)

    def pods(self) -> list[Json]:
        return self.store.list(kinds.POD)


def test_a_deployment_has_a_replica_set_and_running_pods_with_digests() -> None:
    cluster = Cluster()
    cluster.put(kinds.DEPLOYMENT, "web", replicas=3)
    (replica_set,) = cluster.store.list(kinds.REPLICA_SET)
    assert replica_set["metadata"]["ownerReferences"][0]["name"] == "web"
    assert len(cluster.pods()) == 3
    pod = cluster.pods()[0]
    (status,) = pod["status"]["containerStatuses"]
    assert status["imageID"] == f"r/web@{DIGEST}"
    assert status["containerID"] == f"containerd://{container_id(f'n/{name_of(pod)}', 'web')}"
    assert len(status["containerID"].rpartition("/")[2]) == 64
    found = cluster.store.get(kinds.DEPLOYMENT, "n", "web")
    assert found is not None
    assert found["status"]["readyReplicas"] == 3


def test_another_image_replaces_the_pods_by_those_of_a_new_replica_set() -> None:
    cluster = Cluster()
    cluster.put(kinds.DEPLOYMENT, "web", replicas=2)
    before = {name_of(pod) for pod in cluster.pods()}
    cluster.put(kinds.DEPLOYMENT, "web", replicas=2, image="r/web:2")
    assert len(cluster.pods()) == 2
    assert not before & {name_of(pod) for pod in cluster.pods()}
    assert {pod["spec"]["containers"][0]["image"] for pod in cluster.pods()} == {"r/web:2"}


def test_scaling_to_zero_removes_the_pods() -> None:
    cluster = Cluster()
    cluster.put(kinds.DEPLOYMENT, "web", replicas=2)
    cluster.put(kinds.DEPLOYMENT, "web", replicas=0)
    assert cluster.pods() == []


def test_a_killed_pod_comes_back_under_another_name() -> None:
    cluster = Cluster()
    cluster.put(kinds.DEPLOYMENT, "web", replicas=2)
    victim, other = (name_of(pod) for pod in cluster.pods())
    cluster.remove(kinds.POD, victim)
    names = {name_of(pod) for pod in cluster.pods()}
    assert len(names) == 2
    assert other in names
    assert victim not in names


def test_a_killed_pod_of_a_stateful_set_comes_back_under_its_name() -> None:
    cluster = Cluster()
    cluster.put(kinds.STATEFUL_SET, "db", replicas=2)
    cluster.remove(kinds.POD, "db-0")
    assert [name_of(pod) for pod in cluster.pods()] == ["db-0", "db-1"]


def test_a_daemon_set_has_one_pod_on_each_node() -> None:
    cluster = Cluster()
    cluster.put(kinds.DAEMON_SET, "agent")
    assert sorted(pod["spec"]["nodeName"] for pod in cluster.pods()) == ["node-0", "node-1"]
    found = cluster.store.get(kinds.DAEMON_SET, "n", "agent")
    assert found is not None
    assert found["status"]["numberReady"] == 2


def test_a_deleted_workload_takes_everything_along() -> None:
    cluster = Cluster()
    cluster.put(kinds.DEPLOYMENT, "web", replicas=2)
    cluster.remove(kinds.DEPLOYMENT, "web")
    assert cluster.pods() == []
    assert cluster.store.list(kinds.REPLICA_SET) == []


def test_a_pod_that_fits_no_node_waits() -> None:
    cluster = Cluster()
    cluster.put(kinds.DEPLOYMENT, "web", replicas=1, pod={"nodeSelector": {"BlockedByStackRox": "true"}})
    (pod,) = cluster.pods()
    assert pod["status"]["phase"] == "Pending"
    assert "nodeName" not in pod["spec"]


@pytest.mark.parametrize("kind", [kinds.REPLICA_SET, kinds.REPLICATION_CONTROLLER, kinds.JOB])
def test_other_workloads_run_a_pod(kind: Kind) -> None:
    cluster = Cluster()
    cluster.put(kind, "w")
    (pod,) = cluster.pods()
    assert pod["metadata"]["ownerReferences"][0]["kind"] == kind.name


def test_a_bare_pod_runs() -> None:
    cluster = Cluster()
    spec = {
        "containers": [{"name": "web", "image": "r/web@sha256:1"}],
        "initContainers": [{"name": "i", "image": "r/i:1"}],
    }
    pod = cluster.store.put(kinds.POD, {"metadata": {"name": "p", "namespace": "n"}, "spec": spec})
    cluster.controllers.settle(kinds.POD, pod)
    (found,) = cluster.pods()
    assert found["status"]["phase"] == "Running"
    assert found["status"]["containerStatuses"][0]["imageID"] == f"r/web@{DIGEST}"
    assert found["status"]["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 0


def test_the_same_workloads_have_the_same_pods_after_a_restart() -> None:
    one, two = Cluster(), Cluster()
    for cluster in (one, two):
        cluster.put(kinds.DEPLOYMENT, "web", replicas=3)
    assert [name_of(pod) for pod in one.pods()] == [name_of(pod) for pod in two.pods()]
