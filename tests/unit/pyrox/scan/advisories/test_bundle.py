"""Lines of upstream's bundles: namespaces, ranges in their three forms, enrichments, damage."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pyrox.scan import catalogue
from pyrox.scan.advisories import bundle
from pyrox.scan.advisories.enrichment import Epss, Kev, Nvd, RedHatAdvisory
from pyrox.scan.advisories.model import HIGHEST, AdvisoryRow, Alias, ParsedAdvisory, Severity, Skipped
from pyrox.scan.model import Kind

SCHEMES = catalogue.schemes()
DEBIAN = {"did": "debian", "version_id": "12"}


def vuln(**more: Any) -> dict[str, Any]:
    return {
        "name": "CVE-1",
        "updater": "u",
        "issued": "2026-01-01T00:00:00Z",
        "links": "https://x",
        "severity": "high",
        "normalized_severity": "High",
        "package": {"name": "Foo_Bar", "kind": "source"},
        "fixed_in_version": "",
    } | more


def record(**line: Any) -> bundle.Record:
    (found,) = bundle.read(
        [
            json.dumps(
                {"Updater": "u", "Ref": "r", "Fingerprint": "f", "Date": "2026-08-01T00:00:00Z"} | line
            ).encode()
        ],
        SCHEMES,
    )
    return found


def row(**more: Any) -> AdvisoryRow:
    content = record(Vuln=vuln(**more)).content
    assert isinstance(content, ParsedAdvisory), content
    return content.rows[0]


def test_line_names_its_operation() -> None:
    found = record(Vuln=vuln(distribution=DEBIAN, Aliases=[{"Space": "CVE", "Name": "CVE-1"}]))
    assert (found.updater, found.ref, found.fingerprint) == ("u", "r", "f")
    assert found.date is not None
    assert isinstance(found.content, ParsedAdvisory)
    advisory = found.content.advisory
    assert (advisory.source, advisory.name, advisory.normalized) == ("u", "CVE-1", Severity.IMPORTANT)
    assert advisory.aliases == (Alias("CVE", "CVE-1"),)


@pytest.mark.parametrize(
    ("more", "namespace", "package", "kind", "scheme"),
    [
        ({"distribution": DEBIAN}, "debian:12", "Foo_Bar", Kind.SOURCE, "dpkg"),
        (
            {"distribution": {"did": "ubuntu", "version_id": "22.04"}},
            "ubuntu:22.04",
            "Foo_Bar",
            Kind.SOURCE,
            "dpkg",
        ),
        (
            {"distribution": {"did": "alpine", "version": "3.19", "pretty_name": "Alpine Linux v3.19"}},
            "alpine:v3.19",
            "Foo_Bar",
            Kind.SOURCE,
            "apk",
        ),
        ({"distribution": {"did": "photon", "version": "4.0"}}, "photon:4.0", "Foo_Bar", Kind.SOURCE, "rpm"),
        ({"repository": {"name": "pypi"}}, "pypi", "foo-bar", Kind.BINARY, "pep440"),
        ({"repository": {"name": "maven"}}, "maven", "Foo_Bar", Kind.BINARY, "maven"),
        (
            {"updater": "rhel-vex", "repository": {"name": "cpe:/a:b", "key": "red_hat_linux_8"}},
            "rhel",
            "Foo_Bar",
            Kind.SOURCE,
            "rpm",
        ),
        (
            {"repository": {"name": "cpe:/a:b", "key": "rhcc-container-repository"}},
            "rhcc",
            "Foo_Bar",
            Kind.SOURCE,
            "rhctag",
        ),
        (
            {"repository": {"name": "cpe:/a:c", "key": "rhel-cpe-repository", "cpe": "cpe:/a:b"}},
            "rhel",
            "Foo_Bar",
            Kind.SOURCE,
            "rpm",
        ),
    ],
)
def test_namespace_follows_distribution_or_repository(
    more: dict[str, Any], namespace: str, package: str, kind: Kind, scheme: str
) -> None:
    found = row(**more)
    assert (found.namespace, found.package, found.kind, found.scheme) == (namespace, package, kind, scheme)
    assert found.cpe == ("cpe:2.3:a:b:*:*:*:*:*:*:*:*:*" if namespace in {"rhel", "rhcc"} else "")


@pytest.mark.parametrize(
    ("fixed", "numbers", "bounds"),
    [
        ("2.0", None, ("", "2.0", "")),
        ("fixed=2.20.0", None, ("", "2.20.0", "")),
        ("introduced=1.0&fixed=2.0", None, ("1.0", "2.0", "")),
        ("introduced=0&lastAffected=3", None, ("", "", "3")),
        ("", {"[": "semver:0.1.2.3", ")": "semver:0.2"}, ("1.2.3-0", "2.0.0", "")),
        ("2.1.0-rc1", {"[": "semver:", ")": "semver:0.2.1"}, ("", "2.1.0-rc1", "")),
        ("", {"[": "semver:0.1", ")": "semver:2147483647.0"}, ("1.0.0-0", "", "")),
    ],
)
def test_range_forms(fixed: str, numbers: dict[str, str] | None, bounds: tuple[str, str, str]) -> None:
    found = row(repository={"name": "npm"}, fixed_in_version=fixed, range=numbers)
    assert (found.introduced, found.fixed_in, found.last_affected) == bounds


def test_zero_means_never_for_debian_and_unfixed_for_ubuntu() -> None:
    assert record(Vuln=vuln(distribution=DEBIAN, fixed_in_version="0")).content == Skipped(
        "CVE-1", "never affected"
    )
    assert row(distribution={"did": "ubuntu", "version_id": "22.04"}, fixed_in_version="0").hi == HIGHEST


def test_inverted_statement_is_a_row_of_its_own_kind() -> None:
    assert row(distribution=DEBIAN, Invert=True).not_affected


def test_equal_texts_share_a_key_and_others_do_not() -> None:
    def key(**more: Any) -> str:
        content = record(Vuln=vuln(distribution=DEBIAN, **more)).content
        assert isinstance(content, ParsedAdvisory)
        return content.advisory.key

    assert key() == key(package={"name": "other", "kind": "binary"})
    assert key() != key(description="other")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"Vuln": vuln()}, "neither a distribution nor a repository"),
        ({"Vuln": vuln(package=None, distribution=DEBIAN)}, "no package"),
        ({"Vuln": vuln(repository={"name": "unheard of"})}, "neither a distribution"),
        ({}, "neither advisory nor enrichment"),
        ({"Updater": "what", "Enrichment": {"tags": [], "enrichment": {}}}, "enrichment of unknown updater"),
        ({"Updater": "clair.epss", "Enrichment": {"enrichment": []}}, "malformed enrichment"),
        ({"Vuln": 5}, "malformed"),
    ],
)
def test_line_left_out_is_named_with_its_reason(line: dict[str, Any], reason: str) -> None:
    content = record(**line).content
    assert isinstance(content, Skipped)
    assert content.reason.startswith(reason)


def test_alias_list_of_another_form_does_not_lose_the_advisory() -> None:
    content = record(Vuln=vuln(distribution=DEBIAN, Aliases="odd")).content
    assert isinstance(content, ParsedAdvisory)
    assert content.advisory.aliases == ()


def test_overlong_and_empty_lines() -> None:
    found = list(bundle.read([b" \n", b"x" * (bundle.MAX_LINE + 1), b"{"], SCHEMES))
    assert [type(item.content) for item in found] == [Skipped, Skipped]
    assert found[0].content == Skipped("line 2", "line too long")


@pytest.mark.parametrize(
    ("updater", "content", "expected"),
    [
        ("nvd", {"id": "CVE-1"}, Nvd("CVE-1")),
        (
            "clair.epss",
            {"cve": "CVE-1", "epss": 0.5, "percentile": 0.9, "date": "d", "modelVersion": "m"},
            Epss("CVE-1", 0.5, 0.9, "d", "m"),
        ),
        ("clair.kev", {"cve": "CVE-1", "date_added": "d"}, Kev("CVE-1", date_added="d")),
        ("stackrox.rhel-csaf", {"name": "RHSA-1"}, RedHatAdvisory("RHSA-1")),
    ],
)
def test_enrichment_by_its_updater(updater: str, content: dict[str, Any], expected: object) -> None:
    assert record(Updater=updater, Enrichment={"tags": ["CVE-1"], "enrichment": content}).content == expected
