"""A line of a file of cases in, the line of the answer out: the policy test as a library.

`roxctl policy test` runs it in worker processes; other programs may call it directly. It
must not open files. Whatever stands in the line, the answer is a line: one that cannot be
evaluated gets its error there, naming where it stands, so that the others go on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyrox.errors import Invalid
from pyrox.policy.cases import agrees, run_case
from pyrox.policy.verdict import Verdict

# The largest recorded cases (a deployment with two big images) have some hundred kilobytes.
LONGEST_LINE = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class CaseLine:
    """The answer as one line of JSON; `passed` is None for a case that expects nothing."""

    text: str
    passed: bool | None
    readable: bool = True


def run_line(where: str, line: bytes) -> CaseLine:
    """Evaluate one line; `where` names it in errors, such as `cases.ndjson: line 7`."""
    if len(line) > LONGEST_LINE:
        return unreadable(where, f"longer than {LONGEST_LINE} bytes; split the case or shorten it")
    try:
        case = json.loads(line)
    except json.JSONDecodeError as error:
        return unreadable(where, f"not JSON: {error.msg} at character {error.pos + 1}")
    except (ValueError, RecursionError) as error:
        return unreadable(where, f"not JSON: {error}")
    if not isinstance(case, dict):
        return unreadable(where, "not a JSON object")
    return _run(where, case)


def unreadable(where: str, why: str, *, case_id: str = "", passed: bool = False) -> CaseLine:
    """The answer to a line that cannot be evaluated."""
    answer = {
        "id": case_id,
        "matched": False,
        "violations": [],
        "processViolation": None,
        "error": f"{where}: {why}",
        "explanation": None,
        "pass": passed,
    }
    return CaseLine(_written(answer), passed, readable=False)


def _run(where: str, case: Mapping[str, Any]) -> CaseLine:
    try:
        result = run_case(case)
    except Invalid as error:
        return unreadable(
            where, error.message, case_id=str(case.get("id", "")), passed=_expected(case, error.message)
        )
    return CaseLine(_written(result.to_json()), result.passed)


def _expected(case: Mapping[str, Any], message: str) -> bool:
    """Whether the case is there to show that its policy is refused."""
    expect = case.get("expect")
    return (
        isinstance(expect, Mapping)
        and bool(message)
        and agrees(Verdict(matched=False, error=message), expect)
    )


def _written(answer: Mapping[str, Any]) -> str:
    return json.dumps(answer, separators=(",", ":"))
