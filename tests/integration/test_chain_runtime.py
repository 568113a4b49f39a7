"""The runtime chain, everything real: kernel and container, Collector, Sensor, API server, Central."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pyrox.pg.settings import Settings
from tests.conftest import shared_folder
from tests.support import kube
from tests.support.chain import Chain, running_chain
from tests.support.kube import Cluster
from tests.support.runc import Container, running_container
from tests.support.secured import eventually

pytestmark = [
    pytest.mark.needs("kube", "postgres", "ebpf", "runc"),
    pytest.mark.usefixtures("kernel_to_itself"),
    pytest.mark.timeout(600),
]

# Beside the ports of other tests' control planes.
_PORT = 17643
# A bound for a machine that does much else at the same time.
_SECONDS = 120.0
_SHOP, _NODE, _NAME = "shop", "node-1", "web"
_POLICY = "Shell Spawned by Java Application"
"""A default policy on a process and its ancestor."""
UNKNOWN = 60
"""Shells in the container that nobody knows."""
HITS, DROPS = "rox_sensor_process_enrichment_hits_total", "rox_sensor_process_enrichment_drops_total"
OUTSIDE = 'rox_collector_events{type="filtered"}'


class Watched(Chain):
    """A chain with a Collector on the kernel."""

    def metric(self, name: str) -> float:
        """What Sensor or Collector counted."""
        of_sensor = name.startswith("rox_sensor")
        port = self.secured.sensor_metrics if of_sensor else self.secured.collector_metrics
        lines = httpx.get(f"http://127.0.0.1:{port}/metrics").text.splitlines()
        (found,) = (line for line in lines if line.startswith(f"{name} "))
        return float(found.rpartition(" ")[2])

    def processes(self) -> list[dict[str, Any]]:
        """What Central knows to have run in the deployment; not what runc itself did there."""
        found = self.get(f"/v1/processes/deployment/{self.deployment_id()}")["processes"]
        return [one for one in found if not one["signal"]["name"].startswith("runc")]

    def deployment_id(self) -> str:
        (found,) = (o for o in self.cluster.objects("deployments") if o["metadata"]["name"] == _NAME)
        return str(found["metadata"]["uid"])

    def pod(self) -> dict[str, Any]:
        """The pod of the deployment; nothing while there is none."""
        return next(iter(self.cluster.objects("pods")), {})

    def running(self) -> list[str]:
        """The programs that Central knows to have started while Collector looked, the oldest first."""
        return [one["signal"]["args"] for one in self.processes() if not one["signal"]["scraped"]]

    def alert(self) -> dict[str, Any]:
        """The whole alert of the policy; nothing while there is none."""
        query = f"Cluster ID:{self.cluster_id}+Policy:{_POLICY}"
        listed = self.get("/v1/alerts", query=query)["alerts"]
        assert len(listed) <= 1
        return self.get(f"/v1/alerts/{listed[0]['id']}") if listed else {}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    directory = tmp_path_factory.mktemp("kube")
    with kube.control_plane(shared_folder() / "kube", directory, port=_PORT) as path:
        yield Cluster(path)


@pytest.fixture
def known(tmp_path: Path) -> Iterator[Container]:
    directory = tmp_path / "known"
    directory.mkdir()
    # As the kubelet names it with the driver `cgroupfs`.
    with running_container(directory, group="{id}") as container:
        container.run("/bin/cp", "/bin/sh", "/bin/java")
        yield container


@pytest.fixture
def unknown(tmp_path: Path) -> Iterator[Container]:
    directory = tmp_path / "unknown"
    directory.mkdir()
    with running_container(directory) as container:
        yield container


@pytest.fixture
def chain(cluster: Cluster, known: Container, database: Settings, tmp_path: Path) -> Iterator[Watched]:
    with running_chain(Watched, cluster, database, tmp_path) as made:
        for name in ("stackrox", _SHOP):
            cluster.apply(kube.namespace(name))
        cluster.apply(kube.node(_NODE))
        cluster.apply(kube.deployment(_NAME, namespace=_SHOP, privileged=False))
        pod = eventually(made.pod, seconds=_SECONDS, what="the controller's pod")
        cluster.bind(pod, _NODE)
        cluster.started(pod, main=known.id)
        made.secured.sensor.start()
        made.secured.collector.start()
        yield made
        assert made.secured.sensor.alive()
        assert made.secured.collector.alive()


def test_shell_in_a_pod_is_an_indicator_and_a_violation_and_one_elsewhere_is_neither(
    chain: Watched, known: Container, unknown: Container
) -> None:
    eventually(chain.processes, seconds=_SECONDS, what="the process that ran before")
    outside, dropped = chain.metric(OUTSIDE), chain.metric(DROPS)
    subprocess.run(["/bin/sh", "-c", "/bin/true on-the-host; true"], check=True, timeout=60)
    for number in range(UNKNOWN):
        unknown.run("/bin/sh", "-c", f": unknown {number}")
    script = "/bin/sh -c '/bin/ls /dev; true' web; true"
    known.run("/bin/java", "-c", script, user="1000:1001")
    eventually(lambda: len(chain.running()) >= 3, seconds=_SECONDS, what="the indicators")
    first = eventually(chain.alert, seconds=_SECONDS, what="the violation")

    shell = "-c /bin/ls /dev; true web"
    before, *live = chain.processes()
    assert (before["signal"]["args"], before["signal"]["scraped"]) == ("1000", True)
    assert [_told(one["signal"]) for one in live] == [
        ("java", "/bin/java", f"-c {script}", []),
        ("sh", "/bin/sh", shell, [(1000, "/bin/java")]),
        ("ls", "/bin/ls", "/dev", [(1000, "/bin/sh"), (1000, "/bin/java")]),
    ]
    pod = chain.pod()
    for one in (before, *live):
        assert one["signal"]["containerId"] == known.id[:12]
        assert _place(one) == (
            chain.deployment_id(),
            _SHOP,
            pod["metadata"]["name"],
            pod["metadata"]["uid"],
            "main",
            kube.DIGEST,
        )
        assert one["clusterId"] == chain.cluster_id
        assert one["containerStartTime"]
    assert {(one["signal"]["uid"], one["signal"]["gid"]) for one in live} == {(1000, 1001)}

    assert (first["lifecycleStage"], first["state"]) == ("RUNTIME", "ACTIVE")
    assert (first["deployment"]["id"], first["deployment"]["name"]) == (chain.deployment_id(), _NAME)
    assert first["violations"] == []
    assert first["processViolation"]["message"] == (
        f"Binary '/bin/sh' executed with arguments '{shell}' under user ID 1000"
    )
    # As Sensor said it, which leaves the cluster to Central.
    assert first["processViolation"]["processes"] == [{**live[1], "clusterId": ""}]
    _a_second_shell_joins_the_alert(chain, known, first)
    _nothing_else_is_known(chain, known, outside, dropped)


def _told(signal: dict[str, Any]) -> tuple[str, str, str, list[tuple[int, str]]]:
    lineage = [(one["parentUid"], one["parentExecFilePath"]) for one in signal["lineageInfo"]]
    return signal["name"], signal["execFilePath"], signal["args"], lineage


def _place(indicator: dict[str, Any]) -> tuple[str, ...]:
    keys = ("deploymentId", "namespace", "podId", "podUid", "containerName", "imageId")
    return tuple(indicator[key] for key in keys)


def _a_second_shell_joins_the_alert(chain: Watched, known: Container, first: dict[str, Any]) -> None:
    known.run("/bin/java", "-c", "/bin/sh -c 'true again'; true")
    eventually(
        lambda: len(chain.alert()["processViolation"]["processes"]) == 2,
        seconds=_SECONDS,
        what="the second shell",
    )
    merged = chain.alert()
    assert (merged["id"], merged["firstOccurred"]) == (first["id"], first["firstOccurred"])
    assert merged["processViolation"]["message"] == (
        "Binary '/bin/sh' executed with 2 different arguments under 2 different user IDs"
    )


def _nothing_else_is_known(chain: Watched, known: Container, outside: float, dropped: float) -> None:
    """The host's programs end in Collector, those of the unknown container in Sensor; both are counted."""
    assert chain.metric(OUTSIDE) >= outside + 2
    eventually(lambda: chain.metric(DROPS) >= dropped + UNKNOWN, seconds=_SECONDS, what="the drops")
    every = chain.get(f"/v1/processes/deployment/{chain.deployment_id()}")["processes"]
    assert chain.get("/v1/processcount")["count"] == len(every) == chain.metric(HITS)
    assert {one["signal"]["containerId"] for one in every} == {known.short}
    arguments = " ".join(one["signal"]["args"] for one in every)
    assert "on-the-host" not in arguments
    assert "unknown" not in arguments
    runtime = chain.get("/v1/alerts", query="Lifecycle Stage:RUNTIME")["alerts"]
    assert [(one["policy"]["name"], one["deployment"]["name"]) for one in runtime] == [(_POLICY, _NAME)]
