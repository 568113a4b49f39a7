"""Columns of clusters and what runs in them: namespaces, deployments, pods, processes, risk.

Facts only: upstream's search labels and the proto paths they read. `tables.py` collects them.
"""

from __future__ import annotations

from pyrox.pb.storage import (
    cluster_pb2,
    deployment_pb2,
    namespace_metadata_pb2,
    process_baseline_pb2,
    process_indicator_pb2,
    risk_pb2,
)
from services.central.db.fields import Child, Column, Kind, Reach, Table

CLUSTERS: Table[cluster_pb2.Cluster] = Table(
    name="clusters",
    message=cluster_pb2.Cluster,
    columns=(
        Column("id", "id", Kind.UUID, "Cluster ID", hidden=True, key=True),
        Column("name", "name", Kind.TEXT, "Cluster", unique=True),
        Column("type", "type", Kind.ENUM, "Cluster Platform Type"),
        Column("labels", "labels", Kind.MAP, "Cluster Label"),
        Column(
            "status_providermetadata_cluster_type",
            "status.provider_metadata.cluster.type",
            Kind.ENUM,
            "Cluster Type",
        ),
        Column(
            "status_orchestratormetadata_version",
            "status.orchestrator_metadata.version",
            Kind.TEXT,
            "Cluster Kubernetes Version",
        ),
    ),
    reach=Reach.CLUSTER,
    cluster="id",
    reachable=("cluster_health_statuses",),
)
CLUSTER_HEALTH: Table[cluster_pb2.ClusterHealthStatus] = Table(
    name="cluster_health_statuses",
    message=cluster_pb2.ClusterHealthStatus,
    columns=(
        Column("id", "id", Kind.UUID, key=True),
        Column("sensorhealthstatus", "sensor_health_status", Kind.ENUM, "Sensor Status"),
        Column("collectorhealthstatus", "collector_health_status", Kind.ENUM, "Collector Status"),
        Column("overallhealthstatus", "overall_health_status", Kind.ENUM, "Cluster Status"),
        Column(
            "admissioncontrolhealthstatus",
            "admission_control_health_status",
            Kind.ENUM,
            "Admission Control Status",
        ),
        Column("scannerhealthstatus", "scanner_health_status", Kind.ENUM, "Scanner Status"),
        Column("lastcontact", "last_contact", Kind.TIME, "Last Contact"),
    ),
    reach=Reach.CLUSTER,
    cluster="id",
    reachable=("clusters",),
)
NAMESPACES: Table[namespace_metadata_pb2.NamespaceMetadata] = Table(
    name="namespaces",
    message=namespace_metadata_pb2.NamespaceMetadata,
    columns=(
        Column("id", "id", Kind.UUID, "Namespace ID", key=True),
        Column("name", "name", Kind.TEXT, "Namespace"),
        Column("clusterid", "cluster_id", Kind.UUID, "Cluster ID", hidden=True),
        Column("clustername", "cluster_name", Kind.TEXT, "Cluster"),
        Column("labels", "labels", Kind.MAP, "Namespace Label"),
        Column("annotations", "annotations", Kind.MAP, "Namespace Annotation"),
    ),
    reach=Reach.NAMESPACE,
    cluster="clusterid",
    namespace="name",
    reachable=("clusters",),
)
DEPLOYMENTS: Table[deployment_pb2.Deployment] = Table(
    name="deployments",
    message=deployment_pb2.Deployment,
    columns=(
        Column("id", "id", Kind.UUID, "Deployment ID", hidden=True, key=True),
        Column("name", "name", Kind.TEXT, "Deployment"),
        Column("hash", "hash", Kind.INT, "Deployment Hash", hidden=True),
        Column("type", "type", Kind.TEXT, "Deployment Type"),
        Column("namespace", "namespace", Kind.TEXT, "Namespace"),
        Column("namespaceid", "namespace_id", Kind.UUID, "Namespace ID"),
        Column("orchestratorcomponent", "orchestrator_component", Kind.BOOL, "Orchestrator Component"),
        Column("labels", "labels", Kind.MAP, "Deployment Label"),
        Column("podlabels", "pod_labels", Kind.MAP, "Pod Label"),
        Column("created", "created", Kind.TIME, "Created", hidden=True),
        Column("clusterid", "cluster_id", Kind.UUID, "Cluster ID", hidden=True),
        Column("clustername", "cluster_name", Kind.TEXT, "Cluster"),
        Column("annotations", "annotations", Kind.MAP, "Deployment Annotation"),
        Column("priority", "priority", Kind.INT, "Deployment Risk Priority", hidden=True),
        Column("imagepullsecrets", "image_pull_secrets", Kind.TEXTS, "Image Pull Secret"),
        Column("serviceaccount", "service_account", Kind.TEXT, "Service Account"),
        Column(
            "serviceaccountpermissionlevel",
            "service_account_permission_level",
            Kind.ENUM,
            "Service Account Permission Level",
        ),
        Column("riskscore", "risk_score", Kind.FLOAT, "Deployment Risk Score", hidden=True),
        Column("platformcomponent", "platform_component", Kind.BOOL, "Platform Component"),
    ),
    children=(
        Child(
            "deployments_containers",
            "containers",
            columns=(
                Column("image_id", "image.id", Kind.TEXT, "Image Sha", hidden=True),
                Column("image_name_registry", "image.name.registry", Kind.TEXT, "Image Registry"),
                Column("image_name_remote", "image.name.remote", Kind.TEXT, "Image Remote"),
                Column("image_name_tag", "image.name.tag", Kind.TEXT, "Image Tag"),
                Column("image_name_fullname", "image.name.full_name", Kind.TEXT, "Image"),
                Column("image_idv2", "image.id_v2", Kind.TEXT, "Image ID", hidden=True, optional=True),
                Column("securitycontext_privileged", "security_context.privileged", Kind.BOOL, "Privileged"),
                Column(
                    "securitycontext_dropcapabilities",
                    "security_context.drop_capabilities",
                    Kind.TEXTS,
                    "Drop Capabilities",
                ),
                Column(
                    "securitycontext_addcapabilities",
                    "security_context.add_capabilities",
                    Kind.TEXTS,
                    "Add Capabilities",
                ),
                Column(
                    "securitycontext_readonlyrootfilesystem",
                    "security_context.read_only_root_filesystem",
                    Kind.BOOL,
                    "Read Only Root Filesystem",
                ),
                Column(
                    "resources_cpucoresrequest",
                    "resources.cpu_cores_request",
                    Kind.FLOAT,
                    "CPU Cores Request",
                ),
                Column("resources_cpucoreslimit", "resources.cpu_cores_limit", Kind.FLOAT, "CPU Cores Limit"),
                Column(
                    "resources_memorymbrequest",
                    "resources.memory_mb_request",
                    Kind.FLOAT,
                    "Memory Request (MB)",
                ),
                Column(
                    "resources_memorymblimit", "resources.memory_mb_limit", Kind.FLOAT, "Memory Limit (MB)"
                ),
                Column("type", "type", Kind.ENUM, "Container Type"),
            ),
            children=(
                Child(
                    "deployments_containers_envs",
                    "config.env",
                    columns=(
                        Column("key", "key", Kind.TEXT, "Environment Key"),
                        Column("value", "value", Kind.TEXT, "Environment Value"),
                        Column("envvarsource", "env_var_source", Kind.ENUM, "Environment Variable Source"),
                    ),
                    children=(),
                ),
                Child(
                    "deployments_containers_volumes",
                    "volumes",
                    columns=(
                        Column("name", "name", Kind.TEXT, "Volume Name"),
                        Column("source", "source", Kind.TEXT, "Volume Source"),
                        Column("destination", "destination", Kind.TEXT, "Volume Destination"),
                        Column("readonly", "read_only", Kind.BOOL, "Volume ReadOnly"),
                        Column("type", "type", Kind.TEXT, "Volume Type"),
                    ),
                    children=(),
                ),
                Child(
                    "deployments_containers_secrets",
                    "secrets",
                    columns=(
                        Column("name", "name", Kind.TEXT, "Secret"),
                        Column("path", "path", Kind.TEXT, "Secret Path"),
                    ),
                    children=(),
                ),
            ),
        ),
        Child(
            "deployments_ports",
            "ports",
            columns=(
                Column("containerport", "container_port", Kind.INT, "Port"),
                Column("protocol", "protocol", Kind.TEXT, "Port Protocol"),
                Column("exposure", "exposure", Kind.ENUM, "Max Exposure Level"),
            ),
            children=(
                Child(
                    "deployments_ports_exposure_infos",
                    "exposure_infos",
                    columns=(
                        Column("level", "level", Kind.ENUM, "Exposure Level"),
                        Column("servicename", "service_name", Kind.TEXT, "Exposing Service"),
                        Column("serviceport", "service_port", Kind.INT, "Exposing Service Port"),
                        Column("nodeport", "node_port", Kind.INT, "Exposed Node Port"),
                        Column("externalips", "external_ips", Kind.TEXTS, "External IP"),
                        Column("externalhostnames", "external_hostnames", Kind.TEXTS, "External Hostname"),
                    ),
                    children=(),
                ),
            ),
        ),
    ),
    reach=Reach.NAMESPACE,
    cluster="clusterid",
    namespace="namespace",
    reachable=(
        "namespaces",
        "clusters",
        "images_v2",
        "image_component_v2",
        "image_cves_v2",
        "process_indicators",
        "pods",
    ),
    listed=True,
)
PODS: Table[deployment_pb2.Pod] = Table(
    name="pods",
    message=deployment_pb2.Pod,
    columns=(
        Column("id", "id", Kind.UUID, "Pod ID", hidden=True, key=True),
        Column("name", "name", Kind.TEXT, "Pod Name", hidden=True),
        Column("deploymentid", "deployment_id", Kind.UUID, "Deployment ID", hidden=True),
        Column("namespace", "namespace", Kind.TEXT, "Namespace"),
        Column("clusterid", "cluster_id", Kind.UUID, "Cluster ID", hidden=True),
    ),
    children=(
        Child(
            "pods_live_instances",
            "live_instances",
            columns=(
                Column("imagedigest", "image_digest", Kind.TEXT, "Container Image Digest", hidden=True),
            ),
            children=(),
        ),
    ),
    reach=Reach.NAMESPACE,
    cluster="clusterid",
    namespace="namespace",
    reachable=(
        "deployments",
        "namespaces",
        "clusters",
    ),
)
PROCESS_INDICATORS: Table[process_indicator_pb2.ProcessIndicator] = Table(
    name="process_indicators",
    message=process_indicator_pb2.ProcessIndicator,
    columns=(
        Column("id", "id", Kind.UUID, "Process ID", hidden=True, key=True),
        Column("deploymentid", "deployment_id", Kind.UUID, "Deployment ID", hidden=True),
        Column("containername", "container_name", Kind.TEXT, "Container Name", hidden=True),
        Column("podid", "pod_id", Kind.TEXT, "Pod ID", hidden=True),
        Column("poduid", "pod_uid", Kind.UUID, "Pod UID", hidden=True),
        Column("signal_containerid", "signal.container_id", Kind.TEXT, "Container ID", hidden=True),
        Column("signal_time", "signal.time", Kind.TIME, "Process Creation Time", hidden=True),
        Column("signal_name", "signal.name", Kind.TEXT, "Process Name"),
        Column("signal_args", "signal.args", Kind.TEXT, "Process Arguments"),
        Column("signal_execfilepath", "signal.exec_file_path", Kind.TEXT, "Process Path"),
        Column("signal_uid", "signal.uid", Kind.INT, "Process UID"),
        Column("clusterid", "cluster_id", Kind.UUID, "Cluster ID", hidden=True),
        Column("namespace", "namespace", Kind.TEXT, "Namespace", hidden=True),
        Column("containerstarttime", "container_start_time", Kind.TIME, "Process Container Start Time"),
    ),
    reach=Reach.NAMESPACE,
    cluster="clusterid",
    namespace="namespace",
    reachable=("deployments",),
)
PROCESS_BASELINES: Table[process_baseline_pb2.ProcessBaseline] = Table(
    name="process_baselines",
    message=process_baseline_pb2.ProcessBaseline,
    columns=(
        Column("id", "id", Kind.TEXT, key=True),
        Column("key_deploymentid", "key.deployment_id", Kind.UUID, "Deployment ID", hidden=True),
        Column("key_clusterid", "key.cluster_id", Kind.UUID, "Cluster ID", hidden=True),
        Column("key_namespace", "key.namespace", Kind.TEXT, "Namespace", hidden=True),
    ),
    children=(
        Child(
            "process_baselines_elements",
            "elements",
            columns=(Column("element_processname", "element.process_name", Kind.TEXT),),
            children=(),
        ),
    ),
    reach=Reach.NAMESPACE,
    cluster="key_clusterid",
    namespace="key_namespace",
    reachable=("deployments",),
)
PROCESS_BASELINE_RESULTS: Table[process_baseline_pb2.ProcessBaselineResults] = Table(
    name="process_baseline_results",
    message=process_baseline_pb2.ProcessBaselineResults,
    columns=(
        Column("deploymentid", "deployment_id", Kind.UUID, key=True),
        Column("clusterid", "cluster_id", Kind.UUID, "Cluster ID", hidden=True),
        Column("namespace", "namespace", Kind.TEXT, "Namespace", hidden=True),
    ),
    reach=Reach.NAMESPACE,
    cluster="clusterid",
    namespace="namespace",
)
RISKS: Table[risk_pb2.Risk] = Table(
    name="risks",
    message=risk_pb2.Risk,
    columns=(
        Column("id", "id", Kind.TEXT, key=True),
        Column("subject_namespace", "subject.namespace", Kind.TEXT, "Namespace"),
        Column("subject_clusterid", "subject.cluster_id", Kind.UUID, "Cluster ID", hidden=True),
        Column("subject_type", "subject.type", Kind.ENUM, "Risk Subject Type", hidden=True),
        Column("score", "score", Kind.FLOAT, "Risk Score", hidden=True),
    ),
    reach=Reach.NAMESPACE,
    cluster="subject_clusterid",
    namespace="subject_namespace",
)
