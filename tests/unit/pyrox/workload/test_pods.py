"""Pods and their container instances."""

from __future__ import annotations

from pyrox.pb.storage.container_runtime_pb2 import ContainerRuntime
from pyrox.workload.pods import addresses, runtime_of, to_pod

POD = {
    "metadata": {"uid": "u", "name": "web-1", "namespace": "shop"},
    "spec": {"nodeName": "node"},
    "status": {
        "startTime": "2026-11-24T08:00:00Z",
        "podIP": "10.0.0.9",
        "containerStatuses": [
            {
                "name": "a",
                "containerID": "containerd://" + "ab" * 32,
                "imageID": "x@sha256:1",
                "state": {"running": {"startedAt": "2026-11-24T08:00:01Z"}},
            },
            {
                "name": "b",
                "containerID": "docker://" + "cd" * 32,
                "state": {
                    "terminated": {
                        "exitCode": 137,
                        "reason": "OOMKilled",
                        "finishedAt": "2026-11-24T08:00:02Z",
                    }
                },
            },
            {"name": "c", "state": {"waiting": {}}},
        ],
    },
}


def test_to_pod_instances_live_and_ended() -> None:
    pod = to_pod(POD, deployment_id="d", cluster_id="c")
    assert (pod.id, pod.name, pod.deployment_id, pod.cluster_id, pod.namespace) == (
        "u",
        "web-1",
        "d",
        "c",
        "shop",
    )
    (live,) = pod.live_instances
    assert (live.instance_id.id, live.instance_id.node, live.container_name) == ("ab" * 32, "node", "a")
    assert live.containing_pod_id == "web-1.shop@u"
    assert list(live.container_ips) == ["10.0.0.9"]
    assert live.image_digest == "sha256:1"
    (ended,) = pod.terminated_instances[0].instances
    assert (ended.exit_code, ended.termination_reason) == (137, "OOMKilled")
    assert ended.instance_id.container_runtime == ContainerRuntime.DOCKER_CONTAINER_RUNTIME


def test_runtime_of_schemes() -> None:
    assert runtime_of("cri-o://x") == (ContainerRuntime.CRIO_CONTAINER_RUNTIME, "x")
    assert runtime_of("bare") == (ContainerRuntime.UNKNOWN_CONTAINER_RUNTIME, "bare")


def test_addresses_prefer_the_list() -> None:
    assert addresses({"status": {"podIP": "1.1.1.1", "podIPs": [{"ip": "1.1.1.1"}, {"ip": "::1"}]}}) == [
        "1.1.1.1",
        "::1",
    ]
    assert addresses({}) == []
