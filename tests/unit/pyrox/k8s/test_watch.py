"""The reflector against a scripted API server: order, gaps, pauses, and what is remembered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import orjson
import pytest

from pyrox.errors import NotAuthorized, NotFound, Unavailable
from pyrox.k8s.client import Json, KubeClient
from pyrox.k8s.errors import Gone
from pyrox.k8s.kinds import CRON_JOB, POD, Kind
from pyrox.k8s.watch import Change, Reflector
from tests.support.pki import FixedClock

Step = Json | list[Json | bytes] | Exception
SECONDS_OF_A_WATCH = 300.0


class Scripted:
    """Answers each list and watch with the script's next step; its end cancels the reflector."""

    def __init__(self, clock: FixedClock, steps: list[Step]) -> None:
        self._clock = clock
        self._steps = list(steps)
        self.asked: list[dict[str, str]] = []
        self.short = False

    def _next(self, query: Mapping[str, str]) -> Json | list[Json | bytes]:
        if not self._steps:
            raise asyncio.CancelledError
        self.asked.append(dict(query))
        step = self._steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    async def get(self, path: str, query: Mapping[str, str]) -> Json:
        assert path
        return cast("Json", self._next(query))

    @asynccontextmanager
    async def lines(
        self, path: str, query: Mapping[str, str], *, seconds: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        assert path
        assert seconds > SECONDS_OF_A_WATCH
        step = self._next(query)
        yield self._lines(cast("list[Json | bytes]", step))
        if not self.short:
            await self._clock.sleep(SECONDS_OF_A_WATCH)

    @staticmethod
    async def _lines(events: list[Json | bytes]) -> AsyncIterator[bytes]:
        for event in events:
            yield event if isinstance(event, bytes) else orjson.dumps(event)


def item(name: str, version: int, **more: Any) -> Json:
    metadata = {"uid": f"u-{name}", "name": name, "namespace": "n", "resourceVersion": str(version)}
    return {"metadata": metadata, **more}


def listed(*items: object, version: int = 10, token: str = "") -> Json:
    return {"items": list(items), "metadata": {"resourceVersion": str(version), "continue": token}}


def event(kind: str, value: Json) -> Json:
    return {"type": kind, "object": value}


class Run:
    """One run of a reflector to the end of its script."""

    def __init__(self, *steps: Step, kind: Kind = POD, short: bool = False) -> None:
        self.clock = FixedClock()
        self.client = Scripted(self.clock, list(steps))
        self.client.short = short
        self.told: list[tuple[Change, str]] = []
        self.objects: list[Json] = []
        self.ready = 0
        self.reflector = Reflector(
            client=cast("KubeClient", self.client),
            kind=kind,
            sink=self._sink,
            clock=self.clock,
            jitter=lambda: 0.5,
        )

    async def _sink(self, change: Change, value: Json) -> None:
        self.told.append((change, value["metadata"]["name"]))
        self.objects.append(value)

    def _ready(self) -> None:
        self.ready += 1

    async def to_the_end(self) -> Run:
        with pytest.raises(asyncio.CancelledError):
            await self.reflector.run(self._ready)
        return self

    @property
    def pauses(self) -> list[float]:
        return [seconds for seconds in self.clock.slept if seconds != SECONDS_OF_A_WATCH]


async def test_pages_are_followed_by_their_token_and_ready_comes_once() -> None:
    run = await Run(listed(item("a", 1), token="t1"), listed(item("b", 2), version=20), []).to_the_end()
    assert run.told == [(Change.SYNC, "a"), (Change.SYNC, "b")]
    assert run.client.asked == [
        {"limit": "500"},
        {"limit": "500", "continue": "t1"},
        {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": "20",
            "timeoutSeconds": "450",
        },
    ]
    assert run.ready == 1


async def test_object_is_handed_over_with_its_kind_and_without_managed_fields() -> None:
    value = item("a", 1)
    value["metadata"]["managedFields"] = [{}]
    run = await Run(listed(value), []).to_the_end()
    assert (run.objects[0]["kind"], run.objects[0]["apiVersion"]) == ("Pod", "v1")
    assert "managedFields" not in run.objects[0]["metadata"]


async def test_events_come_in_order_and_the_watch_resumes_at_the_last_version() -> None:
    run = await Run(
        listed(version=10),
        [
            event("ADDED", item("a", 11)),
            event("ADDED", item("a", 12)),
            event("MODIFIED", item("b", 13)),
            event("DELETED", item("a", 14)),
            event("DELETED", item("never", 15)),
            event("BOOKMARK", {"metadata": {"resourceVersion": "99"}}),
        ],
        [],
    ).to_the_end()
    assert run.told == [
        (Change.ADDED, "a"),
        (Change.MODIFIED, "a"),
        (Change.ADDED, "b"),
        (Change.DELETED, "a"),
    ]
    assert run.client.asked[2]["resourceVersion"] == "99"


@pytest.mark.parametrize("too_old", [[event("ERROR", {"code": 410, "message": "old"})], Gone("old")])
async def test_version_too_old_lists_again_and_tells_only_the_difference(too_old: Step) -> None:
    run = await Run(
        listed(item("stays", 1), item("changes", 2), item("goes", 3)),
        too_old,
        listed(item("stays", 1), item("changes", 20), item("comes", 21)),
        [],
    ).to_the_end()
    assert run.told[3:] == [(Change.MODIFIED, "changes"), (Change.ADDED, "comes"), (Change.DELETED, "goes")]
    gone = run.objects[-1]
    assert gone["metadata"] == {"uid": "u-goes", "name": "goes", "namespace": "n"}
    assert (run.ready, run.pauses) == (1, [])


async def test_broken_watch_resumes_without_a_list_after_growing_pauses() -> None:
    broken = [Unavailable("reset") for _ in range(8)]
    run = await Run(
        listed(item("a", 1)), *broken, [event("MODIFIED", item("a", 2))], Unavailable("x")
    ).to_the_end()
    assert sum("limit" in query for query in run.client.asked) == 1
    # Each pause is stretched by half its length here; after an event they begin anew.
    assert run.pauses == pytest.approx([1.2, 2.4, 4.8, 9.6, 19.2, 38.4, 45.0, 45.0, 1.2])
    assert run.told == [(Change.SYNC, "a"), (Change.MODIFIED, "a")]


async def test_list_that_breaks_between_pages_forgets_nobody() -> None:
    run = await Run(
        listed(item("a", 1), item("b", 1)),
        Gone("old"),
        listed(item("a", 1), token="t"),
        Unavailable("reset"),
        listed(item("a", 1), item("b", 1)),
        [],
    ).to_the_end()
    assert run.told == [(Change.SYNC, "a"), (Change.SYNC, "b")]
    assert "continue" not in run.client.asked[4]


async def test_watch_that_ends_at_once_is_not_asked_for_in_a_loop() -> None:
    run = await Run(listed(), [], [], [], short=True).to_the_end()
    assert run.pauses == pytest.approx([1.2, 2.4, 4.8])


async def test_watch_that_ends_in_its_time_is_asked_for_at_once() -> None:
    run = await Run(listed(), [], [], []).to_the_end()
    assert run.pauses == []


async def test_optional_kind_that_is_missing_is_ready_and_asked_for_each_minute() -> None:
    missing = NotFound("no such kind")
    run = await Run(missing, missing, listed(item("a", 1)), [], kind=CRON_JOB).to_the_end()
    assert (run.ready, run.pauses) == (1, [90.0, 90.0])
    assert run.told == [(Change.ADDED, "a")]


async def test_optional_kind_that_goes_takes_its_objects_along() -> None:
    run = await Run(listed(item("a", 1)), NotFound("removed"), listed(), [], kind=CRON_JOB).to_the_end()
    assert run.told == [(Change.SYNC, "a"), (Change.DELETED, "a")]


async def test_required_kind_that_is_missing_is_an_error_to_wait_for() -> None:
    run = await Run(NotFound("no"), NotAuthorized("no right"), listed(item("a", 1)), []).to_the_end()
    assert run.ready == 1
    assert run.pauses == pytest.approx([1.2, 2.4])


async def test_error_event_of_another_kind_waits_and_resumes() -> None:
    failing: list[Json | bytes] = [
        event("ERROR", {"code": 500, "message": "etcd"}),
        event("ADDED", item("unseen", 3)),
    ]
    run = await Run(listed(version=7), failing, [event("ERROR", {"code": "odd"})], []).to_the_end()
    assert run.told == []
    assert [query.get("resourceVersion") for query in run.client.asked] == [None, "7", "7", "7"]
    assert run.pauses == pytest.approx([1.2, 1.2])


async def test_nonsense_in_lists_and_events_is_passed_over() -> None:
    run = await Run(
        {
            "items": [None, 5, {}, {"metadata": 1}, {"metadata": {"name": "no uid"}}, item("a", 1)],
            "metadata": None,
        },
        [],
        listed(item("a", 1), version=5),
        [
            b"not json",
            b"[]",
            {},
            {"type": "ADDED"},
            {"type": "ADDED", "object": {"metadata": None}},
            {"type": "STRANGE", "object": item("x", 8)},
            event("DELETED", {"metadata": {}}),
        ],
        [],
    ).to_the_end()
    assert run.told == [(Change.SYNC, "a")]
