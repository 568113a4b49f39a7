"""What Central must show in the end, counted, against the cluster's own truth.

The cluster says which deployments and pods there are; twins, which were made before the
first kill, say which alerts a workload of each form has; the load says what was
acknowledged to it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.support.installation import Clients, Json

_WORKLOADS = (
    "/apis/apps/v1/deployments",
    "/apis/apps/v1/daemonsets",
    "/apis/apps/v1/statefulsets",
    "/apis/apps/v1/replicasets",
    "/apis/batch/v1/jobs",
    "/apis/batch/v1/cronjobs",
    "/api/v1/replicationcontrollers",
    "/api/v1/pods",
)
# Far more than there ever are.
_ALL = "pagination.limit=20000"
SENSOR = 6
"""The last number of its address."""
FORM = "kill-nine/form"
"""The label that says which form a workload of the load has."""

AlertKey = tuple[str, str, str]
"""Policy, namespace and name of the deployment."""


@dataclass
class Acknowledged:
    """What Central or the cluster answered OK to."""

    policies: set[str] = field(default_factory=set)
    policies_gone: set[str] = field(default_factory=set)
    tokens: dict[str, str] = field(default_factory=dict)
    """Id to token."""
    tokens_revoked: set[str] = field(default_factory=set)
    resolved: set[str] = field(default_factory=set)
    """Alerts."""
    indicators: set[str] = field(default_factory=set)
    """Ids of process indicators that Central showed."""


@dataclass(frozen=True)
class Baseline:
    """The state before the first kill."""

    alerts: frozenset[AlertKey]
    """Of deploy time."""
    runtime: frozenset[str]
    """Ids of active alerts of runtime."""
    images: dict[str, tuple[int, int]]
    """Digest to numbers of components and CVEs."""


async def baseline(clients: Clients) -> Baseline:
    """Remember the state of now."""
    alerts = await _alerts(clients)
    return Baseline(
        frozenset(_key(alert) for alert in alerts if alert["lifecycleStage"] == "DEPLOY"),
        frozenset(alert["id"] for alert in alerts if alert["lifecycleStage"] == "RUNTIME"),
        await _images(clients),
    )


async def unscanned(clients: Clients) -> set[str]:
    """Digests of images that run and that Central does not show with what is in them."""
    statuses = [
        status
        for pod in await clients.listed("/api/v1/pods")
        for status in pod.get("status", {}).get("containerStatuses") or []
    ]
    scanned = {digest for digest, (components, _) in (await _images(clients)).items() if components}
    return {status["imageID"].rpartition("@")[2] for status in statuses} - scanned


async def unfinished(clients: Clients) -> float:
    """Images whose scan Sensor waits for, or has failed and is tried again.

    Meanwhile workloads are judged by what is known without a scan.
    """
    name = "rox_sensor_image_scans_unfinished"
    return sum([await clients.metric(SENSOR, name, state=state) for state in ("running", "failed")])


async def differences(clients: Clients, before: Baseline, acknowledged: Acknowledged) -> list[str]:
    """In words, everything that is not as it must be; empty in a good end."""
    workloads = await _workloads(clients)
    return [
        *await _cluster_differences(clients, workloads),
        *await _alert_differences(clients, workloads, before, acknowledged),
        *await _image_differences(clients, before),
        *await _written_differences(clients, acknowledged),
        *await indicator_differences(clients, acknowledged),
    ]


async def counts(clients: Clients) -> dict[str, int]:
    """The figures to print."""
    alerts = await _alerts(clients)
    stages = Counter(alert["lifecycleStage"].lower() for alert in alerts)
    images = await _images(clients)
    return {
        "deployments": len(await _deployments(clients)),
        "pods": len((await clients.get(f"/v1/pods?{_ALL}"))["pods"]),
        "images": len(images),
        "images with components": sum(1 for components, _ in images.values() if components),
        **{f"active alerts ({stage})": number for stage, number in sorted(stages.items())},
        "policies": len((await clients.get(f"/v1/policies?{_ALL}"))["policies"]),
        "tokens": len((await clients.get("/v1/apitokens"))["tokens"]),
        "process indicators": int((await clients.get("/v1/processcount"))["count"]),
    }


async def _workloads(clients: Clients) -> dict[tuple[str, str], str]:
    """Workloads without an owner by namespace and name, with the form that the load gave them."""
    found = {}
    for path in _WORKLOADS:
        for one in await clients.listed(path):
            metadata = one["metadata"]
            if not metadata.get("ownerReferences"):
                form = (metadata.get("labels") or {}).get(FORM, "")
                found[metadata["namespace"], metadata["name"]] = form
    return found


async def _deployments(clients: Clients) -> list[Json]:
    found: list[Json] = (await clients.get(f"/v1/deployments?{_ALL}"))["deployments"]
    return found


async def _cluster_differences(clients: Clients, workloads: Iterable[tuple[str, str]]) -> list[str]:
    shown = [(one["namespace"], one["name"]) for one in await _deployments(clients)]
    pods = [one["id"] for one in (await clients.get(f"/v1/pods?{_ALL}"))["pods"]]
    real = [one["metadata"]["uid"] for one in await clients.listed("/api/v1/pods")]
    return [*_compared("deployment", shown, workloads), *_compared("pod", pods, real)]


async def _alerts(clients: Clients) -> list[Json]:
    query = f"/v1/alerts?query=Violation State:ACTIVE&{_ALL}"
    found: list[Json] = (await clients.get(query))["alerts"]
    return found


def _key(alert: Json) -> AlertKey:
    about = alert["deployment"]
    return alert["policy"]["name"], alert["commonEntityInfo"]["namespace"], about["name"]


async def _alert_differences(
    clients: Clients,
    workloads: dict[tuple[str, str], str],
    before: Baseline,
    acknowledged: Acknowledged,
) -> list[str]:
    alerts = await _alerts(clients)
    deploy = [_key(alert) for alert in alerts if alert["lifecycleStage"] == "DEPLOY"]
    runtime = [_key(alert) for alert in alerts if alert["lifecycleStage"] == "RUNTIME"]
    active = {alert["id"] for alert in alerts}
    lost = before.runtime - acknowledged.resolved - active
    doubled = [key for key, number in Counter(runtime).items() if number > 1]
    return [
        *_compared("deploy alert", deploy, _expected(workloads, before)),
        *(f"runtime alert doubled: {key}" for key in doubled),
        *(f"runtime alert lost: {key}" for key in lost),
        *(f"resolved alert is active: {key}" for key in acknowledged.resolved & active),
    ]


def _expected(workloads: dict[tuple[str, str], str], before: Baseline) -> set[AlertKey]:
    """A workload has the alerts that it had, or those of the twin with its form."""
    twins: dict[str, set[str]] = {}
    for policy, _, name in before.alerts:
        if name.startswith("twin-"):
            twins.setdefault(name.removeprefix("twin-"), set()).add(policy)
    expected = {(policy, *place) for place, form in workloads.items() for policy in twins.get(form, ())}
    return expected | {key for key in before.alerts if key[1:] in workloads and not workloads[key[1:]]}


async def _images(clients: Clients) -> dict[str, tuple[int, int]]:
    found = (await clients.get(f"/v1/images?{_ALL}"))["images"]
    return {one["id"]: (int(one.get("components", 0)), int(one.get("cves", 0))) for one in found}


async def _image_differences(clients: Clients, before: Baseline) -> list[str]:
    return _compared("image", (await _images(clients)).items(), before.images.items())


async def _written_differences(clients: Clients, acknowledged: Acknowledged) -> list[str]:
    policies = {one["name"] for one in (await clients.get(f"/v1/policies?{_ALL}"))["policies"]}
    tokens = {one["id"]: one["revoked"] for one in (await clients.get("/v1/apitokens"))["tokens"]}
    revoked = acknowledged.tokens_revoked
    return [
        *(f"policy lost: {name}" for name in acknowledged.policies - policies),
        *(f"deleted policy is back: {name}" for name in acknowledged.policies_gone & policies),
        *(f"token lost: {key}" for key in acknowledged.tokens.keys() - revoked - tokens.keys()),
        *(f"revoked token lives: {key}" for key in revoked if tokens.get(key) is False),
    ]


async def indicators(clients: Clients) -> list[Json]:
    """All process indicators of the twins."""
    found: list[Json] = []
    for deployment in await _deployments(clients):
        if deployment["name"].startswith("twin-"):
            found += (await clients.get(f"/v1/processes/deployment/{deployment['id']}"))["processes"]
    return found


async def indicator_differences(clients: Clients, acknowledged: Acknowledged) -> list[str]:
    """Those that Central showed are there, each signal once."""
    found = await indicators(clients)
    ids = {one["id"] for one in found}
    signals = Counter(one["signal"]["id"] for one in found)
    return [
        *(f"process indicator lost: {key}" for key in acknowledged.indicators - ids),
        *(f"process signal doubled: {key}" for key, number in signals.items() if number > 1),
    ]


async def lost_with_sensor(clients: Clients) -> int:
    """Runtime events that waited in a Sensor when it ended, as the Sensor of now counts them."""
    return int(await clients.metric(SENSOR, "rox_sensor_runtime_events_lost", cause="ended"))


async def all_lost(clients: Clients) -> int:
    """Runtime events that Sensor counts as lost, whatever the cause."""
    causes = ("ended", "full", "offline", "unknown")
    name = "rox_sensor_runtime_events_lost"
    return int(sum([await clients.metric(SENSOR, name, cause=cause) for cause in causes]))


async def told_as_lost(clients: Clients) -> int:
    """The same as the cluster's health says it."""
    (cluster,) = (await clients.get("/v1/clusters"))["clusters"]
    # There is none before the first report of a connection.
    collector = cluster["healthStatus"]["collectorHealthInfo"] or {"statusErrors": []}
    errors = " ".join(collector["statusErrors"])
    found = re.search(r"(\d+) waited in a Sensor that ended", errors)
    return int(found[1]) if found else 0


def _compared(what: str, shown: Iterable[Any], real: Iterable[Any]) -> list[str]:
    """Missing, foreign and doubled ones."""
    seen, wanted = Counter(shown), set(real)
    return [
        *(f"{what} missing: {one}" for one in sorted(wanted - seen.keys())),
        *(f"{what} that should not be: {one}" for one in sorted(seen.keys() - wanted)),
        *(f"{what} doubled: {one}" for one, number in seen.items() if number > 1),
    ]
