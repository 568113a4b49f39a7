"""The work of `roxctl policy test`: lines in batches to worker processes, answers in order.

Only a few batches are read ahead, so memory does not grow with the files. A batch that ends
its worker is tried again line by line, and then only the line at fault has no verdict.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pyrox.errors import RoxError
from pyrox.policy.caselines import CaseLine, run_line, unreadable
from pyrox.workers import Workers
from roxctl.app import App
from roxctl.console import Console
from roxctl.errors import CliError
from roxctl.policy.case_lines import Line, read

_LINES = 100
_BYTES = 1024 * 1024
# A batch takes well under a second; only a case made to be slow gets near this.
_SECONDS = 60.0

Batch = tuple[Line, ...]


@dataclass(slots=True)
class Tally:
    """How the cases came out."""

    cases: int = 0
    passed: int = 0
    failed: int = 0
    unreadable: int = 0

    def add(self, answer: CaseLine) -> None:
        """Count one answer."""
        self.cases += 1
        self.unreadable += not answer.readable and not answer.passed
        self.passed += answer.passed is True
        self.failed += answer.readable and answer.passed is False

    def text(self) -> str:
        """For a person."""
        without = self.cases - self.passed - self.failed - self.unreadable
        return (
            f"{self.cases} cases: {self.passed} passed, {self.failed} failed, "
            f"{without} without expectation, {self.unreadable} could not be evaluated"
        )


def run(app: App, files: Sequence[str], *, workers: int) -> None:
    """Answer every line of the files; raises `CliError` unless all passed."""
    tally = asyncio.run(_run(app.console, files, workers))
    if tally.failed or tally.unreadable or not tally.cases:
        raise CliError(tally.text())
    app.console.info(tally.text())


def evaluate(batch: Batch) -> list[CaseLine]:
    """The answers to a batch; runs in a worker."""
    return [
        unreadable(line.where, line.broken) if line.broken else run_line(line.where, line.content)
        for line in batch
    ]


async def _run(console: Console, files: Sequence[str], workers: int) -> Tally:
    tally = Tally()
    pool = Workers(count=workers, seconds=_SECONDS)
    running: deque[asyncio.Task[list[CaseLine]]] = deque()
    try:
        for batch in _batches(files):
            running.append(asyncio.create_task(_evaluated(pool, batch)))
            if len(running) > 2 * workers:
                _tell(console, tally, await running.popleft())
        while running:
            _tell(console, tally, await running.popleft())
    finally:
        for task in running:
            task.cancel()
        pool.close()
    return tally


def _batches(files: Sequence[str]) -> Iterator[Batch]:
    batch: list[Line] = []
    size = 0
    for name in files:
        for line in read(name):
            batch.append(line)
            size += len(line.content)
            if len(batch) >= _LINES or size >= _BYTES:
                yield tuple(batch)
                batch, size = [], 0
    if batch:
        yield tuple(batch)


async def _evaluated(pool: Workers, batch: Batch) -> list[CaseLine]:
    try:
        return await pool.run(batch[0].where, evaluate, batch)
    except RoxError as error:
        if len(batch) == 1:
            return [unreadable(batch[0].where, error.message.removeprefix(f"{batch[0].where}: "))]
    return [answer for line in batch for answer in await _evaluated(pool, (line,))]


def _tell(console: Console, tally: Tally, answers: Sequence[CaseLine]) -> None:
    for answer in answers:
        tally.add(answer)
        console.result(answer.text)
