"""Who is never judged."""

from __future__ import annotations

from typing import Any

import pytest

from services.admission import bypass
from tests.unit.services.admission.builders import review


@pytest.mark.parametrize(
    "changes",
    [
        {"namespace": "stackrox"},
        {"namespace": "mine"},
        {"namespace": "kube-system"},
        {"namespace": "openshift-monitoring"},
        {"subresource": "status"},
        {"username": "system:kube-scheduler"},
        {"username": "system:serviceaccount:kube-system:job-controller"},
        {"groups": ("system:nodes",)},
    ],
)
def test_platforms_own_requests_are_exempt(changes: dict[str, Any]) -> None:
    assert bypass.is_exempt(review(**changes), "mine")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"namespace": "openshift-operators"},
        {"subresource": "scale"},
        {"username": "system:serviceaccount:shop:deployer"},
        {"username": "system:kube-scheduler-fake"},
    ],
)
def test_users_requests_are_judged(changes: dict[str, Any]) -> None:
    assert not bypass.is_exempt(review(**changes), "mine")
