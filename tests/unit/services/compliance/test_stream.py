"""The stream to Sensor: greeting, orders, pauses, giving up. Sensor is played by a script of sessions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

import pytest

from pyrox.clock import Clock
from pyrox.errors import Unavailable
from pyrox.metrics import Metrics
from pyrox.pb.internalapi.sensor.compliance_iservice_pb2 import MsgToCompliance
from pyrox.rpc.client import Channels
from services.compliance.stream import NODE_NAME_HEADER, SensorStream

CONFIG = MsgToCompliance(config=MsgToCompliance.ScrapeConfig(is_master_node=True))
TRIGGER = MsgToCompliance(trigger=MsgToCompliance.TriggerRun(scrape_id="s"))
METHOD = "/sensor.ComplianceService/Communicate"


class Time:
    """A clock that passes only by sleeping."""

    def __init__(self, sleeps: int) -> None:
        self.seconds = 0.0
        self.pauses: list[float] = []
        self._left = sleeps

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds
        self._left -= 1
        if self._left < 0:
            raise asyncio.CancelledError


class Script:
    """A channel on which Sensor says the messages of one session after the other, then goes."""

    def __init__(self, sessions: Sequence[Sequence[MsgToCompliance]], watch: Any = None) -> None:
        self.sessions = list(sessions)
        self.headers: list[Any] = []
        self.closed = 0
        self.watch = watch

    async def channel(self) -> Script:
        return self

    async def close(self) -> None:
        self.closed += 1

    def stream_stream(self, method: str, **_: object) -> Any:
        assert method == METHOD
        return self._call

    def _call(self, metadata: Any) -> Any:
        self.headers.append(metadata)
        return _Session(self.sessions.pop(0) if self.sessions else (), self)


class _Session:
    def __init__(self, messages: Sequence[MsgToCompliance], script: Script) -> None:
        self._messages = messages
        self._script = script

    async def __aiter__(self) -> AsyncIterator[MsgToCompliance]:
        for message in self._messages:
            yield message
            if self._script.watch is not None:
                self._script.watch()

    def cancel(self) -> None:
        pass


def stream(script: Script, time: Time) -> tuple[SensorStream, Metrics]:
    metrics = Metrics("compliance")
    made = SensorStream(
        channels=cast("Channels", script),
        node_name="node-1",
        metrics=metrics,
        clock=cast("Clock", time),
        random=lambda: 1.0,
    )
    return made, metrics


async def follow(made: SensorStream) -> None:
    with pytest.raises(asyncio.CancelledError):
        await made.run(lambda: None)


async def test_stream_names_the_node_and_keeps_what_sensor_says_of_it() -> None:
    seen: list[bool] = []
    script = Script([[CONFIG]])
    made, metrics = stream(script, Time(0))
    script.watch = lambda: seen.append(made.config is not None and made.config.is_master_node)
    await follow(made)
    assert script.headers == [((NODE_NAME_HEADER, "node-1"),)]
    assert seen == [True]
    assert made.config is None
    assert metrics.registry.get_sample_value("rox_compliance_sensor_connected") == 0


async def test_order_that_is_not_served_is_counted_and_the_stream_stays() -> None:
    script = Script([[CONFIG, TRIGGER, TRIGGER, CONFIG]])
    made, metrics = stream(script, Time(0))
    await follow(made)
    ignored = metrics.registry.get_sample_value("rox_compliance_orders_ignored_total", {"order": "trigger"})
    assert ignored == 2
    assert len(script.headers) == 1


async def test_sensor_that_does_not_begin_with_the_configuration_is_left() -> None:
    script = Script([[TRIGGER, CONFIG]])
    made, metrics = stream(script, Time(0))
    await follow(made)
    assert metrics.registry.get_sample_value("rox_compliance_sensor_connected") == 0
    assert script.closed == 1


async def test_pauses_double_to_half_a_minute_and_begin_anew_after_a_stream() -> None:
    time = Time(9)
    made, _ = stream(Script([*[[]] * 8, [CONFIG]]), time)
    await follow(made)
    assert time.pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 0.5, 1]


async def test_process_gives_up_after_a_quarter_of_an_hour_without_sensor() -> None:
    time = Time(1000)
    made, _ = stream(Script([]), time)
    with pytest.raises(Unavailable, match="15 minutes"):
        await made.run(lambda: None)
    assert 15 * 60 < time.seconds < 16 * 60
