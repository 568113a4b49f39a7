"""The queue in front of the stream."""

from __future__ import annotations

import asyncio

from pyrox.metrics import Metrics
from pyrox.pb.internalapi.central.sensor_events_pb2 import SensorEvent
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgFromSensor
from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator
from services.sensor.health.losses import Cause, Losses, Queue
from services.sensor.link.outbox import Outbox


def message(name: str) -> MsgFromSensor:
    return MsgFromSensor(event=SensorEvent(id=name, process_indicator=ProcessIndicator(id=name)))


def outbox(limit: int = 4, kept: int = 2, losses: Losses | None = None) -> Outbox:
    return Outbox(limit=limit, kept_limit=kept, metrics=Metrics("sensor"), losses=losses)


async def test_outbox_offline_keeps_a_bounded_number() -> None:
    box = outbox()
    box.put(message("lost"))
    for name in "abc":
        box.put(message(name), keep=True)
    assert (len(box), box.dropped) == (2, 1)
    box.go_live()
    assert [(await box.take()).event.id for _ in range(2)] == ["a", "b"]


async def test_outbox_full_drops_and_counts() -> None:
    box = outbox()
    box.go_live()
    for name in "abcde":
        box.put(message(name))
    assert (len(box), box.dropped) == (4, 1)


async def test_outbox_counts_what_is_made_once_as_held_and_as_lost() -> None:
    losses = Losses()
    box = outbox(losses=losses)
    for name in "abc":
        box.put(message(name), keep=True)
    assert (losses.holds(Queue.OUTBOX), losses.count(Cause.OFFLINE)) == (2, 1)
    box.go_live()
    box.put(message("again"))
    for name in "de":
        box.put(message(name), keep=True)
    box.put(message("again"))
    assert (losses.holds(Queue.OUTBOX), losses.count(Cause.FULL)) == (3, 1)
    taken = await box.take()
    assert losses.holds(Queue.OUTBOX) == 2
    box.put_back(taken)
    assert losses.holds(Queue.OUTBOX) == 3


async def test_outbox_goes_offline_forgets_what_is_made_again() -> None:
    box = outbox()
    box.go_live()
    box.put(message("again"))
    box.put(message("once"), keep=True)
    box.go_offline()
    assert len(box) == 1
    assert (await box.take()).event.id == "once"


async def test_outbox_unsent_message_is_first_again() -> None:
    box = outbox()
    box.go_live()
    box.put(message("b"), keep=True)
    box.put_back(message("a"))
    box.put_back(MsgFromSensor(event=SensorEvent(id="deployment")))
    assert [(await box.take()).event.id for _ in range(2)] == ["a", "b"]
    assert len(box) == 0


async def test_outbox_room_waits_until_half_is_free() -> None:
    box = outbox()
    box.go_live()
    for name in "abc":
        box.put(message(name))
    waiting = asyncio.create_task(box.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    await box.take()
    await asyncio.wait_for(waiting, 1)


async def test_outbox_take_waits_for_a_message() -> None:
    box = outbox()
    box.go_live()
    waiting = asyncio.create_task(box.take())
    await asyncio.sleep(0)
    box.put(message("late"))
    assert (await waiting).event.id == "late"
