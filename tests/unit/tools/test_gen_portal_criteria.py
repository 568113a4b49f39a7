"""The portal's file of criteria is what the engine's catalogue says."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from pyrox.policy import grammars
from pyrox.policy.fields import CRITERIA
from tools import gen_portal_criteria

ENTRIES = {entry["name"]: entry for entry in json.loads(gen_portal_criteria.document())}


def test_document_equals_the_committed_file() -> None:
    assert gen_portal_criteria.TARGET.read_text() == gen_portal_criteria.document()


def test_document_has_every_criterion_once() -> None:
    assert list(ENTRIES) == sorted(CRITERIA)
    assert len(ENTRIES) == 79


@pytest.mark.parametrize(
    ("source", "count"), [("DEPLOYMENT_EVENT", 11), ("AUDIT_LOG_EVENT", 8), ("NODE_EVENT", 6)]
)
def test_document_counts_of_event_criteria(source: str, count: int) -> None:
    assert sum(source in entry["eventSources"] for entry in ENTRIES.values()) == count


def test_document_every_closed_grammar_has_options() -> None:
    assert {e["name"] for e in ENTRIES.values() if e["input"] == "CHOICE" and "options" not in e} == set()


@pytest.mark.parametrize(
    ("expression", "options"),
    [
        (grammars.RBAC, ["DEFAULT", "ELEVATED_IN_NAMESPACE", "ELEVATED_CLUSTER_WIDE", "CLUSTER_ADMIN"]),
        (grammars.AUDIT_VERB, ["CREATE", "DELETE", "GET", "PATCH", "UPDATE"]),
        (grammars.BOOLEAN, []),
        (grammars.STRING, []),
    ],
)
def test_choices_of_a_grammar(expression: str, options: list[str]) -> None:
    assert gen_portal_criteria.choices(expression) == options


def test_main_check_with_current_file_ends_well() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.gen_portal_criteria", "--check"],
        cwd=gen_portal_criteria.TARGET.parents[3],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
