"""On OpenShift pods of both charts name no user: each namespace has users of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.charts import CENTRAL, SECURED, Render
from tests.support.pod_security import all_containers, restricted_breaches

pytestmark = pytest.mark.needs("helm")
SCANNER = {"clusterName": "a", "scanner": {"disable": False}}
CHARTS = [(CENTRAL, {}), (SECURED, SCANNER)]
# PostgreSQL must be the user of its files, and Collector is privileged.
OWN_USER = {
    "Deployment/central-db": {70},
    "Deployment/scanner-v4-db": {70},
    "DaemonSet/collector": {0},
}


def users(chart: Path, values: dict[str, Any], *, openshift: bool) -> dict[str, set[int]]:
    """The users and groups that each pod names."""
    pods = Render(chart, {**values, "env": {"openshift": openshift}}).manifests().pods()
    keys = ("runAsUser", "runAsGroup", "fsGroup")
    found = {
        name: {
            context[key]
            for context in (
                pod["spec"].get("securityContext", {}),
                *(one.get("securityContext", {}) for one in all_containers(pod["spec"])),
            )
            for key in keys
            if key in context
        }
        for name, pod in pods.items()
    }
    return {name: named for name, named in found.items() if named}


@pytest.mark.parametrize(("chart", "values"), CHARTS, ids=["central", "secured"])
def test_only_databases_and_collector_name_their_user_on_openshift(
    chart: Path, values: dict[str, Any]
) -> None:
    named = users(chart, values, openshift=True)
    assert named == {name: OWN_USER[name] for name in named}
    assert "Deployment/scanner-v4-db" in named


@pytest.mark.parametrize(("chart", "values"), CHARTS, ids=["central", "secured"])
def test_elsewhere_every_pod_names_its_user(chart: Path, values: dict[str, Any]) -> None:
    pods = Render(chart, {**values, "env": {"openshift": False}}).manifests().pods()
    assert users(chart, values, openshift=False).keys() == pods.keys()


@pytest.mark.parametrize(("chart", "values"), CHARTS, ids=["central", "secured"])
def test_restricted_standard_still_holds_on_openshift(chart: Path, values: dict[str, Any]) -> None:
    pods = Render(chart, {**values, "env": {"openshift": 4}}).manifests().pods()
    breaches = {name for name, pod in pods.items() if restricted_breaches(pod["spec"])}
    assert breaches <= {"DaemonSet/collector"}
