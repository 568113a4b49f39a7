"""What a cluster is configured with when nobody said otherwise.

Values equal those that the reference system sent to a Sensor of a cluster made by
`roxctl sensor generate k8s`.
"""

from __future__ import annotations

from pyrox.pb.storage.cluster_pb2 import (
    KUBERNETES_CLUSTER,
    OPENSHIFT4_CLUSTER,
    AdmissionControllerConfig,
    Cluster,
    CollectionMethod,
    DynamicClusterConfig,
)

CENTRAL_ENDPOINT = "central.stackrox:443"
MAIN_IMAGE = "quay.io/stackrox-io/main"
COLLECTOR_IMAGE = "quay.io/stackrox-io/collector"
ADMISSION_TIMEOUT_SECONDS = 10


def admission_controller() -> AdmissionControllerConfig:
    """Enforce on creates and updates, scan in line, allow the break-glass annotation."""
    return AdmissionControllerConfig(
        enabled=True, timeout_seconds=ADMISSION_TIMEOUT_SECONDS, scan_inline=True, enforce_on_updates=True
    )


def fill(cluster: Cluster) -> None:
    """Set what a request left out."""
    if not cluster.type:
        cluster.type = KUBERNETES_CLUSTER
    if not cluster.main_image:
        cluster.main_image = MAIN_IMAGE
    if not cluster.central_api_endpoint:
        cluster.central_api_endpoint = CENTRAL_ENDPOINT
    if cluster.collection_method == CollectionMethod.UNSET_COLLECTION:
        cluster.collection_method = CollectionMethod.CORE_BPF
    if not cluster.HasField("dynamic_config"):
        cluster.dynamic_config.CopyFrom(DynamicClusterConfig())
    dynamic = cluster.dynamic_config
    if not dynamic.HasField("admission_controller_config"):
        dynamic.admission_controller_config.CopyFrom(admission_controller())
    if not dynamic.HasField("auto_lock_process_baselines_config"):
        dynamic.auto_lock_process_baselines_config.SetInParent()
    if cluster.type != OPENSHIFT4_CLUSTER:
        # Only OpenShift 4 writes the audit log where Compliance can read it.
        dynamic.disable_audit_logs = True
    if not cluster.HasField("tolerations_config"):
        cluster.tolerations_config.SetInParent()
