"""Dry runs that their caller comes back for: started, asked about, cancelled.

`PolicyService` holds them. They live in this process only and are few; whoever started one
alone may ask about it. A finished one is kept until room is needed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import uuid4

from pyrox.errors import Exhausted, NotFound
from pyrox.pb.api.v1.policy_service_pb2 import DryRunJobStatusResponse, DryRunResponse
from pyrox.rpc.call import Call

# A person previews one policy at a time; the rest is room for several people.
AT_MOST = 32


@dataclass(frozen=True, slots=True)
class _Job:
    owner: str
    task: asyncio.Task[None]
    found: DryRunResponse


class DryRunJobs:
    """The jobs of this process, oldest first."""

    def __init__(self) -> None:
        self._jobs: dict[str, _Job] = {}

    def start(self, call: Call, work: Callable[[DryRunResponse], Awaitable[None]]) -> str:
        """Begin the work and return the job's id; raises `Exhausted` while too many run."""
        self._make_room()
        found = DryRunResponse()
        job_id = str(uuid4())
        self._jobs[job_id] = _Job(call.identity.uid, asyncio.ensure_future(_done(work, found)), found)
        return job_id

    async def status(self, job_id: str, call: Call) -> DryRunJobStatusResponse:
        """How far the job is, with what it found so far. Raises the error that ended it."""
        job = self._own(job_id, call)
        if not job.task.done():
            return DryRunJobStatusResponse(pending=True, result=job.found)
        await job.task
        return DryRunJobStatusResponse(result=job.found)

    async def cancel(self, job_id: str, call: Call) -> None:
        """End the job and forget it."""
        job = self._own(job_id, call)
        del self._jobs[job_id]
        job.task.cancel()
        await asyncio.wait([job.task])
        _forget(job)

    def _own(self, job_id: str, call: Call) -> _Job:
        job = self._jobs.get(job_id)
        # Another's job is as unknown as none.
        if job is None or job.owner != call.identity.uid:
            raise NotFound.because(f"dry run job with ID '{job_id}' does not exist")
        return job

    def _make_room(self) -> None:
        if len(self._jobs) < AT_MOST:
            return
        finished = next((job_id for job_id, job in self._jobs.items() if job.task.done()), None)
        if finished is None:
            raise Exhausted(f"{AT_MOST} dry runs are under way; cancel one or wait for it to end")
        _forget(self._jobs.pop(finished))


def _forget(job: _Job) -> None:
    if not job.task.cancelled():
        # Read, so that the loop does not report an error nobody asked about.
        job.task.exception()


async def _done(work: Callable[[DryRunResponse], Awaitable[None]], found: DryRunResponse) -> None:
    await work(found)
