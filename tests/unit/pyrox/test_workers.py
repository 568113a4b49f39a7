"""Worker processes: what comes back from them, and what happens when they fail."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pyrox.errors import DeadlinePassed, Exhausted, Invalid, Unavailable
from pyrox.workers import Workers


def add(a: int, b: int) -> int:
    return a + b


def fail() -> None:
    raise Invalid("bad layer")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def eat() -> int:
    return len(bytearray(4 * 1024**3))


def stall() -> None:
    time.sleep(30)


async def test_workers_return_results_and_errors_of_the_work() -> None:
    workers = Workers(count=1)
    try:
        assert await workers.run("sum", add, 2, 3) == 5
        with pytest.raises(Invalid, match="bad layer"):
            await workers.run("layer", fail)
    finally:
        workers.close()


async def test_workers_survive_a_worker_that_dies() -> None:
    workers = Workers(count=1)
    try:
        with pytest.raises(Unavailable, match="layer x: the worker process ended"):
            await workers.run("layer x", die)
        assert await workers.run("sum", add, 1, 1) == 2
    finally:
        workers.close()


async def test_workers_bound_memory_and_time() -> None:
    workers = Workers(count=1, seconds=0.5)
    try:
        with pytest.raises(Exhausted, match="layer x: needs more than 2 GiB"):
            await workers.run("layer x", eat)
        with pytest.raises(DeadlinePassed, match=r"layer x: not finished after 0\.5 s"):
            await workers.run("layer x", stall)
        assert await workers.run("sum", add, 1, 1) == 2
    finally:
        workers.close()


@pytest.mark.parametrize("moment", ["working", "starting"])
def test_workers_die_with_their_parent(moment: str) -> None:
    """Also when it is killed before the worker has begun: then nobody would tell the worker."""
    script = (
        "import asyncio, os, signal\n"
        "from pyrox.workers import Workers\n"
        "async def main():\n"
        "    workers = Workers(count=1)\n"
        f"    if {moment == 'working'}:\n"
        "        await workers.run('pid', os.getpid)\n"
        "    else:\n"
        "        asyncio.get_running_loop().create_task(workers.run('pid', os.getpid))\n"
        "        await asyncio.sleep(0)\n"
        "        await asyncio.sleep(0)\n"
        "    print(*[p.pid for p in workers._pool._processes.values()], flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, timeout=30, check=False
    )
    workers = [int(pid) for pid in done.stdout.split()]
    assert workers
    for _ in range(500):
        if not any(_alive(pid) for pid in workers):
            return
        time.sleep(0.02)
    raise AssertionError(f"workers {workers} still run")


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_workers_end_when_idle() -> None:
    workers = Workers(count=1, idle_seconds=0.0)
    assert await workers.run("sum", add, 1, 1) == 2
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not workers.started
