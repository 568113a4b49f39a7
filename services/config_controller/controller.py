"""The component that follows the resources and has each one reconciled when it is due.

One resource is looked at at a time, as upstream does. One that cannot be settled is tried
again after a pause that grows, while the others go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import RoxError
from pyrox.k8s.client import Json
from pyrox.k8s.watch import Change, Sink
from services.config_controller.agenda import Agenda
from services.config_controller.reconcile import Outcome
from services.config_controller.view import View

_LOG = log.get(__name__)
_FIRST_PAUSE, _LAST_PAUSE = 0.5, 60.0


class Watch(Protocol):
    """Tells the sink of every resource and of every change, for ever."""

    async def run(self, ready: Callable[[], None]) -> None:
        """`ready` is called when the sink has been told of all resources."""


class Reconciles(Protocol):
    """Makes one resource true."""

    async def reconcile(self, name: str) -> Outcome:
        """Raises `RoxError` when it is to be tried again soon."""


class Controller:
    """Keeps Central equal to the resources."""

    name = "controller"

    def __init__(
        self,
        *,
        watch: Callable[[Sink], Watch],
        view: View,
        reconciler: Reconciles,
        interval: timedelta,
        jitter: Callable[[], float],
        clock: Clock,
    ) -> None:
        """`jitter` gives numbers from 0 to 1."""
        self._watch = watch(self._told)
        self._view = view
        self._reconciler = reconciler
        self._interval = interval.total_seconds()
        self._jitter = jitter
        self._agenda = Agenda(clock=clock)
        self._pauses: dict[str, float] = {}
        self._listed = asyncio.Event()

    @property
    def listed(self) -> bool:
        """Whether all resources are known."""
        return self._listed.is_set()

    async def run(self, ready: Callable[[], None]) -> None:
        """Follow and reconcile until cancelled. The probe tells when the resources are known."""
        ready()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch.run(self._listed.set))
            group.create_task(self._work())

    async def _told(self, change: Change, resource: Json) -> None:
        for name in self._view.take(change, resource):
            self._pauses.pop(name, None)
            self._agenda.soon(name)

    async def _work(self) -> None:
        # Who has a name first can be told only when all are known.
        await self._listed.wait()
        while True:
            name = await self._agenda.next()
            try:
                outcome = await self._reconciler.reconcile(name)
            except RoxError as error:
                self._again(name, error)
            else:
                self._pauses.pop(name, None)
                if outcome is Outcome.SETTLED:
                    self._agenda.later(name, self._interval)

    def _again(self, name: str, error: RoxError) -> None:
        pause = self._pauses.get(name, _FIRST_PAUSE)
        _LOG.warning("resource not settled, trying again", resource=name, seconds=pause, error=error.message)
        self._pauses[name] = min(pause * 2, _LAST_PAUSE)
        self._agenda.later(name, pause * (1 + self._jitter()))
