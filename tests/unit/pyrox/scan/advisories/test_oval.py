"""OVAL documents of each publisher: tests become rows, and what is left out has a reason."""

from __future__ import annotations

import bz2

import pytest

from pyrox.scan.advisories.model import HIGHEST, AdvisoryRow, Alias, Item, ParsedAdvisory, Severity, Skipped
from pyrox.scan.advisories.oval import OvalSource
from pyrox.scan.ecosystems.dpkg.ubuntu import SOURCE as UBUNTU
from pyrox.scan.ecosystems.rpm.update import SOURCES
from pyrox.scan.model import Kind
from pyrox.scan.versions.rpm import Rpm
from tests.unit.pyrox.scan.advisories.oval_documents import Entry, Test, document

BY_NAME = {source.name: source for source in SOURCES}
JAMMY = "ubuntu/com.ubuntu.jammy.cve.oval.xml.bz2"
PLAIN = OvalSource("x", Rpm(), updater=lambda _: "x-updater", namespaces=lambda *_: ("x:1",))


def parse(
    *entries: Entry, source: OvalSource = PLAIN, path: str = "x", family: str = "rpminfo"
) -> list[Item]:
    return list(source.parse(path, document(entries, family)))


def rows(found: list[Item]) -> list[AdvisoryRow]:
    return [row for item in found if isinstance(item, ParsedAdvisory) for row in item.rows]


def reasons(found: list[Item]) -> list[str]:
    return [item.reason for item in found if isinstance(item, Skipped)]


def test_definition_becomes_an_advisory_with_a_row_for_each_test() -> None:
    entry = Entry(
        "CVE-2022-1001 and more",
        (Test("curl", "0:7.1-2", arch="(aarch64|x86_64)"), Test("libcurl", "7.1-3", "less than or equal")),
        cves=("CVE-2022-1001", "CVE-2022-1002"),
        severity="Important",
        issued="2022-05-06",
    )
    found = parse(entry)
    (advisory,) = (item.advisory for item in found if isinstance(item, ParsedAdvisory))
    assert (advisory.source, advisory.name, advisory.description) == ("x-updater", entry.title, "about it")
    assert (advisory.severity, advisory.normalized) == ("Important", Severity.IMPORTANT)
    assert advisory.aliases == (Alias("CVE", "CVE-2022-1001"), Alias("CVE", "CVE-2022-1002"))
    assert advisory.links.split()[0] == "https://www.cve.org/CVERecord?id=CVE-2022-1001"
    assert len(advisory.links.split()) == 4
    assert advisory.issued is not None
    assert advisory.issued.isoformat() == "2022-05-06T00:00:00+00:00"
    one, two = rows(found)
    assert (one.namespace, one.package, one.kind, one.fixed_in, one.arch) == (
        "x:1",
        "curl",
        Kind.BINARY,
        "0:7.1-2",
        "aarch64|x86_64",
    )
    assert (two.last_affected, two.fixed_in, two.arch) == ("7.1-3", "", "")


def test_package_without_a_version_is_affected_in_every_version() -> None:
    (row,) = rows(parse(Entry("CVE-2022-1", (Test("curl"),))))
    assert (row.lo, row.hi, row.fixed_in) == (b"", HIGHEST, "")
    (row,) = rows(parse(Entry("CVE-2022-1", (Test("curl", "0:0-0", "greater than"),))))
    assert (row.lo, row.hi) == (b"", HIGHEST)


def test_modules_of_the_comments_are_conditions_of_every_row() -> None:
    found = rows(parse(Entry("x", (Test("nodejs", "1-1"),), comments=("Module nodejs:18 is enabled",))))
    assert [(row.package, row.module) for row in found] == [("nodejs", "nodejs:18")]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (Entry("a", (Test("sles-release", "15.4", "equals"),)), "test with comparison 'equals'"),
        (Entry("a", (Test("", "1-1"),)), "test of no known object"),
        (Entry("a", ()), "definition without a test of a package"),
    ],
)
def test_what_is_left_out_has_a_reason(entry: Entry, reason: str) -> None:
    assert reasons(parse(entry)) == [reason]


def test_version_without_a_place_is_named() -> None:
    found = parse(Entry("a", (Test("p", "1:2:3 odd"),)), source=UBUNTU, path=JAMMY, family="dpkginfo")
    assert [row.fallback for row in rows(found)] == [True]
    assert reasons(found) == ["bound that is no version: '1:2:3 odd'"]


def test_inventory_and_negated_tests_say_nothing() -> None:
    assert parse(Entry("a", (Test("p", "1-1"),), kind="inventory")) == []
    data = document([Entry("a", (Test("p", "1-1"),))]).replace(
        b'<criteria operator="OR">', b'<criteria operator="OR" negate="true">'
    )
    assert reasons(list(PLAIN.parse("x", data))) == ["definition without a test of a package"]


