"""The work of `roxctl image check`: one call, the policies that are violated, the exit code."""

from __future__ import annotations

from dataclasses import dataclass

from pyrox.pb.api.v1 import detection_service_pb2
from pyrox.pb.storage import policy_pb2
from roxctl import reference
from roxctl.app import App
from roxctl.attempts import repeated
from roxctl.errors import CliError
from roxctl.output import policytext
from roxctl.output.choice import Choice
from roxctl.results.policies import summarize

HEADERS = ("POLICY", "SEVERITY", "BREAKS BUILD", "DESCRIPTION", "VIOLATION", "REMEDIATION")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the flags ask for."""

    image: str
    choice: Choice
    retry_delay: int
    retries: int
    force: bool
    send_notifications: bool
    categories: tuple[str, ...]
    cluster: str
    namespace: str
    old_json: bool
    old_fail: bool
    seconds: float


def run(app: App, wanted: Wanted) -> None:
    """Check and show. Raises `CliError`, also when a policy breaks the build."""

    def once() -> None:
        _show(app, wanted, _check(app, wanted))

    repeated(
        app, once, doing="Checking image", final="checking image failed",
        retries=wanted.retries, delay=wanted.retry_delay,
    )  # fmt: skip


def _check(app: App, wanted: Wanted) -> detection_service_pb2.BuildDetectionResponse:
    request = detection_service_pb2.BuildDetectionRequest(
        image=reference.image(wanted.image),
        send_notifications=wanted.send_notifications,
        force=wanted.force,
        policy_categories=wanted.categories,
        cluster=wanted.cluster,
        namespace=wanted.namespace,
    )
    # The name and the digest are all that upstream's client sends.
    request.image.ClearField("id_v2")
    try:
        with app.central() as central:
            return central.call(
                "/v1.DetectionService/DetectBuildTime",
                request,
                detection_service_pb2.BuildDetectionResponse,
                seconds=wanted.seconds,
            )
    except CliError as error:
        raise error.wrap("could not check build-time alerts").wrap("retrieving alerts") from error


def _show(app: App, wanted: Wanted, answer: detection_service_pb2.BuildDetectionResponse) -> None:
    summary = summarize(answer.alerts, policy_pb2.FAIL_BUILD_ENFORCEMENT)
    if wanted.old_json:
        app.console.write(policytext.old_json(answer))
        if wanted.old_fail and summary.breaking:
            raise CliError("Violated a policy with CI enforcement set")
        return
    if not wanted.choice.for_programs:
        policytext.tell_counts(app.console, f"image: {wanted.image}", summary)
    app.console.write(
        policytext.render(wanted.choice, summary, headers=HEADERS, entity=wanted.image, with_deployment=False)
    )
    if not wanted.choice.for_programs:
        policytext.tell_violations(app.console, summary, with_deployment=False)
    if summary.breaking:
        raise policytext.breaking(summary)
