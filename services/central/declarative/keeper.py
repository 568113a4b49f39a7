"""The component that keeps Central equal to mounted files.

It reads the mounts every few seconds and reconciles when one changed, and now and then all
the same, so that what somebody changed is put right. A file or an object that cannot be used
is told of and keeps nothing else from being done; while there is one, nothing is removed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import RoxError
from pyrox.pb.storage.auth_machine_to_machine_pb2 import AuthMachineToMachineConfig
from pyrox.pb.storage.declarative_config_health_pb2 import DeclarativeConfigHealth
from pyrox.pb.storage.role_pb2 import PermissionSet, Role, SimpleAccessScope
from services.central.declarative.documents import PolicyResource, Problem, Reader, Wanted
from services.central.declarative.health import Healths, of_mount, of_object
from services.central.declarative.mounts import Mount, read_mounts
from services.central.declarative.settings import DeclarativeSettings

_LOG = log.get(__name__)
# What others refer to comes first (upstream central/declarativeconfig: protoTypesOrder).
_ORDER = (SimpleAccessScope, PermissionSet, Role, AuthMachineToMachineConfig, PolicyResource)


class Applies(Protocol):
    """Writes and removes declared objects."""

    async def put(self, wanted: Wanted) -> None:
        """Raises `RoxError` that says why it cannot be."""

    async def keep_only(self, wanted: Sequence[Wanted]) -> None:
        """Remove declared objects that are not among these."""


class Keeper:
    """Follows the mounts."""

    name = "declarative-configuration"

    def __init__(
        self,
        *,
        settings: DeclarativeSettings,
        reader: Reader,
        applier: Applies,
        healths: Healths,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._reader = reader
        self._applier = applier
        self._healths = healths
        self._clock = clock
        self._told: dict[str, str] = {}

    async def run(self, ready: Callable[[], None]) -> None:
        """Follow until cancelled; nobody waits for it."""
        ready()
        before: tuple[Mount, ...] | None = None
        done_at = float("-inf")
        while True:
            found = await asyncio.to_thread(read_mounts, self._settings.directory)
            due = self._clock.monotonic() - done_at >= self._settings.reconcile.total_seconds()
            # Without the directory nothing was ever declared (as upstream).
            if found is not None and (due or found != before):
                await self.reconcile(found)
                before, done_at = found, self._clock.monotonic()
            await self._clock.sleep(self._settings.watch.total_seconds())

    async def reconcile(self, mounts: Sequence[Mount]) -> None:
        """Make everything so that can be, and note how it went."""
        problems: dict[str, list[str]] = {mount.name: list(mount.problems) for mount in mounts}
        wanted: list[tuple[str, Wanted]] = []
        for mount in mounts:
            for text in mount.texts:
                for one in self._reader.read(text):
                    if isinstance(one, Problem):
                        problems[mount.name].append(one.text)
                    else:
                        wanted.append((mount.name, one))
        readable = not any(problems.values())
        wanted.sort(key=lambda pair: _ORDER.index(type(pair[1])))
        healths = [await self._applied(mount, one, problems[mount]) for mount, one in wanted]
        if readable:
            await self._cleaned([one for _, one in wanted])
        now = self._clock.now()
        self._healths.replace(
            [
                *(of_mount(name, "; ".join(found), now) for name, found in problems.items()),
                *(one for one in healths if one is not None),
            ]
        )
        self._tell({name: "; ".join(found) for name, found in problems.items() if found})

    async def _applied(
        self, mount: str, wanted: Wanted, problems: list[str]
    ) -> DeclarativeConfigHealth | None:
        error = ""
        try:
            await self._applier.put(wanted)
        except RoxError as failure:
            error = failure.message
        if error and isinstance(wanted, PolicyResource):
            problems.append(f"policy {wanted.name}: {error}")
        return of_object(wanted, mount, error, self._clock.now())

    async def _cleaned(self, wanted: Sequence[Wanted]) -> None:
        try:
            await self._applier.keep_only(wanted)
        except RoxError as failure:
            _LOG.warning("what is declared no longer cannot be removed", error=failure.message)

    def _tell(self, problems: dict[str, str]) -> None:
        """Log what is new of what cannot be used."""
        for name, text in problems.items():
            if self._told.get(name) != text:
                _LOG.warning("declarative configuration cannot be used", mount=name, error=text)
        self._told = problems
