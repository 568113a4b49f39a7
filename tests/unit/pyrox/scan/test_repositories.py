"""Repository ids become CPEs, names of containers places of the catalogue."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pyrox.scan import repositories
from pyrox.scan.coalesce import coalesce
from pyrox.scan.model import (
    Distribution,
    Environment,
    Finds,
    IndexReport,
    Kind,
    LayerFinds,
    NoteKind,
    Origin,
    Package,
    Repository,
)
from pyrox.scan.repositories import CPE_KEY, Mappings, repoid_repository, resolve

DB = "sqlite:var/lib/rpm"
BASH = Package(
    name="bash",
    version="5.1-6.el9",
    ecosystem="rpm",
    package_db=DB,
    arch="x86_64",
    repository_hint="key=1&hash=sha256:a",
)
DBUS = replace(BASH, name="dbus", version="1:1.12-8.el9")
RHEL = Distribution("rhel", "Red Hat Enterprise Linux Server", "9", version_id="9")
BASEOS, APPSTREAM = (
    "cpe:2.3:o:redhat:enterprise_linux:9:*:baseos:*:*:*:*:*",
    "cpe:2.3:a:redhat:enterprise_linux:9:*:appstream:*:*:*:*:*",
)
MAPPINGS = Mappings(
    cpes={
        "base": ["cpe:/o:redhat:enterprise_linux:9::baseos", "nonsense"],
        "app": ["cpe:/a:redhat:enterprise_linux:9::appstream"],
    },
    names={"openshift/ose-cli": ["openshift4/ose-cli", "openshift4/ose-cli-rhel8"]},
)
CONTAINER = Package(
    name="openshift/ose-cli",
    version="v4.12.0-1",
    ecosystem="rhcc",
    package_db="root/buildinfo/Dockerfile-x-v4.12.0-1",
    filepath="root/buildinfo/Dockerfile-x-v4.12.0-1",
    repository="Red Hat Container Catalog",
    source_name="x",
    source_version="v4.12.0-1",
)
GOLD = Repository("Red Hat Container Catalog", "rhcc-container-repository")


def layer(number: int, **found: Finds) -> LayerFinds:
    return LayerFinds(f"sha256:{number}", found)


def sets(*repoids: str) -> Finds:
    return Finds(repositories=tuple(map(repoid_repository, repoids)))


def rpms(*packages: Package) -> Finds:
    return Finds(packages=packages, databases=(DB,), distributions=(RHEL,))


def cpes(report: IndexReport, name: str) -> list[list[str]]:
    """For each place of a package the CPEs of its repositories."""
    places: list[Environment] = [
        place
        for key, found in report.environments.items()
        if report.packages[key].name == name
        for place in found
    ]
    return [[report.repositories[key].cpe for key in place.repository_ids] for place in places]


def test_ids_become_one_repository_for_each_cpe() -> None:
    report = coalesce(resolve([layer(1, rpm=rpms(BASH), content=sets("base", "app", "unknown"))], MAPPINGS))
    assert cpes(report, "bash") == [[APPSTREAM, BASEOS]]
    assert {(r.name, r.key, r.uri) for r in report.repositories.values()} == {
        (BASEOS, CPE_KEY, "repoid=base"),
        (APPSTREAM, CPE_KEY, "repoid=app"),
    }


def test_layers_without_repositories_have_those_of_the_nearest_below_else_above() -> None:
    layers = [
        layer(1, rpm=rpms(BASH)),
        layer(2, content=sets("base")),
        layer(3, rpm=rpms(BASH, DBUS)),
        layer(4, content=sets("app")),
    ]
    report = coalesce(resolve(layers, MAPPINGS))
    # bash came with the first layer, which has them from above; dbus with the third.
    assert (cpes(report, "bash"), cpes(report, "dbus")) == ([[BASEOS]], [[BASEOS]])


def test_package_that_dnf_knows_belongs_to_its_own_repository() -> None:
    origins = (Origin("dbus", "1:1.12-8.el9", "x86_64", "app"), Origin("bash", "4", "x86_64", "app"))
    found = replace(sets("base", "app"), origins=origins)
    report = coalesce(resolve([layer(1, rpm=rpms(BASH, DBUS), content=found)], MAPPINGS))
    assert (cpes(report, "dbus"), cpes(report, "bash")) == ([[APPSTREAM]], [[APPSTREAM, BASEOS]])
    hints = {package.name: package.repository_hint for package in report.packages.values()}
    assert hints == {"bash": "key=1&hash=sha256:a", "dbus": "hash=sha256%3Aa&key=1&repoid=app"}


def test_package_from_a_repository_without_cpes_belongs_to_all_of_its_layer() -> None:
    found = replace(sets("base"), origins=(Origin("bash", BASH.version, "x86_64", "mine"),))
    report = coalesce(resolve([layer(1, rpm=rpms(BASH), content=found)], MAPPINGS))
    assert cpes(report, "bash") == [[BASEOS]]


def test_without_the_file_of_cpes_a_note_says_what_does_not_match() -> None:
    layers = [layer(1, rpm=rpms(BASH), content=sets("base")), layer(2)]
    report = coalesce(resolve(layers, Mappings()))
    assert cpes(report, "bash") == [[]]
    assert [(note.kind, note.subject) for note in report.notes] == [
        (NoteKind.UNSUPPORTED, "repository-to-cpe.json")
    ]


def test_layers_of_others_are_left_as_they_are() -> None:
    layers = [layer(1, rpm=rpms(BASH)), layer(2)]
    assert not repositories.wanted(layers)
    assert resolve(layers, MAPPINGS) == layers


@pytest.mark.parametrize(
    ("system", "asks"), [("almalinux", False), ("fedora", False), ("rhel", True), ("", True)]
)
def test_systems_with_dnf_of_their_own_ask_for_no_file_of_red_hat(system: str, asks: bool) -> None:
    systems = (replace(RHEL, did=system),) if system else ()
    layers = [layer(1, rpm=Finds(packages=(BASH,), distributions=systems)), layer(2, content=sets("baseos"))]
    assert repositories.wanted(layers) is asks


def test_container_has_a_name_for_each_place_in_the_catalogue() -> None:
    source = replace(CONTAINER, name="x", kind=Kind.SOURCE, source_name="", source_version="")
    found = Finds(packages=(source, CONTAINER, replace(CONTAINER, kind=Kind.ANCESTRY)), repositories=(GOLD,))
    assert repositories.wanted([layer(1, rhcc=found)])
    report = coalesce(resolve([layer(1, rhcc=found)], MAPPINGS))
    assert sorted((p.name, p.kind) for p in report.packages.values()) == [
        ("openshift4/ose-cli", Kind.ANCESTRY),
        ("openshift4/ose-cli", Kind.BINARY),
        ("openshift4/ose-cli-rhel8", Kind.ANCESTRY),
        ("openshift4/ose-cli-rhel8", Kind.BINARY),
        ("x", Kind.SOURCE),
    ]
    source_key = next(key for key, package in report.packages.items() if package.kind is Kind.SOURCE)
    others = {
        report.source_ids[key] for key, package in report.packages.items() if package.kind is not Kind.SOURCE
    }
    assert others == {source_key}
    assert {
        report.repositories[i].name
        for places in report.environments.values()
        for e in places
        for i in e.repository_ids
    } == {GOLD.name}


def test_container_that_the_file_does_not_know_keeps_its_label() -> None:
    found = Finds(packages=(replace(CONTAINER, name="mine"),), repositories=(GOLD,))
    report = coalesce(resolve([layer(1, rhcc=found)], Mappings(names={})))
    assert [package.name for package in report.packages.values()] == ["mine"]


def test_container_below_another_is_kept_and_matches_nothing() -> None:
    below = Finds(packages=(replace(CONTAINER, name="base", version="v1.0-1"),), repositories=(GOLD,))
    above = Finds(packages=(CONTAINER,), repositories=(GOLD,))
    report = coalesce(resolve([layer(1, rhcc=below), layer(2, rhcc=above), layer(3)], Mappings()))
    kinds = {package.name: package.normalized.kind for package in report.packages.values()}
    assert kinds == {"base": "unmatchable", "openshift/ose-cli": ""}
