"""Layers over each other: databases, whiteouts, ownership, distributions, ids."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pyrox.scan.coalesce import coalesce
from pyrox.scan.codec import decode_layer, decode_report, encode_layer, encode_report
from pyrox.scan.model import (
    Distribution,
    Finds,
    IndexReport,
    LayerFinds,
    Note,
    NoteKind,
    Owned,
    Package,
    Repository,
)

DEBIAN = Distribution("debian", "Debian GNU/Linux", version_id="12")
STATUS = "var/lib/dpkg/status"
PYPI, NPM = Repository("pypi"), Repository("npm")


def deb(name: str, version: str = "1") -> Package:
    return Package(name, version, "dpkg", package_db=STATUS, source_name=name, source_version=version)


def wheel(name: str, path: str, version: str = "1") -> Package:
    return Package(name, version, "python", package_db="python:x", filepath=path, repository="pypi")


def layers(*finds: Finds) -> list[LayerFinds]:
    return [LayerFinds(f"sha256:{index}", {"all": found}) for index, found in enumerate(finds)]


def names(report: IndexReport) -> set[tuple[str, str]]:
    return {(package.name, package.version) for package in report.packages.values()}


def place(report: IndexReport, name: str) -> str:
    key = next(k for k, package in report.packages.items() if package.name == name)
    return report.environments[key][0].introduced_in


def system(*packages: Package, owned: tuple[Owned, ...] = ()) -> Finds:
    return Finds(packages=packages, databases=(STATUS,), owned=owned)


def test_newest_database_counts_and_first_appearance_is_the_introduction() -> None:
    report = coalesce(layers(system(deb("a"), deb("b"), deb("c")), system(deb("a"), deb("b", "2"))))
    assert names(report) == {("a", "1"), ("b", "2")}
    assert (place(report, "a"), place(report, "b")) == ("sha256:0", "sha256:1")


def test_emptied_database_hides_the_packages_of_earlier_layers() -> None:
    assert names(coalesce(layers(system(deb("a")), system()))) == set()


def test_distribution_is_the_layers_own_else_before_else_after() -> None:
    other = Distribution("debian", "Debian GNU/Linux", version_id="13")
    later = Package("x", "1", "apk", package_db="lib/apk/db/installed")
    report = coalesce(
        layers(
            system(deb("a")),
            Finds(distributions=(DEBIAN,)),
            Finds(packages=(later,)),
            Finds(distributions=(other,)),
        )
    )
    found = {
        report.packages[key].name: report.distributions[env[0].distribution_id].version_id
        for key, env in report.environments.items()
    }
    assert found == {"a": "12", "x": "12"}
    assert len(report.distributions) == 2


def test_whiteouts_remove_files_and_directories_of_earlier_layers_only() -> None:
    files = [
        wheel("top", "gone"),
        wheel("in", "dir/sub/f"),
        wheel("opaque", "op/f"),
        wheel("kept", "directory/f"),
    ]
    marks = (".wh.gone", ".wh.dir", "op/.wh..wh..opq")
    first = Finds(packages=tuple(files), repositories=(PYPI,))
    same = Finds(packages=(wheel("same", "op/g"),), repositories=(PYPI,), whiteouts=marks)
    assert names(coalesce(layers(first, same))) == {("kept", "1"), ("same", "1")}


def test_replaced_file_gives_only_the_later_package() -> None:
    one = Finds(packages=(wheel("x", "f"),), repositories=(PYPI,))
    two = Finds(packages=(wheel("x", "f", "2"),), repositories=(PYPI,))
    report = coalesce(layers(one, two))
    assert names(report) == {("x", "2")}
    assert place(report, "x") == "sha256:1"


def test_file_owned_in_another_layer_is_no_package_of_its_own() -> None:
    owned = (Owned("usr/lib/python3/dist-packages/x/METADATA", "python3-x", STATUS),)
    report = coalesce(
        layers(
            system(deb("python3-x"), owned=owned),
            Finds(
                packages=(wheel("x", "lib/python3/dist-packages/x/METADATA"), wheel("y", "opt/y")),
                repositories=(PYPI,),
            ),
        )
    )
    assert names(report) == {("python3-x", "1"), ("y", "1")}


def test_system_python_beside_an_unlisted_database_is_left_out() -> None:
    packages = (
        deb("a"),
        wheel("x", "usr/lib/python3/x/METADATA"),
        wheel("y", "usr/local/lib/python3/y/METADATA"),
    )
    report = coalesce(layers(Finds(packages=packages, databases=(STATUS,), repositories=(PYPI,))))
    assert names(report) == {("a", "1"), ("y", "1")}


def test_removed_distroless_file_removes_its_package() -> None:
    path = "var/lib/dpkg/status.d/a"
    package = Package("a", "1", "dpkg", package_db=path, filepath=path)
    base = Finds(packages=(package,), databases=(path,))
    assert names(coalesce(layers(base))) == {("a", "1")}
    assert names(coalesce(layers(base, Finds(whiteouts=("var/lib/dpkg/status.d/.wh.a",))))) == set()


def test_same_package_in_two_places_is_one_record_with_two_environments() -> None:
    packages = (
        Package("l", "1", "nodejs", package_db="nodejs:a", filepath="a", repository="npm"),
        Package("l", "1", "nodejs", package_db="nodejs:b", filepath="b", repository="npm"),
    )
    report = coalesce(layers(Finds(packages=packages, repositories=(PYPI, NPM))))
    ((key, environments),) = report.environments.items()
    assert [e.package_db for e in environments] == ["nodejs:a", "nodejs:b"]
    assert [report.repositories[i].name for e in environments for i in e.repository_ids] == ["npm", "npm"]
    assert report.source_ids[key] != key


def test_notes_name_their_layer() -> None:
    report = coalesce(layers(Finds(notes=(Note(NoteKind.TOO_LARGE, "f", "why"),))))
    assert report.notes == (Note(NoteKind.TOO_LARGE, "f", "layer sha256:0: why"),)


def test_nothing_gives_an_empty_report() -> None:
    assert coalesce([]) == IndexReport()


def test_stored_forms_come_back_equal() -> None:
    (layer,) = layers(system(deb("a"), owned=(Owned("p", "a", STATUS),)))
    assert decode_layer(encode_layer(layer)) == layer
    report = coalesce([layer])
    assert decode_report(encode_report(report)) == report


def test_database_that_moved_below_usr_is_the_same_database() -> None:
    old = Package("musl", "1", "apk", package_db="lib/apk/db/installed")
    new = Package("musl", "2", "apk", package_db="usr/lib/apk/db/installed")
    assert names(coalesce(layers(Finds(packages=(old,)), Finds(packages=(new,))))) == {("musl", "2")}


def rpms(database: str, *packages: str, whiteouts: tuple[str, ...] = ()) -> Finds:
    """A layer with an rpm database."""
    found = tuple(
        Package(name, version, "rpm", package_db=database)
        for name, _, version in (package.partition("-") for package in packages)
    )
    return Finds(packages=found, databases=(database,), whiteouts=whiteouts)


@pytest.mark.parametrize("mark", ["var/lib/rpm/.wh.Packages", "var/lib/.wh.rpm"])
def test_rpm_database_that_was_rebuilt_in_another_form_counts_no_more(mark: str) -> None:
    old = rpms("bdb:var/lib/rpm", "a-1", "b-1")
    new = rpms("sqlite:usr/lib/sysimage/rpm", "a-2", whiteouts=(mark,))
    assert names(coalesce(layers(old, new))) == {("a", "2")}
    assert names(coalesce(layers(old, Finds(whiteouts=(mark,)), replace(new, whiteouts=())))) == {("a", "2")}


def test_rpm_database_that_was_only_removed_still_counts() -> None:
    old = rpms("bdb:var/lib/rpm", "a-1")
    gone = Finds(whiteouts=("var/lib/rpm/.wh.Packages",))
    assert names(coalesce(layers(old, gone))) == {("a", "1")}


def test_two_rpm_databases_that_stay_are_both_there() -> None:
    both = (rpms("bdb:var/lib/rpm", "a-1"), rpms("sqlite:opt/root/var/lib/rpm", "b-1"))
    assert names(coalesce(layers(*both))) == {("a", "1"), ("b", "1")}
