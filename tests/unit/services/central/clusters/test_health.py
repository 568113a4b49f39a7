"""Health labels from what Sensors report."""

from datetime import UTC, datetime, timedelta

import pytest

from pyrox.pb.internalapi.central.cluster_status_pb2 import RawClusterHealthInfo
from pyrox.pb.storage.cluster_pb2 import ClusterHealthStatus
from services.central.clusters.health import aged, from_report, overall, sensor_without_connection

Label = ClusterHealthStatus.HealthStatusLabel
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "label"),
    [
        (0, Label.HEALTHY),
        (60, Label.HEALTHY),
        (61, Label.DEGRADED),
        (180, Label.DEGRADED),
        (181, Label.UNHEALTHY),
    ],
)
def test_sensor_without_connection_ages(seconds: int, label: int) -> None:
    assert sensor_without_connection(NOW - timedelta(seconds=seconds), NOW) == label


def test_sensor_that_never_connected_is_uninitialized() -> None:
    assert sensor_without_connection(None, NOW) == Label.UNINITIALIZED


def report(collector: tuple[int, int] | None, admission: tuple[int, int] | None) -> RawClusterHealthInfo:
    made = RawClusterHealthInfo()
    made.collector_health_info.SetInParent()
    made.admission_control_health_info.SetInParent()
    if collector:
        made.collector_health_info.total_ready_pods, made.collector_health_info.total_desired_pods = collector
    if admission:
        info = made.admission_control_health_info
        info.total_ready_pods, info.total_desired_pods = admission
    return made


@pytest.mark.parametrize(
    ("collector", "admission", "expected"),
    [
        ((5, 5), (3, 3), (Label.HEALTHY, Label.HEALTHY, Label.HEALTHY)),
        ((4, 5), (3, 3), (Label.DEGRADED, Label.HEALTHY, Label.DEGRADED)),
        ((3, 5), (3, 3), (Label.UNHEALTHY, Label.HEALTHY, Label.UNHEALTHY)),
        ((5, 5), (2, 3), (Label.HEALTHY, Label.DEGRADED, Label.DEGRADED)),
        ((5, 5), (1, 3), (Label.HEALTHY, Label.UNHEALTHY, Label.UNHEALTHY)),
        ((0, 0), (3, 3), (Label.UNINITIALIZED, Label.HEALTHY, Label.HEALTHY)),
        (None, (3, 3), (Label.UNHEALTHY, Label.HEALTHY, Label.UNHEALTHY)),
    ],
)
def test_from_report_rates_parts_and_whole(
    collector: tuple[int, int] | None, admission: tuple[int, int], expected: tuple[int, int, int]
) -> None:
    status = from_report("c", report(collector, admission), NOW)
    found = (
        status.collector_health_status,
        status.admission_control_health_status,
        status.overall_health_status,
    )
    assert found == expected
    assert status.health_info_complete


def test_from_report_local_scanner_does_not_count_for_the_whole() -> None:
    raw = report((1, 1), (1, 1))
    raw.scanner_health_info.total_desired_analyzer_pods = 2
    status = from_report("c", raw, NOW)
    assert status.scanner_health_status == Label.UNHEALTHY
    assert status.overall_health_status == Label.HEALTHY


def test_from_report_before_first_report_knows_the_sensor_only() -> None:
    status = from_report("c", None, NOW)
    assert status.sensor_health_status == status.overall_health_status == Label.HEALTHY
    assert status.collector_health_status == Label.UNINITIALIZED
    assert not status.health_info_complete


def test_aged_degraded_collector_and_dead_sensor_is_unhealthy() -> None:
    status = from_report("c", report((4, 5), (3, 3)), NOW)
    later = aged(status, NOW + timedelta(minutes=10))
    assert later.sensor_health_status == Label.UNHEALTHY
    assert later.overall_health_status == Label.UNHEALTHY
    assert status.sensor_health_status == Label.HEALTHY


def test_overall_of_a_new_cluster_is_uninitialized() -> None:
    assert overall(ClusterHealthStatus()) == Label.UNINITIALIZED
