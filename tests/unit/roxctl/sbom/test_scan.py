"""`roxctl sbom scan`: what is sent, and what is shown of the answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from roxctl.rest import HttpAnswer
from tests.support.cli_wire import Wire

SPDX = b'{\n  "name": "x", "spdxVersion" : "SPDX-2.3"}'
CYCLONEDX = b'{"bomFormat": "CycloneDX", "specVersion": "1.6"}'
VULN = {
    "cve": "CVE-2026-1",
    "severity": "CRITICAL_VULNERABILITY_SEVERITY",
    "cvss": 9.8,
    "link": "https://example.org/1",
    "fixedBy": "1.0.1",
}
FOUND = {
    "id": "i",
    "scan": {
        "scannerVersion": "matcher=4.11.0",
        "components": [{"name": "openssl", "version": "1.0.0", "vulns": [VULN]}],
    },
}


def answer(body: object = FOUND, status: int = 200, kind: str = "application/json") -> tuple[int, HttpAnswer]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return status, HttpAnswer(headers={"content-type": kind}, body=raw)


@pytest.fixture
def bill(tmp_path: Path) -> Path:
    path = tmp_path / "bill.json"
    path.write_bytes(SPDX)
    return path


@pytest.mark.parametrize(
    ("document", "flags", "kind"),
    [
        (SPDX, [], "text/spdx+json"),
        (CYCLONEDX, [], "application/vnd.cyclonedx+json"),
        (b"anything", ["--content-type", "application/spdx+json"], "application/spdx+json"),
    ],
)
def test_document_is_sent_as_it_is_and_the_answer_written_as_it_came(
    wire: Wire, bill: Path, document: bytes, flags: list[str], kind: str
) -> None:
    bill.write_bytes(document)
    wire.http_answers = [answer(b'{\n  "id": "\xc3\xa9"\n}')]
    done = wire.run("sbom", "scan", "--file", str(bill), *flags)
    assert (done.code, done.out, done.err) == (0, '{\n  "id": "é"\n}', "")
    ((verb, path, body, headers),) = wire.http
    assert (verb, path, body) == ("POST", "/api/v1/sboms/scan", document)
    assert headers["content-type"] == kind


def test_table_has_the_summary_of_a_scan(wire: Wire, bill: Path) -> None:
    wire.http_answers = [answer()]
    done = wire.run("sbom", "scan", "--file", str(bill), "-o", "table")
    assert done.code == 0
    assert done.out.startswith(
        f"Scan results for SBOM: {bill}\n(TOTAL-COMPONENTS: 1, TOTAL-VULNERABILITIES: 1,"
    )
    assert "openssl" in done.out
    assert "CVE-2026-1" in done.out
    assert "A total of 1 unique vulnerabilities were found in 1 components" in done.err


@pytest.mark.parametrize(
    ("form", "mark"), [("json", '"cveId": "CVE-2026-1"'), ("csv", "CVE-2026-1"), ("sarif", "sarif")]
)
def test_forms_for_programs_hold_nothing_else(wire: Wire, bill: Path, form: str, mark: str) -> None:
    wire.http_answers = [answer()]
    done = wire.run("sbom", "scan", "--file", str(bill), "--output", form)
    assert (done.code, done.err) == (0, "")
    assert mark in done.out
    assert "Scan results" not in done.out


@pytest.mark.parametrize(
    ("flags", "code"), [([], 1), (["--severity", "low,moderate"], 0), (["--severity", "critical"], 1)]
)
def test_fail_counts_the_severities_that_are_shown(
    wire: Wire, bill: Path, flags: list[str], code: int
) -> None:
    wire.http_answers = [answer()]
    done = wire.run("sbom", "scan", "--file", str(bill), "-o", "table", "--fail", *flags)
    assert done.code == code
    assert ("vulnerabilities found: 1 vulnerabilities" in done.err) is bool(code)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b"", "auto detecting media type: invalid or unsupported SBOM"),
        (b"<xml/>", "auto detecting media type: invalid or unsupported SBOM"),
        (b'{"spdxVersion": "SPDX-2.2"}', "auto detecting media type: unsupported SBOM version"),
        (b'{"bomFormat": "Other"}', "auto detecting media type: unsupported SBOM version"),
    ],
)
def test_document_of_no_known_type_is_not_sent(wire: Wire, bill: Path, document: bytes, words: str) -> None:
    bill.write_bytes(document)
    done = wire.run("sbom", "scan", "--file", str(bill))
    assert (done.code, wire.http) == (1, [])
    assert words in done.err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], 'required flag(s) "file" not set'),
        (["--file", "/nowhere/x"], 'SBOM file does not exist: "/nowhere/x"'),
        (["--file", "/"], "opening SBOM file: open /: Is a directory"),
        (["--file", "/", "-o", "junit"], 'unsupported output format used: "junit"'),
        (["--file", "/", "--severity", "bad"], 'invalid severity "BAD" used. Choose one of [LOW,'),
    ],
)
def test_flags_that_cannot_be_are_refused(wire: Wire, flags: list[str], words: str) -> None:
    done = wire.run("sbom", "scan", *flags)
    assert (done.code, wire.http) == (1, [])
    assert words in done.err


def test_refusal_is_shown_and_not_repeated(wire: Wire, bill: Path) -> None:
    wire.http_answers = [answer(b'{"code":13,"message":"no"}', 500)] * 3
    done = wire.run("sbom", "scan", "--file", str(bill))
    assert (done.code, done.waits, len(wire.http)) == (1, [], 1)
    assert 'scanning SBOM: expected status code 200, but received 500. Response Body: {"code":13' in done.err


def test_page_of_the_portal_means_that_central_is_too_old(wire: Wire, bill: Path) -> None:
    wire.http_answers = [answer(b"<html>", kind="text/html; charset=utf-8")]
    done = wire.run("sbom", "scan", "--file", str(bill))
    assert (done.code, done.out) == (1, "")
    assert 'confirm Central version supports SBOM scanning at: "/api/v1/sboms/scan"' in done.err


def test_answer_that_is_none_is_an_error(wire: Wire, bill: Path) -> None:
    wire.http_answers = [answer(b"[")]
    done = wire.run("sbom", "scan", "--file", str(bill), "-o", "json")
    assert (done.code, done.out) == (1, "")
    assert "unmarshalling response: " in done.err
