"""What Admission is told, and what it may send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest

from pyrox.errors import Exhausted, NotFound, Unavailable
from pyrox.pb.internalapi.central.sensor_events_pb2 import ResourceAction, SensorEvent
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import ImageKey
from pyrox.pb.internalapi.sensor.admission_control_iservice_pb2 import MsgToAdmissionControl
from pyrox.pb.internalapi.sensor.admission_control_pb2 import AdmissionControlAlerts, AdmissionControlSettings
from pyrox.pb.internalapi.sensor.deployment_iservice_pb2 import GetDeploymentForPodRequest
from pyrox.pb.internalapi.sensor.image_iservice_pb2 import GetImageRequest
from pyrox.pb.storage.deployment_pb2 import ContainerImage, Deployment, Pod
from pyrox.pb.storage.image_pb2 import Image
from pyrox.pb.storage.namespace_metadata_pb2 import NamespaceMetadata
from pyrox.pb.storage.node_pb2 import Node
from pyrox.rpc.call import Call
from services.sensor.detect.images import Images
from services.sensor.detect.scanner import CentralScanner
from services.sensor.link.events import Events, Origin
from services.sensor.settings import service as module
from services.sensor.settings.admission import AdmissionSettings
from services.sensor.settings.service import AdmissionService, DeploymentService, ImageService
from services.sensor.store.messages import Entry, Messages

CREATE, SYNC, REMOVE = (
    ResourceAction.CREATE_RESOURCE, ResourceAction.SYNC_RESOURCE, ResourceAction.REMOVE_RESOURCE,
)  # fmt: skip


class Settings:
    """Settings that a test changes."""

    def __init__(self) -> None:
        self.current: AdmissionControlSettings | None = None
        self.changed: list[Callable[[], None]] = []
        self.forgotten: list[Callable[[list[ImageKey]], None]] = []

    def listen(self, on_change: Callable[[], None], on_forget: Any) -> Callable[[], None]:
        self.changed.append(on_change)
        self.forgotten.append(on_forget)

        def stop() -> None:
            self.changed.remove(on_change)
            self.forgotten.remove(on_forget)

        return stop

    def renew(self, version: str) -> None:
        self.current = AdmissionControlSettings(cache_version=version)
        for listener in tuple(self.changed):
            listener()


class Bench:
    def __init__(self) -> None:
        self.settings, self.messages = Settings(), Messages()
        self.emitted: list[SensorEvent] = []
        self.headers = 0
        self.service = AdmissionService(
            settings=cast("AdmissionSettings", self.settings),
            messages=self.messages,
            events=cast("Events", self),
            cluster_labels={"env": "prod"},
        )

    def emit(self, event: SensorEvent) -> None:
        self.emitted.append(event)

    async def send_headers(self, _: object) -> None:
        self.headers += 1

    @property
    def call(self) -> Call:
        return cast("Call", self)

    def put(self, arm: str, message: Any, action: Any = SYNC) -> None:
        self.messages.put(arm, message.id, Entry(message, Origin("x", "x")), action)

    def stream(self) -> AsyncIterator[MsgToAdmissionControl]:
        async def nothing() -> AsyncIterator[Any]:
            await asyncio.Event().wait()
            yield None

        return self.service.Communicate(nothing(), self.call)


async def take(stream: AsyncIterator[MsgToAdmissionControl], count: int) -> list[MsgToAdmissionControl]:
    async with asyncio.timeout(5):
        return [await anext(stream) for _ in range(count)]


def shown(message: MsgToAdmissionControl) -> str:
    """A message in a word or two."""
    kind = message.WhichOneof("msg") or ""
    if kind != "update_resource_request":
        return kind
    update = message.update_resource_request
    arm = update.WhichOneof("resource") or ""
    name = f" {getattr(update, arm).name}" if arm in {"deployment", "pod", "namespace"} else ""
    return f"{ResourceAction.Name(update.action).partition('_')[0]} {arm}{name}"


async def test_new_replica_gets_settings_then_resources_then_the_end() -> None:
    bench = Bench()
    bench.settings.current = AdmissionControlSettings(cache_version="1")
    bench.put("namespace", NamespaceMetadata(id="n", name="shop"))
    bench.put("pod", Pod(id="p", name="web-1"))
    bench.put("deployment", Deployment(id="d", name="web"))
    bench.put("node", Node(id="o", name="node"))
    found = await take(bench.stream(), 6)
    assert [shown(message) for message in found] == [
        "settings_push", "CREATE deployment web", "CREATE pod web-1", "CREATE namespace shop",
        "SYNC cluster_labels", "UNSET synced",
    ]  # fmt: skip
    assert dict(found[4].update_resource_request.cluster_labels.labels) == {"env": "prod"}
    assert bench.headers == 1


async def test_replica_before_the_first_settings_gets_them_later() -> None:
    bench = Bench()
    stream = bench.stream()
    assert [shown(message) for message in await take(stream, 2)] == ["SYNC cluster_labels", "UNSET synced"]
    bench.settings.renew("7")
    (pushed,) = await take(stream, 1)
    assert pushed.settings_push.cache_version == "7"


async def test_changes_follow_in_order_and_only_of_its_kinds() -> None:
    bench = Bench()
    stream = bench.stream()
    await take(stream, 2)
    bench.put("deployment", Deployment(id="d", name="web"), CREATE)
    bench.put("node", Node(id="o", name="node"), CREATE)
    bench.messages.remove("deployment", "d")
    bench.settings.forgotten[0]([ImageKey(image_id="sha256:1")])
    found = await take(stream, 3)
    assert [shown(message) for message in found] == [
        "CREATE deployment web", "REMOVE deployment web", "image_cache_invalidation",
    ]  # fmt: skip
    assert [key.image_id for key in found[2].image_cache_invalidation.image_keys] == ["sha256:1"]


async def test_change_while_the_store_is_told_is_not_lost() -> None:
    bench = Bench()
    bench.put("deployment", Deployment(id="d", name="web"))
    stream = bench.stream()
    await take(stream, 1)
    bench.put("deployment", Deployment(id="e", name="late"), CREATE)
    assert "CREATE deployment late" in [shown(message) for message in await take(stream, 3)]


async def test_replica_that_went_away_is_listened_for_no_longer() -> None:
    bench = Bench()
    stream = cast("Any", bench.stream())
    await take(stream, 1)
    assert len(bench.settings.changed) == 1
    await stream.aclose()
    assert (bench.settings.changed, bench.settings.forgotten, bench.messages._watchers) == ([], [], [])


async def test_replica_that_lags_is_told_to_connect_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_BEHIND", 3)
    bench = Bench()
    slow, quick = bench.stream(), bench.stream()
    await take(slow, 2)
    await take(quick, 2)
    for number in range(4):
        bench.put("pod", Pod(id=str(number), name=str(number)), CREATE)
        await take(quick, 1)
    with pytest.raises(Unavailable, match="too far behind; connect again"):
        await take(slow, 4)


async def test_alerts_go_to_central_by_deployment() -> None:
    bench = Bench()
    request = AdmissionControlAlerts()
    for key in ("d1", "d2"):
        request.alert_results.add(deployment_id=key)
    await bench.service.PolicyAlerts(request, bench.call)
    assert [(event.id, event.alert_results.deployment_id) for event in bench.emitted] == [
        ("d1", "d1"), ("d2", "d2"),
    ]  # fmt: skip


async def test_too_many_alerts_are_refused_whole() -> None:
    bench = Bench()
    request = AdmissionControlAlerts()
    for _ in range(1001):
        request.alert_results.add(deployment_id="d")
    with pytest.raises(Exhausted, match="more than 1000 alert results"):
        await bench.service.PolicyAlerts(request, bench.call)
    assert bench.emitted == []


class Known:
    """Images and the scanner behind them."""

    def __init__(self, *, cached: Image | None, online: bool) -> None:
        self._cached = cached
        self.online = online
        self.asked: list[bool] = []

    def cached(self, _: ContainerImage) -> Image | None:
        return self._cached

    async def scan_for_admission(self, image: ContainerImage, *, cached_only: bool) -> Image:
        self.asked.append(cached_only)
        return Image(id="scanned")


def scanned(key: str) -> Image:
    image = Image(id=key)
    image.scan.SetInParent()
    return image


@pytest.mark.parametrize(
    ("cached", "inline", "answer", "asked"),
    [
        (scanned("cached"), True, "cached", []),
        (Image(id="unscanned"), True, "scanned", [False]),
        (None, True, "scanned", [False]),
        (None, False, "scanned", [True]),
    ],
)
@pytest.mark.parametrize("online", [True, False])
async def test_image_is_the_known_one_else_centrals(
    cached: Image | None, answer: str, asked: list[bool], *, inline: bool, online: bool
) -> None:
    known = Known(cached=cached, online=online)
    service = ImageService(images=cast("Images", known), scanner=cast("CentralScanner", known))
    request = GetImageRequest(image=ContainerImage(id="x"), scan_inline=inline)
    if asked and not online:
        with pytest.raises(Unavailable, match="ask Central directly"):
            await service.GetImage(request, cast("Call", None))
        assert known.asked == []
        return
    assert (await service.GetImage(request, cast("Call", None))).image.id == answer
    assert known.asked == asked


@pytest.mark.parametrize(
    ("namespace", "pod", "found"), [("shop", "web-1", "d"), ("shop", "web-2", ""), ("other", "web-1", "")]
)
async def test_deployment_of_a_pod_is_found_by_both_names(namespace: str, pod: str, found: str) -> None:
    bench = Bench()
    bench.put("pod", Pod(id="p", name="web-1", namespace="shop", deployment_id="d"))
    bench.put("pod", Pod(id="q", name="web-2", namespace="shop", deployment_id="unknown"))
    bench.put("deployment", Deployment(id="d", name="web"))
    service = DeploymentService(messages=bench.messages)
    request = GetDeploymentForPodRequest(pod_name=pod, namespace=namespace)
    if found:
        assert (await service.GetDeploymentForPod(request, cast("Call", None))).id == found
        return
    with pytest.raises(NotFound, match=f"no deployment is known for pod {namespace}/{pod}"):
        await service.GetDeploymentForPod(request, cast("Call", None))
