"""Jobs of dry runs: asked about by who began them, cancelled, and bounded."""

from __future__ import annotations

import asyncio

import pytest

from pyrox.errors import Exhausted, Invalid, NotFound
from pyrox.pb.api.v1.policy_service_pb2 import DryRunResponse
from pyrox.rpc.call import Call, Identity
from services.central.policies.dryjobs import AT_MOST, DryRunJobs

ME = Call(method="/test", identity=Identity(uid="me"))
OTHER = Call(method="/test", identity=Identity(uid="other"))


class Work:
    """Finds one deployment at once and another when it is let go."""

    def __init__(self) -> None:
        self.started, self.go, self.cancelled = asyncio.Event(), asyncio.Event(), False

    async def __call__(self, found: DryRunResponse) -> None:
        found.alerts.add(deployment="first")
        self.started.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        found.alerts.add(deployment="second")


async def test_job_is_pending_with_what_it_found_and_then_done() -> None:
    jobs, work = DryRunJobs(), Work()
    job_id = jobs.start(ME, work)
    await work.started.wait()
    pending = await jobs.status(job_id, ME)
    assert (pending.pending, [one.deployment for one in pending.result.alerts]) == (True, ["first"])
    work.go.set()
    await asyncio.sleep(0)
    done = await jobs.status(job_id, ME)
    assert (done.pending, [one.deployment for one in done.result.alerts]) == (False, ["first", "second"])
    assert await jobs.status(job_id, ME) == done


async def test_cancelled_job_ends_and_is_forgotten() -> None:
    jobs, work = DryRunJobs(), Work()
    job_id = jobs.start(ME, work)
    await work.started.wait()
    await jobs.cancel(job_id, ME)
    assert work.cancelled
    with pytest.raises(NotFound):
        await jobs.status(job_id, ME)


async def test_job_of_another_is_unknown() -> None:
    jobs, work = DryRunJobs(), Work()
    job_id = jobs.start(ME, work)
    for asked in (job_id, "nosuch"):
        with pytest.raises(NotFound, match=f"dry run job with ID '{asked}' does not exist"):
            await jobs.status(asked, OTHER)
        with pytest.raises(NotFound):
            await jobs.cancel(asked, OTHER)
    await jobs.cancel(job_id, ME)


async def test_error_of_a_job_is_told_to_who_asks() -> None:
    async def broken(_: DryRunResponse) -> None:
        raise Invalid("no such criterion")

    jobs = DryRunJobs()
    job_id = jobs.start(ME, broken)
    await asyncio.sleep(0)
    with pytest.raises(Invalid, match="no such criterion"):
        await jobs.status(job_id, ME)
    await jobs.cancel(job_id, ME)


async def test_finished_jobs_make_room_and_running_ones_do_not() -> None:
    async def quick(_: DryRunResponse) -> None:
        return

    jobs, work = DryRunJobs(), Work()
    oldest = jobs.start(ME, quick)
    running = [jobs.start(ME, work) for _ in range(AT_MOST - 1)]
    await work.started.wait()
    running.append(jobs.start(ME, work))
    with pytest.raises(NotFound):
        await jobs.status(oldest, ME)
    with pytest.raises(Exhausted, match="32 dry runs are under way"):
        jobs.start(ME, work)
    for job_id in running:
        await jobs.cancel(job_id, ME)
