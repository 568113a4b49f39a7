"""Which alerts the configuration no longer keeps."""

from __future__ import annotations

from datetime import UTC, datetime

from pyrox.pb.storage.config_pb2 import PrivateConfig
from services.central.jobs.retention import expired_alerts
from services.central.system_config import defaults


def test_default_configuration_has_five_rules() -> None:
    config = defaults.load(datetime(2026, 1, 1, tzinfo=UTC)).private_config
    assert [str(query) for query in expired_alerts(config)] == [
        "Lifecycle Stage:DEPLOY+Violation State:RESOLVED+Violation Time:>7d",
        "Lifecycle Stage:RUNTIME+Violation Time:>30d",
        "Lifecycle Stage:RUNTIME+Inactive Deployment:true+Violation Time:>7d",
        "Lifecycle Stage:DEPLOY+Violation State:ATTEMPTED+Violation Time:>7d",
        "Lifecycle Stage:RUNTIME+Violation State:ATTEMPTED+Violation Time:>7d",
    ]


def test_zero_and_negative_days_switch_a_rule_off() -> None:
    config = PrivateConfig()
    config.alert_config.resolved_deploy_retention_duration_days = -1
    config.alert_config.all_runtime_retention_duration_days = 0
    config.alert_config.attempted_runtime_retention_duration_days = 2
    (query,) = expired_alerts(config)
    assert str(query).endswith("ATTEMPTED+Violation Time:>2d")


def test_old_form_of_one_number_is_for_all_alerts() -> None:
    (query,) = expired_alerts(PrivateConfig(DEPRECATED_alert_retention_duration_days=3))
    assert str(query) == "Violation Time:>3d"
    assert expired_alerts(PrivateConfig(DEPRECATED_alert_retention_duration_days=0)) == []


def test_configuration_without_retention_keeps_everything() -> None:
    assert expired_alerts(PrivateConfig()) == []
