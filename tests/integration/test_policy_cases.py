"""`roxctl policy test` on real files and with real worker processes."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from google.protobuf import json_format

from tests.support.cli import roxctl
from tests.unit.pyrox.policy import builders as b


def _case(at: int, *, host_ipc: bool, expected: bool | None) -> dict[str, Any]:
    case = {
        "id": f"case-{at}",
        "kind": "deployment",
        "policy": json_format.MessageToDict(b.policy([("Host IPC", ["true"])])),
        "deployment": json_format.MessageToDict(b.on_deployment().deployment) | {"hostIpc": host_ipc},
        "now": "2026-11-24T10:00:00Z",
    }
    if expected is not None:
        violations = [{"message": "Deployment uses the host's IPC namespace"}] if expected else []
        case["expect"] = {"matched": expected, "violations": violations}
    return case


def _written(path: Path, cases: list[dict[str, Any]]) -> str:
    path.write_bytes("".join(f"{json.dumps(case)}\n" for case in cases).encode())
    return str(path)


def test_cases_that_all_pass_exit_with_zero_and_keep_their_order(tmp_path: Path) -> None:
    cases = [_case(at, host_ipc=at % 2 == 0, expected=at % 2 == 0) for at in range(950)]
    plain = _written(tmp_path / "plain.ndjson", cases[:450])
    packed = tmp_path / "packed.ndjson.gz"
    packed.write_bytes(gzip.compress("".join(f"{json.dumps(case)}\n" for case in cases[450:]).encode()))
    done = roxctl("policy", "test", plain, str(packed), "--workers", "2")
    answers = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == 0
    assert [answer["id"] for answer in answers] == [case["id"] for case in cases]
    assert all(answer["pass"] for answer in answers)
    assert done.err == (
        "INFO:\t950 cases: 950 passed, 0 failed, 0 without expectation, 0 could not be evaluated\n"
    )


def test_failed_and_broken_cases_exit_with_one_and_the_others_are_answered(tmp_path: Path) -> None:
    cases = [
        _case(0, host_ipc=True, expected=False),
        {"id": "broken", "now": "2026-11-24T10:00:00Z", "kind": "image"},
        _case(2, host_ipc=False, expected=None),
        _case(3, host_ipc=True, expected=True),
    ]
    file = _written(tmp_path / "cases.ndjson", cases)
    done = roxctl("policy", "test", file, "--workers", "1")
    answers = [json.loads(line) for line in done.out.splitlines()]
    assert [answer.get("pass") for answer in answers] == [False, False, None, True]
    assert answers[1]["error"] == f"{file}: line 2: case 'broken': image is missing"
    assert (done.code, done.err) == (
        1,
        "ERROR:\t4 cases: 1 passed, 1 failed, 1 without expectation, 1 could not be evaluated\n",
    )


def test_file_without_cases_does_not_pass(tmp_path: Path) -> None:
    file = _written(tmp_path / "none.ndjson", [])
    done = roxctl("policy", "test", file)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("ERROR:\t0 cases")
