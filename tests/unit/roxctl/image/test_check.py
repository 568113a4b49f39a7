"""`roxctl image check`: every form on odd data, the old flags, what is refused."""

from __future__ import annotations

import csv
import io
import json
from xml.etree import ElementTree as ET

import pytest

from pyrox.pb.api.v1 import detection_service_pb2 as pb
from pyrox.pb.storage import policy_pb2
from roxctl.errors import CallFailed
from tests.support.cli_wire import Wire

HOSTILE = '</failure> ]]> & "q" \x01 \x7f\ud7ff\ufffe=cmd|A1'
FAIL = policy_pb2.FAIL_BUILD_ENFORCEMENT


def alerts(*policies: tuple[str, int, bool], violation: str = "v") -> pb.BuildDetectionResponse:
    """Name, severity, and whether the policy breaks the build."""
    made = pb.BuildDetectionResponse()
    for name, severity, breaks in policies:
        alert = made.alerts.add()
        alert.policy.id = alert.policy.name = name
        alert.policy.severity = severity  # type: ignore[assignment]
        if breaks:
            alert.policy.enforcement_actions.append(FAIL)
        alert.violations.add(message=violation)
        alert.image.name.full_name = "docker.io/library/x:1"
    return made


def test_nothing_violated_exits_0_in_every_form(wire: Wire) -> None:
    wire.answer("DetectBuildTime", alerts())
    outs = {
        form: wire.run("image", "check", "-i", "x:1", "-o", form)
        for form in ("csv", "json", "junit", "sarif")
    }
    assert {done.code for done in outs.values()} == {0}
    assert outs["csv"].out == "POLICY,SEVERITY,BREAKS BUILD,DESCRIPTION,VIOLATION,REMEDIATION\n"
    assert json.loads(outs["json"].out) == {
        "summary": {"CRITICAL": 0, "HIGH": 0, "LOW": 0, "MEDIUM": 0, "TOTAL": 0}
    }
    assert (
        outs["junit"].out
        == '<testsuite name="image-check" tests="0" failures="0" skipped="0" errors="0"></testsuite>'
    )
    assert json.loads(outs["sarif"].out)["runs"][0]["results"] == []


def test_junit_of_hostile_texts_is_well_formed(wire: Wire) -> None:
    wire.answer("DetectBuildTime", alerts((HOSTILE, 4, True), ("skip", 1, False), violation=HOSTILE))
    done = wire.run("image", "check", "-i", "x:1", "-o", "junit", "--junit-suite-name", 'my "suite"')
    suite = ET.fromstring(done.out)  # noqa: S314 - our own output
    assert suite.attrib == {
        "name": 'my "suite"',
        "tests": "2",
        "failures": "1",
        "skipped": "1",
        "errors": "0",
    }
    failed, skipped = suite
    assert failed[0].text == "- " + HOSTILE.replace("\x01", "\ufffd").replace("\ufffe", "\ufffd")
    assert (skipped.attrib["name"], skipped[0].tag) == ("skip", "skipped")
    assert done.code == 1


def test_csv_and_sarif_of_hostile_texts_are_well_formed(wire: Wire) -> None:
    wire.answer("DetectBuildTime", alerts(("p,1", 3, False), violation='a "b"\nc'))
    rows = list(csv.reader(io.StringIO(wire.run("image", "check", "-i", "x:1", "-o", "csv").out, newline="")))
    assert rows[1] == ["p,1", "HIGH", "-", "-", '- a "b"\nc', "-"]
    wire.answer("DetectBuildTime", alerts((HOSTILE, 2, True), violation=HOSTILE))
    run = json.loads(wire.run("image", "check", "-i", "x:1", "-o", "sarif").out)["runs"][0]
    assert run["results"][0]["ruleId"] == HOSTILE
    assert run["results"][0]["level"] == "warning"
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "x:1"


