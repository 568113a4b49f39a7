"""At most one restore at a time, running whether or not somebody is connected.

A component of Central: its tasks are the restores. The servicer and the routes ask it.
When a restore has succeeded it asks for Central's restart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import Unavailable
from pyrox.pb.api.v1 import db_service_pb2 as pb
from services.central.backups.errors import Refused
from services.central.backups.formats import checked
from services.central.backups.process import RestoreProcess
from services.central.backups.restart import Restart
from services.central.backups.targets import Targets

_LOG = log.get(__name__)
# Upstream's restartGracePeriod: the client gets its answer first.
_GRACE_SECONDS = 1.0
_ACTIVE = "an active restore process currently exists; cancel it before initiating a new restore process"


class Restores:
    """The component."""

    name = "restores"

    def __init__(self, *, targets: Targets, restart: Restart, clock: Clock) -> None:
        self._targets = targets
        self._restart = restart
        self._clock = clock
        self._group: asyncio.TaskGroup | None = None
        self._launching = False
        self.active: RestoreProcess | None = None
        """The restore that is going on, or has just succeeded."""

    async def run(self, ready: Callable[[], None]) -> None:
        """Run what is launched until cancelled; then everything unfinished is undone."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            ready()
            await asyncio.Event().wait()

    async def launch(self, process_id: str, header: pb.DBRestoreRequestHeader, user: str) -> RestoreProcess:
        """A new restore that waits for its bytes.

        Raises `Refused` for what is no backup, and while another restore is going on.
        """
        if self._group is None:
            raise Unavailable("Central is starting or stopping; try again")
        checked(header)
        if self.active is not None or self._launching:
            raise Refused(_ACTIVE)
        self._launching = True
        try:
            process = RestoreProcess(
                process_id=process_id,
                header=header,
                target=await self._targets.choose(),
                user=user,
                started=self._clock.now(),
            )
            self.active = process
        finally:
            self._launching = False
        _LOG.info("restore begins", process=process_id, user=user)
        self._group.create_task(self._follow(process), name=f"restore {process_id}")
        return process

    async def _follow(self, process: RestoreProcess) -> None:
        await process.run()
        if process.failure is not None:
            _LOG.error("restore failed", process=process.id, reason=process.failure.message)
            self.active = None
            return
        _LOG.info("restore succeeded, Central starts again", process=process.id)
        await self._clock.sleep(_GRACE_SECONDS)
        self._restart.request()

    def required(self, process_id: str) -> RestoreProcess:
        """The restore of that id. Raises `Refused` when it is not the active one."""
        if self.active is None:
            raise Refused("no restore process is currently in progress")
        if self.active.id != process_id:
            raise Refused(
                f'provided ID "{process_id[:80]}" does not match ID {self.active.id}'
                " of currently active restore process"
            )
        return self.active
