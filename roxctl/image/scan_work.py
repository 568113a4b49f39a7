"""The work of `roxctl image scan`: one call, one summary, one output."""

from __future__ import annotations

from dataclasses import dataclass

from google.protobuf import json_format

from pyrox.pb.api.v1 import image_service_pb2
from pyrox.pb.storage import cve_pb2, image_pb2
from pyrox.rpc.codec.scalars import float32
from roxctl.app import App
from roxctl.attempts import repeated
from roxctl.errors import CliError, quoted
from roxctl.output import csvtext, jsontext, sarif
from roxctl.output.choice import Choice
from roxctl.results import vulnerabilities as results
from roxctl.results.names import enum_name

HEADERS = (
    "COMPONENT",
    "VERSION",
    "CVE",
    "SEVERITY",
    "CVSS",
    "LINK",
    "FIXED_VERSION",
    "ADVISORY",
    "ADVISORY_LINK",
)
_LEGACY_HEADERS = ("CVE", "CVSS Score", "Severity Rating", "Summary", "Component", "Version", "Fixed By",
                   "Layer Instruction")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the flags ask for."""

    image: str
    choice: Choice
    legacy: str
    severities: tuple[str, ...]
    force: bool
    include_snoozed: bool
    retry_delay: int
    retries: int
    cluster: str
    namespace: str
    fail: bool
    seconds: float


def run(app: App, wanted: Wanted) -> None:
    """Scan and show. Raises `CliError`."""

    def once() -> None:
        _show(app, wanted, _scan(app, wanted))

    repeated(
        app, once, doing="Scanning image", final="image scan failed",
        retries=wanted.retries, delay=wanted.retry_delay,
    )  # fmt: skip


def _scan(app: App, wanted: Wanted) -> image_pb2.Image:
    request = image_service_pb2.ScanImageRequest(
        image_name=wanted.image,
        force=wanted.force,
        include_snoozed=wanted.include_snoozed,
        cluster=wanted.cluster,
        namespace=wanted.namespace,
    )
    try:
        with app.central() as central:
            return central.call(
                "/v1.ImageService/ScanImage", request, image_pb2.Image, seconds=wanted.seconds
            )
    except CliError as error:
        raise error.wrap(f"could not scan image: {quoted(wanted.image)}").wrap(
            "retrieving image scan result"
        ) from error


def _show(app: App, wanted: Wanted, image: image_pb2.Image) -> None:
    if wanted.legacy:
        app.console.write(_legacy(image, wanted.legacy))
        return
    summary = results.summarize(image.scan, wanted.severities)
    present(app, Subject("image", wanted.image), summary, wanted.choice, fail=wanted.fail)


@dataclass(frozen=True, slots=True)
class Subject:
    """What was scanned."""

    kind: str
    name: str


def present(app: App, subject: Subject, summary: results.ScanSummary, choice: Choice, *, fail: bool) -> None:
    """Show what was found. Raises `CliError` when that is to be a failure."""
    found, components = (
        summary.counts[results.TOTAL_VULNERABILITIES],
        summary.counts[results.TOTAL_COMPONENTS],
    )
    if not choice.for_programs:
        app.console.result(f"Scan results for {subject.kind}: {subject.name}")
        order = (results.TOTAL_COMPONENTS, results.TOTAL_VULNERABILITIES, *results.SEVERITIES)
        app.console.result(f"({', '.join(f'{key}: {summary.counts[key]}' for key in order)})\n")
    app.console.write(_rendered(subject.name, summary, choice))
    if not choice.for_programs and found:
        app.console.warn(f"A total of {found} unique vulnerabilities were found in {components} components")
    if fail and found:
        raise CliError(f"vulnerabilities found: {found} vulnerabilities")


def _rendered(name: str, summary: results.ScanSummary, choice: Choice) -> str:
    if choice.form == "json":
        return jsontext.render(summary.json, compact=choice.compact)
    if choice.form == "sarif":
        findings = [_finding(vulnerability) for vulnerability in summary.vulnerabilities]
        return sarif.render(sarif.VULNERABILITIES, name, findings)
    return choice.tabular(HEADERS, [_row(vulnerability) for vulnerability in summary.vulnerabilities])


def _row(vulnerability: results.Vulnerability) -> tuple[str, ...]:
    return (
        vulnerability.component,
        vulnerability.version,
        vulnerability.cve,
        vulnerability.severity,
        str(vulnerability.cvss),
        vulnerability.link,
        vulnerability.fixed_version,
        vulnerability.advisory,
        vulnerability.advisory_link,
    )


def _finding(vulnerability: results.Vulnerability) -> sarif.Finding:
    facts = {
        "Vulnerability": vulnerability.cve,
        "Link": vulnerability.link,
        "Severity": vulnerability.severity,
        "Component": vulnerability.component,
        "Version": vulnerability.version,
        "Fixed Version": vulnerability.fixed_version,
    }
    rule = f"{vulnerability.cve}_{vulnerability.component}_{vulnerability.version}"
    return sarif.Finding(rule=rule, severity=vulnerability.severity, facts=facts, link=vulnerability.link)


def _legacy(image: image_pb2.Image, form: str) -> str:
    if form == "json":
        return json_format.MessageToJson(image, indent=2, ensure_ascii=False) + "\n"
    return csvtext.line(_LEGACY_HEADERS, crlf=True) + "".join(
        csvtext.line(row, crlf=True) for row in _legacy_rows(image)
    )


def _legacy_rows(image: image_pb2.Image) -> list[tuple[str, ...]]:
    """By layer, the worst first within each."""
    found = []
    for component in image.scan.components:
        layer = component.layer_index
        for vuln in component.vulns:
            row = (
                vuln.cve, str(float32(vuln.cvss)), _rating(vuln.severity), vuln.summary, component.name,
                component.version, vuln.fixed_by, _instruction(image, layer),
            )  # fmt: skip
            found.append((layer, -vuln.severity, row))
    return [row for _, _, row in sorted(found, key=lambda entry: entry[:2])]


def _rating(severity: cve_pb2.VulnerabilitySeverity.ValueType) -> str:
    return enum_name(cve_pb2.VulnerabilitySeverity.Name, severity).partition("_")[0].capitalize()


def _instruction(image: image_pb2.Image, index: int) -> str:
    layers = image.metadata.v1.layers
    return f"{layers[index].instruction} {layers[index].value}" if 0 <= index < len(layers) else ""
