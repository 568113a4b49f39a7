"""Changes of a running installation: no review goes without an answer."""

from __future__ import annotations

import sys
import time

import pytest

from tests.e2e.stories import SHOP, Stories, image
from tests.support import cluster
from tests.support.cluster import deployment, helm, kubectl, rolled_out
from tests.support.helm_installation import CHARTS, NAMESPACE, SECURED
from tests.support.review_load import Reviews, reviews

pytestmark = [pytest.mark.needs("cluster", "helm"), pytest.mark.timeout(1200)]
GAP_SECONDS = 1.0


def test_deleting_an_admission_pod_under_load_fails_no_review(stories: Stories) -> None:
    stories.enforced()
    with reviews(deployment(SHOP, "asked", image(), privileged=True)) as seen:
        time.sleep(2)
        victim = cluster.pods(NAMESPACE, "app=admission-control")[0]["metadata"]["name"]
        kubectl("delete", "pod", victim, "-n", NAMESPACE, "--wait=false")
        time.sleep(10)
    _say("pod deleted", seen)
    assert (seen.allowed, seen.others) == ([], [])
    assert len(seen.refused) > 1
    rolled_out(NAMESPACE, "admission-control")


def test_upgrade_with_a_changed_value_leaves_no_gap(stories: Stories) -> None:
    stories.enforced()
    chart = str(CHARTS / "secured-cluster-services")
    changed = ("--reuse-values", "--set-string", "customize.podAnnotations.e2e=changed")
    before = {pod["metadata"]["name"] for pod in cluster.pods(NAMESPACE, "app=admission-control")}
    with reviews(deployment(SHOP, "asked", image(), privileged=True)) as seen:
        time.sleep(1)
        helm("upgrade", SECURED, chart, "-n", NAMESPACE, *changed, "--wait", "--timeout", "5m")
        time.sleep(1)
    _say("upgrade", seen)
    after = {pod["metadata"]["name"] for pod in cluster.pods(NAMESPACE, "app=admission-control")}
    assert before & after == set()
    assert seen.others == []
    assert len(seen.refused) > 1
    assert seen.longest_gap <= GAP_SECONDS


def _say(what: str, seen: Reviews) -> None:
    sys.stdout.write(
        f"{what}: {len(seen.refused)} refused, {len(seen.allowed)} let through, "
        f"longest gap {seen.longest_gap:.2f} s, longest pause {seen.longest_pause:.2f} s\n"
    )
