"""The gRPC services that upstream's Central offers and this one does not serve yet.

Their methods answer UNIMPLEMENTED by name, over gRPC and REST alike, and stand in
docs/compatibility.md. Services that upstream itself hides behind a flag that is off
(node reports, virtual machines) are not listed: they do not exist there either.
"""

# ruff: noqa: F401 - the imports are the list

from __future__ import annotations

from collections.abc import Collection
from types import ModuleType

from google.protobuf.descriptor import FileDescriptor

from pyrox.pb.api.v1 import (
    administration_events_service_pb2,
    administration_usage_service_pb2,
    alert_service_pb2,
    api_token_service_pb2,
    auth_service_pb2,
    authprovider_service_pb2,
    backup_service_pb2,
    central_health_service_pb2,
    cloud_source_service_pb2,
    cluster_init_service_pb2,
    cluster_service_pb2,
    compliance_management_service_pb2,
    compliance_service_pb2,
    config_service_pb2,
    credential_expiry_service_pb2,
    cve_service_pb2,
    db_service_pb2,
    debug_service_pb2,
    declarative_config_health_service_pb2,
    delegated_registry_config_service_pb2,
    deployment_service_pb2,
    detection_service_pb2,
    discovered_cluster_service_pb2,
    feature_flag_service_pb2,
    group_service_pb2,
    grpc_preference_service_pb2,
    image_integration_service_pb2,
    image_service_pb2,
    integration_health_service_pb2,
    metadata_service_pb2,
    mitre_service_pb2,
    namespace_service_pb2,
    network_baseline_service_pb2,
    network_graph_service_pb2,
    network_policy_service_pb2,
    node_service_pb2,
    notifier_service_pb2,
    ping_service_pb2,
    pod_service_pb2,
    policy_category_service_pb2,
    policy_service_pb2,
    probe_upload_service_pb2,
    process_baseline_service_pb2,
    process_listening_on_port_service_pb2,
    process_service_pb2,
    rbac_service_pb2,
    resource_collection_service_pb2,
    role_service_pb2,
    search_service_pb2,
    secret_service_pb2,
    sensor_upgrade_service_pb2,
    service_account_service_pb2,
    service_identity_service_pb2,
    signature_integration_service_pb2,
    telemetry_service_pb2,
    user_service_pb2,
    vuln_mgmt_service_pb2,
)
from pyrox.pb.api.v2 import (
    base_image_service_pb2,
    compliance_integration_service_pb2,
    compliance_profile_service_pb2,
    compliance_results_service_pb2,
    compliance_results_stats_service_pb2,
    compliance_rule_service_pb2,
    compliance_scan_configuration_service_pb2,
    report_service_pb2,
    vuln_exception_service_pb2,
)
from pyrox.pb.internalapi.central import sensor_iservice_pb2, sensor_upgrade_ctrl_iservice_pb2
from pyrox.pb.internalapi.central.v1 import token_service_pb2


def services_without(served: Collection[str]) -> list[str]:
    """Full names of all services of Central but those that are served."""
    names = (service.full_name for file in _files() for service in file.services_by_name.values())
    return sorted(name for name in names if name not in served)


def _files() -> list[FileDescriptor]:
    """Those of the modules imported above: that list is the only one, so none can be forgotten."""
    modules = (value for value in globals().values() if isinstance(value, ModuleType))
    return [module.DESCRIPTOR for module in modules]
