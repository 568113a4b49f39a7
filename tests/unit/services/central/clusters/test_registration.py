"""Which installation may take over, and what a Helm install configures."""

from __future__ import annotations

import pytest

from pyrox.pb.storage import cluster_pb2
from pyrox.pb.storage.cluster_pb2 import Cluster, CompleteClusterConfig, SensorDeploymentIdentification
from services.central.clusters.defaults import fill
from services.central.clusters.registration import apply_config, may_replace

HERE = SensorDeploymentIdentification(
    system_namespace_id="kube",
    default_namespace_id="default",
    app_namespace="stackrox",
    app_namespace_id="ns",
    app_serviceaccount_id="sa",
    k8s_node_name="node-1",
)


def other(**changed: str) -> SensorDeploymentIdentification:
    made = SensorDeploymentIdentification()
    made.CopyFrom(HERE)
    for name, value in changed.items():
        setattr(made, name, value)
    return made


# Upstream's CheckConnReplace: the names of the namespaces decide, then the cluster's own ids.
@pytest.mark.parametrize(
    ("new", "allowed"),
    [
        (HERE, True),
        (None, True),
        (other(app_namespace_id="again"), True),
        (other(app_serviceaccount_id="again"), True),
        (other(k8s_node_name="node-2"), True),
        (other(system_namespace_id=""), True),
        (other(app_namespace="acs"), False),
        (other(system_namespace_id="kube-of-another"), False),
        (other(default_namespace_id="default-of-another"), False),
    ],
)
def test_stream_replaces_another_only_of_the_same_installation(
    new: SensorDeploymentIdentification | None, allowed: bool
) -> None:
    assert may_replace(HERE, new) is allowed
    assert may_replace(new, HERE) is allowed
    assert may_replace(None, new)


def helm() -> CompleteClusterConfig:
    config = CompleteClusterConfig(config_fingerprint="f", cluster_labels={"env": "prod"})
    static = config.static_config
    static.type = cluster_pb2.OPENSHIFT4_CLUSTER
    static.main_image = "registry.example/main"
    static.central_api_endpoint = "central.example:443"
    static.collection_method = cluster_pb2.NO_COLLECTION
    static.admission_controller_fail_on_error = True
    static.tolerations_config.disabled = True
    config.dynamic_config.admission_controller_config.timeout_seconds = 7
    return config


def test_config_of_a_chart_replaces_the_clusters() -> None:
    cluster = Cluster(name="prod", labels={"old": "1"}, managed_by=cluster_pb2.MANAGER_TYPE_HELM_CHART)
    cluster.main_image = "old"
    apply_config(cluster, helm())
    assert cluster.type == cluster_pb2.OPENSHIFT4_CLUSTER
    assert cluster.main_image == "registry.example/main"
    assert cluster.central_api_endpoint == "central.example:443"
    assert cluster.collection_method == cluster_pb2.NO_COLLECTION
    assert cluster.admission_controller_fail_on_error
    assert cluster.tolerations_config.disabled
    assert cluster.dynamic_config.admission_controller_config.timeout_seconds == 7
    assert dict(cluster.labels) == {"env": "prod"}
    assert cluster.helm_config == helm()


def test_config_of_a_manual_install_leaves_the_settings_to_central() -> None:
    cluster = Cluster(name="prod", labels={"old": "1"}, managed_by=cluster_pb2.MANAGER_TYPE_MANUAL)
    cluster.main_image = "mine"
    apply_config(cluster, helm())
    assert cluster.main_image == "mine"
    assert dict(cluster.labels) == {"old": "1"}
    assert not cluster.HasField("helm_config")
    assert cluster.type == cluster_pb2.KUBERNETES_CLUSTER


def test_empty_config_of_a_chart_gets_the_defaults() -> None:
    cluster, expected = Cluster(name="prod"), Cluster(name="prod")
    cluster.managed_by = expected.managed_by = cluster_pb2.MANAGER_TYPE_KUBERNETES_OPERATOR
    apply_config(cluster, CompleteClusterConfig())
    fill(expected)
    expected.helm_config.SetInParent()
    assert cluster == expected
