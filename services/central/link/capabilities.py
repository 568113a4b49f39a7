"""What both sides of the stream can do, by upstream's names.

Facts only (`pkg/centralsensor`); the order of Central's list is the one seen on the wire.
"""

from __future__ import annotations

SENSOR_DETECTION = "SensorDetection"
SEND_DEDUPER_STATE = "SendDeduperStateOnReconnect"
DELEGATED_REGISTRY = "DelegatedRegistryCap"
TARGETED_IMAGE_CACHE = "TargetedImageCacheInvalidation"
ENHANCED_DEPLOYMENT_CHECK = "SensorEnhancedDeploymentCheck"
COMPLIANCE_SCAN_CONFIG_SYNC = "ComplianceV2ScanConfigSync"
AUDIT_LOG_EVENTS = "AuditLogEvents"
EXTERNAL_SOURCES = "NetworkGraphExternalSrcs"
SCANNER_V4 = "ScannerV4Supported"

CENTRAL = (
    "NetworkGraphDiscoveredExternalEntitiesSupported",
    "NetworkGraphInternalEntitiesSupported",
    "VirtualMachinesSupported",
    "SecuredClusterCertificatesReissue",
    "SendDeduperStateOnReconnect",
    "ComplianceV2Integrations",
    "ComplianceV2TailoredProfiles",
    "ComplianceV2Remediations",
    "ClusterRegistrationSecretSupported",
    "FlattenImageData",
    "InitContainerSupport",
    "InternalTokenAPISupported",
    "CentralProxyPathFiltering",
)

# Paths of Central that a Sensor may proxy for the OpenShift console plugin.
ALLOWED_PROXY_PATHS = (
    "/static/ocp-plugin/",
    "/v1/config/public",
    "/v1/deployments",
    "/v1/featureflags",
    "/v1/metadata",
    "/v1/mypermissions",
    "/v1/telemetry/",
    "/api/graphql",
)
