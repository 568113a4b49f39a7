"""Uninstalling: what stays is the list of the documentation, and a new install takes it up."""

from __future__ import annotations

import pytest

from tests.e2e.stories import REFUSED, Stories
from tests.support import cluster
from tests.support.helm_installation import KEPT_SECRETS, left_behind

pytestmark = [pytest.mark.needs("cluster", "helm"), pytest.mark.timeout(1200)]


def test_uninstall_keeps_the_documented_list_and_a_new_install_takes_it_up(stories: Stories) -> None:
    installed = stories.installed
    authority, known = installed.authority(), installed.cluster_id()
    installed.uninstall()
    left = left_behind()
    assert left.pop("persistentvolumeclaims") == {"central-db", "scanner-v4-db"}
    # Certificates that Central issued while it ran are Sensor's own, and go with it.
    assert left == {"secrets": set(KEPT_SECRETS)}
    assert _webhooks() == set()
    installed.install_central()
    assert installed.authority() == authority
    policies = {one["name"] for one in installed.get("/v1/policies")["policies"]}
    assert REFUSED in policies
    installed.install_secured()
    cluster.eventually(installed.healthy, seconds=240, what="Sensor is connected again")
    assert installed.cluster_id() == known


def _webhooks() -> set[str]:
    found = cluster.items("validatingwebhookconfigurations")
    return {one["metadata"]["name"] for one in found} & {"stackrox"}
