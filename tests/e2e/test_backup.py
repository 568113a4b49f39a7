"""Central's database: saved, lost, and restored by roxctl into a new installation."""

from __future__ import annotations

import sys
from typing import Any

import httpx
import pytest

from tests.e2e.stories import REFUSED, Stories
from tests.support import cluster
from tests.support.cluster import eventually, kubectl
from tests.support.helm_installation import NAMESPACE, Installed

pytestmark = [pytest.mark.needs("cluster", "helm"), pytest.mark.timeout(1200)]
_LISTS = {
    "/v1/policies": ("policies", "name"),
    "/v1/clusters": ("clusters", "id"),
    "/v1/deployments": ("deployments", "id"),
    "/v1/images": ("images", "id"),
    "/v1/alerts": ("alerts", "id"),
    "/v1/cluster-init/init-bundles": ("items", "id"),
    "/v1/apitokens": ("tokens", "id"),
}


def test_backup_restores_everything_that_was_deleted(stories: Stories) -> None:
    installed = stories.installed
    with installed.central() as client:
        made = client.post("/v1/apitokens/generate", json={"name": "e2e kept", "roles": ["Analyst"]})
        assert made.status_code == 200, made.text
    backup = installed.directory / "backup.zip"
    # Nobody writes while the two are compared.
    kubectl("scale", "deployment/sensor", "-n", NAMESPACE, "--replicas=0")
    before = _contents(installed)
    installed.roxctl("central", "backup", "--output", str(backup), seconds=300)
    installed.uninstall()
    kubectl("delete", "pvc", "central-db", "-n", NAMESPACE, "--wait", seconds=120)
    installed.install_central()
    assert REFUSED not in _contents(installed)["/v1/policies"]
    installed.roxctl("central", "db", "restore", str(backup), seconds=400)
    after = eventually(lambda: _same(installed, before), seconds=120, what="the restored contents are served")
    assert after == before
    installed.install_secured()
    eventually(installed.healthy, seconds=120, what="Sensor is connected again")
    assert cluster.got("deployment", "sensor", "-n", NAMESPACE)["status"]["readyReplicas"] == 1


def _contents(installed: Installed) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    with installed.central() as client:
        for path, (field, key) in _LISTS.items():
            answer = client.get(path, params={"pagination.limit": "5000"})
            assert answer.status_code == 200, answer.text
            found[path] = {one[key] for one in answer.json()[field]}
    return found


def _same(installed: Installed, wanted: dict[str, set[str]]) -> dict[str, Any] | None:
    """What Central shows once it is the same; None while it restarts or shows something else."""
    try:
        found = _contents(installed)
    except (httpx.TransportError, AssertionError) as error:
        sys.stdout.write(f"Central restarts: {error}\n")
        return None
    return found if found == wanted else None
