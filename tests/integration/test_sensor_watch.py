"""Following a kind through lists, watches, gaps and lies of the API server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Self

import pytest

from pyrox.clock import SystemClock
from pyrox.errors import NotAuthorized, NotFound, RoxError, Unavailable
from pyrox.k8s.client import Json, KubeClient, KubeSource
from pyrox.k8s.errors import Gone, error_of
from pyrox.k8s.kinds import CRON_JOB, POD
from pyrox.k8s.watch import Change, Reflector
from tests.support.fake_k8s import FakeKubernetes
from tests.support.waiting import until


class QuickClock(SystemClock):
    """Pauses take no time."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0.01)


@pytest.fixture
async def kube() -> AsyncIterator[FakeKubernetes]:
    async with FakeKubernetes().running() as server:
        yield server


@pytest.fixture
async def client(kube: FakeKubernetes, tmp_path: Path) -> AsyncIterator[KubeClient]:
    made = await KubeClient.open(KubeSource(kubeconfig=kube.kubeconfig(tmp_path)))
    yield made
    await made.close()


class Follower:
    """A running reflector and what its sink saw."""

    def __init__(self, client: KubeClient, kind: object = POD) -> None:
        self.seen: list[tuple[Change, str]] = []
        self.objects: list[Json] = []
        self.ready = asyncio.Event()
        self._reflector = Reflector(
            client=client,
            kind=kind,
            sink=self._sink,
            clock=QuickClock(),
            jitter=lambda: 0.0,  # type: ignore[arg-type]
        )
        self._task = asyncio.create_task(self._reflector.run(self.ready.set))

    async def _sink(self, change: Change, item: Json) -> None:
        self.seen.append((change, item["metadata"]["name"]))
        self.objects.append(item)

    async def until(self, count: int) -> list[tuple[Change, str]]:
        await until(lambda: len(self.seen) >= count)
        return self.seen

    async def __aenter__(self) -> Self:
        async with asyncio.timeout(60):
            await self.ready.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


def pod(name: str, namespace: str = "shop", **extra: object) -> Json:
    return {"metadata": {"name": name, "namespace": namespace, "uid": f"uid-{name}", **extra}}


async def watching(kube: FakeKubernetes) -> None:
    await until(lambda: kube.watching(POD))


async def test_reflector_list_in_pages_then_watch_tells_in_order(
    kube: FakeKubernetes, client: KubeClient
) -> None:
    for number in range(1200):
        kube.put(POD, pod(f"p{number}"))
    async with Follower(client) as follower:
        assert len(follower.seen) == 1200
        assert {change for change, _ in follower.seen} == {Change.SYNC}
        assert follower.objects[0]["kind"] == "Pod"
        assert "managedFields" not in follower.objects[0]["metadata"]
        kube.put(POD, pod("new"))
        kube.put(POD, pod("new", labels={"a": "b"}))
        kube.remove(POD, "p7", "shop")
        assert (await follower.until(1203))[1200:] == [
            (Change.ADDED, "new"),
            (Change.MODIFIED, "new"),
            (Change.DELETED, "p7"),
        ]
    assert sum("continue=" in url for _, url in kube.requests) == 2


async def test_reflector_watch_ends_resumes_at_last_version(kube: FakeKubernetes, client: KubeClient) -> None:
    kube.put(POD, pod("a"))
    async with Follower(client) as follower:
        await watching(kube)
        kube.bookmark(POD)
        await asyncio.sleep(0.05)
        kube.end_watches(POD)
        kube.put(POD, pod("b"))
        assert await follower.until(2) == [(Change.SYNC, "a"), (Change.ADDED, "b")]
    watches = [url for _, url in kube.requests if "watch=1" in url]
    assert f"resourceVersion={kube.version - 1}&" in watches[1]
    assert sum("limit=" in url for _, url in kube.requests) == 1


async def test_reflector_version_too_old_lists_again_and_finds_the_gap(
    kube: FakeKubernetes, client: KubeClient
) -> None:
    kube.put(POD, pod("stays"))
    kube.put(POD, pod("goes"))
    kube.put(POD, pod("changes"))
    async with Follower(client) as follower:
        await watching(kube)
        kube.send_raw(POD, {"type": "ERROR", "object": {"code": 410, "message": "too old"}})
        # All of this happens without an event that the watch can see.
        kube._watchers.clear()
        kube.remove(POD, "goes", "shop")
        kube.put(POD, pod("changes", labels={"x": "y"}))
        kube.put(POD, pod("comes"))
        kube.forget_history()
        seen = await follower.until(6)
        assert set(seen[3:]) == {
            (Change.DELETED, "goes"),
            (Change.MODIFIED, "changes"),
            (Change.ADDED, "comes"),
        }


async def test_reflector_optional_kind_missing_is_synced_and_empty(
    kube: FakeKubernetes, client: KubeClient
) -> None:
    kube.missing.add(CRON_JOB.path)
    async with Follower(client, CRON_JOB) as follower:
        assert not follower.seen
        kube.missing.clear()
        kube.put(CRON_JOB, pod("late"))
        assert await follower.until(1) == [(Change.ADDED, "late")]


async def test_reflector_nonsense_events_are_passed_over(kube: FakeKubernetes, client: KubeClient) -> None:
    async with Follower(client) as follower:
        await watching(kube)
        for event in (
            {},
            {"type": "ADDED"},
            {"type": "ADDED", "object": 5},
            {"type": "MODIFIED", "object": {"metadata": 1}},
        ):
            kube.send_raw(POD, event)
        kube.put(POD, pod("fine"))
        assert await follower.until(1) == [(Change.ADDED, "fine")]


async def test_client_errors_name_path_and_reason(kube: FakeKubernetes, client: KubeClient) -> None:
    with pytest.raises(NotFound, match=r"/api/v1/namespaces/shop/pods/none: HTTP 404: \"none\" not found"):
        await client.get(POD.in_namespace("shop", "none"))


async def test_client_server_gone_is_unavailable(tmp_path: Path) -> None:
    async with FakeKubernetes().running() as server:
        config = server.kubeconfig(tmp_path)
    made = await KubeClient.open(KubeSource(kubeconfig=config))
    try:
        with pytest.raises(Unavailable, match="Kubernetes API /api/v1/pods"):
            await made.get(POD.path)
    finally:
        await made.close()


async def test_client_without_configuration_says_so(tmp_path: Path) -> None:
    with pytest.raises(RoxError, match="Kubernetes configuration"):
        await KubeClient.open(KubeSource(kubeconfig=tmp_path / "none"))


def test_error_of_status_gives_class() -> None:
    assert isinstance(error_of(403, "/x", b'{"message":"no"}'), NotAuthorized)
    assert isinstance(error_of(410, "/x", b"{}"), Gone)
    assert isinstance(error_of(503, "/x", b"<html>"), Unavailable)
