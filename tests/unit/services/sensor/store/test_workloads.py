"""Which pod belongs to which workload."""

from __future__ import annotations

from typing import Any

from pyrox.workload.deployments import static_id
from services.sensor.store.workloads import Workloads

CLUSTER = "3538d262-43ab-44e3-8461-370f14c7fd83"


def thing(kind: str, uid: str, owner: tuple[str, str] | None = None, **metadata: Any) -> dict[str, Any]:
    api = {"Pod": "v1", "Job": "batch/v1", "CronJob": "batch/v1"}.get(kind, "apps/v1")
    references = []
    if owner is not None:
        owner_api = {"Job": "batch/v1", "CronJob": "batch/v1", "Node": "v1"}.get(owner[0], "apps/v1")
        references = [{"apiVersion": owner_api, "kind": owner[0], "name": owner[1], "uid": owner[1]}]
    return {
        "kind": kind,
        "apiVersion": api,
        "metadata": {"uid": uid, "name": uid, "namespace": "shop", "ownerReferences": references, **metadata},
        "spec": {"volumes": ["big"], "containers": []},
    }


def test_put_pod_chain_leads_to_the_top() -> None:
    store = Workloads()
    assert store.put(thing("CronJob", "cron")) == (["cron"], [])
    store.put(thing("Job", "job", ("CronJob", "cron")))
    assert store.put_pod(thing("Pod", "pod", ("Job", "job")), CLUSTER) == "cron"
    assert [pod["metadata"]["uid"] for pod in store.pods_of("cron")] == ["pod"]
    assert "volumes" not in store.pods_of("cron")[0]["spec"]


def test_put_owner_after_pod_adopts_it() -> None:
    store = Workloads()
    store.put(thing("Deployment", "dep"))
    assert store.put_pod(thing("Pod", "pod", ("ReplicaSet", "rs")), CLUSTER) == ""
    deployments, adopted = store.put(thing("ReplicaSet", "rs", ("Deployment", "dep")))
    assert (deployments, [pod["metadata"]["uid"] for pod in adopted]) == (["dep"], ["pod"])
    assert store.owner_of("pod") == "dep"
    assert store.put(thing("Deployment", "dep")) == (["dep"], [])


def test_put_workload_after_everything_below_it_adopts_the_pods() -> None:
    store = Workloads()
    store.put_pod(thing("Pod", "pod", ("ReplicaSet", "rs")), CLUSTER)
    assert store.put(thing("ReplicaSet", "rs", ("Deployment", "dep"))) == ([], [])
    deployments, adopted = store.put(thing("Deployment", "dep"))
    assert (deployments, [pod["metadata"]["uid"] for pod in adopted]) == (["dep"], ["pod"])


def test_put_pod_without_owner_is_its_own_workload_until_it_goes() -> None:
    store = Workloads()
    assert store.put_pod(thing("Pod", "alone"), CLUSTER) == "alone"
    assert "alone" in store.by_id
    assert store.remove_pod("alone") == ("alone", True)
    assert not store.by_id


def test_put_pod_static_pods_share_a_workload_until_the_last_goes() -> None:
    store = Workloads()
    labels = {"component": "etcd"}
    for uid in ("one", "two"):
        value = thing("Pod", uid, ("Node", "n"), namespace="kube-system", labels=labels)
        assert store.put_pod(value, CLUSTER) == static_id(CLUSTER, "etcd")
    assert store.remove_pod("one") == (static_id(CLUSTER, "etcd"), False)
    assert store.remove_pod("two") == (static_id(CLUSTER, "etcd"), True)


def test_put_pod_circular_owners_end() -> None:
    store = Workloads()
    store.put(thing("ReplicaSet", "a", ("ReplicaSet", "b")))
    store.put(thing("ReplicaSet", "b", ("ReplicaSet", "a")))
    assert store.put_pod(thing("Pod", "pod", ("ReplicaSet", "a")), CLUSTER) == ""


def test_remove_unknown_is_harmless() -> None:
    store = Workloads()
    assert store.remove_pod("none") == ("", False)
    assert not store.remove("none")
