"""`roxctl deployment check`: files, forms, remarks, old flags."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from pyrox.pb.api.v1 import detection_service_pb2 as pb
from pyrox.pb.storage import policy_pb2
from roxctl.deployment import check_work
from roxctl.deployment.check_work import joined
from roxctl.errors import CallFailed
from tests.support.cli_wire import Wire

SCALE = policy_pb2.SCALE_TO_ZERO_ENFORCEMENT


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "web.yaml"
    path.write_text("kind: Deployment\n")
    return str(path)


def found(*policies: tuple[str, str, bool]) -> pb.DeployDetectionResponse:
    """Deployment, policy, and whether it breaks."""
    made = pb.DeployDetectionResponse()
    for deployment, policy, breaks in policies:
        run = made.runs.add(name=deployment, type="Deployment")
        alert = run.alerts.add()
        alert.deployment.id = alert.deployment.name = deployment
        alert.deployment.type, alert.deployment.namespace = "Deployment", "shop"
        alert.policy.id = alert.policy.name = policy
        alert.policy.severity, alert.policy.remediation = policy_pb2.HIGH_SEVERITY, "mend it"
        alert.violations.add(message="v")
        if breaks:
            alert.policy.enforcement_actions.append(SCALE)
    return made


@pytest.mark.parametrize(
    ("texts", "whole"),
    [
        ([], ""),
        (["a: 1"], "a: 1\n"),
        (["a: 1\n", "b: 2\n"], "a: 1\n---\nb: 2\n"),
        (["---\na: 1\n---\n", "---\nb: 2\n"], "a: 1\n---\nb: 2\n"),
        (["a: 1\n---\nb: 2\n"], "a: 1\n---\nb: 2\n"),
        (["", "a: 1"], "a: 1\n"),
        (["a: 1", "", "b: 2"], "a: 1\n---\nb: 2\n"),
    ],
)
def test_files_are_joined_as_one_stream(texts: list[str], whole: str) -> None:
    assert joined(texts) == whole


def test_request_has_all_flags(wire: Wire, file: str) -> None:
    wire.answer("DetectDeployTimeFromYAML", found())
    done = wire.run(
        "deployment", "check", "-f", file, "--force", "-c", "a,b", "--cluster", "c", "-n", "n", "-o", "json"
    )
    assert (done.code, done.err) == (0, "")
    (request,) = wire.asked("DetectDeployTimeFromYAML", pb.DeployYAMLDetectionRequest)
    # Upstream takes --force and never sends it.
    assert request == pb.DeployYAMLDetectionRequest(
        yaml="kind: Deployment\n", policy_categories=["a", "b"], cluster="c", namespace="n"
    )


@pytest.mark.parametrize(
    ("flags", "warning"),
    [
        ([], ""),
        (
            ["--cluster", "c"],
            (
                "Deployments without a namespace in the spec will be enhanced with context information "
                'for the "default" namespace. '
            ),
        ),
        (["-n", "shop"], "Cluster is empty. Namespace will only have an effect if '--cluster' is defined.\n"),
        (["-n", "shop", "--cluster", "c"], ""),
    ],
)
def test_namespace_and_cluster_that_do_not_fit_are_warned_of(
    wire: Wire, file: str, flags: list[str], warning: str
) -> None:
    wire.answer("DetectDeployTimeFromYAML", found())
    done = wire.run("deployment", "check", "-f", file, "-o", "json", *flags)
    assert done.err.startswith(f"WARN:\t{warning}" if warning else "")
    assert bool(done.err) is bool(warning)
    assert done.code == 0


def test_table_names_deployments_and_mends(wire: Wire, file: str) -> None:
    wire.answer("DetectDeployTimeFromYAML", found(("web", "p", True), ("db", "p", False)))
    done = wire.run("deployment", "check", "-f", file)
    assert done.out.startswith(
        "Policy check results for deployments: [db web]\n"
        "(TOTAL: 2, LOW: 0, MEDIUM: 0, HIGH: 2, CRITICAL: 0)\n\n+"
    )
    failed = "failed policies found: 1 policies violated that are failing the check"
    assert done.err == (
        "WARN:\tA total of 2 policies have been violated\n"
        f"ERROR:\t{failed}\n"
        'ERROR:\tPolicy "p" within Deployment "web" - Possible remediation: "mend it"\n'
        f"ERROR:\tchecking deployment failed: breaking policies found: {failed}\n"
    )
    assert (done.code, done.waits) == (1, [])


def test_csv_has_the_deployments_column(wire: Wire, file: str) -> None:
    wire.answer("DetectDeployTimeFromYAML", found(("web", "p", True)))
    rows = list(csv.reader(io.StringIO(wire.run("deployment", "check", "-f", file, "-o", "csv").out)))
    assert rows == [
        ["POLICY", "SEVERITY", "BREAKS DEPLOY", "DEPLOYMENT", "DESCRIPTION", "VIOLATION", "REMEDIATION"],
        ["p", "HIGH", "X", "web", "-", "- v", "mend it"],
    ]


def test_sarif_points_at_the_first_file(wire: Wire, file: str, tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("x: 1\n")
    wire.answer("DetectDeployTimeFromYAML", found(("web", "p", False)))
    done = wire.run("deployment", "check", "-f", f"{file},{tmp_path / 'b.yaml'}", "-o", "sarif")
    (result,) = json.loads(done.out)["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == file


def test_ignored_objects_and_remarks_are_told(wire: Wire, file: str) -> None:
    answer = found()
    answer.ignored_object_refs.append("shop/x[a.b/v1, Kind=Foo]")
    answer.remarks.add(name="web", permission_level="NONE", applied_network_policies=["deny", "allow"])
    wire.answer("DetectDeployTimeFromYAML", answer)
    told = 'INFO:\tIgnored object "shop/x[a.b/v1, Kind=Foo]" as its schema was not registered.\n'
    quiet = wire.run("deployment", "check", "-f", file, "-o", "json", "--cluster", "c", "-n", "n")
    assert quiet.err == told
    assert "remarks" not in quiet.out.lower()
    loud = wire.run("deployment", "check", "-f", file, "-o", "json", "--cluster", "c", "-n", "n", "-v")
    assert loud.out.endswith(
        "Additional remarks:\n"
        "Deployment: web, Permission Level: NONE, Applied Network Policies: deny, allow\n"
    )


def test_old_json_exits_0_whatever_breaks(wire: Wire, file: str) -> None:
    wire.answer("DetectDeployTimeFromYAML", found(("web", "p", True)))
    done = wire.run("deployment", "check", "-f", file, "--json", "--print-all-violations")
    assert done.code == 0
    assert [alert["policy"]["name"] for alert in json.loads(done.out)["alerts"]] == ["p"]
    assert [line[:23] for line in done.err.splitlines()] == [
        "Flag --json has been de",
        "Flag --print-all-violat",
    ]


def test_all_missing_files_are_named(wire: Wire, tmp_path: Path, file: str) -> None:
    done = wire.run("deployment", "check", "-f", f"a.yaml,{file}", "-f", str(tmp_path))
    assert done.err == (
        "ERROR:\tinvalid command option: open a.yaml: no such file or directory, "
        f"open {tmp_path}: no such file or directory\n"
    )
    assert wire.calls == []


def test_file_that_is_no_text_is_told(wire: Wire, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\xff\xfe")
    done = wire.run("deployment", "check", "-f", "x", "-r", "2")
    assert (done.code, wire.calls, done.waits) == (1, [], [])
    assert 'checking deployment failed: could not read deployment file: "x": ' in done.err


def test_file_that_central_would_not_take_is_refused_first(
    wire: Wire, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_work, "_MAX_BYTES", 5)
    done = wire.run("deployment", "check", "-f", file)
    assert done.err.endswith(f'deployment file "{file}" is larger than 5 bytes; split it\n')
    assert (done.code, wire.calls) == (1, [])


def test_cluster_that_is_away_is_asked_again(wire: Wire, file: str) -> None:
    away = CallFailed("Internal", "connection to cluster is not ready - try again later")
    wire.answer("DetectDeployTimeFromYAML", away, found())
    done = wire.run("deployment", "check", "-f", file, "-o", "json", "--cluster", "c", "-n", "n")
    assert (done.code, done.waits) == (0, [3])
    assert done.err == (
        "ERROR:\tChecking deployment failed: retrieving alerts from central: could not check deploy-time "
        f"alerts: {away}. Retrying after 3 seconds...\n"
    )
