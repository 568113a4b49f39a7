"""`roxctl image scan`: forms, filters, exit codes, and answers that are odd."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from pyrox.pb.api.v1 import image_service_pb2
from pyrox.pb.storage import image_pb2
from roxctl.errors import CallFailed
from tests.support.cli_wire import Wire

HOSTILE = 'a,"b"\r\nc\t<&>\u2028日本'


def image(*vulnerabilities: tuple[str, str, int, float], **fields: Any) -> image_pb2.Image:
    """Component, CVE, severity and score."""
    made = image_pb2.Image()
    for component, cve, severity, cvss in vulnerabilities:
        found = made.scan.components.add(name=component, version="1", **fields)
        if cve:
            found.vulns.add(cve=cve, severity=severity, cvss=cvss, link=f"https://x/{cve}")
    return made


LOW, MODERATE, IMPORTANT, CRITICAL = 1, 2, 3, 4


def test_request_has_all_flags(wire: Wire) -> None:
    wire.answer("ScanImage", image())
    done = wire.run(
        "image", "scan", "--image", "nginx:1", "-f", "-a", "--cluster", "c", "--namespace", "n", "-o", "json",
        "-t", "90s",
    )  # fmt: skip
    assert (done.code, done.err) == (0, "")
    assert wire.asked("ScanImage", image_service_pb2.ScanImageRequest) == [
        image_service_pb2.ScanImageRequest(
            image_name="nginx:1", force=True, include_snoozed=True, cluster="c", namespace="n"
        )
    ]
    assert (wire.limits, wire.closed) == ([90], 1)
    assert wire.metadata[0]["rh-roxctl-command"] == "image scan"


def test_image_without_findings_is_zeros(wire: Wire) -> None:
    wire.answer("ScanImage", image_pb2.Image())
    done = wire.run("image", "scan", "-i", "nginx:1", "-o", "json", "--compact-output")
    assert done.out == (
        '{"result":{"summary":{"CRITICAL":0,"IMPORTANT":0,"LOW":0,"MODERATE":0,'
        '"TOTAL-COMPONENTS":0,"TOTAL-VULNERABILITIES":0}}}\n'
    )


def test_table_has_heading_counts_and_warning(wire: Wire) -> None:
    wire.answer("ScanImage", image(("a", "CVE-1", CRITICAL, 9.8), ("b", "CVE-1", LOW, 0)))
    done = wire.run("image", "scan", "-i", "nginx:1", "-o", "table")
    assert done.out.startswith(
        "Scan results for image: nginx:1\n(TOTAL-COMPONENTS: 2, TOTAL-VULNERABILITIES: 1, "
        "LOW: 0, MODERATE: 0, IMPORTANT: 0, CRITICAL: 1)\n\n+"
    )
    assert done.err == "WARN:\tA total of 1 unique vulnerabilities were found in 2 components\n"
    assert done.code == 0


@pytest.mark.parametrize("form", ["table", "csv", "json", "sarif"])
def test_fail_exits_1_when_something_is_shown(wire: Wire, form: str) -> None:
    wire.answer("ScanImage", image(("a", "CVE-1", LOW, 1), ("a", "CVE-2", LOW, 1)))
    done = wire.run("image", "scan", "-i", "nginx:1", "-o", form, "--fail")
    assert done.code == 1
    assert done.err.endswith("ERROR:\timage scan failed: vulnerabilities found: 2 vulnerabilities\n")
    assert (len(wire.calls), done.waits) == (1, [])


@pytest.mark.parametrize(
    "flags",
    [
        ["-o", "json", "--severity", "CRITICAL"],
        ["-o", "legacy-json"],
        ["--format", "csv"],
        ["-o", "legacy-csv"],
    ],
)
def test_fail_without_shown_findings_or_in_the_old_form_exits_0(wire: Wire, flags: list[str]) -> None:
    wire.answer("ScanImage", image(("a", "CVE-1", LOW, 1)))
    assert wire.run("image", "scan", "-i", "nginx:1", "--fail", *flags).code == 0


@pytest.mark.parametrize(
    "flags", [["--severity", "low,critical"], ["--severity", "LOW", "--severity", "CRITICAL"]]
)
def test_severities_are_a_list_in_any_case(wire: Wire, flags: list[str]) -> None:
    wire.answer("ScanImage", image(("a", "1", LOW, 0), ("a", "2", MODERATE, 0), ("b", "3", CRITICAL, 0)))
    result = json.loads(wire.run("image", "scan", "-i", "x:1", "-o", "json", *flags).out)["result"]
    assert [v["cveId"] for v in result["vulnerabilities"]] == ["3", "1"]


def test_csv_quotes_odd_texts_and_shows_dashes(wire: Wire) -> None:
    wire.answer("ScanImage", image((HOSTILE, "CVE-1", 99, 7.5)))
    done = wire.run("image", "scan", "-i", "x:1", "-o", "csv")
    rows = list(csv.reader(io.StringIO(done.out, newline="")))
    assert rows == [
        [
            "COMPONENT",
            "VERSION",
            "CVE",
            "SEVERITY",
            "CVSS",
            "LINK",
            "FIXED_VERSION",
            "ADVISORY",
            "ADVISORY_LINK",
        ],
        [HOSTILE, "1", "CVE-1", "LOW", "7.5", "https://x/CVE-1", "-", "-", "-"],
    ]


def test_json_and_sarif_keep_odd_texts(wire: Wire) -> None:
    wire.answer("ScanImage", image((HOSTILE, "CVE-1", CRITICAL, 9.8)))
    out = wire.run("image", "scan", "-i", "x:1", "-o", "json").out
    assert "\\u2028" in out
    assert "日本" in out
    assert json.loads(out)["result"]["vulnerabilities"][0]["componentName"] == HOSTILE
    run = json.loads(wire.run("image", "scan", "-i", "x:1", "-o", "sarif").out)["runs"][0]
    assert run["results"][0]["ruleId"] == f"CVE-1_{HOSTILE}_1"
    assert run["results"][0]["level"] == "error"
    assert run["tool"]["driver"]["rules"][0]["properties"]["security-severity"] == "9.1"


@pytest.mark.parametrize(
    ("flags", "first"),
    [
        (["--no-header"], "a,CVE-1"),
        (["--headers-as-comments"], "; COMPONENT,CVE"),
        ([], "COMPONENT,CVE"),
        (["--required-headers", "FIXED_VERSION"], "COMPONENT,CVE"),
    ],
)
def test_csv_header_flags(wire: Wire, flags: list[str], first: str) -> None:
    wire.answer("ScanImage", image(("a", "CVE-1", LOW, 0)))
    out = wire.run("image", "scan", "-i", "x:1", "-o", "csv", "--headers", "COMPONENT,CVE", *flags).out
    assert out.splitlines()[0] == first
    assert ("a,CVE-1" in out) is ("--required-headers" not in flags)


def test_old_csv_is_ordered_by_layer_and_severity(wire: Wire) -> None:
    made = image_pb2.Image()
    made.metadata.v1.layers.add(instruction="ADD", value="file:x in /")
    for layer, severity in ((1, LOW), (0, LOW), (0, CRITICAL)):
        component = made.scan.components.add(name="c", version="1", layer_index=layer)
        component.vulns.add(cve=f"CVE-{layer}-{severity}", severity=severity, cvss=1, fixed_by="2")
    made.scan.components.add(name="n").vulns.add(cve="CVE-n", severity=99, cvss=float("nan"))
    wire.answer("ScanImage", made)
    done = wire.run("image", "scan", "-i", "x:1", "-o", "legacy-csv")
    assert done.out.split("\r\n") == [
        "CVE,CVSS Score,Severity Rating,Summary,Component,Version,Fixed By,Layer Instruction",
        "CVE-n,NaN,99,,n,,,ADD file:x in /",
        "CVE-0-4,1,Critical,,c,1,2,ADD file:x in /",
        "CVE-0-1,1,Low,,c,1,2,ADD file:x in /",
        "CVE-1-1,1,Low,,c,1,2,",
        "",
    ]


@pytest.mark.parametrize(
    ("flags", "noted"),
    [
        ([], "WARN:\tFlag --format"),
        (["--format", ""], "Flag --format"),
        (["--format", "json"], "Flag --format"),
    ],
)
def test_old_form_is_the_default_and_says_so(wire: Wire, flags: list[str], noted: str) -> None:
    wire.answer("ScanImage", image(("a", "CVE-1", LOW, 0)))
    done = wire.run("image", "scan", "-i", "x:1", *flags)
    assert json.loads(done.out)["scan"]["components"][0]["vulns"][0]["cve"] == "CVE-1"
    assert done.err.startswith(noted)


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (
            ["-i", "x:1", "--format", "xml"],
            'invalid output format "xml" used. You can only specify json or csv',
        ),
        (["-i", "x:1", "-o", "junit"], "Choose one of table | csv | json | sarif | legacy-json | legacy-csv"),
        (
            ["-i", "x:1", "-o", "csv", "--no-header", "--headers-as-comments"],
            "cannot specify both --no-header",
        ),
        (["-i", "UPPER:1", "-o", "json"], "invalid command option: "),
        (["-i", "x:1", "-o", "json", "--severity", "LOW,WORSE"], 'invalid severity "WORSE" used'),
        (["-i", "x:1", "-o", "json", "-r", "9223372036854775808"], "value out of range"),
    ],
)
def test_refusal_comes_before_any_call(wire: Wire, flags: list[str], text: str) -> None:
    done = wire.run("image", "scan", *flags)
    assert (done.code, done.out, wire.calls) == (1, "", [])
    assert text in done.err


AWAY, BAD = CallFailed("Internal", "away"), CallFailed("InvalidArgument", "bad")
WHAT = 'retrieving image scan result: could not scan image: "x:1": rpc error: code = '


def test_failure_that_may_pass_is_told_and_tried_again(wire: Wire) -> None:
    wire.answer("ScanImage", AWAY, AWAY, image())
    done = wire.run("image", "scan", "-i", "x:1", "-o", "json", "-d", "7")
    assert (done.code, done.waits) == (0, [7, 7])
    line = f"ERROR:\tScanning image failed: {WHAT}Internal desc = away. Retrying after 7 seconds...\n"
    assert done.err == line * 2


@pytest.mark.parametrize(
    ("answer", "flags", "calls", "end"),
    [
        (AWAY, [], 4, f"image scan failed after 3 retries: {WHAT}Internal desc = away"),
        (AWAY, ["-r", "0"], 1, f"image scan failed: {WHAT}Internal desc = away"),
        (AWAY, ["--retries=1"], 2, f"image scan failed after 1 retries: {WHAT}Internal desc = away"),
        (BAD, [], 1, f"image scan failed: {WHAT}InvalidArgument desc = bad"),
    ],
)
def test_failure_at_last_is_told_with_its_tries(
    wire: Wire, answer: CallFailed, flags: list[str], calls: int, end: str
) -> None:
    wire.answer("ScanImage", answer)
    done = wire.run("image", "scan", "-i", "x:1", "-o", "json", *flags)
    assert (done.code, len(wire.calls), wire.closed) == (1, calls, calls)
    assert done.err.endswith(f"ERROR:\t{end}\n")
