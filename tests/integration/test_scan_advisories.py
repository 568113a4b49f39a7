"""Real advisories in the form of their feeds: what fixes them hits before, and not from there on."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from pyrox.scan import catalogue
from pyrox.scan.advisories.enrichment import Epss, RedHatAdvisory, parse_epss, parse_red_hat
from pyrox.scan.advisories.model import AdvisoryRow, Item, ParsedAdvisory, Severity, Skipped
from pyrox.scan.protocols import Source, VersionScheme
from tests.support import real_advisories as real
from tests.support.real_advisories import Osv
from tests.unit.pyrox.scan.advisories.oval_documents import Entry, Test, document

SCHEMES = catalogue.schemes()


def source(path: str) -> Source:
    (found,) = (s for s in catalogue.sources() if s.accepts(path))
    return found


def osv_document(entry: Osv, ecosystem: str) -> bytes:
    events = [
        {"introduced": introduced} if not fixed else event
        for introduced, fixed in entry.intervals
        for event in (
            {"introduced": introduced},
            {"last_affected": fixed[2:]} if fixed.startswith("<=") else {"fixed": fixed},
        )
    ]
    return json.dumps(
        {
            "id": entry.id,
            "aliases": [entry.alias] if entry.alias else [],
            "affected": [
                {
                    "package": {"ecosystem": ecosystem, "name": entry.package},
                    "ranges": [{"type": "ECOSYSTEM", "events": events}],
                }
            ],
        }
    ).encode()


def parsed(items: Sequence[Item]) -> list[ParsedAdvisory]:
    return [item for item in items if isinstance(item, ParsedAdvisory)]


def hits(rows: Sequence[AdvisoryRow], scheme: VersionScheme, version: str) -> bool:
    return any(row.lo <= scheme.key(version) < row.hi for row in rows)


@pytest.mark.parametrize(
    ("ecosystem", "entries"),
    [
        ("npm", real.NPM),
        ("Maven", real.MAVEN),
        ("NuGet", real.NUGET),
        ("RubyGems", real.RUBYGEMS),
        ("crates.io", real.CRATES),
        ("Packagist", real.PACKAGIST),
    ],
)
def test_language_advisory_hits_from_where_it_came_to_where_it_was_fixed(
    ecosystem: str, entries: tuple[Osv, ...]
) -> None:
    assert len({entry.id for entry in entries}) >= 10
    for entry in entries:
        path = f"osv/{ecosystem}/{entry.id}.json"
        items = list(source(path).parse(path, osv_document(entry, ecosystem)))
        (found,) = parsed(items)
        assert not [item for item in items if isinstance(item, Skipped)]
        scheme = SCHEMES[found.rows[0].scheme]
        assert (found.advisory.name, len(found.rows)) == (entry.id, len(entry.intervals))
        for introduced, fixed in entry.intervals:
            assert hits(found.rows, scheme, "0.0.0" if introduced == "0" else introduced), entry
            if fixed.startswith("<="):
                assert hits(found.rows, scheme, fixed[2:])
            elif fixed:
                assert not hits(found.rows, scheme, fixed), entry


@pytest.mark.parametrize(
    ("ecosystem", "name", "version", "ids"),
    [
        ("npm", "lodash", "4.17.15", {"GHSA-35jh-r3h4-6jhm", "GHSA-29mw-wpgm-hmr9"}),
        ("npm", "minimist", "0.2.2", {"GHSA-xvch-5gv4-984h"}),
        ("npm", "semver", "7.0.0-beta", set()),
        ("npm", "semver", "5.7.2-rc.1", {"GHSA-c2qf-rxjj-qqgw"}),
        (
            "Maven",
            "org.apache.logging.log4j:log4j-core",
            "2.16.0",
            {"GHSA-p6xc-xr62-6r2g", "GHSA-8489-44mv-ggj8"},
        ),
        ("Maven", "io.netty:netty-handler", "4.1.9.Final", {"GHSA-6mjq-h674-j845"}),
        ("Maven", "org.springframework:spring-beans", "5.2.9.RELEASE", {"GHSA-36p3-wjmg-h94x"}),
    ],
)
def test_package_version_has_these_advisories(ecosystem: str, name: str, version: str, ids: set[str]) -> None:
    entries = {"npm": real.NPM, "Maven": real.MAVEN}[ecosystem]
    found = set()
    for entry in entries:
        path = f"osv/{ecosystem}/x.json"
        for item in parsed(list(source(path).parse(path, osv_document(entry, ecosystem)))):
            rows = [row for row in item.rows if row.package == name]
            if rows and hits(rows, SCHEMES[rows[0].scheme], version):
                found.add(item.advisory.name)
    assert found == ids


def test_oracle_advisories_by_release() -> None:
    entries = [
        Entry(
            f"{name}: {what} security update ({word})",
            tuple(Test(package, fixed) for package in packages.split()),
            cves=tuple(cves.split()),
            severity=word,
            platforms=(f"Oracle Linux {release}",),
            issued="2023-01-23",
        )
        for name, what, word, cves, release, packages, fixed in real.ORACLE
    ]
    path = "oracle/com.oracle.elsa-2023.xml.bz2"
    found = parsed(list(source(path).parse(path, document(entries))))
    assert len(found) == len(real.ORACLE) == 10
    by_name = {item.advisory.name.partition(":")[0]: item for item in found}
    sudo = by_name["ELSA-2023-0282"]
    assert [(row.namespace, row.package, row.fixed_in) for row in sudo.rows] == [
        ("ol:9", "sudo", "0:1.9.5p2-7.el9_1.1"),
        ("ol:9", "sudo-python-plugin", "0:1.9.5p2-7.el9_1.1"),
    ]
    assert (sudo.advisory.normalized, sudo.advisory.source) == (Severity.IMPORTANT, "oracle-2023-updater")
    assert hits(sudo.rows, SCHEMES["rpm"], "1.9.5p2-7.el9")
    assert not hits(sudo.rows, SCHEMES["rpm"], "1.9.5p2-7.el9_1.1")
    assert by_name["ELSA-2023-0173"].advisory.normalized is Severity.MODERATE


def test_amazon_advisories_by_repository() -> None:
    found: list[ParsedAdvisory] = []
    for name, repository, word, cves, packages, epoch, version, release, archs in real.AMAZON:
        listed = "".join(
            f'<package name="{p}" epoch="{epoch}" version="{version}" release="{release}" arch="{arch}"/>'
            for p in packages.split()
            for arch in archs.split()
        )
        references = "".join(
            f'<reference href="http://x?name={c}" id="{c}" type="cve"/>' for c in cves.split()
        )
        text = (
            f"<updates><update><id>{name}</id><severity>{word}</severity><references>{references}</references>"
            f"<pkglist><collection>{listed}</collection></pkglist></update></updates>"
        )
        path = f"amazon/{repository}/updateinfo.xml.gz"
        found += parsed(list(source(path).parse(path, text.encode())))
    assert [item.advisory.name for item in found] == [row[0] for row in real.AMAZON]
    assert len(found) == 10
    assert {item.rows[0].namespace for item in found} == {"amzn:2018.03", "amzn:2", "amzn:2023"}
    zlib = found[-1]
    assert len(zlib.rows) == 6
    assert (zlib.advisory.source, zlib.advisory.normalized) == ("aws-AL2023-updater", Severity.IMPORTANT)
    assert hits(zlib.rows, SCHEMES["rpm"], "1.2.11-33.amzn2023.0.3")
    assert not hits(zlib.rows, SCHEMES["rpm"], "1.2.11-33.amzn2023.0.4")
    assert found[0].advisory.normalized is Severity.MODERATE


def test_photon_advisories() -> None:
    entries = [Entry(cve, (Test("curl", fixed),), severity="Important") for cve, fixed in real.PHOTON]
    path = "photon/com.vmware.phsa-photon3.xml.gz"
    found = parsed(list(source(path).parse(path, document(entries))))
    assert [item.advisory.name for item in found] == [cve for cve, _ in real.PHOTON]
    version = "7.78.0-1.ph3"
    hit = {item.advisory.name for item in found if hits(item.rows, SCHEMES["rpm"], version)}
    assert hit == {
        "CVE-2018-14618", "CVE-2021-22945", "CVE-2022-22576", "CVE-2022-27782", "CVE-2022-32207",
        "CVE-2023-27534", "CVE-2023-38545",
    }  # fmt: skip


def test_suse_advisories() -> None:
    namespaces = {
        "suse.linux.enterprise.server.15": "sles:15",
        "suse.linux.enterprise.server.12": "sles:12",
        "opensuse.leap.15.5": "opensuse-leap:15.5",
    }
    names = set()
    for name, package, fixed, update, cves in real.SUSE:
        entries = [
            Entry(cve, (Test(package, fixed),), (cve, update), kind="vulnerability") for cve in cves.split()
        ]
        path = f"suse/{name}.xml.gz"
        found = parsed(list(source(path).parse(path, document(entries))))
        assert [item.advisory.name for item in found] == cves.split()
        for item in found:
            (row,) = item.rows
            assert (row.namespace, row.package) == (namespaces[name], package)
            assert item.advisory.source == f"suse-updater-{name}"
            assert hits(item.rows, SCHEMES["rpm"], f"{fixed}~")
            assert not hits(item.rows, SCHEMES["rpm"], fixed)
        names |= {item.advisory.name for item in found}
    assert len(names) == 15


def test_ubuntu_advisories() -> None:
    entries = [
        Entry(
            f"{cve} on Ubuntu 22.04 LTS (jammy) - medium.",
            (Test(package, fixed),),
            severity="Medium",
            kind="vulnerability",
        )
        for cve, package, fixed in real.UBUNTU
    ]
    path = "ubuntu/com.ubuntu.jammy.cve.oval.xml.bz2"
    found = parsed(list(source(path).parse(path, document(entries, "dpkginfo"))))
    assert len(found) == len(real.UBUNTU) == 10
    for item, (_, package, fixed) in zip(found, real.UBUNTU, strict=True):
        (row,) = item.rows
        assert (row.namespace, row.package, row.fixed_in) == ("ubuntu:22.04", package, fixed)
        assert hits(item.rows, SCHEMES["dpkg"], f"{fixed}~" if fixed else "9")
        assert not fixed or not hits(item.rows, SCHEMES["dpkg"], fixed)


def test_red_hat_advisories() -> None:
    found = []
    for name, word, score, moment in real.RED_HAT:
        head = {
            "tracking": {"id": name, "initial_release_date": moment},
            "aggregate_severity": {"text": word},
        }
        scores = [{"cvss_v3": {"vectorString": "CVSS:3.1/x", "baseScore": score}}]
        data = json.dumps({"document": head, "vulnerabilities": [{"scores": scores}]}).encode()
        found += list(parse_red_hat("rhel-csaf/x.json", data))
    assert len(found) == 10
    assert [
        (f.name, f.severity, f.v3_score, f.released.isoformat() if f.released else "")
        for f in found
        if isinstance(f, RedHatAdvisory)
    ] == list(real.RED_HAT)


def test_epss_rows() -> None:
    found = list(parse_epss("epss/epss_scores.csv.gz", real.EPSS.encode()))
    day = "2025-08-15T00:00:00+0000"
    assert Epss("CVE-2021-44228", 0.94358, 0.99955, day, "v2025.03.14") in found
    assert len({score.cve for score in found if isinstance(score, Epss)}) == 10
