"""Timelines written out."""

from __future__ import annotations

import csv
import io

from services.central.risk.events import PROCESS, RESTART, TERMINATION, VIOLATION, Container, Event, PodEvents
from services.central.risk.timeline import COLUMNS, Timeline

SECOND = 10**9
# Tue, 14 Nov 2023 22:13:20 UTC
START = 1_700_000_000 * SECOND


def timeline() -> Timeline:
    """One pod with one event of each kind."""
    events = [
        Event("v", VIOLATION, "Shell", START + 2 * SECOND),
        Event(
            "p",
            PROCESS,
            "/bin/sh",
            START + SECOND,
            args="=cmd|' /C calc'!A0",
            uid=0,
            parent_name="/init",
            parent_uid=-1,
            in_baseline=False,
        ),
        Event("t", TERMINATION, "app", START + 3 * SECOND, exit_code=-1, reason="Error"),
        Event("r", RESTART, "app", START + 4 * SECOND + SECOND // 2),
    ]
    container = Container("web.shop@id:app", "app", START, events)
    return Timeline([PodEvents("id", "web", "d", None, [container])], truncated=True)


def test_json_has_counts_and_of_each_kind_what_it_tells() -> None:
    made = timeline().as_json("d")
    assert made["counts"] == {
        "policyViolations": 1,
        "processActivities": 1,
        "restarts": 1,
        "terminations": 1,
        "pods": 1,
    }
    assert (made["deploymentId"], made["truncated"]) == ("d", True)
    (pod,) = made["pods"]
    assert (pod["id"], pod["name"], pod["startTime"], pod["containerCount"]) == ("id", "web", None, 1)
    (container,) = pod["containers"]
    assert (container["id"], container["name"]) == ("web.shop@id:app", "app")
    assert container["startTime"] == "2023-11-14T22:13:20.000Z"
    violation, process, termination, restart = container["events"]
    assert violation == {
        "id": "v",
        "type": "PolicyViolationEvent",
        "name": "Shell",
        "timestamp": "2023-11-14T22:13:22.000Z",
    }
    assert process["parentUid"] == -1
    assert (process["uid"], process["parentName"], process["inBaseline"]) == (0, "/init", False)
    assert (termination["exitCode"], termination["reason"]) == (-1, "Error")
    assert restart["timestamp"] == "2023-11-14T22:13:24.500Z"


def test_file_has_the_newest_event_first_and_no_formulas() -> None:
    text = timeline().as_csv()
    assert text.startswith("\ufeffEvent Timestamp,Event Type,")
    assert "\r\n" in text
    header, *rows = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    assert tuple(header) == COLUMNS
    found = [dict(zip(header, row, strict=True)) for row in rows]
    assert [row["Event Type"] for row in found] == [
        "Container Restart",
        "Container Termination",
        "Policy Violation",
        "Process Activity",
    ]
    restart, termination, _, process = found
    assert restart["Event Timestamp"] == "Tue, 14 Nov 2023 22:13:24 UTC"
    assert (restart["Pod Start Time"], restart["Pod Container Count"]) == ("-", "1")
    assert (termination["Container Exit Code"], termination["Container Exit Reason"]) == ("-1", "Error")
    assert process["Process Args"] == "'=cmd|' /C calc'!A0"
    assert (process["Process Baselined"], process["Process UID"], process["Process Parent UID"]) == (
        "false",
        "0",
        "-1",
    )
    assert (process["Deployment ID"], process["Pod ID"], process["Container ID"]) == (
        "d",
        "id",
        "web.shop@id:app",
    )


def test_time_that_no_date_can_hold_becomes_the_nearest_one() -> None:
    events = [Event("e", RESTART, "app", -5), Event("f", RESTART, "app", 10**30)]
    made = Timeline(
        [PodEvents("id", "web", "d", 10**30, [Container("c", "app", None, events)])], truncated=False
    )
    (pod,) = made.as_json("d")["pods"]
    assert pod["startTime"] == "9999-12-31T00:00:00.000Z"
    times = [event["timestamp"] for event in pod["containers"][0]["events"]]
    assert times == ["1970-01-01T00:00:00.000Z", "9999-12-31T00:00:00.000Z"]
    assert "Thu, 01 Jan 1970 00:00:00 UTC" in made.as_csv()
