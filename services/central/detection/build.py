"""Alerts of one image at build time, and of deployments that do not run yet.

The detection servicer calls it. Nothing is stored: these alerts are answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import uuid4

from pyrox import log
from pyrox.errors import Internal
from pyrox.pb.storage.alert_pb2 import Alert
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.image_pb2 import Image
from pyrox.policy.alerts import build_alert
from pyrox.policy.evaluate import CompiledPolicy
from pyrox.policy.scope import NO_LABELS, PlaceLabels
from pyrox.policy.sets import PolicySet
from pyrox.policy.subject import DeploymentSubject, ImageSubject, NetworkPoliciesApplied, Subject

_LOG = log.get(__name__)


def of_categories(policies: PolicySet, categories: Iterable[str]) -> PolicySet:
    """The policies of these categories, all when none is named.

    Raises `Internal`, as upstream does, when no policy has any of them.
    """
    wanted = {category.lower() for category in categories}
    if not wanted:
        return policies

    def has_one(compiled: CompiledPolicy) -> bool:
        return any(category.lower() in wanted for category in compiled.policy.categories)

    chosen = policies.where(has_one)
    if not chosen.policies:
        raise Internal(f"allowed categories {sorted(wanted)} did not match any policy categories")
    return chosen


def image_alerts(policies: PolicySet, image: Image, now: datetime) -> list[Alert]:
    """Violated BUILD policies."""
    return _alerts(policies, ImageSubject(image), now)


def deployment_alerts(
    policies: PolicySet,
    deployment: Deployment,
    images: Sequence[Image | None],
    network_policies: NetworkPoliciesApplied | None,
    now: datetime,
    places: PlaceLabels = NO_LABELS,
) -> list[Alert]:
    """Violated DEPLOY policies of a deployment whose images are known."""
    return _alerts(policies, DeploymentSubject(deployment, images, network_policies), now, places)


def _alerts(
    policies: PolicySet, subject: Subject, now: datetime, places: PlaceLabels = NO_LABELS
) -> list[Alert]:
    detection = policies.detect(subject, now, places=places)
    for problem in detection.problems:
        _LOG.error("policy not evaluated", policy=problem.policy_name, problem=problem.message)
    return [
        build_alert(match.compiled.policy, match.verdict, subject, alert_id=str(uuid4()), now=now)
        for match in detection.matches
    ]
