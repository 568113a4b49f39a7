"""The link's life: order of states, who is told, what is done differently after a failure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, cast

import grpc
import pytest

from pyrox.errors import Exhausted, Invalid, NotAuthorized, RoxError, Unavailable, Unimplemented
from pyrox.metrics import Metrics
from pyrox.pb.internalapi.central.hello_pb2 import CentralHello, HelmManagedConfigInit
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgFromSensor, MsgToSensor
from pyrox.pb.storage.cluster_pb2 import SensorDeploymentIdentification
from services.sensor.link import link as module
from services.sensor.link.events import Events
from services.sensor.link.greeting import BadOrder, Greeting, Introduction
from services.sensor.link.link import CentralLink, LinkOptions, Listeners, State
from services.sensor.link.outbox import Outbox
from tests.support.pki import FixedClock


class Stop(Exception):
    """Ends the link of a test."""


class Pauses(FixedClock):
    """Ends the link after so many pauses."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._left = count

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        self._left -= 1
        if self._left <= 0:
            raise Stop


class Site:
    """Central as the link sees it: one outcome for each attempt."""

    def __init__(self, *outcomes: RoxError | str, helm: HelmManagedConfigInit | None = None) -> None:
        self._outcomes = list(outcomes)
        self.log: list[str] = []
        self.opened: list[tuple[Introduction, str, bool]] = []
        self.written: list[MsgFromSensor] = []
        self.write_error: RoxError | None = None
        self.reads: list[MsgToSensor | RoxError | None] = []
        self.opening: tuple[MsgToSensor, ...] = ()
        self.outbox = Outbox(limit=100, kept_limit=10, metrics=Metrics("sensor"))
        self.clock = Pauses(len(outcomes))
        self.link = CentralLink(
            checks=self,
            dialer=self,
            outbox=self.outbox,
            events=Events(outbox=self.outbox, clock=self.clock),
            options=LinkOptions(
                cluster_id="own-id",
                retry_initial=timedelta(seconds=10),
                retry_longest=timedelta(minutes=5),
                greeting_timeout=timedelta(seconds=30),
                identification=SensorDeploymentIdentification(),
                helm=helm,
            ),
            surroundings=(self.clock, lambda: 0.5),
        )

    async def run(self, *, reconnect: bool) -> int:
        self.log.append(f"checks reconnect={reconnect} {self.link.state.value}")
        outcome = self._outcomes[0]
        if isinstance(outcome, RoxError):
            self._outcomes.pop(0)
            raise outcome
        return 1234

    async def channel(self, receive_limit: int) -> grpc.aio.Channel:
        assert (receive_limit, self.link.state) == (1234, State.OPENING)
        return cast("grpc.aio.Channel", None)

    @asynccontextmanager
    async def open(
        self, _: object, introduction: Introduction, cluster_id: str, *, gzip: bool
    ) -> AsyncIterator[Any]:
        self.opened.append((introduction, cluster_id, gzip))
        yield self

    async def greet(self, _: Introduction, each: timedelta) -> Greeting:
        assert (each, self.link.state) == (timedelta(seconds=30), State.GREETING)
        outcome = self._outcomes.pop(0)
        if outcome in FAILURES:
            raise FAILURES[str(outcome)]
        return Greeting(hello=CentralHello(cluster_id=str(outcome)), hashes={}, opening=self.opening)

    async def read(self) -> MsgToSensor | None:
        found = self.reads.pop(0) if self.reads else None
        if isinstance(found, RoxError):
            raise found
        return found

    async def write(self, message: MsgFromSensor) -> None:
        if self.write_error is not None:
            raise self.write_error
        self.written.append(message)

    async def to_the_end(self, listeners: Listeners | None = None) -> None:
        if listeners is not None:
            self.link.listen(listeners)
        with pytest.raises(Stop):
            await self.link.run(lambda: self.log.append("ready"))


FAILURES: dict[str, RoxError] = {
    "bad order": BadOrder("hashes before the hello"),
    "too long": Exhausted("message too long"),
    "no gzip": Unimplemented("gzip"),
    "refused": NotAuthorized("unknown cluster"),
}


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Site]:
    def make(*outcomes: RoxError | str, helm: HelmManagedConfigInit | None = None) -> Site:
        made = Site(*outcomes, helm=helm)
        monkeypatch.setattr(module, "open_session", made.open)
        return made

    return make


async def test_link_is_ready_at_once_and_tries_on(site: Callable[..., Site]) -> None:
    made = site(*[Unavailable("away")] * 3)
    await made.to_the_end()
    assert made.log == ["ready", *["checks reconnect=False checking"] * 3]
    assert (made.link.state, made.link.failure, made.opened) == (State.OFFLINE, "away", [])
    assert made.clock.slept == sorted(made.clock.slept)
    assert len(set(made.clock.slept)) == 3