def test_policies_of_one_name_are_one_sarif_rule(wire: Wire) -> None:
    made = alerts(("same", 4, False), ("same", 4, False))
    made.alerts[1].policy.id = "other"
    wire.answer("DetectBuildTime", made)
    run = json.loads(wire.run("image", "check", "-i", "x:1", "-o", "sarif").out)["runs"][0]
    assert (len(run["tool"]["driver"]["rules"]), len(run["results"])) == (1, 2)
    assert {result["ruleIndex"] for result in run["results"]} == {0}


def test_severity_that_is_unset_or_new_is_shown_as_it_is(wire: Wire) -> None:
    wire.answer("DetectBuildTime", alerts(("unset", 0, False), ("new", 99, False)))
    done = wire.run("image", "check", "-i", "x:1", "-o", "json")
    shown = json.loads(done.out)
    assert [policy["severity"] for policy in shown["results"][0]["violatedPolicies"]] == ["99", "UNSET"]
    assert shown["summary"]["TOTAL"] == 2
    assert done.code == 0


@pytest.mark.parametrize(
    ("flags", "code", "notes"),
    [
        (["--json"], 1, ["Flag --json has been deprecated"]),
        (
            ["--json", "--json-fail-on-policy-violations=false"],
            0,
            ["Flag --json has", "Flag --json-fail-on-policy-violations has"],
        ),
        (
            ["--json=false", "--print-all-violations", "-o", "json"],
            1,
            ["Flag --json has", "Flag --print-all-violations has"],
        ),
    ],
)
def test_old_flags_are_noted_and_obeyed(wire: Wire, flags: list[str], code: int, notes: list[str]) -> None:
    wire.answer("DetectBuildTime", alerts(("p", 4, True)))
    done = wire.run("image", "check", "-i", "x:1", *flags)
    assert done.code == code
    lines = done.err.splitlines()
    assert [line[: len(note)] for line, note in zip(lines, notes, strict=False)] == notes
    assert ("alerts" in json.loads(done.out)) is ("--json=false" not in flags)


@pytest.mark.parametrize(
    ("reference", "name", "tag", "digest"),
    [
        ("nginx", "docker.io/library/nginx", "latest", ""),
        ("nginx:1.25", "docker.io/library/nginx", "1.25", ""),
        ("localhost:5000/a/b:1", "localhost:5000/a/b", "1", ""),
        (f"quay.io/a/b@sha256:{'a' * 64}", "quay.io/a/b", "", f"sha256:{'a' * 64}"),
    ],
)
def test_image_is_sent_in_its_parts(wire: Wire, reference: str, name: str, tag: str, digest: str) -> None:
    wire.answer("DetectBuildTime", alerts())
    wire.run("image", "check", "-i", reference, "-o", "json")
    (request,) = wire.asked("DetectBuildTime", pb.BuildDetectionRequest)
    found = request.image
    assert (f"{found.name.registry}/{found.name.remote}", found.name.tag, found.id) == (name, tag, digest)


def test_categories_are_repeated_and_comma_lists(wire: Wire) -> None:
    wire.answer("DetectBuildTime", alerts())
    wire.run(
        "image", "check", "-i", "x:1", "-o", "json", "-c", "a, b,", "-c", "c", "--send-notifications=true"
    )
    (request,) = wire.asked("DetectBuildTime", pb.BuildDetectionRequest)
    assert (list(request.policy_categories), request.send_notifications) == (["a", "b", "c"], True)


def test_central_that_refuses_is_told_with_its_words(wire: Wire) -> None:
    text = "allowed categories [x] did not match any policy categories"
    wire.answer("DetectBuildTime", CallFailed("InvalidArgument", text))
    done = wire.run("image", "check", "-i", "x:1", "-o", "json")
    assert done.err == (
        "ERROR:\tchecking image failed: retrieving alerts: could not check build-time alerts: "
        f"rpc error: code = InvalidArgument desc = {text}\n"
    )
    assert (done.code, done.waits) == (1, [])
