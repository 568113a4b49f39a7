"""The part of Central's composition root that makes baselines and risk.

`services.central.app` calls it once.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyrox import features
from pyrox.clock import Clock
from pyrox.pg.pool import Pool
from services.central.baselines.learning import Learning
from services.central.baselines.store import BaselineStore
from services.central.baselines.sync import BaselineSync
from services.central.config import Config
from services.central.deployments.store import DeploymentStore
from services.central.risk.store import RiskStore
from services.central.risk.timeline import TimelineReader
from services.central.risk.worker import RiskWorker, Rules


@dataclass(frozen=True, slots=True)
class Assessment:
    """What learns from processes and says how urgent deployments are."""

    baselines: BaselineStore
    sync: BaselineSync
    learning: Learning
    worker: RiskWorker
    timeline: TimelineReader


def assessment(config: Config, pool: Pool, clock: Clock) -> Assessment:
    """Everything around baselines and risk."""
    baselines = BaselineStore(pool=pool, clock=clock, learning=config.baseline_duration)
    rules = Rules(
        interval=config.risk_interval,
        processes_count=config.baseline_risk,
        may_lock=config.flags.get(features.AUTO_LOCK_PROCESS_BASELINES, True),
    )
    worker = RiskWorker(store=RiskStore(pool=pool), baselines=baselines, pool=pool, clock=clock, rules=rules)
    learning = Learning(clock=clock, duration=config.baseline_duration)
    timeline = TimelineReader(pool=pool, deployments=DeploymentStore(pool=pool), baselines=baselines)
    return Assessment(baselines, BaselineSync(source=baselines), learning, worker, timeline)
