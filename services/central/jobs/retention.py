"""Which alerts the configuration no longer keeps, as queries. Pure."""

from __future__ import annotations

from pyrox.pb.storage.config_pb2 import AlertRetentionConfig, PrivateConfig
from services.central.db.query import EVERY, Query


def expired_alerts(config: PrivateConfig) -> list[Query]:
    """One query for each rule of retention that is switched on; 0 days switch a rule off."""
    if config.WhichOneof("alert_retention") == "DEPRECATED_alert_retention_duration_days":
        days = config.DEPRECATED_alert_retention_duration_days
        return [_older(days)] if days > 0 else []
    rules = config.alert_config
    return [query & _older(days) for query, days in _rules(rules) if days > 0]


def _rules(rules: AlertRetentionConfig) -> list[tuple[Query, int]]:
    deploy = Query.match("Lifecycle Stage", "DEPLOY")
    runtime = Query.match("Lifecycle Stage", "RUNTIME")
    attempted = Query.match("Violation State", "ATTEMPTED")
    return [
        (deploy & Query.match("Violation State", "RESOLVED"), rules.resolved_deploy_retention_duration_days),
        (runtime, rules.all_runtime_retention_duration_days),
        (
            runtime & Query.match("Inactive Deployment", "true"),
            rules.deleted_runtime_retention_duration_days,
        ),
        (deploy & attempted, rules.attempted_deploy_retention_duration_days),
        (runtime & attempted, rules.attempted_runtime_retention_duration_days),
    ]


def _older(days: int) -> Query:
    return EVERY & Query.match("Violation Time", f">{days}d")
