"""Which namespaces belong to the orchestrator itself.

Used by the conversion (`orchestrator_component`) and by Admission, which never stands
in the orchestrator's way. It must not know workloads.
"""

from __future__ import annotations

import re

_ORCHESTRATOR = re.compile(r"kube-.*|openshift|openshift-.*")
# Users install operators there, so it is watched and guarded like any other.
_USER_OPERATORS = "openshift-operators"


def is_orchestrator_namespace(namespace: str) -> bool:
    """Whether workloads there are the orchestrator's components."""
    return _ORCHESTRATOR.fullmatch(namespace) is not None


def is_system_namespace(namespace: str) -> bool:
    """Whether Admission lets everything there pass."""
    return namespace != _USER_OPERATORS and is_orchestrator_namespace(namespace)
