"""Messages between the replicas of a process: `NOTIFY` for speed, a table for certainty.

`post` is called once per batch, inside the transaction that made the change; `Listener`
is a component that hands the ids to its callbacks. NOTIFY only says "look": the ids
are read from the `notices` table, which is polled as well, so nothing is lost while the
listening connection is away or where NOTIFY cannot work (PgBouncer's transaction mode).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import DeadlinePassed, Unavailable
from pyrox.pg.errors import translated
from pyrox.pg.pool import Database, Pool

_LOG = log.get(__name__)
_CHANNEL = "pyrox_notices"
_POST = "INSERT INTO notices (channel, ids) VALUES ($1, $2)"
_WAKE = "SELECT pg_notify('pyrox_notices', '')"
_NEWEST = "SELECT coalesce(max(id), 0) FROM notices"
# Notices commit out of id order, so the latest ones are read again and known ids skipped.
_READ = (
    "SELECT id, channel, ids FROM notices"
    " WHERE id > $1 - 10000 AND (id > $1 OR sent > now() - $2::interval) ORDER BY id LIMIT 20000"
)
_PRUNE = "DELETE FROM notices WHERE sent < now() - $1::interval"
OVERLAP = timedelta(seconds=30)
KEEP = timedelta(hours=1)
POLL_SECONDS = 2.0

Callback = Callable[[Sequence[str]], Awaitable[None]]


async def post(db: Database, channel: str, ids: Iterable[str]) -> None:
    """Tell all replicas that these objects changed; sent when the transaction commits."""
    batch = list(dict.fromkeys(ids))
    if batch:
        await db.execute(_POST, channel, batch)
        await db.execute(_WAKE)


class Listener:
    """A component that hands on what was posted after it became ready."""

    name = "notices"

    def __init__(
        self,
        *,
        pool: Pool,
        clock: Clock,
        callbacks: Mapping[str, Callback],
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._callbacks = dict(callbacks)
        self._poll_seconds = poll_seconds
        self._last = 0
        self._seen: dict[int, None] = {}
        self._wake = asyncio.Event()

    async def run(self, ready: Callable[[], None]) -> None:
        """Deliver until cancelled; a database that is away delays, never loses."""
        self._last = int(await self._pool.fetchval(_NEWEST))
        for row in await self._pool.fetch(_READ, self._last, OVERLAP):
            self._seen[row["id"]] = None
        async with asyncio.TaskGroup() as tasks:
            if not self._pool.settings.pgbouncer:
                tasks.create_task(self._listen(), name="notices listen")
            tasks.create_task(self._poll(), name="notices poll")
            ready()

    async def _listen(self) -> None:
        """Hold a connection that wakes the poller; open it again when it breaks."""
        while True:
            try:
                # A connection that the server closed answers every call with an error,
                # which ends the block and opens a new one.
                async with self._pool.session() as connection:
                    with translated():
                        await connection.add_listener(_CHANNEL, self._on_notify)
                        self._wake.set()
                        try:
                            while not connection.is_closed():
                                await self._clock.sleep(self._poll_seconds)
                        finally:
                            # A connection that the server has ended answers even this with an
                            # error, which must not take the place of a cancellation.
                            with suppress(Unavailable, DeadlinePassed), translated():
                                if not connection.is_closed():
                                    await connection.remove_listener(_CHANNEL, self._on_notify)
            except (Unavailable, DeadlinePassed) as error:
                _LOG.info("not listening for notices, polling instead", cause=error.message)
            await self._clock.sleep(self._poll_seconds)

    def _on_notify(self, *_: object) -> None:
        self._wake.set()

    async def _poll(self) -> None:
        while True:
            try:
                await self._deliver()
            except (Unavailable, DeadlinePassed) as error:
                _LOG.warning("cannot read notices, trying again", cause=error.message)
            await self._pause()

    async def _pause(self) -> None:
        """Wait for a wake-up or for the poll interval, whichever is first."""
        waiting = asyncio.create_task(self._wake.wait())
        sleeping = asyncio.create_task(self._clock.sleep(self._poll_seconds))
        try:
            await asyncio.wait({waiting, sleeping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            sleeping.cancel()
        self._wake.clear()

    async def _deliver(self) -> None:
        """Read what is new and hand it on, ids of one channel together and once.

        Notices count as seen only after every callback has taken its ids: where one of them
        needs the database and cannot reach it, all are handed on again.
        """
        rows = await self._pool.fetch(_READ, self._last, OVERLAP)
        new = [row for row in rows if row["id"] not in self._seen]
        batches: dict[str, dict[str, None]] = {}
        for row in new:
            batches.setdefault(row["channel"], {}).update(dict.fromkeys(row["ids"]))
        for channel, ids in batches.items():
            if callback := self._callbacks.get(channel):
                await callback(list(ids))
        for row in new:
            self._seen[row["id"]] = None
            self._last = max(self._last, row["id"])
        while len(self._seen) > 20_000:
            del self._seen[next(iter(self._seen))]


async def prune(pool: Pool) -> int:
    """Remove notices that every replica has long read; a background job calls it."""
    return await pool.execute(_PRUNE, KEEP)
