"""Plans, decisions with their reasons, and the coverage of a scan."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pyrox.scan import catalogue
from pyrox.scan.advisories.model import HIGHEST, AdvisoryRow, Feed
from pyrox.scan.coverage import Verdict, coverage
from pyrox.scan.matching import ANY_REPOSITORY, decide, highest_fix, plan
from pyrox.scan.model import (
    Distribution,
    Environment,
    IndexReport,
    Kind,
    Lookup,
    NormalizedVersion,
    Note,
    NoteKind,
    Package,
    Repository,
)

MATCHERS, SCHEMES = catalogue.matchers(), catalogue.schemes()
DEBIAN = Distribution("debian", "Debian", version_id="12")


def report(
    *packages: Package, system: Distribution | None = DEBIAN, notes: tuple[Note, ...] = ()
) -> IndexReport:
    value = IndexReport(notes=notes)
    if system is not None:
        value.distributions["s"] = system
    value.repositories["r"] = Repository("cpe", cpe="cpe:2.3:o:x:y:1")
    for index, package in enumerate(packages):
        value.packages[str(index)] = package
        place = Environment("db", "sha256:0", "s" if system and not package.repository else "", ("r",))
        value.environments[str(index)] = (place, place)
    return value


def lookup(**more: object) -> Lookup:
    base = Lookup("0", "debian:12", "a", Kind.SOURCE, "dpkg", "1.0-1", SCHEMES["dpkg"].key("1.0-1"))
    return replace(base, **more)  # type: ignore[arg-type]  # fields by name


def row(**more: object) -> AdvisoryRow:
    base = AdvisoryRow("debian:12", "a", Kind.SOURCE, "dpkg", b"", HIGHEST, "CVE-1")
    return replace(base, **more)  # type: ignore[arg-type]  # fields by name


def test_system_package_is_asked_by_its_own_and_its_sources_name_and_version() -> None:
    package = Package(
        "libc6", "2.36-9+b1", "dpkg", source_name="glibc", source_version="2.36-9", arch="amd64"
    )
    found = plan(report(package), MATCHERS).lookups
    assert [(f.namespace, f.package, f.kind, f.version) for f in found] == [
        ("debian:12", "libc6", Kind.BINARY, "2.36-9+b1"),
        ("debian:12", "glibc", Kind.SOURCE, "2.36-9"),
    ]
    assert found[0].key == SCHEMES["dpkg"].key("2.36-9+b1")
    assert found[0].repository_cpes == ("cpe:2.3:o:x:y:1",)


@pytest.mark.parametrize(
    ("ecosystem", "name", "version", "namespace", "asked"),
    [
        ("python", "Foo_Bar", "1.0", "pypi", "foo-bar"),
        ("nodejs", "@a/B", "1.0.0", "npm", "@a/B"),
        ("java", "org.x:y", "1", "maven", "org.x:y"),
        ("go", "stdlib", "1.22", "go", "stdlib"),
        ("nuget", "Newtonsoft.Json", "1", "nuget", "newtonsoft.json"),
        ("composer", "A/b", "1.0", "packagist", "a/b"),
        ("kubernetes", "k8s.io/apiserver", "1.27.1", "kubernetes", "k8s.io/apiserver"),
    ],
)
def test_language_package_is_asked_in_its_namespace(
    ecosystem: str, name: str, version: str, namespace: str, asked: str
) -> None:
    (found,) = plan(report(Package(name, version, ecosystem, repository="r")), MATCHERS).lookups
    assert (found.namespace, found.package, found.kind) == (namespace, asked, Kind.BINARY)
    assert found.key is not None


@pytest.mark.parametrize(
    ("system", "ecosystem", "namespaces"),
    [
        (Distribution("ubuntu", "U", version_id="22.04"), "dpkg", {"ubuntu:22.04"}),
        (Distribution("debian", "D"), "dpkg", set()),
        (Distribution("alpine", "A", version="3.19"), "apk", {"alpine:v3.19"}),
        (Distribution("alpine", "A", version="edge"), "apk", {"alpine:edge"}),
        (Distribution("alpine", "A"), "apk", set()),
        (Distribution("wolfi", "W", version_id="1"), "apk", {"wolfi"}),
        (Distribution("almalinux", "A", version_id="9"), "rpm", {"almalinux:9"}),
        (Distribution("arch", "A"), "rpm", set()),
        (None, "rpm", set()),
    ],
)
def test_namespace_of_a_system(system: Distribution | None, ecosystem: str, namespaces: set[str]) -> None:
    found = plan(report(Package("a", "1-1", ecosystem), system=system), MATCHERS)
    assert {f.namespace for f in found.lookups} == namespaces
    assert found.unasked == (() if namespaces else ("0",))


def test_apk_package_without_origin_is_its_own_source() -> None:
    found = plan(
        report(Package("musl", "1.2-r0", "apk"), system=Distribution("alpine", "A", version="3.19")), MATCHERS
    )
    assert [(f.package, f.kind) for f in found.lookups] == [("musl", Kind.BINARY), ("musl", Kind.SOURCE)]


def test_unmatchable_package_is_neither_asked_nor_missing() -> None:
    package = Package("x", "1", "rpm", normalized=NormalizedVersion("unmatchable"))
    assert plan(report(package), MATCHERS) == plan(report(), MATCHERS)


def test_key_decides_where_there_is_one() -> None:
    fixed = row(hi=SCHEMES["dpkg"].key("2.0-1"), fixed_in="2.0-1")
    found = decide(lookup(), fixed, SCHEMES)
    assert (found.hit, found.reason) == (True, "1.0-1 against from the first version before 2.0-1 (dpkg)")
    assert not decide(lookup(version="2.0-1", key=SCHEMES["dpkg"].key("2.0-1")), fixed, SCHEMES).hit


@pytest.mark.parametrize(
    ("bounds", "version", "hit"),
    [
        ({"fixed_in": "2"}, "1", True),
        ({"fixed_in": "2"}, "2", False),
        ({"introduced": "1", "last_affected": "2"}, "2", True),
        ({"introduced": "1", "last_affected": "2"}, "3", False),
        ({"introduced": "1"}, "0.5", False),
        ({}, "9", True),
    ],
)
def test_comparator_decides_for_rows_without_a_key(bounds: dict[str, str], version: str, hit: bool) -> None:
    found = decide(
        lookup(version=version, key=SCHEMES["dpkg"].key(version)), row(fallback=True, **bounds), SCHEMES
    )
    assert found.hit is hit
    assert found.reason.endswith("(dpkg)")


def test_comparator_decides_for_versions_without_a_key() -> None:
    odd = lookup(scheme="apk", version="1.0.foo", key=None)
    assert decide(odd, row(scheme="apk", fixed_in="1.1-r0"), SCHEMES).hit
    assert not decide(odd, row(scheme="apk", fixed_in="0.9-r0"), SCHEMES).hit


def test_what_cannot_be_compared_is_no_hit_and_says_so() -> None:
    found = decide(lookup(version="not a version", key=None), row(fixed_in="1"), SCHEMES)
    assert (found.hit, found.reason.partition(":")[0]) == (False, "not comparable")
    assert (
        decide(lookup(key=None), row(scheme="unheard of"), SCHEMES).reason
        == "no version order of the name unheard of"
    )


@pytest.mark.parametrize(
    ("asked", "conditions", "hit"),
    [
        ({"module": "a:1"}, {"module": "a:1"}, True),
        ({"module": ""}, {"module": "a:1"}, False),
        ({"module": "a:1"}, {"module": ""}, True),
        ({"module": "a:1"}, {"module": "", "namespace": "rhel"}, False),
        ({"arch": "amd64"}, {"arch": "amd64|arm64"}, True),
        ({"arch": "s390x"}, {"arch": "amd64|arm64"}, False),
        ({"arch": "s390x"}, {"arch": ".*"}, True),
        ({"arch": ""}, {"arch": "amd64"}, True),
        (
            {"repository_cpes": ("cpe:2.3:o:redhat:enterprise_linux:9:*:baseos",)},
            {"cpe": "cpe:2.3:o:redhat:enterprise_linux:9:*:*"},
            True,
        ),
        ({"repository_cpes": ()}, {"cpe": "cpe:2.3:o:redhat:enterprise_linux:9"}, False),
        ({"repository_cpes": (ANY_REPOSITORY,)}, {"cpe": "cpe:2.3:o:redhat:enterprise_linux:9"}, True),
        ({"arch": "amd64"}, {"arch": "!amd64"}, False),
        ({"arch": "arm64"}, {"arch": "!amd64"}, True),
    ],
)
def test_conditions_beside_the_version(
    asked: dict[str, object], conditions: dict[str, object], hit: bool
) -> None:
    assert decide(lookup(**asked), row(**conditions), SCHEMES).hit is hit


def test_highest_fix_leaves_out_what_is_no_version() -> None:
    assert highest_fix(["1.0", "", "1.10", "not a version", "1.9"], SCHEMES["dpkg"]) == "1.10"
    assert highest_fix(["not a version"], SCHEMES["dpkg"]) == ""


def test_highest_fix_compares_exactly_what_has_no_key() -> None:
    assert highest_fix(["1.0", "1.2.foo"], SCHEMES["apk"]) == "1.2.foo"
    assert highest_fix(["1.2.foo", "1.2"], SCHEMES["apk"]) == "1.2"
    assert highest_fix(["1.2.foo"], SCHEMES["apk"]) == "1.2.foo"


FEED = Feed("debian/updater")


@pytest.mark.parametrize(
    ("package", "system", "verdict"),
    [
        (Package("a", "1-1", "dpkg"), DEBIAN, Verdict.MATCHED),
        (Package("a", "not a version", "dpkg"), DEBIAN, Verdict.UNPARSABLE_VERSION),
        (Package("a", "1-1", "dpkg"), replace(DEBIAN, version_id="13"), Verdict.NO_FEED),
        (Package("a", "1-1", "dpkg"), replace(DEBIAN, version_id=""), Verdict.NO_FEED),
        (Package("a", "1-1", "rpm"), None, Verdict.UNKNOWN_SYSTEM),
        (Package("a", "1", "", repository="x"), DEBIAN, Verdict.UNSUPPORTED),
        (Package("a", "1.0.foo", "apk"), Distribution("alpine", "A", version="3.19"), Verdict.MATCHED),
    ],
)
def test_verdict_on_a_package(package: Package, system: Distribution | None, verdict: Verdict) -> None:
    value = report(package, system=system)
    feeds = {"debian:12": (FEED,), "alpine:v3.19": (Feed("alpine-main-v3.19-updater"),)}
    found = coverage(value, plan(value, MATCHERS), feeds, SCHEMES)
    assert [p.verdict for p in found.packages] == [verdict]
    assert found.layers[0].counts == ((verdict, 1),)
    assert found.complete is (verdict is Verdict.MATCHED)
    assert bool(found.packages[0].detail) is (verdict is not Verdict.MATCHED)


def test_unread_content_makes_the_coverage_incomplete() -> None:
    value = report(Package("a", "1-1", "dpkg"), notes=(Note(NoteKind.TRUNCATED, ""),))
    found = coverage(value, plan(value, MATCHERS), {"debian:12": (FEED,)}, SCHEMES)
    assert found.packages[0].feeds == (FEED,)
    assert not found.complete
