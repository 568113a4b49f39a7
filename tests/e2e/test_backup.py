"""Central's database: saved, lost, and restored by roxctl into a new installation."""

from __future__ import annotations

import pytest

from tests.e2e.contents import contents, restored
from tests.e2e.stories import REFUSED, Stories
from tests.support import cluster
from tests.support.cluster import eventually, kubectl, scale
from tests.support.helm_installation import NAMESPACE

pytestmark = [pytest.mark.needs("cluster", "helm"), pytest.mark.timeout(1200)]


def test_backup_restores_everything_that_was_deleted(stories: Stories) -> None:
    installed = stories.installed
    with installed.central() as client:
        made = client.post("/v1/apitokens/generate", json={"name": "e2e kept", "roles": ["Analyst"]})
        assert made.status_code == 200, made.text
    backup = installed.directory / "backup.zip"
    # Nobody writes while the two are compared.
    scale(NAMESPACE, "sensor", 0)
    before = contents(installed)
    installed.roxctl("central", "backup", "--output", str(backup), seconds=300)
    installed.uninstall()
    kubectl("delete", "pvc", "central-db", "-n", NAMESPACE, "--wait", seconds=120)
    installed.install_central()
    assert REFUSED not in contents(installed)["/v1/policies"]
    installed.roxctl("central", "db", "restore", str(backup), seconds=400)
    assert restored(installed, before) == before
    installed.install_secured()
    eventually(installed.healthy, seconds=240, what="Sensor is connected again")
    assert cluster.got("deployment", "sensor", "-n", NAMESPACE)["status"]["readyReplicas"] == 1
