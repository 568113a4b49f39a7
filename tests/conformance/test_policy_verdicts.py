"""Verdicts and validations recorded from the reference engine."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format

from pyrox.pb.storage.policy_pb2 import Policy
from pyrox.policy.cases import run_case
from pyrox.policy.validate import ValidateOptions, validate

pytestmark = pytest.mark.needs("shared")

_ROOT = Path(__file__).resolve().parents[2]


def _records(name: str) -> Iterator[dict[str, Any]]:
    shared = Path(os.environ.get("PYROX_SHARED") or _ROOT.parent / "shared")
    with gzip.open(shared / "data" / "verdicts" / name, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def test_policy_verdicts_are_those_of_the_reference() -> None:
    results = [run_case(case) for case in _records("cases.ndjson.gz")]
    assert [result.case_id for result in results if not result.passed] == []
    assert len(results) == 1801
    assert sum(result.verdict.matched for result in results) == 584
    # The tree and the verdict never disagree, errors aside.
    assert [
        result.case_id for result in results if result.explanation["matched"] is not result.verdict.matched
    ] == []


def test_policy_validations_are_those_of_the_reference() -> None:
    different = []
    count = 0
    for record in _records("validate.ndjson.gz"):
        count += 1
        asked = record.get("options") or {}
        options = ValidateOptions(
            strict_environment=asked.get("validateEnvVarSourceRestrictions", False),
            audit_source=asked.get("sourceIsAuditLogEvents", False),
            refuse_from=asked.get("disallowFromInDockerfileLine", False),
        )
        error = validate(json_format.ParseDict(record["policy"], Policy()), options=options)
        if error != (record["expect"].get("error") or ""):
            different.append((record["id"], error))
    assert different == []
    assert count == 116
