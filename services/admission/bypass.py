"""Which requests are never judged: pure questions about a review.

Rules are upstream's (sensor/admission-control/manager).
"""

from __future__ import annotations

from pyrox.workload.orchestrator import is_system_namespace
from services.admission.review import Review

PRODUCT_NAMESPACE = "stackrox"
SCALE = "scale"
_SYSTEM_USERS = frozenset({"system:kube-scheduler", "system:kube-controller-manager", "system:kube-proxy"})
_SERVICE_ACCOUNT = "system:serviceaccount:"
_NODES = "system:nodes"


def is_privileged(review: Review) -> bool:
    """Whether the platform itself makes the request."""
    if review.username in _SYSTEM_USERS or _NODES in review.groups:
        return True
    if not review.username.startswith(_SERVICE_ACCOUNT):
        return False
    namespace = review.username.removeprefix(_SERVICE_ACCOUNT).partition(":")[0]
    return is_system_namespace(namespace)


def is_exempt(review: Review, own_namespace: str) -> bool:
    """Whether no deploy-time policy is asked about the request."""
    if review.namespace in {PRODUCT_NAMESPACE, own_namespace} or is_system_namespace(review.namespace):
        return True
    return review.subresource not in {"", SCALE} or is_privileged(review)
