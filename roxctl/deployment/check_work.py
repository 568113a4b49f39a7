"""The work of `roxctl deployment check`: all files in one call, then the policies violated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pyrox.pb.api.v1 import detection_service_pb2
from pyrox.pb.storage import policy_pb2
from roxctl.app import App
from roxctl.attempts import repeated
from roxctl.errors import CliError, quoted
from roxctl.output import policytext
from roxctl.output.choice import Choice
from roxctl.results.policies import PolicySummary, summarize

HEADERS = ("POLICY", "SEVERITY", "BREAKS DEPLOY", "DEPLOYMENT", "DESCRIPTION", "VIOLATION", "REMEDIATION")
# Central takes requests up to this size (upstream ROX_GRPC_MAX_MESSAGE_SIZE).
_MAX_BYTES = 24 * 1024 * 1024
Remarks = Sequence[detection_service_pb2.DeployDetectionRemark]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the flags ask for."""

    files: tuple[str, ...]
    choice: Choice
    retry_delay: int
    retries: int
    categories: tuple[str, ...]
    cluster: str
    namespace: str
    verbose: bool
    old_json: bool
    seconds: float


def run(app: App, wanted: Wanted) -> None:
    """Check and show. Raises `CliError`, also when a policy breaks the deploy."""

    def once() -> None:
        _show(app, wanted, _check(app, wanted))

    repeated(
        app, once, doing="Checking deployment", final="checking deployment failed",
        retries=wanted.retries, delay=wanted.retry_delay,
    )  # fmt: skip


def joined(texts: Sequence[str]) -> str:
    """The documents of all files as one stream."""
    whole = ""
    for text in texts:
        separator = "---\n" if whole and text else ""
        stripped = text.strip().removeprefix("---\n").removesuffix("\n---")
        whole += separator + (f"{stripped}\n" if text else "")
    return whole


def _read(name: str) -> str:
    path = Path(name)
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise CliError(f"deployment file {quoted(name)} is larger than {_MAX_BYTES} bytes; split it")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise CliError(f"could not read deployment file: {quoted(name)}: {err}") from err


def _check(app: App, wanted: Wanted) -> detection_service_pb2.DeployDetectionResponse:
    request = detection_service_pb2.DeployYAMLDetectionRequest(
        yaml=joined([_read(name) for name in wanted.files]),
        policy_categories=wanted.categories,
        cluster=wanted.cluster,
        namespace=wanted.namespace,
    )
    try:
        with app.central() as central:
            return central.call(
                "/v1.DetectionService/DetectDeployTimeFromYAML",
                request,
                detection_service_pb2.DeployDetectionResponse,
                seconds=wanted.seconds,
            )
    except CliError as error:
        raise error.wrap("could not check deploy-time alerts").wrap(
            "retrieving alerts from central"
        ) from error


def _show(app: App, wanted: Wanted, answer: detection_service_pb2.DeployDetectionResponse) -> None:
    for ignored in answer.ignored_object_refs:
        app.console.info(f"Ignored object {quoted(ignored)} as its schema was not registered.")
    alerts = [alert for found in answer.runs for alert in found.alerts]
    if wanted.old_json:
        result = detection_service_pb2.ResultAggregation(alerts=alerts, remarks=answer.remarks)
        app.console.write(policytext.old_json(result))
        return
    summary = summarize(alerts, policy_pb2.SCALE_TO_ZERO_ENFORCEMENT)
    _show_summary(app, wanted, summary)
    if summary.breaking:
        raise policytext.breaking(summary).wrap("breaking policies found")
    if wanted.verbose and answer.remarks:
        _show_remarks(app, answer.remarks)


def _show_summary(app: App, wanted: Wanted, summary: PolicySummary) -> None:
    if not wanted.choice.for_programs:
        names = " ".join(entity.info.get("name", "") for entity in summary.entities)
        policytext.tell_counts(app.console, f"deployments: [{names}]", summary)
    app.console.write(
        policytext.render(
            wanted.choice, summary, headers=HEADERS, entity=wanted.files[0], with_deployment=True
        )
    )
    if not wanted.choice.for_programs:
        policytext.tell_violations(app.console, summary, with_deployment=True)


def _show_remarks(app: App, remarks: Remarks) -> None:
    app.console.result("Additional remarks:")
    for remark in remarks:
        applied = ", ".join(remark.applied_network_policies)
        app.console.result(
            f"Deployment: {remark.name}, Permission Level: {remark.permission_level}, "
            f"Applied Network Policies: {applied}"
        )
