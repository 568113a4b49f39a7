"""Lines of cases: every line in gives one line out, whatever stands in it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf import json_format

from pyrox.policy.caselines import LONGEST_LINE, CaseLine, run_line, unreadable
from tests.unit.pyrox.policy import builders as b

_WHERE = "mine.ndjson: line 7"


def _case(**parts: Any) -> bytes:
    policy = b.policy([("Host IPC", ["true"])])
    deployment = json_format.MessageToDict(b.on_deployment().deployment) | {"hostIpc": True}
    base = {
        "id": "one",
        "kind": "deployment",
        "policy": json_format.MessageToDict(policy),
        "deployment": deployment,
        "now": "2026-11-24T10:00:00Z",
    }
    return json.dumps(base | parts).encode()


def _answer(line: bytes) -> tuple[CaseLine, dict[str, Any]]:
    answer = run_line(_WHERE, line)
    assert "\n" not in answer.text
    return answer, json.loads(answer.text)


_MET = {"matched": True, "violations": [{"message": "Deployment uses the host's IPC namespace"}], "error": ""}


def test_case_that_expects_nothing_has_a_verdict_and_no_pass() -> None:
    answer, line = _answer(_case())
    assert (answer.passed, answer.readable) == (None, True)
    assert list(line) == ["id", "matched", "violations", "processViolation", "error", "explanation"]
    assert {key: line[key] for key in _MET} == _MET


@pytest.mark.parametrize(("expect", "passed"), [(_MET, True), ({"matched": False}, False)])
def test_case_that_expects_something_says_whether_it_passed(expect: dict[str, Any], passed: bool) -> None:
    answer, line = _answer(_case(expect=expect))
    assert (answer.passed, line["pass"], line["matched"]) == (passed, passed, True)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{bad", "not JSON: Expecting property name enclosed in double quotes at character 2"),
        (b"\xff{}", "not JSON: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
        (b"[1]", "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b"x" * (LONGEST_LINE + 1), "longer than 16777216 bytes; split the case or shorten it"),
        (_case(kind="x"), ("case 'one': kind 'x' is none of auditEvent, deployment, fileAccess, image, "
                          "kubeEvent, networkFlow, nodeEvent, process")),
        (_case(kind="image"), "case 'one': image is missing"),
        (b'{"id":"a"}', "case 'a': now is missing"),
    ],
)  # fmt: skip
def test_line_that_cannot_be_evaluated_tells_where_it_stands_and_why(line: bytes, why: str) -> None:
    answer, told = _answer(line)
    assert (told["error"], told["pass"], told["explanation"]) == (f"{_WHERE}: {why}", False, None)
    assert (answer.passed, answer.readable) == (False, False)


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 100_000,
        b'{"id":' * 2000,
        _case(deployment="web"),
        _case(policy={"policySections": "no"}),
        _case(policy={"nosuch": 1}),
        _case(images=[1]),
        _case(now="yesterday"),
        _case(kind="networkFlow", networkFlow={"dstPort": 1e400}),
        _case(kind="networkFlow", networkFlow={"srcEntityType": []}),
        _case(networkPoliciesApplied="none"),
        _case(kind=["deployment"]),
        b'{"id":"\\ud800","now":"2026-11-24T10:00:00Z","kind":"image","image":{"id":"\\ud800"},"policy":{}}',
    ],
)
def test_hostile_line_is_answered_like_any_other(line: bytes) -> None:
    answer, told = _answer(line)
    assert (answer.readable, answer.passed) == (False, False)
    assert told["error"].startswith(f"{_WHERE}: ")


def test_case_may_expect_that_its_policy_is_refused() -> None:
    policy = json_format.MessageToDict(b.policy([("Nonsense", ["x"])]))
    _, told = _answer(_case(policy=policy))
    refusal = told["error"].removeprefix(f"{_WHERE}: ")
    assert "Nonsense" in refusal
    answer, told = _answer(_case(policy=policy, expect={"matched": False, "error": refusal}))
    assert (answer.passed, told["pass"], answer.readable) == (True, True, False)


def test_unreadable_line_keeps_the_id_of_its_case() -> None:
    answer = unreadable("f: line 1", "gone", case_id="x")
    assert json.loads(answer.text)["id"] == "x"
    assert json.loads(answer.text)["error"] == "f: line 1: gone"


def test_line_as_long_as_allowed_is_read() -> None:
    line = b'{"id":"' + b"x" * (LONGEST_LINE - 9) + b'"}'
    assert len(line) == LONGEST_LINE
    assert json.loads(run_line(_WHERE, line).text)["error"].endswith("now is missing")
