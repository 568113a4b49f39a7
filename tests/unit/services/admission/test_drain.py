"""Serving on after the order to stop."""

from __future__ import annotations

import asyncio

from services.admission.drain import Drain
from services.admission.webhook import Webhook
from tests.support.asgi import request
from tests.support.pki import FixedClock
from tests.unit.services.admission.builders import ruling
from tests.unit.services.admission.test_webhook import passes


async def test_stop_turns_readiness_off_and_waits() -> None:
    rules = ruling()
    webhook = Webhook(ruling=lambda: rules, validate=passes, events=passes)
    assert (await request(webhook, "GET", "/ready")).status == 200
    clock, ready = FixedClock(), asyncio.Event()
    task = asyncio.create_task(Drain(webhook=webhook, clock=clock, seconds=15).run(ready.set))
    await ready.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (await request(webhook, "GET", "/ready")).status == 503
    assert clock.slept == [15]
