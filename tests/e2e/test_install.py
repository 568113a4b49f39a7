"""Installing with Helm: everything ready, small, tested by the chart's own hooks, restricted."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator

import pytest

from tests.support import cluster
from tests.support.cluster import helm, kubectl
from tests.support.helm_installation import CENTRAL, NAMESPACE, SECURED, Installed

pytestmark = [pytest.mark.needs("cluster", "helm"), pytest.mark.timeout(1200)]
MEMORY_BYTES = int(2.5 * 2**30)
REQUESTED_CPU = 1.5
# What every node's agent needs, and only that: host files, host processes, privileges.
UNRESTRICTED = {"collector"}


def say(*words: object) -> None:
    """A line of the figures."""
    sys.stdout.write(" ".join(str(word) for word in words) + "\n")


def test_every_pod_is_ready(installed: Installed) -> None:
    pods = {pod["metadata"]["name"]: cluster.ready(pod) for pod in cluster.pods(NAMESPACE)}
    say(
        "ready after", {name: f"{seconds:.0f} s" for name, seconds in installed.seconds.items()}, sorted(pods)
    )
    assert all(pods.values()), pods
    workloads = {name.rsplit("-", 2)[0] for name in pods}
    assert {"central", "central-db", "scanner-v4-indexer", "scanner-v4-matcher", "scanner-v4-db"} <= workloads
    assert {"sensor", "admission-control"} <= workloads


def test_nothing_was_restarted(installed: Installed) -> None:
    restarts = {
        f"{pod['metadata']['name']}/{status['name']}": status["restartCount"]
        for pod in cluster.pods(NAMESPACE)
        for status in pod["status"]["containerStatuses"]
    }
    assert [name for name, count in restarts.items() if count] == []


def test_all_of_it_fits_into_a_small_machine(installed: Installed) -> None:
    used = cluster.eventually(_memory, seconds=60, what="the kubelet has measured every pod")
    say("memory", {name: f"{size >> 20} MiB" for name, size in sorted(used.items())})
    assert sum(used.values()) <= MEMORY_BYTES
    requested = sum(
        _cpus(container.get("resources", {}).get("requests", {}).get("cpu", "0"))
        for pod in cluster.pods(NAMESPACE)
        for container in pod["spec"]["containers"]
    )
    assert requested < REQUESTED_CPU


@pytest.mark.parametrize("release", [CENTRAL, SECURED])
def test_the_charts_own_tests_pass(installed: Installed, release: str) -> None:
    done = helm("test", release, "-n", NAMESPACE, "--timeout", "6m", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Succeeded" in done.stdout


def test_only_collector_breaks_the_restricted_profile(installed: Installed) -> None:
    label = "pod-security.kubernetes.io/enforce=restricted"
    told = kubectl("label", "namespace", NAMESPACE, label, "--overwrite", "--dry-run=server").stderr
    violating = set(re.findall(r"Warning: ([a-z0-9-]+)(?: \(and \d+ other pods?\))?:", told))
    assert {re.sub(r"-[a-z0-9]{5}$", "", name) for name in violating} <= UNRESTRICTED, told


def test_the_manifest_of_a_release_holds_no_secret(installed: Installed) -> None:
    kept = cluster.items("secrets", "-n", NAMESPACE)
    values = {
        value for one in kept if one["type"] != "helm.sh/release.v1" for value in one.get("data", {}).values()
    }
    text = helm("get", "manifest", CENTRAL, "-n", NAMESPACE).stdout
    assert [value[:12] for value in values if len(value) > 16 and value in text] == []


def _memory() -> dict[str, int]:
    """Bytes of each pod, once all are measured: without file cache where PostgreSQL has it."""
    used = dict(_measured())
    return used if len(used) >= len(cluster.pods(NAMESPACE)) and all(used.values()) else {}


def _measured() -> Iterator[tuple[str, int]]:
    for node in cluster.items("nodes"):
        path = f"/api/v1/nodes/{node['metadata']['name']}/proxy/stats/summary"
        for pod in json.loads(kubectl("get", "--raw", path).stdout)["pods"]:
            if pod["podRef"]["namespace"] == NAMESPACE:
                database = pod["podRef"]["name"].startswith(("central-db", "scanner-v4-db"))
                yield pod["podRef"]["name"], pod["memory"]["rssBytes" if database else "workingSetBytes"]


def _cpus(text: str) -> float:
    return int(text[:-1]) / 1000 if text.endswith("m") else float(text)
