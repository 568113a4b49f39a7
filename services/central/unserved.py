"""gRPC services that upstream's Central offers and this one does not serve yet.

Their methods answer UNIMPLEMENTED by name, over gRPC and REST alike, and stand in
docs/compatibility.md. Serving one means: write its servicer, delete its line here.
"""

from __future__ import annotations

# Importing registers the descriptors.
from pyrox.pb.api.v1 import (
    administration_events_service_pb2 as _administration_events,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    administration_usage_service_pb2 as _administration_usage,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    backup_service_pb2 as _backup,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    cloud_source_service_pb2 as _cloud_source,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    compliance_management_service_pb2 as _compliance_management,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    compliance_service_pb2 as _compliance,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    cve_service_pb2 as _cve,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    db_service_pb2 as _db,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    debug_service_pb2 as _debug,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    declarative_config_health_service_pb2 as _declarative_config,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    delegated_registry_config_service_pb2 as _delegated_registry,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    deployment_service_pb2 as _deployment,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    detection_service_pb2 as _detection,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    discovered_cluster_service_pb2 as _discovered_cluster,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    group_service_pb2 as _group,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    image_integration_service_pb2 as _image_integration,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    image_service_pb2 as _image,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    integration_health_service_pb2 as _integration_health,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    mitre_service_pb2 as _mitre,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    namespace_service_pb2 as _namespace,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    network_baseline_service_pb2 as _network_baseline,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    network_graph_service_pb2 as _network_graph,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    network_policy_service_pb2 as _network_policy,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    node_service_pb2 as _node,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    notifier_service_pb2 as _notifier,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    pod_service_pb2 as _pod,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    policy_category_service_pb2 as _policy_category,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    policy_service_pb2 as _policy,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    probe_upload_service_pb2 as _probe_upload,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    process_baseline_service_pb2 as _process_baseline,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    process_listening_on_port_service_pb2 as _listening,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    process_service_pb2 as _process,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    rbac_service_pb2 as _rbac,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    resource_collection_service_pb2 as _collection,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    search_service_pb2 as _search,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    secret_service_pb2 as _secret,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    sensor_upgrade_service_pb2 as _sensor_upgrade,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    service_account_service_pb2 as _service_account,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    service_identity_service_pb2 as _service_identity,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    signature_integration_service_pb2 as _signature,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    telemetry_service_pb2 as _telemetry,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    user_service_pb2 as _user,  # noqa: F401
)
from pyrox.pb.api.v1 import (
    vuln_mgmt_service_pb2 as _vuln_mgmt,  # noqa: F401
)
from pyrox.pb.api.v2 import (
    base_image_service_pb2 as _base_image,  # noqa: F401
)
from pyrox.pb.api.v2 import (
    compliance_integration_service_pb2 as _compliance_integration,  # noqa: F401
)
from pyrox.pb.api.v2 import (
    compliance_profile_service_pb2 as _compliance_profile,  # noqa: F401
)
from pyrox.pb.api.v2 import (
    compliance_results_service_pb2 as _compliance_results,  # noqa: F401
)
from pyrox.pb.api.v2 import (
    compliance_results_stats_service_pb2 as _compliance_stats,  # noqa: F401
)
from pyrox.pb.api.v2 import (
    compliance_rule_service_pb2 as _compliance_rule,  # noqa: F401
)
from pyrox.pb.api.v2 import (
    compliance_scan_configuration_service_pb2 as _compliance_scan,  # noqa: F401
)
from pyrox.pb.api.v2 import (
    report_service_pb2 as _report,  # noqa: F401
)
from pyrox.pb.api.v2 import (
    vuln_exception_service_pb2 as _vuln_exception,  # noqa: F401
)
from pyrox.pb.internalapi.central import sensor_upgrade_ctrl_iservice_pb2 as _upgrade_control  # noqa: F401
from pyrox.pb.internalapi.central.v1 import token_service_pb2 as _token  # noqa: F401

SERVICES: tuple[str, ...] = (
    "v1.AdministrationEventService",
    "v1.AdministrationUsageService",
    "v1.ExternalBackupService",
    "v1.CloudSourcesService",
    "v1.ComplianceManagementService",
    "v1.ComplianceService",
    "v1.NodeCVEService",
    "v1.ClusterCVEService",
    "v1.DBService",
    "v1.DebugService",
    "v1.DeclarativeConfigHealthService",
    "v1.DelegatedRegistryConfigService",
    "v1.DeploymentService",
    "v1.DetectionService",
    "v1.DiscoveredClustersService",
    "v1.GroupService",
    "v1.ImageIntegrationService",
    "v1.ImageService",
    "v1.IntegrationHealthService",
    "v1.MitreAttackService",
    "v1.NamespaceService",
    "v1.NetworkBaselineService",
    "v1.NetworkGraphService",
    "v1.NetworkPolicyService",
    "v1.NodeService",
    "v1.NotifierService",
    "v1.PodService",
    "v1.PolicyCategoryService",
    "v1.PolicyService",
    "v1.ProbeUploadService",
    "v1.ProcessBaselineService",
    "v1.ListeningEndpointsService",
    "v1.ProcessService",
    "v1.RbacService",
    "v1.CollectionService",
    "v1.SearchService",
    "v1.SecretService",
    "v1.SensorUpgradeService",
    "v1.ServiceAccountService",
    "v1.ServiceIdentityService",
    "v1.SignatureIntegrationService",
    "v1.TelemetryService",
    "v1.UserService",
    "v1.VulnMgmtService",
    "v2.BaseImageServiceV2",
    "v2.ComplianceIntegrationService",
    "v2.ComplianceProfileService",
    "v2.ComplianceResultsService",
    "v2.ComplianceResultsStatsService",
    "v2.ComplianceRuleService",
    "v2.ComplianceScanConfigurationService",
    "v2.ReportService",
    "v2.VulnerabilityExceptionService",
    "central.SensorUpgradeControlService",
    "central.v1.TokenService",
)
