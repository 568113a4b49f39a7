"""Health labels of a cluster from what its Sensor reports: pure functions.

Thresholds are upstream's (`pkg/clusterhealth/status.go`). Called when a health report
arrives and when a cluster without connection is looked at.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pyrox.pb.internalapi.central.cluster_status_pb2 import RawClusterHealthInfo
from pyrox.pb.storage.cluster_pb2 import (
    AdmissionControlHealthInfo,
    ClusterHealthStatus,
    CollectorHealthInfo,
    ScannerHealthInfo,
)

Label = ClusterHealthStatus.HealthStatusLabel
HEALTHY_FOR = timedelta(minutes=1)
DEGRADED_FOR = timedelta(minutes=3)
# Below these shares of ready pods a part is no longer only degraded.
COLLECTOR_DEGRADED = 0.8
ADMISSION_DEGRADED = 0.66
SCANNER_DEGRADED = 0.66


def sensor_without_connection(last_contact: datetime | None, now: datetime) -> Label.ValueType:
    """Of a Sensor that is not connected."""
    if last_contact is None:
        return Label.UNINITIALIZED
    away = now - last_contact
    if away <= HEALTHY_FOR:
        return Label.HEALTHY
    return Label.DEGRADED if away <= DEGRADED_FOR else Label.UNHEALTHY


def _by_share(ready: int, desired: int, degraded: float) -> Label.ValueType:
    if desired == 0:
        return Label.UNINITIALIZED
    if ready >= desired:
        return Label.HEALTHY
    return Label.DEGRADED if ready / desired >= degraded else Label.UNHEALTHY


def _pods(info: CollectorHealthInfo | AdmissionControlHealthInfo, degraded: float) -> Label.ValueType:
    # Sensor leaves the counts out when it could not learn them; that needs attention.
    if not info.WhichOneof("total_desired_pods_opt") or not info.WhichOneof("total_ready_pods_opt"):
        return Label.UNHEALTHY
    return _by_share(info.total_ready_pods, info.total_desired_pods, degraded)


def _scanner(info: ScannerHealthInfo) -> Label.ValueType:
    if info.total_desired_analyzer_pods == 0:
        return Label.UNINITIALIZED
    if info.total_ready_db_pods == 0:
        return Label.UNHEALTHY
    return _by_share(info.total_ready_analyzer_pods, info.total_desired_analyzer_pods, SCANNER_DEGRADED)


def overall(status: ClusterHealthStatus) -> Label.ValueType:
    """The label of the whole cluster; the local scanner does not count."""
    sensor = status.sensor_health_status
    parts = {status.collector_health_status, status.admission_control_health_status}
    if sensor == Label.UNINITIALIZED:
        return sensor
    if Label.UNHEALTHY in parts:
        return Label.UNHEALTHY
    if Label.DEGRADED in parts:
        return Label.UNHEALTHY if sensor == Label.UNHEALTHY else Label.DEGRADED
    return sensor


def from_report(cluster_id: str, report: RawClusterHealthInfo | None, now: datetime) -> ClusterHealthStatus:
    """The status of a connected cluster; `report` is None before its first report."""
    status = ClusterHealthStatus(id=cluster_id, sensor_health_status=Label.HEALTHY)
    status.last_contact.FromDatetime(now)
    if report is not None:
        status.health_info_complete = True
        _add_parts(status, report)
    status.overall_health_status = overall(status)
    return status


def _add_parts(status: ClusterHealthStatus, report: RawClusterHealthInfo) -> None:
    if report.HasField("collector_health_info"):
        status.collector_health_info.CopyFrom(report.collector_health_info)
        status.collector_health_status = _pods(report.collector_health_info, COLLECTOR_DEGRADED)
    if report.HasField("admission_control_health_info"):
        info = report.admission_control_health_info
        status.admission_control_health_info.CopyFrom(info)
        status.admission_control_health_status = _pods(info, ADMISSION_DEGRADED)
    if report.HasField("scanner_health_info"):
        status.scanner_health_info.CopyFrom(report.scanner_health_info)
        status.scanner_health_status = _scanner(report.scanner_health_info)


def aged(status: ClusterHealthStatus, now: datetime) -> ClusterHealthStatus:
    """The same status as it is without a connection at `now`."""
    last = status.last_contact.ToDatetime(UTC) if status.HasField("last_contact") else None
    older = ClusterHealthStatus()
    older.CopyFrom(status)
    older.sensor_health_status = sensor_without_connection(last, now)
    older.overall_health_status = overall(older)
    return older
