"""Health of Collector and Admission as the Kubernetes API tells it."""

from __future__ import annotations

from typing import Any, cast

from pyrox.errors import NotFound, Unavailable
from pyrox.k8s.client import KubeClient
from services.sensor.health.losses import Cause, Losses
from services.sensor.health.services import ServicesHealth


class Api:
    """Answers by the last part of the path."""

    def __init__(self, **answers: Any) -> None:
        self._answers = answers

    async def get(self, path: str) -> Any:
        answer = self._answers.get(path.rpartition("/")[2].replace("-", "_"), NotFound("x"))
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_ask_nothing_installed_gives_upstreams_words() -> None:
    info = await ServicesHealth(client=cast("KubeClient", Api()), namespace="stackrox", losses=Losses()).ask(
        nodes=5
    )
    assert info.collector_health_info.total_registered_nodes == 5
    # Both texts are from a recorded conversation of upstream's Sensor.
    assert list(info.collector_health_info.status_errors) == [
        'unable to find collector DaemonSet in namespace "stackrox": daemonsets.apps "collector" not found'
    ]
    place = 'unable to find admission control deployments in namespace "stackrox": '
    assert list(info.admission_control_health_info.status_errors) == [
        f'{place}{place}deployments.apps "admission-control" not found'
    ]


async def test_ask_installed_gives_numbers_and_version() -> None:
    collector = {
        "spec": {
            "template": {"spec": {"containers": [{"name": "collector", "image": "quay.io/x/collector:3.25"}]}}
        },
        "status": {"desiredNumberScheduled": 3, "numberReady": 2},
    }
    admission = {"spec": {"replicas": 3}, "status": {"readyReplicas": 1}}
    client = cast("KubeClient", Api(collector=collector, admission_control=admission))
    info = await ServicesHealth(client=client, namespace="stackrox", losses=Losses()).ask(nodes=3)
    found = info.collector_health_info
    assert (found.version, found.total_desired_pods, found.total_ready_pods) == ("3.25", 3, 2)
    other = info.admission_control_health_info
    assert (other.total_desired_pods, other.total_ready_pods) == (3, 1)


async def test_ask_what_was_lost_stands_with_collectors_errors() -> None:
    losses = Losses()
    losses.lost(Cause.ENDED, 3)
    services = ServicesHealth(client=cast("KubeClient", Api()), namespace="stackrox", losses=losses)
    missing, lost = (await services.ask(nodes=1)).collector_health_info.status_errors
    assert "unable to find collector" in missing
    assert lost.startswith("runtime events lost: 3 waited in a Sensor that ended;")


async def test_ask_api_away_is_an_error_text() -> None:
    client = cast("KubeClient", Api(collector=Unavailable("gone"), admission_control=Unavailable("gone")))
    info = await ServicesHealth(client=client, namespace="stackrox", losses=Losses()).ask(nodes=0)
    assert "gone" in info.collector_health_info.status_errors[0]
    assert "gone" in info.admission_control_health_info.status_errors[0]
