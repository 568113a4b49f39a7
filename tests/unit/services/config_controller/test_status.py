from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from services.config_controller.status import ACCEPTED, FRESH, VALIDATED, Status

THEN, NOW = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)


def times(status: Status) -> dict[str, str]:
    return {one["type"]: one["lastTransitionTime"] for one in status.form()["conditions"]}


@pytest.mark.parametrize("given", [{}, {"status": None}, {"status": {"conditions": "x", "policyId": 7}}])
def test_new_status_has_three_conditions_that_do_not_hold(given: dict[str, Any]) -> None:
    form = Status.read(given, NOW).form()
    assert form["policyId"] == ""
    assert form["conditions"] == [
        {"type": kind, "status": "False", "message": "", "lastTransitionTime": "2026-01-02T03:04:05Z"}
        for kind in (FRESH, VALIDATED, ACCEPTED)
    ]


def test_status_that_was_written_is_read_again() -> None:
    status = Status.read({}, THEN)
    status.say(ACCEPTED, True, "done", NOW)
    status.policy_id = "p"
    again = Status.read({"status": status.form()}, NOW)
    assert again.form() == status.form()
    assert (again.holds(ACCEPTED), again.holds(VALIDATED)) == (True, False)


def test_time_changes_only_with_the_value() -> None:
    status = Status.read({}, THEN)
    status.say(FRESH, False, "not yet", NOW)
    status.say(VALIDATED, True, "fine", NOW)
    assert times(status) == {
        FRESH: "2026-01-01T00:00:00Z",
        VALIDATED: "2026-01-02T03:04:05Z",
        ACCEPTED: "2026-01-01T00:00:00Z",
    }
    assert status.form()["conditions"][0]["message"] == "not yet"


def test_strange_conditions_are_passed_over() -> None:
    given = {"status": {"conditions": ["x", {"type": "Other", "status": "True"}, {"type": ACCEPTED}]}}
    assert not Status.read(given, NOW).holds(ACCEPTED)
