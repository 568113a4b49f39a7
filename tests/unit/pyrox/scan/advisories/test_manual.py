"""The list written by hand: its entries, what is left out, and YAML that means harm."""

from __future__ import annotations

import pytest

from pyrox.scan import catalogue
from pyrox.scan.advisories.manual import ManualSource
from pyrox.scan.advisories.model import Item, ParsedAdvisory, Severity, Skipped

SOURCE = ManualSource(catalogue.schemes())
ENTRY = """
- Name: GHSA-cj7v-27pg-wf7q CVE-2022-2047
  Description: |
    words
  Issued: 2022-07-07T20:55:34Z
  Links: https://nvd.nist.gov/vuln/detail/CVE-2022-2047
  Severity: CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:N/I:L/A:N
  NormalizedSeverity: Low
  Package:
    Name: {package}
    Kind: binary
    RepositoryHint: Maven
  FixedInVersion: {fixed}
  Repo:
    Name: {repository}
    URI: https://example.org/
"""
JETTY = "org.eclipse.jetty:jetty-http"


def parse(text: str | bytes) -> list[Item]:
    data = text.encode() if isinstance(text, str) else text
    return list(SOURCE.parse("manual/vulns.yaml", data))


def entry(package: str = JETTY, fixed: str = "introduced=9.0&fixed=9.4.47", repository: str = "maven") -> str:
    return ENTRY.format(package=package, fixed=fixed, repository=repository)


def test_entry_becomes_an_advisory_with_one_row() -> None:
    (found,) = parse(entry())
    assert isinstance(found, ParsedAdvisory)
    text, (row,) = found.advisory, found.rows
    assert (text.source, text.name, text.description) == (
        "stackrox-manual",
        "GHSA-cj7v-27pg-wf7q CVE-2022-2047",
        "words",
    )
    assert text.links == "https://nvd.nist.gov/vuln/detail/CVE-2022-2047"
    assert (text.severity[:8], text.normalized) == ("CVSS:3.1", Severity.LOW)
    assert text.issued is not None
    assert (row.namespace, row.package, row.introduced, row.fixed_in) == ("maven", JETTY, "9.0", "9.4.47")


@pytest.mark.parametrize(
    ("fixed", "bounds"),
    [
        ("fixed=1.2", ("", "1.2", "")),
        ("introduced=0&lastAffected=3", ("", "", "3")),
        ("1.2", ("", "1.2", "")),
        ('""', ("", "", "")),
    ],
)
def test_forms_of_a_fixed_version(fixed: str, bounds: tuple[str, str, str]) -> None:
    (found,) = parse(entry(fixed=fixed))
    assert isinstance(found, ParsedAdvisory)
    row = found.rows[0]
    assert (row.introduced, row.fixed_in, row.last_affected) == bounds


def test_list_may_stand_under_a_key_and_python_names_are_folded() -> None:
    indented = entry("Foo_Bar", "fixed=1", "pypi").replace("\n", "\n  ")
    (found,) = parse("vulnerabilities:" + indented)
    assert isinstance(found, ParsedAdvisory)
    assert found.rows[0].package == "foo-bar"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (entry(repository="unheard"), "no known repository"),
        (entry(package='""'), "no name or package"),
        (entry(fixed="introduced=2&fixed=2"), "empty range"),
        ("- 5\n", "malformed entry"),
        ("a: 1\nb: 2\n", "malformed: no list"),
        ("- [", "malformed"),
        ("[" * 10_000, "malformed: nested"),
        ("a: &a [x]\nb: [*a, *a]\n", "malformed: aliases"),
        ("!!python/object/apply:os.system ['true']", "malformed"),
        (b"\xff\xfe\x00", "malformed"),
        (b" " * 1_000_001, "malformed: more than"),
    ],
)
def test_what_is_left_out_has_a_reason(text: str | bytes, reason: str) -> None:
    (found,) = parse(text)
    assert isinstance(found, Skipped)
    assert found.reason.startswith(reason)


def test_empty_list_and_paths() -> None:
    assert parse("") == []
    assert SOURCE.accepts("manual/vulns.yaml")
    assert not SOURCE.accepts("manual/README.md")
    assert catalogue.sources()[-1].name == SOURCE.name