def test_definitions_before_the_damage_stay_good() -> None:
    data = document([Entry("a", (Test("p", "1-1"),))]).replace(b"</oval_definitions>", b"<")
    found = list(PLAIN.parse("x", data))
    assert [row.package for row in rows(found)] == ["p"]
    assert reasons(found)[0].startswith("XML")


def test_bomb_and_broken_packing_are_one_reason() -> None:
    assert reasons(list(PLAIN.parse("x", b"<a>" * 10_000))) == ["XML nested more than 100 deep"]
    assert reasons(list(PLAIN.parse("x", bz2.compress(b"<a/>")[:-2]))) == ["bzip2 ends early"]


def test_ubuntu_names_binaries_by_variables_and_zero_is_unfixed() -> None:
    entry = Entry(
        "CVE-2022-29800 on Ubuntu 22.04 LTS (jammy) - medium.",
        (Test("libcurl4 curl", "7.81.0-1ubuntu1.1"), Test("wget"), Test("bash", "0")),
        severity="Medium",
        kind="vulnerability",
    )
    found = parse(entry, source=UBUNTU, path=JAMMY, family="dpkginfo")
    assert [(r.namespace, r.package, r.scheme, r.fixed_in) for r in rows(found)] == [
        ("ubuntu:22.04", "libcurl4", "dpkg", "7.81.0-1ubuntu1.1"),
        ("ubuntu:22.04", "curl", "dpkg", "7.81.0-1ubuntu1.1"),
        ("ubuntu:22.04", "wget", "dpkg", ""),
        ("ubuntu:22.04", "bash", "dpkg", ""),
    ]
    (advisory,) = (item.advisory for item in found if isinstance(item, ParsedAdvisory))
    assert (advisory.source, advisory.normalized) == ("ubuntu/updater/jammy", Severity.MODERATE)
    assert advisory.aliases == (Alias("CVE", "CVE-2022-29800"),)


def test_oracle_goes_by_platform_and_leaves_out_live_patches() -> None:
    source = BY_NAME["oracle"]
    assert isinstance(source, OvalSource)
    entry = Entry(
        "ELSA-2023-1: glibc (N/A)",
        (Test("glibc", "2:2.17-1.ksplice1.el7"), Test("bcel", "0:6.4.1-9.el9_1"), Test("tool", "0:1-2")),
        platforms=("Oracle Linux 9", "Oracle Linux 8", "Oracle VM"),
        severity="N/A",
    )
    found = parse(entry, source=source, path="oracle/com.oracle.elsa-2023.xml.bz2")
    assert [(r.namespace, r.package) for r in rows(found)] == [
        ("ol:9", "bcel"),
        ("ol:9", "tool"),
        ("ol:8", "tool"),
    ]
    assert reasons(found) == ["fix of ksplice"]
    (advisory,) = (item.advisory for item in found if isinstance(item, ParsedAdvisory))
    assert (advisory.source, advisory.normalized) == ("oracle-2023-updater", Severity.UNSPECIFIED)
    other = parse(Entry("b", (Test("p", "1-1"),)), source=source, path="oracle/com.oracle.elsa-2023.xml")
    assert reasons(other) == ["definition for no system that is known"]


@pytest.mark.parametrize(
    ("path", "updater", "namespace"),
    [
        (
            "suse/suse.linux.enterprise.server.15.xml.gz",
            "suse-updater-suse.linux.enterprise.server.15",
            "sles:15",
        ),
        ("suse/opensuse.leap.15.5.xml.gz", "suse-updater-opensuse.leap.15.5", "opensuse-leap:15.5"),
        ("photon/com.vmware.phsa-photon3.xml.gz", "photon-updater-photon3", "photon:3.0"),
        ("azure/azurelinux-3.0-oval.xml", "azure-updater-azurelinux-3.0", "azurelinux:3.0"),
        ("azure/cbl-mariner-2.0-oval.xml", "azure-updater-cbl-mariner-2.0", "mariner:2.0"),
    ],
)
def test_document_of_a_release_by_its_path(path: str, updater: str, namespace: str) -> None:
    (source,) = (s for s in SOURCES if s.accepts(path))
    assert isinstance(source, OvalSource)
    found = parse(Entry("CVE-2023-1", (Test("p", "1-1"),)), source=source, path=path)
    assert [r.namespace for r in rows(found)] == [namespace]
    assert [i.advisory.source for i in found if isinstance(i, ParsedAdvisory)] == [updater]


@pytest.mark.parametrize(
    "path",
    [
        "suse/suse.linux.enterprise.desktop.15.xml",
        "ubuntu/com.ubuntu.warty.cve.oval.xml",
        "photon/x.xml",
        "oracle/a.xml",
    ],
)
def test_path_that_belongs_to_nobody(path: str) -> None:
    assert not any(source.accepts(path) for source in (*SOURCES, UBUNTU))
