"""Batches, their order, what a failing worker costs, and the tally."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from pyrox.errors import DeadlinePassed
from pyrox.policy.caselines import CaseLine
from roxctl.policy import case_work
from roxctl.policy.case_lines import Line
from roxctl.policy.case_work import Tally, evaluate


def test_batch_is_answered_line_by_line() -> None:
    answers = evaluate((Line("f: line 1", b"{"), Line("f: line 2", b"", "gone")))
    assert [json.loads(answer.text)["error"] for answer in answers] == [
        "f: line 1: not JSON: Expecting property name enclosed in double quotes at character 2",
        "f: line 2: gone",
    ]


@pytest.mark.parametrize(
    ("answer", "counts"),
    [
        (CaseLine("", passed=True), (1, 0, 0)),
        (CaseLine("", passed=False), (0, 1, 0)),
        (CaseLine("", passed=None), (0, 0, 0)),
        (CaseLine("", passed=False, readable=False), (0, 0, 1)),
        (CaseLine("", passed=True, readable=False), (1, 0, 0)),
    ],
)
def test_tally_counts_each_case_once(answer: CaseLine, counts: tuple[int, int, int]) -> None:
    tally = Tally()
    tally.add(answer)
    assert (tally.passed, tally.failed, tally.unreadable) == counts
    assert tally.cases == 1


def test_tally_tells_cases_without_expectation() -> None:
    assert Tally(cases=9, passed=3, failed=2, unreadable=1).text() == (
        "9 cases: 3 passed, 2 failed, 3 without expectation, 1 could not be evaluated"
    )


class _Pool:
    """Workers in which the line `slow` takes too long."""

    async def run(self, what: str, function: Any, batch: case_work.Batch) -> list[CaseLine]:
        if any(line.content == b"slow" for line in batch):
            raise DeadlinePassed(f"{what}: not finished after 60 s of work")
        answers: list[CaseLine] = function(batch)
        return answers


def test_line_that_ends_its_worker_costs_no_other_line() -> None:
    batch = (Line("f: line 1", b"["), Line("f: line 2", b"slow"), Line("f: line 3", b"["))
    answers = asyncio.run(case_work._evaluated(_Pool(), batch))  # type: ignore[arg-type]
    assert [json.loads(answer.text)["error"] for answer in answers] == [
        "f: line 1: not JSON: Expecting value at character 2",
        "f: line 2: not finished after 60 s of work",
        "f: line 3: not JSON: Expecting value at character 2",
    ]
