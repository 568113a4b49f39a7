"""Every process runs as a user that no image knows, of group 0, as OpenShift has pods run.

What comes after it in a run is so tested with these users too; a new installation ends that.
"""

from __future__ import annotations

import json

import pytest

from tests.support import cluster
from tests.support.cluster import eventually, kubectl, rolled_out
from tests.support.helm_installation import NAMESPACE, Installed

pytestmark = [pytest.mark.needs("cluster", "helm"), pytest.mark.timeout(1200)]
# From the range that OpenShift gives to a namespace, as a rule.
USER = 1000660000
# All but the databases, which are the user of their files, and Collector.
WORKLOADS = ("central", "sensor", "admission-control", "scanner-v4-indexer", "scanner-v4-matcher")


def test_installation_is_healthy_as_a_user_that_no_image_knows(installed: Installed) -> None:
    context = {"runAsUser": USER, "runAsGroup": 0, "fsGroup": USER}
    body = json.dumps({"spec": {"template": {"spec": {"securityContext": context}}}})
    for name in WORKLOADS:
        kubectl("patch", "deployment", name, "-n", NAMESPACE, "-p", body)
    for name in WORKLOADS:
        rolled_out(NAMESPACE, name)
    eventually(installed.healthy, seconds=240, what="Sensor is connected")
    pods = [pod for name in WORKLOADS for pod in cluster.pods(NAMESPACE, f"app={name}")]
    assert {pod["spec"]["securityContext"]["runAsUser"] for pod in pods} == {USER}
    told = kubectl("exec", "-n", NAMESPACE, "deployment/central", "--", "id", "-u", "-n", check=False)
    assert f"cannot find name for user ID {USER}" in told.stderr
