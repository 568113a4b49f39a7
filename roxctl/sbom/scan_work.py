"""What `roxctl sbom scan` does with the answer: the same summary as of an image."""

from __future__ import annotations

from google.protobuf import json_format

from pyrox.pb.api.v1.sbom_pb2 import SBOMScanResponse
from pyrox.pb.storage.image_pb2 import ImageScan
from roxctl.app import App
from roxctl.errors import CliError
from roxctl.image.scan_work import Subject, present
from roxctl.output.choice import Choice
from roxctl.results import vulnerabilities as results


def read(body: bytes, severities: tuple[str, ...]) -> results.ScanSummary:
    """The answer's vulnerabilities. Raises `CliError` when it is none."""
    try:
        answer = json_format.Parse(body, SBOMScanResponse(), max_recursion_depth=50)
    except (json_format.ParseError, UnicodeDecodeError) as error:
        raise CliError(f"unmarshalling response: {error}") from error
    return results.summarize(ImageScan(components=answer.scan.components), severities)


def show(app: App, file: str, summary: results.ScanSummary, choice: Choice, *, fail: bool) -> None:
    """Show it. Raises `CliError` when vulnerabilities are to be a failure."""
    present(app, Subject("SBOM", file), summary, choice, fail=fail)
