"""What goes wrong in an installation is told where people look, and heals when its cause is gone.

What befalls the database is in test_failures_database.py.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import cluster
from tests.support.cluster import apply, eventually, helm, items, kubectl, rolled_out, scale
from tests.support.helm_installation import CENTRAL, CHARTS, NAMESPACE, Installed

pytestmark = [pytest.mark.needs("cluster", "helm"), pytest.mark.timeout(1200)]
_SECONDS = 240.0


@pytest.fixture(autouse=True)
def _whole_again(installed: Installed) -> Iterator[None]:
    """Whatever a test leaves, the next one finds everything ready."""
    yield
    for name in ("central-db", "central", "scanner-v4-indexer", "scanner-v4-matcher"):
        rolled_out(NAMESPACE, name)
    eventually(installed.healthy, seconds=_SECONDS, what="Sensor is connected again")


def test_wrong_image_tag_is_told_and_the_old_pods_serve_on(installed: Installed) -> None:
    chart = str(CHARTS / "central-services")
    helm("upgrade", CENTRAL, chart, "-n", NAMESPACE, "--reuse-values", "--set", "scannerV4.image.tag=nosuch")
    reason = eventually(_waiting_for_an_image, seconds=_SECONDS, what="a pod waits for an image")
    assert reason.startswith(("ErrImage", "ImagePull"))
    assert [cluster.ready(pod) for pod in cluster.pods(NAMESPACE, "app=scanner-v4-matcher")].count(True) == 1
    helm("rollback", CENTRAL, "-n", NAMESPACE, "--wait", "--timeout", "6m")
    assert _waiting_for_an_image() == ""


def test_missing_secret_is_named_in_an_event_and_the_pod_starts_when_it_is_there(
    installed: Installed,
) -> None:
    saved = cluster.got("secret", "central-db-password", "-n", NAMESPACE)
    del saved["metadata"]["resourceVersion"], saved["metadata"]["uid"]
    kubectl("delete", "secret", "central-db-password", "-n", NAMESPACE)
    try:
        kubectl("delete", "pod", "-n", NAMESPACE, "-l", "app=central", "--wait=false")
        told = eventually(
            lambda: _events("FailedMount", 'secret "central-db-password" not found'),
            seconds=_SECONDS,
            what="an event names the secret",
        )
        assert told.startswith("MountVolume.SetUp failed")
    finally:
        apply(saved)
    rolled_out(NAMESPACE, "central")
    assert installed.get("/v1/metadata")["version"]


def test_central_before_its_database_says_so_and_goes_on_when_it_comes(installed: Installed) -> None:
    policies = {one["id"] for one in installed.get("/v1/policies")["policies"]}
    scale(NAMESPACE, "central-db", 0)
    kubectl("delete", "pod", "-n", NAMESPACE, "-l", "app=central", "--wait=false")
    told = eventually(_central_waits, seconds=_SECONDS, what="Central's log says what it waits for")
    assert "password" not in told.lower()
    scale(NAMESPACE, "central-db", 1)
    rolled_out(NAMESPACE, "central")
    assert {one["id"] for one in installed.get("/v1/policies")["policies"]} == policies


def _waiting_for_an_image() -> str:
    """Why a container waits for its image; empty when none does."""
    for pod in cluster.pods(NAMESPACE):
        for status in pod["status"].get("containerStatuses", []):
            reason = status.get("state", {}).get("waiting", {}).get("reason", "")
            if "Image" in reason:
                return str(reason)
    return ""


def _events(reason: str, words: str) -> str:
    """The newest event of that reason that speaks of something."""
    found = items("events", "-n", NAMESPACE, "--field-selector", f"reason={reason}")
    return next((one["message"] for one in found if words in one["message"]), "")


def _central_waits() -> str:
    """The line in which Central says that its database does not answer."""
    found = [pod["metadata"]["name"] for pod in cluster.pods(NAMESPACE, "app=central")]
    for name in found:
        log = kubectl("logs", name, "-n", NAMESPACE, check=False).stdout
        lines = [line for line in log.splitlines() if "database" in line and "warning" in line]
        if lines:
            return lines[-1]
    return ""
