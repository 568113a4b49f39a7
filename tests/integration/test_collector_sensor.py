"""The runtime flow on a real kernel: container, Collector, Sensor, what Central gets.

Kubernetes and Central are fake servers; container, kernel, Collector and Sensor are real.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pyrox.k8s import kinds
from pyrox.pb.storage import policy_pb2
from pyrox.pb.storage.policy_pb2 import Policy, PolicyGroup, PolicySection, PolicyValue
from tests.support.central_link import CentralLinkServer
from tests.support.collector import config, running_collector
from tests.support.fake_k8s import FakeKubernetes
from tests.support.pki import Pki
from tests.support.runc import running_container
from tests.support.sensor import pod, replica_set, running_sensor, workload
from tests.support.waiting import until

pytestmark = [
    pytest.mark.needs("ebpf", "runc"),
    pytest.mark.usefixtures("kernel_to_itself"),
    pytest.mark.timeout(300),
]

SHELL = Policy(
    id="p-shell",
    name="Shell",
    policy_version="1.1",
    lifecycle_stages=[policy_pb2.RUNTIME],
    event_source=policy_pb2.DEPLOYMENT_EVENT,
    policy_sections=[
        PolicySection(
            policy_groups=[PolicyGroup(field_name="Process Name", values=[PolicyValue(value="sh")])]
        )
    ],
)


async def test_shell_in_a_pod_becomes_an_indicator_and_an_alert_and_elsewhere_nothing(tmp_path: Path) -> None:
    pki = Pki(tmp_path / "pki")
    (tmp_path / "known").mkdir()
    (tmp_path / "unknown").mkdir()
    with running_container(tmp_path / "known") as known, running_container(tmp_path / "unknown") as unknown:
        async with FakeKubernetes().running() as kube:
            kube.put(kinds.NAMESPACE, {"metadata": {"name": "shop", "uid": "ns-shop"}})
            kube.put(kinds.DEPLOYMENT, workload("web"))
            kube.put(kinds.REPLICA_SET, replica_set("web-rs", "web"))
            kube.put(kinds.POD, pod("web-1", "web-rs", container_id=known.id))
            async with (
                CentralLinkServer(pki, [SHELL]).running() as central,
                running_sensor(kube, central, pki, tmp_path) as sensor,
                running_collector(config(pki, sensor.front.addresses[0][1])) as collector,
            ):
                await central.synced()
                await until(lambda: collector.stats.connected)
                await asyncio.to_thread(unknown.run, "/bin/sh", "-c", "/bin/ls /proc >/dev/null; true")
                await asyncio.to_thread(
                    known.run, "/bin/sh", "-c", "/bin/sh -c '/bin/ls /dev; true'; true", user="1000:1001"
                )

                def live() -> list[str]:
                    told = [event.process_indicator for event in central.events("process_indicator")]
                    return [one.signal.name for one in told if not one.signal.scraped]

                await until(lambda: "ls" in live())
                indicators = [event.process_indicator for event in central.events("process_indicator")]
                await until(lambda: [e for e in central.events("alert_results") if e.alert_results.stage])
                alerts = [
                    alert
                    for event in central.events("alert_results")
                    if event.alert_results.stage == policy_pb2.RUNTIME
                    for alert in event.alert_results.alerts
                ]

    listing = next(one for one in indicators if one.signal.name == "ls")
    assert (listing.deployment_id, listing.pod_id, listing.pod_uid, listing.container_name) == (
        "uid-web",
        "web-1",
        "uid-web-1",
        "main",
    )
    signal = listing.signal
    assert (signal.container_id, signal.exec_file_path, signal.args) == (known.short, "/bin/ls", "/dev")
    assert (signal.uid, signal.gid) == (1000, 1001)
    assert [(p.parent_uid, p.parent_exec_file_path) for p in signal.lineage_info] == [(1000, "/bin/sh")]
    assert {one.signal.container_id for one in indicators} == {known.short}
    assert {alert.policy.name for alert in alerts} == {"Shell"}