async def test_first_connection_has_no_id_and_the_next_is_a_reconnect(site: Callable[..., Site]) -> None:
    made = site("given-id", "")
    await made.to_the_end()
    first, second = made.opened
    assert (first[0].reconnect, first[1], first[2]) == (False, "", True)
    assert (second[0].reconnect, second[1]) == (True, "given-id")
    assert made.link.cluster_id == "given-id"
    assert made.log[1:] == ["checks reconnect=False checking", "checks reconnect=True checking"]
    assert made.link.failure == "Central ended the stream"


async def test_pauses_start_again_after_a_connection(site: Callable[..., Site]) -> None:
    made = site(Unavailable("a"), Unavailable("a"), "id", Unavailable("a"))
    await made.to_the_end()
    first, second, third, fourth = made.clock.slept
    assert first < second
    assert (third, fourth) == (first, second)


@pytest.mark.parametrize(
    ("outcome", "reconcile", "gzip"),
    [
        ("bad order", False, True),
        ("too long", False, True),
        ("no gzip", True, False),
        ("refused", True, True),
    ],
)
async def test_next_attempt_leaves_out_what_failed(
    site: Callable[..., Site], outcome: str, *, reconcile: bool, gzip: bool
) -> None:
    made = site(outcome, "id", "id")
    await made.to_the_end()
    introductions = [(introduction.reconcile, used) for introduction, _, used in made.opened]
    assert introductions == [(True, True), (reconcile, gzip), (True, gzip)]


async def test_listeners_are_told_in_order(site: Callable[..., Site]) -> None:
    made = site("id")
    told: list[str] = []
    made.opening = (MsgToSensor(policy_sync={}), MsgToSensor(cluster_config={}))
    made.reads = [MsgToSensor(updated_image={}), MsgToSensor(baseline_sync={}), MsgToSensor(), None]

    async def replay() -> None:
        told.append("replay")

    await made.to_the_end(
        Listeners(
            messages={
                "policy_sync": lambda _: told.append(f"policies {made.link.state.value}"),
                "cluster_config": lambda _: told.append("config"),
                "updated_image": lambda _: told.append(f"again {made.link.state.value}"),
            },
            online=(
                lambda hello: told.append(f"online {hello.cluster_id}"),
                lambda _: told.append("online 2"),
            ),
            offline=(lambda: told.append(f"offline {made.link.state.value}"),),
            replay=replay,
        )
    )
    assert told[:4] == ["policies greeting", "config", "online id", "online 2"]
    assert sorted(told[4:-1]) == ["again live", "replay"]
    assert told[-1] == "offline offline"


async def test_nobody_is_told_offline_who_was_never_online(site: Callable[..., Site]) -> None:
    made = site("refused", Unavailable("away"))
    told: list[str] = []
    await made.to_the_end(Listeners(offline=(lambda: told.append("offline"),)))
    assert told == []


async def test_message_that_cannot_be_used_ends_nothing(site: Callable[..., Site]) -> None:
    made = site("id")
    told: list[str] = []

    def refuse(_: MsgToSensor) -> None:
        raise Invalid("policy without a name")

    made.reads = [MsgToSensor(policy_sync={}), MsgToSensor(cluster_config={}), None]
    await made.to_the_end(
        Listeners(messages={"policy_sync": refuse, "cluster_config": lambda _: told.append("config")})
    )
    assert told == ["config"]


async def test_message_that_was_not_sent_is_put_back(site: Callable[..., Site]) -> None:
    made = site("id")
    back: list[str] = []
    made.outbox.put_back = lambda message: back.append(message.event.id)  # type: ignore[method-assign]
    made.write_error = Unavailable("broken pipe")

    async def wait() -> MsgToSensor | None:
        await asyncio.Event().wait()
        return None

    made.read = wait  # type: ignore[method-assign]

    def online(_: CentralHello) -> None:
        made.outbox.put(MsgFromSensor(event={"id": "1"}))

    await made.to_the_end(Listeners(online=(online,)))
    assert (back, made.written, made.link.failure) == (["1"], [], "broken pipe")


async def test_chart_is_told_with_the_clusters_id(site: Callable[..., Site]) -> None:
    made = site("given", "given", helm=HelmManagedConfigInit(cluster_name="prod"))
    ids: list[str] = []
    original = made.open

    @asynccontextmanager
    async def noted(*arguments: Any, **options: Any) -> AsyncIterator[Any]:
        ids.append(arguments[1].helm.cluster_id)
        async with original(*arguments, **options) as session:
            yield session

    module.open_session = noted  # type: ignore[assignment]  # undone with the fixture's own change
    await made.to_the_end()
    assert ids == ["own-id", "given"]


async def test_error_that_is_none_of_ours_ends_the_link(site: Callable[..., Site]) -> None:
    made = site("id")

    def broken(_: CentralHello) -> None:
        raise ZeroDivisionError

    made.link.listen(Listeners(online=(broken,)))
    with pytest.raises(ZeroDivisionError):
        await made.link.run(lambda: None)
    assert made.link.state is State.OFFLINE
