"""What is written into a bundle is read from it again."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pyrox.scan import catalogue
from pyrox.scan.advisories.bundle import read
from pyrox.scan.advisories.emit import expressible, lines, record
from pyrox.scan.advisories.model import Advisory, AdvisoryRow, Alias, ParsedAdvisory, Severity
from pyrox.scan.advisories.ranges import Bounds, Subject, row
from pyrox.scan.model import Kind

SCHEMES = catalogue.schemes()
TEXT = Advisory(
    source="osv/pypi",
    key="x",
    name="GHSA-x",
    description="about x",
    issued=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    links="https://a https://b",
    severity="CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N",
    normalized=Severity.IMPORTANT,
    aliases=(Alias("CVE", "CVE-2026-1"),),
)


CPE = "cpe:2.3:a:redhat:openshift:4.12:*:el8:*:*:*:*:*"


def made(
    namespace: str, scheme: str, bounds: Bounds, kind: Kind = Kind.BINARY, package: str = "a-b"
) -> AdvisoryRow:
    found = row(Subject(namespace, package, kind, SCHEMES[scheme], "x"), bounds)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "written",
    [
        made("debian:12", "dpkg", Bounds(fixed="1:2.0~rc1-1+b1"), Kind.SOURCE),
        made("debian:12", "dpkg", Bounds(), Kind.SOURCE),
        made("ubuntu:22.04", "dpkg", Bounds(fixed="1.0-1ubuntu1")),
        made("alpine:v3.11", "apk", Bounds(fixed="1.2.3-r4"), Kind.SOURCE),
        made("alpine:edge", "apk", Bounds(fixed="1.2.3-r4"), Kind.SOURCE),
        made("wolfi", "apk", Bounds(fixed="1.0_alpha2-r1"), Kind.SOURCE),
        made("chainguard", "apk", Bounds(fixed="1.0_alpha2-r1"), Kind.SOURCE),
        made("kubernetes", "semver", Bounds(introduced="1.2.0-rc.1", fixed="1.2.12")),
        made("almalinux:9", "rpm", Bounds(fixed="0:3.0.7-6.el9_2")),
        made("pypi", "pep440", Bounds(introduced="1.0", fixed="2.0")),
        made("pypi", "pep440", Bounds(last="2.0rc1")),
        made("npm", "semver", Bounds(fixed="4.17.12")),
        made(
            "go",
            "go",
            Bounds(introduced="1.2.0-rc.1", fixed="0.0.0-20220314000000-abc".replace("0.0.0", "9.0.0")),
        ),
        made(
            "maven", "maven", Bounds(introduced="2.0-beta9", fixed="2.15.0"), package="org.apache:log4j-core"
        ),
        replace(
            made("rhel", "rpm", Bounds(fixed="0:1.2-3.el8")), arch="aarch64|x86_64", cpe=CPE, module="m:1"
        ),
        replace(made("rhel", "rpm", Bounds(), Kind.SOURCE), cpe=CPE, not_affected=True),
        replace(made("amzn:2023", "rpm", Bounds(fixed="1.2-3")), arch="x86_64"),
        replace(made("ol:8", "rpm", Bounds(fixed="1.2-3")), arch="!src"),
        replace(made("rhcc", "rhctag", Bounds(introduced="4.12", fixed="v4.12.0-202301.p0")), cpe=CPE),
        replace(made("rhcc", "rhctag", Bounds(fixed="1744596866")), cpe=CPE),
        replace(made("rhcc", "rhctag", Bounds(), Kind.ANCESTRY), cpe=CPE, not_affected=True),
    ],
    ids=lambda r: f"{r.namespace} {r.fixed_in or r.last_affected or 'open'} {r.kind}",
)
def test_row_is_read_back_as_it_was(written: AdvisoryRow) -> None:
    raw = list(lines(ParsedAdvisory(TEXT, (written,)), fingerprint="f"))
    content = next(read(raw, SCHEMES)).content
    assert isinstance(content, ParsedAdvisory)
    found = content.rows[0]
    fields = [name for name in AdvisoryRow.__slots__ if name != "advisory"]
    assert [getattr(found, f) for f in fields] == [getattr(written, f) for f in fields]
    text = content.advisory
    assert (text.source, text.name, text.description, text.links) == (
        TEXT.source,
        TEXT.name,
        TEXT.description,
        TEXT.links,
    )
    assert (text.issued, text.severity, text.normalized, text.aliases) == (
        TEXT.issued,
        TEXT.severity,
        TEXT.normalized,
        TEXT.aliases,
    )


def test_records_of_one_feed_state_are_one_operation() -> None:
    written = made("npm", "semver", Bounds(fixed="4.17.12"))
    first, second = (record(TEXT, written, fingerprint=f) for f in ("a", "b"))
    assert record(TEXT, written, fingerprint="a") == first
    assert first["Ref"] != second["Ref"]
    json.dumps(first)


def test_row_with_a_bound_that_lines_cannot_hold_is_left_out() -> None:
    limited = made("go", "go", Bounds(introduced="1.0.0", limit="2.0.0"))
    assert not expressible(limited)
    assert list(lines(ParsedAdvisory(TEXT, (limited,)), fingerprint="f")) == []


@pytest.mark.parametrize(
    ("written", "numbers", "operation"),
    [
        (
            made("go", "go", Bounds(introduced="1.2.0-rc.1", fixed="1.3")),
            ("semver:0.1.2.0", "semver:0.1.3.0"),
            None,
        ),
        (made("npm", "semver", Bounds()), ("semver:0.0.0.0", "semver:2147483647"), None),
        (made("npm", "semver", Bounds(last="2.0.0")), None, None),
        (
            made("rhcc", "rhctag", Bounds(introduced="4.12", fixed="v4.12.0-1")),
            ("rhctag:4.12", "rhctag:4.12.2147483647"),
            None,
        ),
        (made("rhcc", "rhctag", Bounds()), ("rhctag:0", "rhctag:2147483647"), None),
        (replace(made("rhel", "rpm", Bounds()), arch="x86_64"), None, "equals"),
        (replace(made("rhel", "rpm", Bounds()), arch="a|b"), None, "pattern match"),
        (replace(made("rhel", "rpm", Bounds()), arch="!b"), None, "not equals"),
    ],
)
def test_record_tells_upstream_how_to_find_and_compare(
    written: AdvisoryRow, numbers: tuple[str, str] | None, operation: str | None
) -> None:
    vuln = record(TEXT, written, fingerprint="f")["Vuln"]
    assert vuln.get("range") == (None if numbers is None else {"[": numbers[0], ")": numbers[1]})
    assert vuln.get("arch_op") == operation
