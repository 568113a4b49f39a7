"""The cluster as Sensor describes it."""

from __future__ import annotations

from typing import Any

from pyrox.pb.internalapi.central.sensor_events_pb2 import ResourceAction
from pyrox.pb.internalapi.sensor.admission_control_pb2 import AdmCtrlUpdateResourceRequest, ClusterLabels
from pyrox.pb.storage.deployment_pb2 import Deployment, Pod
from pyrox.pb.storage.namespace_metadata_pb2 import NamespaceMetadata
from services.admission.resources import Resources

REMOVED = ResourceAction.REMOVE_RESOURCE


def update(
    action: ResourceAction.ValueType = ResourceAction.CREATE_RESOURCE, **arm: Any
) -> AdmCtrlUpdateResourceRequest:
    return AdmCtrlUpdateResourceRequest(action=action, **arm)


def deployment(key: str = "d1") -> Deployment:
    return Deployment(id=key, name="web", namespace="shop")


def filled() -> Resources:
    resources = Resources()
    resources.apply(update(deployment=deployment()))
    resources.apply(update(pod=Pod(name="web-1", namespace="shop", deployment_id="d1")))
    resources.apply(update(namespace=NamespaceMetadata(name="shop", labels={"team": "a"})))
    return resources


def test_workload_is_found_by_name_and_by_pod() -> None:
    resources = filled()
    assert resources.deployment("shop", "web") == deployment()
    assert resources.of_pod("shop", "web-1") == deployment()
    assert resources.deployment("other", "web") is None
    assert resources.of_pod("shop", "web-2") is None


def test_removal_forgets() -> None:
    resources = filled()
    resources.apply(update(REMOVED, pod=Pod(name="web-1", namespace="shop")))
    assert resources.of_pod("shop", "web-1") is None
    resources.apply(update(REMOVED, deployment=deployment()))
    assert resources.deployment("shop", "web") is None
    resources.apply(update(REMOVED, namespace=NamespaceMetadata(name="shop")))
    assert resources.places("shop").namespace == {}


def test_late_removal_of_the_old_object_keeps_the_new_one_of_the_same_name() -> None:
    resources = filled()
    resources.apply(update(deployment=deployment("d2")))
    resources.apply(update(REMOVED, deployment=deployment("d1")))
    found = resources.deployment("shop", "web")
    assert found is not None
    assert found.id == "d2"


def test_labels_of_cluster_and_namespace_are_kept() -> None:
    resources = filled()
    resources.apply(update(cluster_labels=ClusterLabels(labels={"zone": "eu"})))
    places = resources.places("shop")
    assert (places.cluster, places.namespace) == ({"zone": "eu"}, {"team": "a"})


def test_synced_is_told_until_a_new_stream_begins() -> None:
    resources = filled()
    resources.apply(update(synced=AdmCtrlUpdateResourceRequest.ResourcesSynced()))
    assert resources.synced.is_set()
    resources.restart()
    assert not resources.synced.is_set()
    assert resources.deployment("shop", "web") is None


def test_message_without_a_resource_changes_nothing() -> None:
    resources = filled()
    resources.apply(update())
    assert resources.deployment("shop", "web") == deployment()
