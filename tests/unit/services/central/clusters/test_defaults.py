"""What a cluster gets when nobody said otherwise."""

from __future__ import annotations

import pytest

from pyrox.pb.storage import cluster_pb2
from pyrox.pb.storage.cluster_pb2 import Cluster
from services.central.clusters.defaults import fill


def filled(**fields: object) -> Cluster:
    cluster = Cluster(**fields)  # type: ignore[arg-type]  # fields of the message
    fill(cluster)
    return cluster


def test_fill_makes_what_the_reference_system_sends_a_generated_cluster() -> None:
    # Recorded as the first cluster_config message of the reference system.
    dynamic = filled(name="prod").dynamic_config
    assert dynamic.admission_controller_config == cluster_pb2.AdmissionControllerConfig(
        enabled=True, timeout_seconds=10, scan_inline=True, enforce_on_updates=True
    )
    assert dynamic.disable_audit_logs
    assert dynamic.HasField("auto_lock_process_baselines_config")
    assert not dynamic.auto_lock_process_baselines_config.enabled


@pytest.mark.parametrize(
    ("kind", "disabled"),
    [
        (cluster_pb2.GENERIC_CLUSTER, True),
        (cluster_pb2.KUBERNETES_CLUSTER, True),
        (cluster_pb2.OPENSHIFT_CLUSTER, True),
        (cluster_pb2.OPENSHIFT4_CLUSTER, False),
    ],
)
def test_fill_collects_audit_logs_only_on_openshift_4(kind: int, disabled: bool) -> None:
    assert filled(type=kind).dynamic_config.disable_audit_logs is disabled


def test_fill_leaves_what_is_set() -> None:
    cluster = filled(main_image="m", central_api_endpoint="c:1", collection_method=cluster_pb2.NO_COLLECTION)
    assert (cluster.main_image, cluster.central_api_endpoint) == ("m", "c:1")
    assert cluster.collection_method == cluster_pb2.NO_COLLECTION


def test_fill_twice_changes_nothing_more() -> None:
    once = filled(name="prod")
    twice = Cluster()
    twice.CopyFrom(once)
    fill(twice)
    assert once == twice
